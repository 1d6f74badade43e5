# SPDX-License-Identifier: MIT
"""The examples that watch, against what a workload did."""

import os
import re
import subprocess
from collections import defaultdict

from harness import case, check, equal, main, one_line, same_set
from machine import temp_dir
from program import Program, end_of

USER = 12345
USAGES = ("created-deleted", "epoll-loop", "ask-before-open")
WATCHERS = {"watch-tree": 1, "created-deleted": 1, "epoll-loop": 1, "ask-before-open": 1}

# Does the lines of its input one after the other, says so, and stays until the input ends: who did it can be looked up.
WORKER = f"""
import os, sys
os.setgid({USER}), os.setuid({USER})
print(open("/proc/self/comm").read().strip(), os.path.realpath("/proc/self/exe"), flush=True)
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


class Worker:
    """A process of another user that does what it is told."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.process.pid
        self.comm, self.exe = self.process.stdout.readline().split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def do(self, *statements):
        for statement in statements:
            self.process.stdin.write(statement + "\n")
            self.process.stdin.flush()
            equal(self.process.stdout.readline(), "done\n", statement)


def directory():
    path = temp_dir("tree")
    os.chown(path, USER, USER)
    return os.path.realpath(path)


def make(path):
    """A file that the worker owns."""
    with open(path, "w", encoding="utf-8"):
        os.chown(path, USER, USER)
    return path


@case()
def watch_tree():
    top = directory()
    os.mkdir(f"{top}/sub")
    os.chown(f"{top}/sub", USER, USER)
    for name in ("from", "gone", "mode", "sub/deep"):
        make(f"{top}/{name}")
    make(f"{os.path.dirname(top)}/beside")
    with Program("watch-tree", top) as program, Worker() as worker:
        worker.do(
            f"open({top + '/written'!r}, 'w').write('x')",
            f"os.mkdir({top + '/made'!r})",
            f"os.rename({top + '/from'!r}, {top + '/sub/to'!r})",
            f"os.unlink({top + '/gone'!r})",
            f"os.chmod({top + '/mode'!r}, 0o600)",
            f"os.chmod({os.path.dirname(top) + '/beside'!r}, 0o600)",
            f"open({top + '/sub/deep'!r}).read()",
            f"os.mkdir({top!r} + '/line' + chr(10) + 'python3(1) delete ' + chr(27) + '[2J')",
            f"os.mkdir({top + '/last'!r})",
        )
        lines = program.lines_until(b"/last\n")
        told = defaultdict(set)
        for line in lines:
            match = re.fullmatch(r"(.*)\((\d+)\) ([a-z_,]+) (/.*)\n", line.decode())
            check(match, f"not a line of watch-tree: {line!r}")
            comm, pid, events, path = match.groups()
            equal((comm, int(pid)), (worker.comm, worker.pid), f"who did {line!r}")
            told[path] |= set(events.split(","))
    # The link count of a file that is removed changes, too.
    told[f"{top}/gone"].discard("attrib")
    wanted = {
        f"{top}/written": {"create", "open", "modify", "close_write"},
        f"{top}/made": {"create"},
        f"{top}/sub/to": {"rename"},
        f"{top}/gone": {"delete"},
        f"{top}/mode": {"attrib"},
        f"{top}/sub/deep": {"open"},
        f"{top}/line\\npython3(1) delete \\x1b[2J": {"create"},
    }
    equal(dict(told), wanted, "events of each path")


@case()
def created_deleted():
    top = directory()
    for name in ("old", "renamed"):
        make(f"{top}/{name}")
    os.mkdir(f"{top}/sub")
    os.chown(f"{top}/sub", USER, USER)
    # Who is there before has an id that is known from the first event on.
    with Worker() as worker, Program("created-deleted", top) as program:
        worker.do(
            f"open({top + '/new'!r}, 'w')",
            f"os.mkdir({top + '/directory'!r})",
            f"os.unlink({top + '/old'!r})",
            f"os.rename({top + '/renamed'!r}, {top + '/other'!r})",
            f"os.mkdir({top + '/sub/too-deep'!r})",
            f"os.rmdir({top + '/sub/too-deep'!r})",
            f"os.rmdir({top + '/sub'!r})",
            f"os.symlink('x', {top!r} + '/' + chr(27) + '[2J')",
            f"os.mkdir({top + '/last'!r})",
        )
        lines = program.lines_until(b"/last ")
    who = f"by process {worker.pid} ({worker.exe}) of user {USER}\n"
    wanted = [
        f"file created: {top}/new {who}",
        f"directory created: {top}/directory {who}",
        f"file deleted: {top}/old {who}",
        f"directory deleted: {top}/sub {who}",
        f"file created: {top}/\\x1b[2J {who}",
    ]
    equal([line.decode() for line in lines], wanted, "lines")


@case()
def epoll_loop():
    """The timer, the input and the session each get their turn; what is queued at the end is counted."""
    top = directory()
    os.mkdir(f"{top}/sub")
    os.chown(f"{top}/sub", USER, USER)
    with Program("epoll-loop", top) as program, Worker() as worker:
        equal(program.out.read(), b"so far: 0 created\n", "before anything was created")
        worker.do(f"[open({top!r} + '/a%d' % i, 'w').close() for i in range(300)]")
        line = b""
        while line != b"so far: 300 created\n":
            line = program.out.read()
            check(re.fullmatch(rb"so far: \d+ created\n", line), f"not a line of the timer: {line!r}")
        program.process.stdin.write(b"this is read and has no meaning\n")
        program.process.stdin.flush()
        worker.do(f"[os.mkdir({top!r} + '/sub/b%d' % i) for i in range(777)]")
        program.process.stdin.close()
        while line.startswith(b"so far: "):
            line = program.out.read()
        equal(line, b"in all: 1077 created\n", "the last line")
        equal(program.out.read(), b"", "after the last line")
        equal(program.process.wait(30), 0, "exit status")


@case(*WATCHERS)
def absent(name):
    status, said = end_of(name, "/nothing/here")
    equal(status, 1, "exit status")
    one_line(said, "stderr", name, "/nothing/here", "No such file or directory")


@case(*USAGES)
def no_argument(name):
    status, said = end_of(name)
    equal(status, 2, "exit status")
    one_line(said, "stderr", f"usage: {name} ")


@case("watch-tree", "created-deleted")
def full_disk(name):
    """What cannot be printed ends the program, and is not taken for done."""
    top = directory()
    with open("/dev/full", "wb") as full:
        program = subprocess.Popen(
            ["timeout", "-s", "KILL", "60", f"{os.environ['EXAMPLES']}/{name}", top],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    equal(program.stderr.readline(), "watching\n", "stderr")
    with Worker() as worker:
        worker.do(f"os.mkdir({top + '/made'!r})")
        said = program.stderr.read()
    equal(program.wait(30), 1, "exit status")
    one_line(said, "stderr", name, "No space left on device")


@case()
def every_example_is_known():
    """No example that no test knows."""
    built = {e.name for e in os.scandir(os.environ["EXAMPLES"]) if e.is_file() and os.access(e, os.X_OK)}
    same_set(built, WATCHERS, "programs in examples/")


main()
