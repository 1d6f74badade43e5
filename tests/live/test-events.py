# SPDX-License-Identifier: MIT
"""Every kind of event with its name, path, old path and directory flag. test-events.py [FILESYSTEM...]"""

import ctypes
import os
import shutil
import subprocess
import sys

from harness import case, check, equal, main, same_set
from machine import filesystem, libc
from records import facts, is_event, raw
from watch import Watch

KINDS = sys.argv[1:] or ["ext4", "xfs", "btrfs", "btrfs-subvolume", "tmpfs"]
AT_FDCWD, RENAME_EXCHANGE = -100, 2
# These happen only where the workload made them; any other event may also be told of a path that it touched.
STRICT = {"create", "delete", "rename", "moved_from", "moved_to", "modify", "open_exec"}


def touch(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def write(path):
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, b"new content")
    os.close(fd)


def read(path):
    fd = os.open(path, os.O_RDONLY)
    os.read(fd, 100)
    os.close(fd)


def execute(path):
    equal(subprocess.run([path], check=False).returncode, 0, "the copy of true")


def exchange(one, other):
    one, other = os.fsencode(one), os.fsencode(other)
    failed = libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
    check(not failed, os.strerror(ctypes.get_errno()))


def moved(old, new, is_dir):
    return [
        ("rename", new, old, is_dir),
        ("moved_from", old, None, is_dir),
        ("moved_to", new, None, is_dir),
    ]


def on(path, is_dir, *events):
    return [(e, path, None, is_dir) for e in events]


READ = "open", "access", "close_nowrite"
# name: (what is there before, what is done, what must be told). A name that ends in / is a directory; each row has
# a directory of its own.
OPERATIONS = {
    "create": ([], [(touch, "f")], on("f", False, "create", "open", "close_write")),
    "write": (["f"], [(write, "f")], on("f", False, "open", "modify", "close_write")),
    "read": (["f"], [(read, "f")], on("f", False, *READ)),
    "list": (["d/", "d/f"], [(os.listdir, "d")], on("d", True, *READ)),
    "truncate": (["f"], [(lambda p: os.truncate(p, 1), "f")], on("f", False, "modify")),
    "chmod": (["f"], [(lambda p: os.chmod(p, 0o600), "f")], on("f", False, "attrib")),
    "chmod-dir": (["d/"], [(lambda p: os.chmod(p, 0o700), "d")], on("d", True, "attrib")),
    "utime": (["f"], [(os.utime, "f")], on("f", False, "attrib")),
    "mkdir": ([], [(os.mkdir, "d")], on("d", True, "create")),
    "rmdir": (["d/"], [(os.rmdir, "d")], on("d", True, "delete")),
    "unlink": (["f"], [(os.unlink, "f")], on("f", False, "delete")),
    "rename": (["f"], [(os.rename, "f", "g")], moved("f", "g", False)),
    "rename-over": (["f", "g"], [(os.rename, "f", "g")], moved("f", "g", False)),
    "rename-across": (["a/", "b/", "a/f"], [(os.rename, "a/f", "b/g")], moved("a/f", "b/g", False)),
    "rename-dir": (
        ["a/", "b/", "a/d/", "a/d/e/"],
        [(os.rename, "a/d", "b/c"), (touch, "b/c/e/f")],
        moved("a/d", "b/c", True) + on("b/c/e/f", False, "create", "open", "close_write"),
    ),
    "exchange": (
        ["d/", "d/f", "g"],
        [(exchange, "d", "g"), (write, "g/f")],
        moved("d", "g", True) + moved("g", "d", False) + on("g/f", False, "modify"),
    ),
    "link": (["a/", "f"], [(os.link, "f", "a/g")], on("a/g", False, "create")),
    "unlink-one-name": (
        ["f"],
        [(os.link, "f", "g"), (os.unlink, "f")],
        on("g", False, "create") + on("f", False, "delete"),
    ),
    "symlink": ([], [(lambda p: os.symlink("/nowhere", p), "s")], on("s", False, "create")),
    "fifo": ([], [(os.mkfifo, "p")], on("p", False, "create")),
    "exec": (["true*"], [(execute, "true*")], on("true*", False, "open", "open_exec", "close_nowrite")),
    "new-tree": (
        [],
        [(os.makedirs, "a/b/c"), (touch, "a/b/c/f"), (shutil.rmtree, "a")],
        [x for d in ("a", "a/b", "a/b/c") for x in on(d, True, "create", "delete")]
        + on("a/b/c/f", False, "create", "delete"),
    ),
}


LINKED = [("link", "f"), ("link", "a/g"), ("unlink-one-name", "g")]


def prepare(path):
    if path.endswith("/"):
        os.mkdir(path)
    elif path.endswith("*"):
        shutil.copy(shutil.which("true"), path)
    else:
        with open(path, "w") as f:
            f.write("old content")


def absolute(base, name, fact):
    event, path, old, is_dir = fact
    join = lambda p: p and os.fsencode(base / name / p)
    return event, join(path), join(old), is_dir


def touched(wanted, told):
    """Facts that may come with those wanted: other events of the same paths."""
    places = {(path, is_dir) for _, new, old, is_dir in wanted for path in (new, old)}
    return {f for f in told if f[0] not in STRICT and (f[1], f[3]) in places}


@case(*KINDS)
def events(kind):
    with filesystem(kind) as base:
        for name, (before, _, _) in OPERATIONS.items():
            os.mkdir(base / name)
            for path in before:
                prepare(f"{base}/{name}/{path}")
        with Watch("-e", "all", base) as watch:
            for name, (_, actions, _) in OPERATIONS.items():
                for function, *arguments in actions:
                    function(*(f"{base}/{name}/{a}" for a in arguments))
            records = watch.stop()
        device = os.stat(base).st_dev
    wanted = {absolute(base, n, f) for n, (_, _, told) in OPERATIONS.items() for f in told}
    told = facts(records)
    # A link count is an attribute of the object, whichever of its names is told.
    names = {absolute(base, row, ("attrib", path, None, False)) for row, path in LINKED}
    same_set(told, wanted, kind, touched(wanted | names, told) | names)
    check_details(records, kind.split("-")[0], device)


def check_details(records, kind, device):
    for r in records:
        check(is_event(r), f"something was lost: {r}")
        equal(r.get("fs"), kind, f"{r}: fs")
        check("pid" in r, f"{r}: no pid")
        if kind != "btrfs":  # there stat tells a device for each subvolume, not the filesystem's
            equal(r.get("dev"), f"{os.major(device)}:{os.minor(device)}", f"{r}: dev")
    mine = [r for r in records if b"/exec" not in (raw(r) or b"")]
    equal({r["pid"] for r in mine}, {os.getpid()}, "pids")


main()
