# SPDX-License-Identifier: MIT
"""fantail guard: who may open what, and that nobody waits longer than he must, whatever happens to the guard."""

import collections
import contextlib
import errno
import multiprocessing
import os
import shutil
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

from guard import Guard, Openers, Scanner, attempt, guarded, make_files, mortal, opened, policy_file, ran, refused
from harness import case, check, equal, main, one_line
from machine import filesystem, mounted, spawn, temp_dir
from records import is_event, raw

EPERM = errno.EPERM


def decisions(records):
    """[(path, verdict, answered, rule)] in order."""
    return [
        (raw(r), r["decision"]["verdict"], r["decision"]["answered"], r["decision"].get("rule"))
        for r in records
        if is_event(r)
    ]


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.01)


# ---- what is denied ----


@case("ext4", "xfs", "btrfs", "tmpfs")
def deny_a_file(kind):
    with filesystem(kind) as base:
        secret, public = base / "secret", base / "public"
        secret.write_text("secret")
        public.write_text("public")
        os.link(secret, base / "before")
        with Guard("--deny", secret) as guard:
            equal(opened(secret), EPERM, "by its name")
            equal(opened(base / "before"), EPERM, "by a hard link from before")
            os.link(secret, base / "after")
            equal(opened(base / "after"), EPERM, "by a hard link made since")
            equal(opened(secret, os.O_WRONLY | os.O_TRUNC), EPERM, "to be overwritten")
            os.rename(secret, base / "moved")
            equal(opened(base / "moved"), EPERM, "renamed")
            equal(opened(public), None, "another file")
            (base / "new").write_text("new")
            os.rename(base / "new", secret)
            equal(opened(secret), EPERM, "replaced")
            records = guard.stop()
        names = [b"secret", b"before", b"after", b"secret", b"moved", b"secret"]
        told = [(os.fsencode(base) + b"/" + n, "deny", "deny", "deny") for n in names]
        equal(decisions(records), told, "decisions")
        equal(opened(base / "moved"), None, "after the guard has ended")
        equal((base / "moved").read_text(), "secret", "its content")


@case()
def executable():
    with filesystem("ext4") as base:
        tool = base / "tool"
        shutil.copy("/bin/true", tool)
        rules = [f"{{name: no-exec, path: '{tool}', events: [exec], verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            equal(ran(tool), 126, "to execute it")
            equal(opened(tool), None, "to read it")
            records = guard.stop()
        equal([d[3] for d in decisions(records)], ["no-exec"], "rules")
        equal(records[0]["events"], ["open_exec_perm"], "event")


@case()
def by_executable():
    """One program may, all others may not; a copy of it may not, nor what replaces it."""
    with filesystem("ext4") as base:
        key, tool, copy = base / "key", base / "tool", base / "copy"
        key.write_text("key")
        shutil.copy("/bin/cat", tool)
        shutil.copy("/bin/cat", copy)
        rules = [
            f"{{name: may, path: '{base}/k*', exe: ['{tool}'], verdict: allow}}",
            f"{{name: no, path: '{base}/k*', verdict: deny}}",
        ]
        with Guard(policy=guarded(base, rules)) as guard:
            for _ in range(3):
                equal(ran(tool, key), 0, "the program")
                equal(ran(copy, key), 1, "a copy of it")
                equal(opened(key), EPERM, "another program")
            os.rename(copy, tool)
            for _ in range(3):
                equal(ran(tool, key), 1, "what replaced it")
            wait_until(lambda: f"{tool} was replaced" in guard.stderr(), "that it is told")
            os.kill(guard.pid, signal.SIGHUP)
            wait_until(lambda: "loaded anew" in guard.stderr(), "a reload")
            equal(ran(tool, key), 0, "after a reload")
            equal(guard.stderr().count("was replaced"), 1, "how often it is told")
            guard.stop()


def open_as(uid, path):
    os.setresuid(uid, uid, uid)
    os._exit(0 if opened(path) is None else 3)


def status_of(function, *arguments):
    process = spawn(function, *arguments)
    process.join(30)
    return process.exitcode


@case()
def by_user():
    """A process that changes its user and executes nothing is that user."""
    with filesystem("ext4") as base:
        file = base / "file"
        file.write_text("x")
        rules = [f"{{name: nobody, path: '{base}/f*', uid: 65534, verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            for _ in range(3):
                equal(status_of(open_as, 65534, file), 3, "uid 65534")
                equal(status_of(open_as, 1, file), 0, "uid 1")
                equal(opened(file), None, "root")
            records = guard.stop()
        equal([d[3] for d in decisions(records)], ["nobody"] * 3, "rules")
        equal({r["process"]["uid"] for r in records}, {65534}, "uids")


@case()
def glob_protects_objects():
    """What a glob has named once stays protected under every name."""
    with filesystem("ext4") as base:
        (base / "keys").mkdir()
        (base / "out").mkdir()
        first = base / "keys" / "id_first"
        first.write_text("key")
        rules = [f"{{name: keys, path: '{base}/keys/id_*', verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            os.link(first, base / "out" / "link")
            equal(opened(base / "out" / "link"), EPERM, "a link")
            (base / "out" / "plain").write_text("later a key")
            equal(opened(base / "out" / "plain"), None, "not a key yet")
            os.rename(base / "out" / "plain", base / "keys" / "id_second")
            # Until the rename is followed, the kernel keeps that what it holds may be read.
            wait_until(lambda: opened(base / "keys" / "id_second") == EPERM, "now it is one")
            os.rename(base / "keys" / "id_second", base / "out" / "plain")
            equal(opened(base / "out" / "plain"), EPERM, "and stays one")
            (base / "out" / "dir").mkdir()
            (base / "out" / "dir" / "id_third").write_text("key")
            os.rename(base / "keys", base / "out" / "old")
            equal(opened(base / "out" / "old" / "id_first"), EPERM, "its directory was moved")
            os.rename(base / "out" / "dir", base / "keys")
            equal(opened(base / "keys" / "id_third"), EPERM, "a directory moved into place")
            guard.stop()


@case()
def kept_by_the_kernel():
    """A verdict that the kernel keeps goes when the file is moved or linked to where it does not hold."""
    with filesystem("ext4") as base:
        for name in ("a", "b", "c"):
            (base / name).write_text(name)
        (base / "no").mkdir()
        (base / "dir").mkdir()
        (base / "dir" / "d").write_text("d")
        rules = [f"{{name: no, path: '{base}/no/**', verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            for name in ("a", "b", "dir/d"):
                for _ in range(5):
                    equal(opened(base / name), None, f"{name}, where it may be opened")
            os.rename(base / "a", base / "no" / "a")
            os.link(base / "b", base / "no" / "b")
            os.rename(base / "dir", base / "no" / "dir")
            for name in ("a", "b", "dir/d"):
                path = base / "no" / name
                wait_until(lambda p=path: opened(p) == EPERM, f"{name}, where it may not")
            os.kill(guard.pid, signal.SIGUSR1)
            wait_until(lambda: "default" in guard.counts(), "counters")
            check(guard.counts()["default"][0] < 12, f"the kernel kept nothing: {guard.counts()}")
            guard.stop()


@case("ext4", "xfs", "btrfs", "tmpfs")
def paths_are_the_hosts(kind):
    """Through a bind mount, or a mount of another namespace, a file has the path that it has on the host."""
    with filesystem(kind) as base, filesystem("tmpfs") as elsewhere:
        for name in ("yes", "no"):
            (base / name).mkdir()
            (base / name / "file").write_text("x")
        rules = [
            f"{{name: may, path: '{base}/yes/**', verdict: allow}}",
            f"{{name: not, path: '{base}/**', verdict: deny}}",
        ]
        point = elsewhere / "bind"
        point.mkdir()
        with Guard("--log", "all", policy=guarded(base, rules)) as guard:
            for name, status in (("yes", 0), ("no", 1)):
                bound = f"mount --bind '{base}/{name}' '{point}' && cat '{point}/file'"
                equal(ran("unshare", "-m", "sh", "-c", bound), status, f"{name}, in another namespace")
                with mounted("--bind", base / name, at=point):
                    equal(ran("cat", point / "file"), status, f"{name}, through a bind mount")
            records = guard.stop()
        root = os.fsencode(base)
        wanted = [(root + b"/yes/file", "allow")] * 2 + [(root + b"/no/file", "deny")] * 2
        equal([d[:2] for d in decisions(records)], wanted, "paths and verdicts")


@case()
def observe():
    with filesystem("tmpfs") as base:
        secret = base / "secret"
        secret.write_text("x")
        with Guard("--deny", "--observe", secret) as guard:
            equal(opened(secret), None, "observed")
            records = guard.stop()
        told = [(os.fsencode(secret), "deny", "allow", "deny")]
        equal(decisions(records), told, "decisions")
        equal(records[0]["decision"]["mode"], "observe", "mode")


@case()
def log_all():
    with filesystem("tmpfs") as base:
        (base / "a").write_text("x")
        (base / "b").write_text("x")
        (base / "in").mkdir()
        (base / "in" / "c").write_text("x")
        rules = [f"{{name: a, path: '{base}/in/a', verdict: deny}}"]
        os.rename(base / "a", base / "in" / "a")
        with Guard("--log", "all", policy=guarded(base / "in", rules)) as guard:
            for name in ("in/a", "in/c", "b", "in/c"):
                opened(base / name)
            records = guard.stop()
        # What is outside of the PATHs is no concern of a guard.
        equal([d[2] for d in decisions(records)], ["deny", "allow", "allow"], "answers")


@case()
def with_an_errno():
    with filesystem("ext4") as base:
        file = base / "file"
        file.write_text("x")
        rules = [f"{{name: broken, path: '{file}', verdict: deny, errno: EIO}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            equal(opened(file), errno.EIO, "errno")
            guard.stop()


@case()
def audited():
    """The kernel takes the answer. Whether its log is on, and who reads it, is the machine's: not looked at."""
    with filesystem("ext4") as base:
        file = base / "file"
        file.write_text("x")
        rules = [f"{{name: told, path: '{file}', verdict: deny, audit: true}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            equal(opened(file), EPERM, "with a record for the audit log")
            guard.stop()


@case()
def before_content():
    with filesystem("ext4") as base:
        file = base / "file"
        file.write_text("x")
        rules = [f"{{name: content, path: '{file}', events: [pre_access], verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            fd = os.open(file, os.O_RDONLY)
            equal(attempt(os.read, fd, 10), EPERM, "to read it")
            os.close(fd)
            guard.stop()


# ---- while it runs ----


def told_and_lost(*guards):
    """Ends them. Decisions that were told, and those counted as lost: printing is slower than saying no."""
    for guard in guards:
        if guard.process.poll() is None:
            guard.process.send_signal(signal.SIGTERM)
    total = 0
    for guard in guards:
        status, told, lost = guard.process.wait(60), *guard.told_and_lost()
        equal(status, 3 if lost else 0, f"exit status with {lost} lost ({guard.stderr()})")
        total += told + lost
    return total


@case()
def reload_a_hundred_times():
    with filesystem("ext4") as base:
        make_files(base)
        rule = f"{{name: no, path: '{base}/deny-*', verdict: deny}}"
        policy = guarded(base, [rule])
        good, bad = policy.read_text(), "version: 1\nrules: nonsense\n"
        with Guard(policy=policy) as guard:
            openers = Openers(base, 10, 100000)
            for i in range(100):
                policy.write_text(bad if i % 10 == 9 else good)
                os.kill(guard.pid, signal.SIGHUP)
                wait_until(
                    lambda n=i: guard.stderr().count("loaded anew") + guard.stderr().count("stays in use")
                    > n,
                    "a reload",
                )
            result = openers.result()
            equal(result["wrong"], 0, f"wrong answers ({result})")
            equal(guard.stderr().count("stays in use"), 10, "bad policies")
            equal(told_and_lost(guard), result["denied"], "denials that were told or counted")


@case()
def reload_closes_nothing_of_others():
    """A policy that is wrong has opened nothing; what has the number 0 stays open."""
    with filesystem("ext4") as base:
        (base / "file").write_text("x")
        policy = guarded(base, [f"{{name: no, path: '{base}/file', verdict: deny}}"])
        with Guard(policy=policy) as guard:
            policy.write_text("version: 1\nrules: nonsense\n")
            before = os.readlink(f"/proc/{guard.pid}/fd/0")
            os.kill(guard.pid, signal.SIGHUP)
            wait_until(lambda: "stays in use" in guard.stderr(), "a reload")
            equal(os.readlink(f"/proc/{guard.pid}/fd/0"), before, "its standard input")
            equal(opened(base / "file"), EPERM, "by the old policy")
            rule = f"{{name: no, path: '{base}/file', verdict: deny, audit: true}}"
            policy.write_text(guarded(base, [rule]).read_text())
            os.kill(guard.pid, signal.SIGHUP)
            wait_until(lambda: "loaded anew" in guard.stderr(), "a reload")
            check("'audit' has no effect" in guard.stderr(), guard.stderr())
            equal(opened(base / "file"), EPERM, "by the new policy")
            guard.stop()


@case()
def many():
    """100,000 opens of 50 processes: each answer is right, and comes soon."""
    with filesystem("ext4") as base:
        make_files(base)
        rules = [f"{{name: no, path: '{base}/deny-*', verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            result = Openers(base, 50, 100000).result()
            equal((result["opens"], result["wrong"]), (100000, 0), f"opens, wrong ones ({result})")
            check(result["max_us"] < 5000000, f"one waited too long: {result}")
            equal(told_and_lost(guard), result["denied"], "denials that were told or counted")
        print(f"  longest: {result['max_us'] / 1000:.1f} ms")


@case()
def refuses_what_is_its_own():
    """Neither the root filesystem nor where its own policy is."""
    with filesystem("tmpfs") as base:
        (base / "file").write_text("x")
        own = base / "policy.yaml"
        own.write_text(f"version: 1\nwatch: ['{base}']\nrules: [{{name: n, path: '{base}/file', verdict: deny}}]\n")
        one_line(refused("--policy", own), "its policy", str(own), "--observe --yes --confirm")
        said = refused("--observe", "--policy", own)
        one_line(said, "its policy, observed", str(own), "--yes --confirm")
        check("--observe" not in said, f"--observe was given: {said}")
        with Guard("--yes", policy=own) as guard:
            equal(opened(base / "file"), EPERM, "with --yes")
            guard.stop()
    with filesystem("btrfs") as whole:
        device = find_device(whole)
        for name in ("own", "data"):
            subprocess.run(["btrfs", "-q", "subvolume", "create", whole / name], check=True)
        with mounted("-o", "subvol=own", device) as own, mounted("-o", "subvol=data", device) as data:
            (data / "file").write_text("x")
            said = refused("--deny", data / "file", "-o", own / "log")
            one_line(said, "the other subvolume", str(data), str(own / "log"), "--yes")


@case()
def confirmation():
    with filesystem("tmpfs") as base:
        secret = base / "secret"
        secret.write_text("x")
        reader, writer = os.pipe()
        arguments = ["--deny", "--confirm", "300ms", secret]
        with Guard(*arguments) as guard:
            guard.finish(status=1)
        equal(opened(secret), None, "after nobody confirmed")
        check("within 0.3 s" in guard.stderr(), guard.stderr())
        check("not confirmed" in guard.stderr(), guard.stderr())
        with Guard("--confirm-fd", reader, *arguments, fds=[reader]) as guard:
            os.write(writer, b"\n")
            wait_until(lambda: "\nfantail: confirmed" in guard.stderr(), "confirmation")
            time.sleep(0.5)
            equal(opened(secret), EPERM, "after it was confirmed")
            guard.stop()
        os.close(reader)
        os.close(writer)


# ---- its end, with somebody waiting ----


class Waiting:
    """A process that opens a file, and may have to wait."""

    def __init__(self, path, flags="O_RDONLY"):
        code = f"import os,sys\ntry: os.open(sys.argv[1], os.{flags})\nexcept OSError as e: sys.exit(e.errno)"
        self.began = time.monotonic()
        self.process = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.DEVNULL)

    def result(self, timeout=60):
        return self.process.wait(timeout) or None

    def seconds(self):
        return time.monotonic() - self.began


def scanning(base, socket, **keys):
    policy = guarded(
        base,
        [f"{{name: scan, path: '{base}/**', scan: av, clean: allow, infected: deny, error: deny}}"],
        **keys,
    )
    with open(policy, "a") as f:
        f.write(f"scanners:\n  av: {{type: clamd, socket: '{socket}'}}\n")
    return policy


@case("allow", "deny")
def scanner_that_hangs(on_timeout):
    """The answer comes by on_timeout, and is told; meanwhile all others get theirs."""
    with filesystem("ext4") as base, Scanner() as scanner:
        (base / "file").write_text("x")
        with Guard(policy=scanning(base, scanner.path, timeout="1s", on_timeout=on_timeout)) as guard:
            waiting = Waiting(base / "file")
            wait_until(lambda: scanner.scans, "the scanner to be asked")
            equal(waiting.result(), None if on_timeout == "allow" else EPERM, "the answer")
            check(waiting.seconds() < 5, f"waited {waiting.seconds()} s")
            records = guard.stop()
        equal([d[1] for d in decisions(records)], [on_timeout], "verdicts")
        check("in time" in records[0]["decision"]["reason"], records[0]["decision"])


def open_at_once(path, count, results):
    """Threads that all open one file: how many were let, denied and had another error."""
    errors = []
    threads = [threading.Thread(target=lambda: errors.append(opened(path))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((errors.count(None), errors.count(EPERM), len(errors)))


@case()
def more_scans_than_there_is_room_for():
    """Those that find no room are answered at once, the others at their deadline; all others all the time."""
    with filesystem("ext4") as base, Scanner() as scanner:
        (base / "file").write_text("x")
        results = multiprocessing.Queue()
        with Guard(policy=scanning(base, scanner.path, timeout="3s", on_timeout="deny")) as guard:
            began = time.monotonic()
            process = spawn(open_at_once, base / "file", 400, results)
            equal(results.get(timeout=60), (0, 400, 400), "answers: allowed, denied, all")
            check(time.monotonic() - began < 10, "they waited longer than the timeout")
            process.join()
            reasons = collections.Counter(r["decision"]["reason"] for r in guard.stop() if is_event(r))
        check(reasons["too many files wait for the scanner"] >= 100, f"{reasons}")
        equal(sum(reasons.values()), 400, "decisions")


@case()
def scans_are_kept():
    """Until the file changes; also the result that came too late."""
    with filesystem("ext4") as base, Scanner(b"OK") as scanner:
        file = base / "file"
        file.write_text("x")
        time.sleep(0.05)  # a file that is younger than the clock's tick is not kept
        with Guard(policy=scanning(base, scanner.path)) as guard:
            for _ in range(5):
                equal(Waiting(file).result(), None, "a clean file")
            equal(scanner.scans, 1, "scans")
            scanner.verdict = b"Eicar FOUND"
            file.write_text("changed by the test, whose requests a scanner's are")
            equal(Waiting(file).result(), EPERM, "a changed file")
            equal(scanner.scans, 2, "scans after the change")
            records = guard.stop()
        equal([(d[1], d[3]) for d in decisions(records)], [("deny", "scan")], "decisions")
        check("Eicar" in records[0]["decision"]["reason"], records[0]["decision"])


@case()
def what_is_not_scanned():
    """A FIFO, a device, a file that is too large: an error, at once."""
    with filesystem("ext4", ",dev") as base, Scanner() as scanner:
        os.mkfifo(base / "fifo")
        os.mknod(base / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        with open(base / "large", "wb") as f:
            f.truncate(10 << 30)
        rule = f"path: '{base}/**', scan: av, clean: allow, infected: deny, error: deny, max_size: 100M"
        policy = guarded(base, [f"{{name: scan, {rule}}}"], timeout="20s")
        with open(policy, "a") as f:
            f.write(f"scanners:\n  av: {{type: clamd, socket: '{scanner.path}'}}\n")
        with Guard(policy=policy) as guard:
            began = time.monotonic()
            equal(Waiting(base / "large").result(), EPERM, "10 GB")
            for name in ("fifo", "null"):
                # Newer kernels do not ask about them at all.
                got = Waiting(base / name, "O_RDWR|os.O_NONBLOCK").result()
                check(got in (None, EPERM), f"{name}: {got}")
            check(time.monotonic() - began < 10, "it took long")
            equal(scanner.scans, 0, "scans")
            guard.stop()


@case()
def too_few_descriptors():
    with filesystem("tmpfs") as base:
        (base / "file").write_text("x")
        message = refused("--deny", base / "file", prefix=["prlimit", "--nofile=1000:1000"])
        one_line(message, "with 1000 descriptors", "RLIMIT_NOFILE")


@case()
def full_disk():
    """What it cannot print it does all the same."""
    with filesystem("tmpfs") as base, filesystem("ext4", ",sync") as small:
        (base / "file").write_text("x")
        out = small / "out"
        out.write_text("")
        with open(small / "rest", "wb") as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(bytes(1 << 20))
        with Guard("--deny", base / "file", file=out) as guard:
            for _ in range(20000):
                equal(opened(base / "file"), EPERM, "with a full disk")
                if "nothing more is printed" in guard.stderr():
                    break
            equal(opened(base / "file"), EPERM, "after it was told")
            guard.process.send_signal(signal.SIGTERM)
            equal(guard.process.wait(60), 1, "exit status")
        said = [line for line in guard.stderr().splitlines() if "No space left" in line]
        check(len(said) == 1 and "nothing more is printed" in said[0], f"told once: {guard.stderr()}")


@case(signal.SIGKILL, signal.SIGTERM)
def ended_while_somebody_waits(number):
    with filesystem("ext4") as base, Scanner() as scanner:
        (base / "file").write_text("x")
        policy = scanning(base, scanner.path, timeout="30s", on_timeout="deny")
        with Guard(policy=policy) as guard:
            waiting = [Waiting(base / "file") for _ in range(3)]
            wait_until(lambda: scanner.scans >= 3, "the scanner to be asked")
            guard.process.send_signal(number)
            wanted = None if number == signal.SIGKILL else EPERM
            equal([w.result() for w in waiting], [wanted] * 3, "answers")
            check(waiting[0].seconds() < 20, "they waited for the timeout")
            if number == signal.SIGKILL:
                guard.process.wait()
        equal(Waiting(base / "file").result(), None, "after it has ended")
        if number == signal.SIGKILL:
            with Guard(policy=policy, run=guard.run) as second:
                gap = second.wait_for(lambda r: r["events"] == ["gap"], "a gap")
                equal(gap["reason"], "killed", "its reason")
                second.stop()


@case()
def killed_in_the_middle():
    with filesystem("ext4") as base:
        make_files(base)
        rules = [f"{{name: no, path: '{base}/deny-*', verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            openers = Openers(base, 50)
            guard.wait_for(is_event, "a denial")
            guard.process.kill()
            guard.process.wait()
            result = openers.stop()
        equal(result["failed"], 0, "openers that failed")
        check(result["max_us"] < 5000000, f"one waited too long: {result}")


@case()
def stopped_in_the_middle():
    """Each process is denied what the guard denies, until it has ended for it, and never anything else."""
    with filesystem("ext4") as base:
        make_files(base)
        rules = [f"{{name: no, path: '{base}/deny-*', verdict: deny}}"]
        with Guard(policy=guarded(base, rules)) as guard:
            openers = Openers(base, 50)
            guard.wait_for(is_event, "a denial")
            told = told_and_lost(guard)
            result = openers.stop()
        equal(result["never_right"], 0, f"answers that are wrong with a guard and without ({result})")
        equal(told, result["denied"], "denials that were told or counted")


# ---- one after the other ----


@case()
def hand_over_twenty_times():
    """Every request is asked, each answer is right, and nobody waits for long."""
    with filesystem("ext4") as base:
        make_files(base)
        policy = guarded(base, [f"{{name: no, path: '{base}/deny-*', verdict: deny}}"])
        guards = [Guard(policy=policy)]
        openers = Openers(base, 50)
        for _ in range(20):
            guards.append(Guard("--take-over", policy=policy, run=guards[0].run))
            guards[-2].process.wait(60)
        result = openers.stop()
        equal(result["wrong"], 0, f"wrong answers ({result})")
        check(result["max_us"] < 5000000, f"one waited too long: {result}")
        equal(told_and_lost(*guards), result["denied"], "denials that were told or counted")
        print(f"  longest: {result['max_us'] / 1000:.1f} ms")


@case()
def hand_over_another_policy():
    """What only the old one guarded is free, what only the new one guards is not."""
    with filesystem("ext4") as one, filesystem("tmpfs") as two:
        for base in (one, two):
            (base / "file").write_text("x")
        rules = "{{name: no, path: '{}/file', verdict: deny}}"
        old = Guard(policy=guarded(one, [rules.format(one)]))
        equal([opened(one / "file"), opened(two / "file")], [EPERM, None], "of the old one")
        with Guard("--take-over", policy=guarded(two, [rules.format(two)]), run=old.run) as new:
            old.finish()
            equal([opened(one / "file"), opened(two / "file")], [None, EPERM], "of the new one")
            equal([r["events"] for r in new.stop()], [["open_perm"]], "what it tells: no gap, as there was none")
        equal([opened(one / "file"), opened(two / "file")], [None, None], "in the end")


def find_device(mount):
    return subprocess.run(
        ["findmnt", "-n", "-o", "SOURCE", mount], stdout=subprocess.PIPE, check=True, text=True
    ).stdout.strip()


@case()
def hand_over_between_subvolumes():
    """What one filesystem has several devices for is marked once, and stays so."""
    with filesystem("btrfs") as whole:
        device = find_device(whole)
        for name in ("a", "b"):
            subprocess.run(["btrfs", "-q", "subvolume", "create", whole / name], check=True)
        with mounted("-o", "subvol=a", device) as a, mounted("-o", "subvol=b", device) as b:
            # No mount shows all of it, as where a system is installed.
            subprocess.run(["umount", whole], check=True)
            for base in (a, b):
                (base / "file").write_text("x")
            old = Guard("--deny", a / "file")
            equal([opened(a / "file"), opened(b / "file")], [EPERM, None], "of the old one")
            with Guard("--take-over", "--deny", b / "file", run=old.run) as new:
                old.finish()
                equal([opened(a / "file"), opened(b / "file")], [None, EPERM], "of the new one")
                new.stop()


def steal(path, has_read):
    """Takes the group, reads a request, and says nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as thief:
        thief.connect(os.fspath(path))
        thief.send(struct.pack("IIIIQ128s", 1, 1, 0, 0, 0, b""))
        _, fds, _, _ = socket.recv_fds(thief, 4096, 100)
        os.write(has_read, b"g")
        select.select([fds[0]], [], [], 20)
        os.read(fds[0], 24)
        os.write(has_read, b"r")
        time.sleep(60)


@case("dies", "hangs")
def hand_over_fails(how):
    """Nobody to take over from; and one that dies, or hangs, with the group in its hands."""
    with filesystem("ext4") as base:
        (base / "file").write_text("x")
        one_line(refused("--take-over", "--deny", base / "file"), "alone", "no guard runs")
        with Guard("--deny", base / "file") as guard:
            began, has_read = os.pipe()
            thief = spawn(steal, guard.run / "guard.sock", has_read)
            check(os.read(began, 1) == b"g", "the group")
            waiting = Waiting(base / "file")
            check(os.read(began, 1) == b"r", "a request")
            if how == "dies":
                os.kill(thief.pid, signal.SIGKILL)
            wait_until(lambda: "this one goes on" in guard.stderr(), "the old one to go on")
            check(waiting.result() in (None, EPERM), "what was read and not answered")
            equal(opened(base / "file"), EPERM, "after that")
            guard.stop()


def stored(manager):
    """What the service manager is told until the first READY=1, and the descriptor that it is given."""
    said, kept = [], None
    while "READY=1" not in said:
        data, fds, _, _ = socket.recv_fds(manager, 4096, 1)
        said.append(data.decode())
        kept = fds[0] if fds else kept
    return said, kept


@case()
def left_with_the_service_manager():
    """Who asks while the guard is started again waits for it."""
    address = temp_dir() / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, filesystem("ext4") as base:
        manager.bind(os.fsencode(address))
        manager.settimeout(30)
        (base / "file").write_text("x")
        env = {**os.environ, "NOTIFY_SOCKET": str(address), "FDSTORE": "1"}
        with Guard("--deny", base / "file", env=env) as guard:
            said, kept = stored(manager)
            equal(said[0], "FDSTORE=1\nFDNAME=guard", "what it says")
            guard.process.kill()
            guard.process.wait()
        waiting = Waiting(base / "file")
        check(select.select([kept], [], [], 20)[0], "no request in the group")
        equal(waiting.process.poll(), None, "it waits")

        def give():
            mortal()
            os.dup2(kept, 3, inheritable=True)

        env = {**env, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "guard"}
        prefix = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"]
        with Guard("--deny", base / "file", env=env, prefix=prefix, preexec=give, fds=[3]) as guard:
            equal(waiting.result(), EPERM, "the answer")
            guard.stop()
        os.close(kept)
        equal(opened(base / "file"), None, "when it has ended")


def marks(group):
    """{"sdev": on filesystems, "ino": on files} of a group, as the kernel shows them."""
    found = collections.Counter()
    with open(f"/proc/self/fdinfo/{group}", encoding="ascii") as f:
        for line in f:
            words = line.split()
            if words[0] == "fanotify":
                found[words[1].split(":")[0]] += 1
    return found


@case()
def left_for_another_policy():
    """What only the one that died guarded is not guarded; what it told the kernel to allow is asked about anew."""
    address = temp_dir() / "notify"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        filesystem("ext4") as one,
        filesystem("xfs") as two,
    ):
        manager.bind(os.fsencode(address))
        manager.settimeout(30)
        for base in (one, two):
            (base / "file").write_text("x")
        env = {**os.environ, "NOTIFY_SOCKET": str(address), "FDSTORE": "1"}
        both = policy_file(
            f"watch: ['{one}', '{two}']\nrules:\n  - {{name: no, path: '{two}/no/**', verdict: deny}}\n"
        )
        with Guard(policy=both, env=env) as guard:
            kept = stored(manager)[1]
            wait_until(lambda: [opened(two / "file"), marks(kept)][1]["ino"] > 0, "a mark of what is allowed")
            guard.process.kill()
            guard.process.wait()
        equal(marks(kept)["sdev"], 2, "filesystems that were guarded")

        def give():
            mortal()
            os.dup2(kept, 3, inheritable=True)

        env = {**env, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "guard"}
        prefix = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"]
        with Guard("--deny", two / "file", env=env, prefix=prefix, preexec=give, fds=[3]) as guard:
            equal(marks(kept)["sdev"], 1, "filesystems that are")
            equal([opened(one / "file"), opened(two / "file")], [None, EPERM], "by the new policy")
            guard.stop()
        os.close(kept)


@case()
def not_left_with_the_service_manager():
    """Where the next guard would be read from what is guarded."""
    address = temp_dir() / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, filesystem("ext4") as base:
        manager.bind(os.fsencode(address))
        manager.settimeout(30)
        env = {**os.environ, "NOTIFY_SOCKET": str(address), "FDSTORE": "1"}
        policy = base / "policy.yaml"
        policy.write_text(f"version: 1\nwatch: ['{base}']\nrules: [{{name: n, path: '{base}/x', verdict: deny}}]\n")
        with Guard("--yes", policy=policy, env=env) as guard:
            equal(stored(manager), (["READY=1"], None), "what it says")
            check("not left with the service manager" in guard.stderr(), guard.stderr())
            guard.stop()


# ---- itself on what it guards ----


def copy_program(base, program):
    """With its libraries, at the paths that they have."""
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, check=True).stdout.decode()
    files = [w for line in listed.splitlines() for w in line.split() if w.startswith("/")]
    for file in [os.fspath(program), *files]:
        target = base / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)


@contextlib.contextmanager
def root_of_its_own():
    """A filesystem that has all that fantail needs; and guards that know no other, which is what they guard."""
    fantail = os.environ["FANTAIL"]
    with filesystem("ext4") as base:
        for program in (fantail, "/bin/cat"):
            copy_program(base, program)
        for name in ("proc", "etc", "run", "tmp", "sys", "dev"):
            (base / name).mkdir(exist_ok=True)
        for name in ("secret", "public"):
            (base / name).write_text("x")
        text = "version: 1\nwatch: [/]\nrules:\n  - {name: no, path: /secret, verdict: deny}\n"
        (base / "etc" / "policy.yaml").write_text(text)

        def guard(*arguments):
            return Guard(
                "--yes", "--policy", "/etc/policy.yaml", "-o", "/tmp/out", *arguments,
                prefix=["chroot", base], output=False, run="/run", file=base / "tmp" / "out",
                program="/" + fantail.lstrip("/"),
            )

        with mounted("-t", "proc", "proc", at=base / "proc"), mounted("--bind", "/sys", at=base / "sys"):
            yield base, guard


def expect_right_within(base):
    equal(ran("chroot", base, "/bin/cat", "/public"), 0, "a public file")
    equal(ran("chroot", base, "/bin/cat", "/secret"), 1, "a secret one")


@case()
def all_of_it_guarded():
    """libc, the program and its policy on the guarded filesystem, of which it knows no other."""
    with root_of_its_own() as (base, start), start() as guard:
        for i in range(10):
            expect_right_within(base)
            os.kill(guard.pid, signal.SIGHUP)
            wait_until(lambda n=i: guard.stderr().count("loaded anew") > n, "a reload")
        guard.stop()


@case()
def all_of_it_guarded_by_the_next():
    """Each is loaded from what the one before it guards."""
    with root_of_its_own() as (base, start):
        guard = start()
        for _ in range(5):
            new = start("--take-over")
            equal(guard.process.wait(30), 0, guard.stderr())
            guard = new
            expect_right_within(base)
        guard.process.terminate()
        equal(guard.process.wait(30), 0, guard.stderr())
        equal(ran("chroot", base, "/bin/cat", "/secret"), 0, "in the end")


main()
