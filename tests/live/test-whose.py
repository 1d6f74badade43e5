# SPDX-License-Identifier: MIT
"""Filters by process, against who did it: nothing of others, and nothing kept back in silence."""

import os
import shutil
import subprocess

from harness import case, check, equal, main, one_line, same_set
from machine import filesystem
from records import is_event, raw
from watch import FANTAIL, TIMEOUT, Watch

HAS_BPF = os.environ.get("FANTAIL_BPF", "1") == "1"  # was built with it
LAST_PID = "/proc/sys/kernel/ns_last_pid"
TOUCH = os.path.realpath(shutil.which("touch", path="/usr/bin:/bin"))
NOBODY = 65534


def create(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def touch(path):
    """By a process that lives for that alone."""
    status = os.waitpid(os.posix_spawn(TOUCH, ["touch", path], os.environ), 0)[1]
    equal(status, 0, f"touch {path}")


def fork(function, *arguments):
    pid = os.fork()
    if pid:
        return pid
    try:
        function(*arguments)
    finally:
        os._exit(0)


def wait(pid):
    os.waitpid(pid, 0)


class Gate:
    """For one to wait at; and whoever was forked after it was made holds `held` until he ends."""

    def __init__(self):
        self._out, self._in = os.pipe()
        self._ended, self._held = os.pipe()
        os.set_inheritable(self._held, True)  # who executes has not ended

    def wait(self):
        os.read(self._out, 1)

    def open(self):
        os.write(self._in, b"x")

    def wait_for_ends(self):
        os.close(self._held)
        os.read(self._ended, 1)


def compare(records, status, truth):
    """Nothing of others that is said to be sure; what is missing is told as lost."""
    told = {raw(r): r for r in records if is_event(r)}
    lost = [r for r in records if r["events"] == ["lost"]]
    truth = set(map(os.fsencode, truth))
    surely = {p for p, r in told.items() if r.get("process", {}).get("certainty") == "exact"}
    same_set(surely - truth, set(), "of others")
    missing = truth - set(told)
    counted = sum(r.get("count", 0) for r in lost if r["where"] == "process")
    check(len(missing) <= counted, f"{len(missing)} missing, {counted} told as lost: {sorted(missing)[:5]}")
    equal(status, 3 if lost else 0, "exit status")
    if HAS_BPF:
        same_set(told, truth, "paths")
        equal(lost, [], "lost")


def stop(watch):
    """Its records, and how it ended."""
    watch.process.terminate()
    status = watch.process.wait(TIMEOUT)
    return watch.finish(status), status


def old_child(base, go, last):
    go.wait()
    create(f"{base}/orphan")
    last.wait()
    os.execv(TOUCH, ["touch", f"{base}/orphan-executed"])


def daemon(base):
    os.setsid()
    fork(touch, f"{base}/daemon")


def root(base, go, *later):
    fork(old_child, base, *later)
    go.wait()
    create(f"{base}/root")
    touch(f"{base}/child")
    wait(fork(daemon, base))


def stranger(path, go):
    go.wait()
    create(path)


def take_number(pid, path, go):
    """A process of this number, if nobody else is faster."""
    for _ in range(50):
        with open(LAST_PID, "w") as f:
            f.write(str(pid - 1))
        made = fork(lambda: stranger(path, go) if os.getpid() == pid else None)
        if made == pid:
            return made
        wait(made)
    return None


@case()
def tree():
    """The process that had the number when it began, whoever was and is below it; and none that has the number later."""
    with filesystem("tmpfs") as base:
        go, later, last, end = Gate(), Gate(), Gate(), Gate()
        pid = fork(root, base, go, later, last)
        with Watch("-e", "create", "--tree", pid, base) as watch:
            create(f"{base}/other")
            go.open()
            wait(pid)
            touch(f"{base}/other-touched")
            taken = os.access(LAST_PID, os.W_OK) and take_number(pid, f"{base}/stranger", end)
            later.open()
            if HAS_BPF:
                # What is read after that did not happen before the number was taken.
                watch.see(f"{base}/orphan")
            if taken:
                end.open()
                wait(taken)
            last.open()
            last.wait_for_ends()
            records, status = stop(watch)
        names = ("root", "child", "daemon", "orphan", "orphan-executed")
        compare(records, status, [f"{base}/{n}" for n in names])


@case()
def not_tree():
    with filesystem("tmpfs") as base:
        go, later, last = Gate(), Gate(), Gate()
        pid = fork(root, base, go, later, last)
        with Watch("-e", "create", "--not-tree", pid, base) as watch:
            for gate in go, later, last:
                gate.open()
            wait(pid)
            create(f"{base}/other")
            last.wait_for_ends()
            records, status = stop(watch)
        told = {raw(r) for r in records}
        equal(status, 0, "exit status")
        check(os.fsencode(f"{base}/other") in told, "what others do")
        if HAS_BPF:
            same_set(told, {os.fsencode(f"{base}/other")}, "paths")


@case()
def no_such_process():
    for option in "--tree", "--not-tree":
        done = subprocess.run(
            [FANTAIL, "watch", option, "4194305", "/tmp"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        equal(done.returncode, 1, f"{option}: exit status")
        one_line(done.stderr, option, "fantail: ", "4194305")


@case(("--comm", "touch"), ("--exe", TOUCH), ("--uid", "nobody"), ("--gid", "65534"))
def short_lives(option, value):
    """Processes of a millisecond: told, or counted where it is not known whether they are meant."""

    def as_nobody(path):
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.execv(TOUCH, ["touch", path])

    with filesystem("tmpfs") as base:
        base.chmod(0o777)
        with Watch("-e", "create", option, value, base) as watch:
            for n in range(300):
                wait(fork(as_nobody, f"{base}/{n}"))
                wait(fork(create, f"{base}/other-{n}"))
            records, status = stop(watch)
        compare(records, status, [f"{base}/{n}" for n in range(300)])


@case()
def own_kind():
    """What is known not to be meant is no loss."""
    with filesystem("tmpfs") as base, Watch("-e", "create", "--comm", "no-such-name", base) as watch:
        with open("/proc/self/comm") as f:
            check(f.read() != "no-such-name\n", "a name of another")
        for n in range(100):
            create(f"{base}/{n}")
        records, status = stop(watch)
        equal((records, status), ([], 0), "records, exit status")


main()
