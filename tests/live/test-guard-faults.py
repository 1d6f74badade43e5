# SPDX-License-Identifier: MIT
"""fantail guard when something runs out, dies or hangs: nobody waits past the deadline, no answer is wrong.

Seen from who opens: a file that is denied is never opened while there is a guard.
"""

import contextlib
import errno
import fcntl
import mmap
import multiprocessing
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from guard import Guard, Openers, Scanner, guarded, make_files, mortal, opened
from harness import Failure, case, check, equal, main
from machine import Skip, filesystem, libc, mounted, spawn, temp_dir
from records import is_event
from watch import FANTAIL

EPERM = errno.EPERM
SOON = 5  # seconds, on a busy machine; what needs no scanner takes microseconds
TIMEOUT = 2
FAILING = os.environ["FAILING_MALLOC"]


def wait_until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.01)


def expect(path, wanted, what, flags=os.O_RDONLY, limit=SOON):
    began = time.monotonic()
    equal(opened(path, flags), wanted, what)
    took = time.monotonic() - began
    check(took < limit, f"{what}: waited {took:.1f} s")


def expect_right(base, what):
    for i in range(20):
        expect(base / f"deny-{i}", EPERM, f"{what}: deny-{i}")
        expect(base / f"allow-{i}", None, f"{what}: allow-{i}")


def deny_some(base):
    make_files(base)
    return guarded(base, [f"{{name: no, path: '{base}/deny-*', verdict: deny}}"])


# ---- out of memory ----


class Memory:
    """How many allocations a guard still has; failing.c reads it."""

    def __init__(self, left=-1):
        self.path = temp_dir("memory") / "left"
        self.path.write_bytes(struct.pack("ii", left, 0))
        with open(self.path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self.env = {**os.environ, "LD_PRELOAD": FAILING, "FAILING": str(self.path)}

    def leave(self, left):
        self._map[:4] = struct.pack("i", left)

    def done(self):
        return struct.unpack("i", self._map[4:])[0]


def need_own_allocator():
    if b"__asan_init" in Path(FANTAIL).read_bytes():
        raise Skip("a sanitizer allocates its memory")


def start_with(base, policy, left):
    """True: it runs, and answers rightly; False: it has refused to."""
    memory = Memory(left)
    try:
        guard = Guard(policy=policy, env=memory.env)
    except Failure as failure:
        check(" exit -" not in str(failure), f"{left} allocations: {failure}")
        expect(base / "deny-0", None, f"{left} allocations, no guard")
        return False
    with guard:
        expect_right(base, f"{left} allocations")
        memory.leave(-1)
        guard.process.terminate()
        check(guard.process.wait(60) >= 0, f"{left} allocations: {guard.stderr()}")
    return True


@case()
def no_memory_to_start():
    need_own_allocator()
    with filesystem("tmpfs") as base:
        policy, memory = deny_some(base), Memory()
        with Guard(policy=policy, env=memory.env) as guard:
            total = memory.done()
            guard.stop()
        check(total > 100, f"only {total} allocations: they are not seen")
        numbers = [*range(0, 20, 4), *range(20, total, max(total // 30, 1)), total + 50]
        ran = [start_with(base, policy, n) for n in numbers]
        check(not ran[0] and ran[-1], f"{ran}")
        print(f"  {total} allocations to start, {ran.count(False)} of {len(ran)} starts refused")


@case(0, 1, 3, 10, 30, 100, 300)
def no_memory_while_it_runs(left):
    need_own_allocator()
    with filesystem("tmpfs") as base:
        policy, memory = deny_some(base), Memory()
        with Guard(policy=policy, env=memory.env) as guard:
            memory.leave(left)
            expect_right(base, "right away")
            (base / "later").write_text("x")
            os.rename(base / "later", base / "deny-later")
            wait_until(lambda: opened(base / "deny-later") == EPERM, "what was renamed")
            os.kill(guard.pid, signal.SIGHUP)
            wait_until(lambda: memory.done() > left, "an allocation that fails")
            expect_right(base, "after a reload")
            result = Openers(base, 10, 2000).result()
            equal(result["wrong"], 0, f"wrong answers ({result})")
            memory.leave(-1)
            expect_right(base, "with memory again")
            guard.process.terminate()
            check(guard.process.wait(60) in (0, 1, 3), f"its end: {guard.stderr()}")


# ---- out of descriptors ----


PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24


def limit_descriptors(count):
    """For good: without the privilege to raise it again."""

    def limit():
        mortal()
        libc.prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

    return limit


@case(16, 64, 512)
def no_descriptors_to_start(count):
    with filesystem("tmpfs") as base:
        policy = deny_some(base)
        done = subprocess.run(
            [FANTAIL, "guard", "--policy", policy],
            preexec_fn=limit_descriptors(count), capture_output=True, timeout=60, check=False,
            env={**os.environ, "RUNTIME_DIRECTORY": str(temp_dir("run"))},
        )
        equal(done.returncode, 1, f"exit status ({done.stderr})")
        check(b"RLIMIT_NOFILE" in done.stderr, f"{done.stderr}")
        expect(base / "deny-0", None, "no guard")


@case()
def no_descriptors_while_it_runs():
    """What may be opened is denied for want of one, and told; what may not is not opened."""
    with filesystem("tmpfs") as base:
        with Guard(policy=deny_some(base)) as guard:
            before = resource.prlimit(guard.pid, resource.RLIMIT_NOFILE)
            expect_right(base, "before")
            (base / "new").touch()
            resource.prlimit(guard.pid, resource.RLIMIT_NOFILE, (3, before[1]))
            expect(base / "new", EPERM, "no descriptor for it")
            for i in range(20):
                expect(base / f"deny-{i}", EPERM, f"deny-{i}")
            resource.prlimit(guard.pid, resource.RLIMIT_NOFILE, before)
            expect(base / "new", None, "a descriptor for it")
            expect_right(base, "after")
            records = guard.stop(status=3)
        lost = [r for r in records if r["events"] == ["lost"]]
        check(lost and all(r["where"] == "descriptor" for r in lost), f"what was told: {lost}")


def hold_lease(path, held, done):
    """A write lease, until `done`."""
    fd = os.open(path, os.O_RDWR)
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    held.set()
    done.wait()
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    os.close(fd)


@case()
def leases():
    """For what somebody holds a write lease on the kernel gets no descriptor: it is denied, and told why."""
    with filesystem("ext4") as base:
        with Guard(policy=deny_some(base)) as guard:
            held, done = multiprocessing.Event(), multiprocessing.Event()
            holder = spawn(hold_lease, base / "allow-0", held, done)
            check(held.wait(30), "no lease")
            expect(base / "allow-0", EPERM, "with a lease")
            expect(base / "allow-1", None, "another file")
            wait_until(lambda: "holds a lease" in guard.stderr(), "that it is told")
            done.set()
            holder.join(30)
            expect(base / "allow-0", None, "without it")
            records = guard.stop(status=3)
        equal([r["where"] for r in records if r["events"] == ["lost"]], ["descriptor"], "what was told")


# ---- scanners ----


def scanning(base, scanner, **keys):
    """Everything is scanned; what cannot be is denied."""
    spec = ", ".join(f"{k}: {v}" for k, v in keys.items())
    rule = f"name: scan, path: '{base}/scan/**', scan: s, clean: allow, infected: deny, error: deny"
    rules = [f"{{name: no, path: '{base}/deny-*', verdict: deny}}", f"{{{rule}{', ' if spec else ''}{spec}}}"]
    policy = guarded(base, rules, timeout=f"{TIMEOUT}s", on_timeout="deny")
    with open(policy, "a") as f:
        f.write(f"scanners:\n  s: {scanner}\n")
    make_files(base)
    (base / "scan").mkdir()
    return policy


def clamd(scanner):
    return f"{{type: clamd, socket: '{scanner.path}'}}"


def expect_right_of_others(base, what):
    """The scanner's own process is always allowed, and is this one."""
    result = Openers(base, 4, 400).result()
    equal(result["wrong"], 0, f"{what}: wrong answers ({result})")
    check(result["max_us"] < SOON * 1000000, f"{what}: one waited too long: {result}")


CODE = """import os, sys, time
began = time.monotonic()
try: os.close(os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK))
except OSError as e: print(e.errno, end=" ")
else: print(0, end=" ")
print(time.monotonic() - began)"""


class Opener:
    """Another process than the scanner, which is always allowed."""

    def __init__(self, path):
        self.process = subprocess.Popen([sys.executable, "-S", "-c", CODE, path], stdout=subprocess.PIPE)

    def result(self, timeout=60):
        """(errno or None, seconds waited)"""
        error, seconds = self.process.communicate(timeout=timeout)[0].split()
        return int(error) or None, float(seconds)


def expect_scanned(path, wanted, what, limit=SOON):
    error, seconds = Opener(path).result()
    equal(error, wanted, what)
    check(seconds < limit, f"{what}: waited {seconds:.1f} s")


@case()
def clamd_killed():
    """In the middle of a scan, and before the next one; it comes back."""
    with filesystem("ext4") as base:
        with Scanner() as scanner:
            policy = scanning(base, clamd(scanner))
            (base / "scan" / "file").write_text("x")
            guard = Guard(policy=policy)
            waiting = Opener(base / "scan" / "file")
            wait_until(lambda: scanner.scans, "a scan")
        with guard:
            error, seconds = waiting.result()
            equal(error, EPERM, "whose scanner died")
            check(seconds < TIMEOUT + SOON, f"waited {seconds:.1f} s")
            expect_scanned(base / "scan" / "file", EPERM, "without a scanner", TIMEOUT + SOON)
            expect_right_of_others(base, "without a scanner")
            os.unlink(scanner.path)
            with Scanner(b"OK", at=scanner.path) as again:
                (base / "scan" / "other").write_text("y")
                wait_until(lambda: Opener(base / "scan" / "other").result()[0] is None, "the scanner to be back")
                check(again.scans, "nothing was scanned")
            guard.stop()


@case()
def clamd_hangs_for_many():
    """More than the pool takes: each is answered in time, and all others at once."""
    with filesystem("ext4") as base, Scanner() as scanner:
        policy = scanning(base, clamd(scanner))
        for i in range(300):
            (base / "scan" / str(i)).write_text("x")
        with Guard(policy=policy) as guard:
            waiting = [Opener(base / "scan" / str(i)) for i in range(300)]
            wait_until(lambda: scanner.scans, "a scan")
            expect_right_of_others(base, "while the scanner hangs")
            results = [w.result(100) for w in waiting]
            equal({r[0] for r in results}, {EPERM}, "answers")
            longest = max(r[1] for r in results)
            check(longest < TIMEOUT + SOON, f"waited {longest:.1f} s")
            guard.process.terminate()
            check(guard.process.wait(60) in (0, 3), guard.stderr())
        print(f"  longest: {longest:.2f} s of {TIMEOUT} s")


@contextlib.contextmanager
def hanging(base, **keys):
    """A guard, and somebody who waits for a scanner that hangs."""
    with Scanner() as scanner:
        policy = scanning(base, clamd(scanner))
        policy.write_text(policy.read_text().replace(f"timeout: {TIMEOUT}s", "timeout: 60s"))
        (base / "scan" / "file").write_text("x")
        with Guard(policy=policy, **keys) as guard:
            waiting = Opener(base / "scan" / "file")
            wait_until(lambda: scanner.scans, "a scan")
            yield guard, policy, waiting


@case()
def stopped_while_the_scanner_hangs():
    with filesystem("ext4") as base, hanging(base) as (guard, _, waiting):
        guard.process.terminate()
        equal(guard.process.wait(SOON), 0, guard.stderr())
        equal(waiting.result()[0], EPERM, "who waited, by on_timeout")


@case()
def handed_over_while_the_scanner_hangs():
    """What needs no scan is decided at once all the while."""
    with filesystem("ext4") as base, hanging(base) as (guard, policy, waiting):
        openers = Openers(base, 8)
        began = time.monotonic()
        with Guard("--take-over", policy=policy, run=guard.run) as new:
            check(time.monotonic() - began < 2 * SOON, "the hand-over took long")
            check(guard.process.wait(SOON) in (0, 3), guard.stderr())
            equal(waiting.result()[0], EPERM, "who waited, by on_timeout")
            result = openers.stop()
            equal(result["wrong"], 0, f"wrong answers ({result})")
            check(result["max_us"] < 1000000, f"one waited too long: {result}")
            new.process.terminate()
            check(new.process.wait(SOON) in (0, 3), new.stderr())
        print(f"  longest: {result['max_us'] / 1000:.1f} ms")


class Manager:
    """A service manager that notes when it is told that all is well; twice in `seconds` it wants to be."""

    def __init__(self, seconds):
        address = temp_dir() / "notify"
        self.beats, self._socket = [], socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(os.fsencode(address))
        self.env = {**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": str(seconds * 1000000)}
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        while True:
            if self._socket.recv(4096) == b"WATCHDOG=1":
                self.beats.append(time.monotonic())

    def longest(self, since):
        """The longest time without, from then to now."""
        times = [since, *(b for b in self.beats if b > since), time.monotonic()]
        return max(b - a for a, b in zip(times, times[1:]))


@case("reload", "hand-over")
def beats_while_it_is_busy(how):
    """The watchdog is fed as long as requests are answered, whatever the guard waits for besides."""
    manager = Manager(2)
    with filesystem("ext4") as base, hanging(base, env=manager.env) as (guard, policy, _):
        mute = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = temp_dir("mute") / "socket"
        mute.bind(os.fspath(path))
        mute.listen(100)
        began = time.monotonic()
        if how == "reload":
            text = "".join(f"  mute{i}: {{type: clamd, socket: '{path}'}}\n" for i in range(5))
            policy.write_text(policy.read_text() + text)
            os.kill(guard.pid, signal.SIGHUP)
            wait_until(lambda: "loaded anew" in guard.stderr(), "a reload")
            check(time.monotonic() - began > 4, "it was not busy")
        else:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
                silent.connect(os.fspath(guard.run / "guard.sock"))
                wait_until(lambda: time.monotonic() > began + 4, "some beats")
        longest = manager.longest(began)
        check(longest < 2, f"{longest:.1f} s without a beat")
        guard.process.terminate()
        guard.process.wait(SOON)
        mute.close()


@case()
def what_is_not_scanned():
    """A FIFO, a device and a large file never reach the scanner; a small file does. About the
    first two newer kernels do not ask."""
    with filesystem("ext4") as base, Scanner(b"OK") as scanner:
        policy = scanning(base, clamd(scanner), max_size="1M")
        scan = base / "scan"
        os.mkfifo(scan / "fifo")
        os.mknod(scan / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (scan / "small").write_text("x")
        with open(scan / "large", "wb") as f:
            f.truncate((1 << 20) + 1)
        with Guard(policy=policy) as guard:
            asked = [name for name in ("fifo", "null") if Opener(scan / name).result(SOON)[0] == EPERM]
            expect_scanned(scan / "large", EPERM, "a large file")
            equal(scanner.scans, 0, "scans")
            expect_scanned(scan / "small", None, "a small file")
            equal(scanner.scans, 1, "scans")
            records = guard.stop()
        reasons = [r["decision"]["reason"] for r in records if is_event(r)]
        equal(["regular" in r for r in reasons], [True] * len(asked) + [False], f"{reasons}")
        check("max_size" in reasons[-1], f"{reasons}")


@case()
def sparse_giant():
    """10 GB take longer to read than there is time."""
    with filesystem("ext4") as base:
        sums = temp_dir("sums") / "list"
        sums.write_text("0" * 64 + "  nothing\n")
        policy = scanning(base, f"{{type: sha256, list: '{sums}'}}")
        with open(base / "scan" / "giant", "wb") as f:
            f.truncate(10 << 30)
        (base / "scan" / "small").write_text("x")
        with Guard(policy=policy) as guard:
            waiting = Opener(base / "scan" / "giant")
            expect_right_of_others(base, "while it is read")
            expect_scanned(base / "scan" / "small", None, "another file")
            error, seconds = waiting.result()
            equal(error, EPERM, "the giant")
            check(seconds < TIMEOUT + SOON, f"waited {seconds:.1f} s")
            guard.stop()
        print(f"  waited {seconds:.2f} s of {TIMEOUT} s")


# ---- output ----


@case()
def no_room_for_the_output():
    with filesystem("ext4") as base, mounted("-t", "tmpfs", "-o", "size=64k", "fantail-test") as small:
        with Guard(policy=deny_some(base), file=small / "out") as guard:
            result = Openers(base, 10, 20000).result()
            equal(result["wrong"], 0, f"wrong answers ({result})")
            check(result["max_us"] < SOON * 1000000, f"one waited too long: {result}")
            wait_until(lambda: "No space left" in guard.stderr(), "a message")
            expect_right(base, "after that")
            guard.process.terminate()
            equal(guard.process.wait(60), 1, f"its end ({guard.stderr()})")


@contextlib.contextmanager
def pipe():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as r, os.fdopen(writer, "wb") as w:
        yield r, w


@case()
def reader_of_the_output_gone():
    """The guard goes on: whoever ends its reader must not end it."""
    with filesystem("ext4") as base, pipe() as (reader, writer):
        with Guard(policy=deny_some(base), output=False, stdout=writer) as guard:
            writer.close()
            expect_right(base, "with a reader")
            reader.close()
            result = Openers(base, 10, 40000).result()
            equal(result["wrong"], 0, f"wrong answers ({result})")
            check(result["max_us"] < SOON * 1000000, f"one waited too long: {result}")
            expect_right(base, "after that")
            guard.process.terminate()
            equal(guard.process.wait(SOON), 1, f"exit status ({guard.stderr()})")
            check("what is guarded stays so" in guard.stderr(), f"it is told: {guard.stderr()}")


@case()
def reader_of_the_output_stuck():
    """It delays no answer."""
    with filesystem("ext4") as base, pipe() as (reader, writer):
        with Guard(policy=deny_some(base), output=False, stdout=writer) as guard:
            writer.close()
            result = Openers(base, 10, 40000).result()
            equal(result["wrong"], 0, f"wrong answers ({result})")
            check(result["max_us"] < SOON * 1000000, f"one waited too long: {result}")
            expect_right(base, "after that")
            equal(guard.process.poll(), None, "it runs on")
            guard.process.terminate()
            reader.close()
            check(guard.process.wait(60) >= 0, f"its end: {guard.stderr()}")


@case()
def output_on_what_is_guarded():
    with filesystem("ext4") as base:
        with Guard("--yes", policy=deny_some(base), file=base / "log") as guard:
            result = Openers(base, 10, 20000).result()
            equal(result["wrong"], 0, f"wrong answers ({result})")
            os.rename(base / "log", base / "log.1")
            os.kill(guard.pid, signal.SIGHUP)
            wait_until(lambda: "loaded anew" in guard.stderr(), "a reload")
            expect_right(base, "after a new log")
            wait_until(lambda: (base / "log").stat().st_size > 0, "records in it")
            guard.process.terminate()
            check(guard.process.wait(60) in (0, 3), guard.stderr())


# ---- the guard itself ----


def state(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@case(3, 3000)
def stopped_for_a_while(count):
    """Who asks meanwhile waits, and is answered; more at once than a guard has room for. Each answer wakes all
    who wait, so that the kernel takes ten seconds for 3,000 of them, and minutes for 10,000.
    """
    with filesystem("ext4") as base:
        with Guard(policy=deny_some(base)) as guard:
            with guard.stopped():
                openers = Openers(base, count, count)
                wait_until(lambda: sum(state(p) == "D" for p in children(openers.process.pid)) == count,
                           "all to wait", 60)
            result = openers.result()
            equal((result["opens"], result["wrong"]), (count, 0), f"{result}")
            guard.process.terminate()
            check(guard.process.wait(60) in (0, 3), guard.stderr())


@case()
def killed_while_many_wait():
    with filesystem("ext4") as base:
        with Guard(policy=deny_some(base)) as guard:
            guard.process.send_signal(signal.SIGSTOP)
            openers = Openers(base, 1000, 1000)
            wait_until(lambda: sum(state(p) == "D" for p in children(openers.process.pid)) == 1000,
                       "all to wait", 60)
            began = time.monotonic()
            guard.process.kill()
            result = openers.result()
            check(time.monotonic() - began < SOON, "they were not let go at once")
            equal(result["failed"], 0, f"openers that failed: {result}")


main()
