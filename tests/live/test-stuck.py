# SPDX-License-Identifier: MIT
"""`fantail doctor --stuck`: processes that a listener of the test holds."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from datetime import datetime

from doctoring import NOBODY, doctor, listener, place, unprivileged
from harness import case, check, equal, main, one_line
from machine import die_with_parent, run
from watch import FANTAIL

def await_stuck(pid, since, limit=1.0):
    """What doctor tells of this process, as soon as it does; within a second of the call that holds it."""
    while True:
        told = doctor("--stuck", status=0, timeout=10)
        waiting = [w for w in told["stuck"] if w["pid"] == pid]
        if waiting:
            return waiting[0]
        check(time.monotonic() - since < limit, f"process {pid} is not named: {told}")


def waiting_below(at):
    """Who waits for a file of the test's own: others on this machine may wait for theirs."""
    return [w for w in doctor("--stuck")["stuck"] if w.get("path", "").startswith(f"{at}/")]


@contextlib.contextmanager
def held(*command, **kwargs):
    """A process that runs into a listener; and when it was started."""
    began, wall = time.monotonic(), time.time()
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
        **kwargs,
    )
    try:
        yield process, began, wall
    finally:
        process.kill()
        process.wait()


AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or "python3"
CALLS = {
    # name: (code that is held, what is asked about, the call)
    "openat": ("os.open('in/file', os.O_RDONLY, dir_fd=d)", "open_perm", "openat"),
    "read": ("os.read(os.open('in/file', os.O_RDONLY, dir_fd=d), 1)", "access_perm", "read"),
    "pread": ("os.pread(os.open('in/file', os.O_RDONLY, dir_fd=d), 1, 0)", "access_perm", "pread64"),
}


@case("openat", "read", "pread")
def test_stuck_call(name):
    """The call, the file and the time, of a process that came by a descriptor of a directory."""
    code, event, call = CALLS[name]
    with place("tmpfs") as at:
        (at / "in").mkdir()
        (at / "in" / "file").write_text("x")
        script = f"import os, sys\nd = os.open(sys.argv[1], os.O_PATH)\n{code}"
        with listener("filesystem", at, event) as by:
            with held(PYTHON, "-c", script, at) as (process, began, wall):
                told = await_stuck(process.pid, began, limit=3.0)
                seen = time.time()
    equal(told["call"], call, "call")
    equal(told["path"], str(at / "in" / "file"), "path")
    equal(told.get("asked"), "in/file" if call == "openat" else None, "as it was asked for")
    equal([x["pid"] for x in told["listeners"]], [by.pid], "listeners")
    since = datetime.fromisoformat(told["since"][:26] + "+00:00").timestamp()
    if told["since_source"] == "scheduler":
        # The scheduler's notes are as old as a tick.
        check(wall - 0.02 <= since <= seen, f"since {since}, started {wall}, seen {seen}")


@case("filesystem", "mount", "inode", "children")
def test_stuck_listener(kind):
    """Of two listeners the one that is asked about this file, within a second."""
    with place("tmpfs") as at, place("tmpfs") as other:
        file = at / "file"
        file.write_text("x")
        marked = {"inode": file}.get(kind, at)
        with listener(kind, marked) as by, listener("filesystem", other):
            equal(waiting_below(at), [], "before anybody waits")
            with held("cat", "file", cwd=at) as (process, began, _):
                told = await_stuck(process.pid, began)
                text = run(FANTAIL, "doctor", "--stuck").splitlines()
                by.kill()
                equal(process.wait(10), 0, "the process, when the listener is gone")
    equal([x["pid"] for x in told["listeners"]], [by.pid], "listeners")
    equal((told["call"], told["asked"], told["path"]), ("openat", "file", str(file)), "what")
    equal((told["covered"], told["comm"]), (True, "cat"), "who")
    mine = "\n".join(line for line in text if line.startswith(f"cat({process.pid})"))
    one_line(mine, "text", f"({by.pid})", "openat", str(file))
    equal(waiting_below(at), [], "when nobody waits any more")


@case()
def test_stuck_program():
    """A process that executes: it is named by what it was before."""
    with place("tmpfs") as at:
        program = at / "program"
        shutil.copy("/bin/true", program)
        with listener("filesystem", at, "open_exec_perm") as by:
            began = time.monotonic()
            child = os.fork()
            if child == 0:
                die_with_parent()
                os.execv(program, ["program"])
            try:
                told = await_stuck(child, began)
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
    equal((told["call"], told["path"]), ("execve", str(program)), "what")
    equal([x["pid"] for x in told["listeners"]], [by.pid], "listeners")


@case()
def test_stuck_elsewhere():
    """A process with mounts of its own, as in a container: its file is the one that is asked about."""
    with place("tmpfs") as at, place("tmpfs") as other:
        (at / "file").write_text("x")
        with listener("filesystem", at) as by, listener("filesystem", other):
            with held("unshare", "-m", "cat", at / "file") as (process, began, _):
                told = await_stuck(process.pid, began)
    equal((told["path"], told["covered"]), (str(at / "file"), True), "what")
    equal([x["pid"] for x in told["listeners"]], [by.pid], "listeners")


@case()
def test_stuck_thread():
    """A thread other than the first, and the rest of the process goes on."""
    with place("tmpfs") as at:
        (at / "file").write_text("x")
        script = (
            "import sys, threading\n"
            "t = threading.Thread(target=open, args=(sys.argv[1],))\n"
            "t.start(); print(t.native_id, flush=True); t.join()"
        )
        with listener("filesystem", at):
            began = time.monotonic()
            process = subprocess.Popen(
                [PYTHON, "-c", script, at / "file"],
                stdout=subprocess.PIPE,
                preexec_fn=die_with_parent,
            )
            try:
                tid = int(process.stdout.readline())
                told = await_stuck(process.pid, began, limit=3.0)
            finally:
                process.kill()
                process.wait()
    equal(told["tid"], tid, "thread")
    equal(told["path"], str(at / "file"), "path")


@case()
def test_stuck_without_root():
    """One's own process is told, without the listener; another user's is not, and that is said."""
    with place("tmpfs") as at:
        (at / "file").write_text("x")
        with listener("filesystem", at):
            with held("cat", at / "file") as (other, began, _), held(*AS_NOBODY, "cat", at / "file") as (own, *_):
                await_stuck(other.pid, began, limit=3.0)
                await_stuck(own.pid, began, limit=3.0)
                told = unprivileged("--stuck", status=3)
    equal([w["pid"] for w in told["stuck"] if w["pid"] in (own.pid, other.pid)], [own.pid], "who waits")
    equal([w["listeners"] for w in told["stuck"] if w["pid"] == own.pid], [[]], "listeners")
    check(told["denied"] > 0 and told["unseen"] > 0, f"what cannot be seen: {told}")


if __name__ == "__main__":
    main()
