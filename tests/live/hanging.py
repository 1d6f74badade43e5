# SPDX-License-Identifier: MIT
"""Filesystems whose server does not answer."""

import contextlib
import ctypes
import os
import signal
import struct
import subprocess
import time

from harness import check
from machine import die_with_parent, filesystem, libc, need, need_filesystem, run, spawn, temp_dir, unmount
from watch import TIMEOUT

FUSE_GETATTR, FUSE_INIT, MAX = 3, 26, 1 << 20
# fuse_init_out: version, readahead, flags, background, congestion, size of a write.
INIT_REPLY = struct.pack("<4I2HI40x", 7, 31, 0, 0, 0, 0, 4096)
# fuse_attr_out: how long it holds; inode, sizes and times; mode, links.
ROOT_REPLY = struct.pack("<Q8xQ52xII20x", 1000, 1, 0o40755, 2)


def _serve(at):
    """Answers what a mount takes. The rest it has read, so that who waits for that cannot even be killed."""
    # Nor could a test that failed.
    signal.alarm(2 * TIMEOUT)
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(b"fantail-test", os.fsencode(at), b"fuse", 0, options.encode()):
        raise OSError(ctypes.get_errno(), "mount")
    while True:
        request = os.read(fuse, MAX)
        operation, unique, node = struct.unpack_from("<4xIQQ", request)
        reply = None
        if operation == FUSE_INIT:
            reply = INIT_REPLY
        elif operation == FUSE_GETATTR and node == 1:
            reply = ROOT_REPLY
        if reply:
            os.write(fuse, struct.pack("<IiQ", 16 + len(reply), 0, unique) + reply)


@contextlib.contextmanager
def hung(at=None):
    """Its server never answers; yields the mount."""
    need_filesystem("fuse")
    at = at or temp_dir("hung")
    server = spawn(_serve, at)
    try:
        wait_for_mount(at)
        yield at
    finally:
        server.kill()
        server.join()
        unmount(at)


def wait_for_mount(at):
    until = time.monotonic() + TIMEOUT
    while not os.path.ismount(at):
        check(time.monotonic() < until, f"nothing is mounted at {at}")


@contextlib.contextmanager
def served(at=None):
    """Its server answers, and nothing of it is remembered; yields (mount, server)."""
    need("bindfs")
    with filesystem("tmpfs") as source:
        at = at or temp_dir("served")
        options = "entry_timeout=0,attr_timeout=0,negative_timeout=0"
        server = subprocess.Popen(["bindfs", "-f", "-o", options, source, at], preexec_fn=die_with_parent)
        try:
            wait_for_mount(at)
            yield at, server
        finally:
            server.send_signal(signal.SIGCONT)
            run("umount", at)
            server.wait(TIMEOUT)


def stop(server):
    """It does nothing more: of what it waits for nothing is taken."""
    server.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WNOWAIT)
