# SPDX-License-Identifier: MIT
"""What `fantail doctor` says, as JSON; places to ask about, listeners, and marks tried without it."""

import contextlib
import ctypes
import errno
import json
import os
import select
import shutil
import signal
import subprocess

from harness import Failure, check, equal, show
from machine import filesystem, libc, mounted, need, overlay, run, spawn, temp_dir
from records import SOURCE
from watch import FANTAIL

try:
    from jsonschema import Draft202012Validator

    VALIDATOR = Draft202012Validator(
        json.loads((SOURCE / "data" / "fantail-doctor.schema.json").read_text())
    )
except ImportError:
    VALIDATOR = None

AT_FDCWD = -100
NOBODY = 65534

# fanotify(7), as numbers: the headers of the build machine may not know all.
CLASSES = {"FAN_CLASS_NOTIF": 0, "FAN_CLASS_CONTENT": 4, "FAN_CLASS_PRE_CONTENT": 8}
REPORTS = {
    "FAN_REPORT_PIDFD": 0x80,
    "FAN_REPORT_TID": 0x100,
    "FAN_REPORT_FID": 0x200,
    "FAN_REPORT_DIR_FID": 0x400,
    "FAN_REPORT_NAME": 0x800,
    "FAN_REPORT_TARGET_FID": 0x1000,
    "FAN_REPORT_FD_ERROR": 0x2000,
    "FAN_REPORT_MNT": 0x4000,
}
OTHERS = {"FAN_UNLIMITED_QUEUE": 0x10, "FAN_UNLIMITED_MARKS": 0x20, "FAN_ENABLE_AUDIT": 0x40}
TYPES = {"inode": 0, "mount": 0x10, "filesystem": 0x100, "mntns": 0x110}
MODES = {"mark": 0, "evictable": 0x200, "ignored": 0x60, "ignore": 0x440}
EVENTS = {
    "access": 0x1,
    "modify": 0x2,
    "attrib": 0x4,
    "close_write": 0x8,
    "close_nowrite": 0x10,
    "open": 0x20,
    "moved_from": 0x40,
    "moved_to": 0x80,
    "create": 0x100,
    "delete": 0x200,
    "delete_self": 0x400,
    "move_self": 0x800,
    "open_exec": 0x1000,
    "fs_error": 0x8000,
    "open_perm": 0x10000,
    "access_perm": 0x20000,
    "open_exec_perm": 0x40000,
    "pre_access": 0x100000,
    "mnt_attach": 0x1000000,
    "mnt_detach": 0x2000000,
    "rename": 0x10000000,
    "ondir": 0x20 | 0x40000000,
    "on_child": 0x20 | 0x08000000,
}
ASKS = {"open_perm", "access_perm", "open_exec_perm", "pre_access"}


def doctor(*arguments, status=0, prefix=(), timeout=60, program=FANTAIL):
    """The object that it prints as JSON, valid by its schema."""
    done = subprocess.run(
        [*prefix, program, "doctor", "--format", "json", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    what = f"doctor {' '.join(map(str, arguments))}"
    statuses = status if isinstance(status, tuple) else (status,)
    told = done.stderr + done.stdout if "--selftest" in arguments else done.stderr
    check(done.returncode in statuses, f"{what}: exit {done.returncode}, {told.decode()}")
    check(done.stdout.count(b"\n") == 1, f"{what}: one line wanted, got {show(done.stdout)}")
    told = json.loads(done.stdout)
    for error in VALIDATOR.iter_errors(told) if VALIDATOR else ():
        raise Failure(f"{what}: schema: {error.json_path}: {show(error.message)}")
    return told


def finding(told, area, name):
    found = [f for f in told["findings"] if f["area"] == area and f["name"] == str(name)]
    equal(len(found), 1, f"findings {area}: {name}")
    return found[0]


def unprivileged(*arguments, **kwargs):
    """As a user who has nothing, from a copy of the program that he may run."""
    copy = temp_dir("program") / "fantail"
    shutil.copy(FANTAIL, copy)
    copy.chmod(0o755)
    prefix = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    return doctor(*arguments, program=copy, prefix=prefix, **kwargs)


def errno_name():
    name = errno.errorcode[ctypes.get_errno()]
    return "EOPNOTSUPP" if name == "ENOTSUP" else name


def try_group(flags):
    """(descriptor or None, "ok" or the name of an errno)"""
    fd = libc.fanotify_init(flags | 1 | 2, os.O_RDONLY)
    return (fd, "ok") if fd >= 0 else (None, errno_name())


def try_mark(group, flags, mask, path):
    r = libc.fanotify_mark(group, 1 | flags, ctypes.c_uint64(mask), AT_FDCWD, os.fsencode(path))
    if r < 0:
        return errno_name()
    r = libc.fanotify_mark(group, 2 | flags, ctypes.c_uint64(mask), AT_FDCWD, os.fsencode(path))
    check(r == 0, f"mark {flags:#x} {mask:#x} cannot be removed: errno {ctypes.get_errno()}")
    return "ok"


@contextlib.contextmanager
def place(kind):
    """A mounted filesystem of this kind, that nobody else uses."""
    with contextlib.ExitStack() as stack:
        if kind == "overlay":
            base = stack.enter_context(filesystem("ext4"))
            yield stack.enter_context(overlay(base))[0]
        elif kind == "fuse":
            need("bindfs")
            source = stack.enter_context(filesystem("tmpfs"))
            at = temp_dir("fuse")
            run("bindfs", source, at)
            stack.callback(subprocess.run, ["umount", str(at)], check=False)
            yield at
        elif kind == "btrfs-alone":
            # The subvolume is all that is mounted of it.
            whole = stack.enter_context(filesystem("btrfs"))
            run("btrfs", "-q", "subvolume", "create", whole / "inner")
            device = run("findmnt", "-n", "-o", "SOURCE", whole).strip()
            at = stack.enter_context(mounted("-o", "subvol=inner,noatime", device))
            run("umount", whole)
            yield at
        elif kind == "proc":
            yield stack.enter_context(mounted("-t", "proc", "proc"))
        else:
            yield stack.enter_context(filesystem(kind))


def listen(ready, kind, path, event, seconds=20):
    """A listener that is asked, and never answers; it ends soon, whatever happens."""
    signal.alarm(seconds)
    group = libc.fanotify_init(CLASSES["FAN_CLASS_CONTENT"] | 1, os.O_RDONLY)
    mask = EVENTS[event] | (0x08000000 if kind == "children" else 0)
    r = libc.fanotify_mark(
        group, 1 | TYPES.get(kind, 0), ctypes.c_uint64(mask), AT_FDCWD, os.fsencode(path)
    )
    os.write(ready, b"+" if r == 0 else b"-")
    while True:
        signal.pause()


@contextlib.contextmanager
def listener(kind, path, event="open_perm"):
    ready, write_end = os.pipe()
    process = spawn(listen, write_end, kind, path, event)
    os.close(write_end)
    try:
        told = os.read(ready, 1) if select.select([ready], [], [], 10)[0] else b""
        equal(told, b"+", f"listener with a mark on {kind} {path}")
        yield process
    finally:
        process.kill()
        process.join()
        os.close(ready)
