# SPDX-License-Identifier: MIT
"""Groups and marks of a test's own, and what `fantail marks` should say of them."""

import contextlib
import ctypes
import json
import os
import subprocess

from harness import Failure, check, equal, show
from machine import libc
from records import SOURCE, raw
from watch import FANTAIL

SCHEMA = SOURCE / "data" / "fantail-marks.schema.json"
AT_FDCWD = -100

# The kernel's ABI, from linux/fanotify.h and linux/inotify.h.
INIT = {
    "FAN_CLASS_CONTENT": 0x4,
    "FAN_CLASS_PRE_CONTENT": 0x8,
    "FAN_UNLIMITED_QUEUE": 0x10,
    "FAN_UNLIMITED_MARKS": 0x20,
    "FAN_REPORT_TID": 0x100,
    "FAN_REPORT_FID": 0x200,
    "FAN_REPORT_DIR_FID": 0x400,
    "FAN_REPORT_NAME": 0x800,
    "FAN_REPORT_TARGET_FID": 0x1000,
}
FAN = {
    "FAN_ACCESS": 0x1,
    "FAN_MODIFY": 0x2,
    "FAN_ATTRIB": 0x4,
    "FAN_CLOSE_WRITE": 0x8,
    "FAN_CLOSE_NOWRITE": 0x10,
    "FAN_OPEN": 0x20,
    "FAN_MOVED_FROM": 0x40,
    "FAN_MOVED_TO": 0x80,
    "FAN_CREATE": 0x100,
    "FAN_DELETE": 0x200,
    "FAN_DELETE_SELF": 0x400,
    "FAN_MOVE_SELF": 0x800,
    "FAN_OPEN_EXEC": 0x1000,
    "FAN_RENAME": 0x10000000,
    "FAN_FS_ERROR": 0x8000,
    "FAN_OPEN_PERM": 0x10000,
    "FAN_ACCESS_PERM": 0x20000,
    "FAN_OPEN_EXEC_PERM": 0x40000,
    "FAN_PRE_ACCESS": 0x100000,
    "FAN_EVENT_ON_CHILD": 0x8000000,
    "FAN_ONDIR": 0x40000000,
}
MARK = {
    "FAN_MARK_IGNORED_SURV_MODIFY": 0x40,
    "FAN_MARK_EVICTABLE": 0x200,
    "FAN_MARK_IGNORE": 0x400,
}
TYPES = {"inode": 0, "mount": 0x10, "filesystem": 0x100}
IGNORED_MASK = 0x20
IN = {
    "IN_ACCESS": 0x1,
    "IN_MODIFY": 0x2,
    "IN_ATTRIB": 0x4,
    "IN_CLOSE_WRITE": 0x8,
    "IN_CLOSE_NOWRITE": 0x10,
    "IN_OPEN": 0x20,
    "IN_MOVED_FROM": 0x40,
    "IN_MOVED_TO": 0x80,
    "IN_CREATE": 0x100,
    "IN_DELETE": 0x200,
    "IN_DELETE_SELF": 0x400,
    "IN_MOVE_SELF": 0x800,
    "IN_EXCL_UNLINK": 0x4000000,
    "IN_ONESHOT": 0x80000000,
}
FID = INIT["FAN_REPORT_FID"] | INIT["FAN_REPORT_DIR_FID"] | INIT["FAN_REPORT_NAME"]
FID |= INIT["FAN_REPORT_TARGET_FID"]


def names_of(table, value):
    return {name for name, bit in table.items() if value & bit}


def _call(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


class Group:
    """A fanotify group and the marks that it was given: (type, path, mask, ignored mask, flags)."""

    def __init__(self, flags=FID, event_flags=os.O_CLOEXEC):
        self.flags, self.marks = flags, set()
        self.fd = _call(libc.fanotify_init(flags | 1 | 2, event_flags), "fanotify_init")

    def mark(self, path, mask=0, ignored=0, kind="inode", flags=0):
        path = os.fsencode(path)
        # An ignored mask is a call of its own; evictable holds for the mark, not for the call.
        if mask:
            self._call(TYPES[kind] | (flags & 0x200), mask, path)
        if ignored:
            self._call(TYPES[kind] | (flags if flags & 0x400 else flags | IGNORED_MASK), ignored, path)
        # That group is told the parents of files by a bit that the kernel adds for itself.
        is_child = kind != "inode" or not os.path.isdir(path)
        if mask and is_child and self.flags & INIT["FAN_REPORT_DIR_FID"]:
            mask |= FAN["FAN_EVENT_ON_CHILD"]
        self.marks.add((kind, path, mask, ignored, flags))

    def remove(self, path, mask, kind="inode"):
        flags = ctypes.c_uint(2 | TYPES[kind])
        path = os.fsencode(path)
        _call(libc.fanotify_mark(self.fd, flags, ctypes.c_ulonglong(mask), AT_FDCWD, path), "remove")

    def _call(self, flags, mask, path):
        flags, mask = ctypes.c_uint(1 | flags), ctypes.c_ulonglong(mask)
        _call(libc.fanotify_mark(self.fd, flags, mask, AT_FDCWD, path), f"fanotify_mark {path}")

    def events(self):
        """What waits to be read."""
        try:
            return os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return b""

    def close(self):
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.close()


class Inotify(Group):
    def __init__(self):
        self.flags, self.marks = 0, set()
        self.fd = _call(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify_init1")

    def watch(self, path, mask):
        path = os.fsencode(path)
        wd = _call(libc.inotify_add_watch(self.fd, path, ctypes.c_uint(mask)), f"watch {path}")
        self.marks.add((wd, path, mask))
        return wd


def marks(*arguments, status=0, prefix=(), program=FANTAIL, fmt="json", **kwargs):
    """The lines of `fantail marks`, each checked by its schema."""
    command = [*prefix, program, "marks", "--format", fmt, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, **kwargs)
    equal(done.returncode, status, f"status of {command[-4:]} (stderr: {done.stderr.decode()})")
    if fmt != "json":
        return done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    validate(lines)
    return lines


def validate(lines):
    try:
        import jsonschema
    except ImportError:
        return
    with open(SCHEMA) as f:
        validator = jsonschema.Draft202012Validator(json.load(f))
    for line in lines:
        for error in validator.iter_errors(line):
            raise Failure(f"{show(line, 600)}: schema: {show(error.message)}")


def holds(line, group, pid=None):
    pid = pid or os.getpid()
    return any(h["pid"] == pid and group.fd in h["fds"] for h in line["holders"])


def line_of(group, lines, pid=None):
    found = [line for line in lines if holds(line, group, pid)]
    equal(len(found), 1, f"lines of the group in {show([g['holders'] for g in lines])}")
    return found[0]


def _check_names(mark, field, table):
    equal(set(mark[field + "_names"]), names_of(table, mark[field]), f"{field} of {show(mark)}")


def told(line, field="marks"):
    """The marks of a line in the form of Group.marks; each name must be that of its bit."""
    found = set()
    for mark in line[field]:
        path = raw(mark)
        if line["group"] == "inotify":
            _check_names(mark, "mask", IN)
            fact = (mark["wd"], path, mark["mask"])
        else:
            _check_names(mark, "mask", FAN)
            _check_names(mark, "ignored_mask", FAN)
            _check_names(mark, "flags", MARK)
            equal(mark["evictable"], bool(mark["flags"] & 0x200), "evictable")
            fact = (mark["type"], path, mark["mask"], mark["ignored_mask"], mark["flags"])
        check(fact not in found, f"told twice: {show(fact)}")
        found.add(fact)
    return found
