# SPDX-License-Identifier: MIT
"""The machine of a live test: mounts, loop devices and directories of its own.

All is done in a private mount namespace, so that no mount and no loop device outlives a test, however it ends.
"""

import atexit
import contextlib
import ctypes
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE, PR_SET_PDEATHSIG = 0x20000, 0x4000, 0x40000, 1
MOUNT_SECONDS = 30


class Skip(Exception):
    """Something that this machine does not have."""


def run(*command, **kwargs):
    """Runs to the end; its output is only seen when it fails."""
    done = subprocess.run(
        [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs
    )
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {done.stdout.decode()}")
    return done.stdout.decode(errors="surrogateescape")


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            raise Skip(f"{program} is not installed")


def need_filesystem(kind):
    names = {line.split()[-1] for line in open("/proc/filesystems")}
    if kind not in names and subprocess.run(["modprobe", "-q", kind], check=False).returncode:
        raise Skip(f"this kernel has no {kind}")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(function, *arguments):
    """A child that runs the function, and ends with the test however that ends."""
    process = multiprocessing.Process(target=_child, args=(function, *arguments), daemon=True)
    process.start()
    return process


def _child(function, *arguments):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    function(*arguments)


def private_mounts():
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "a mount namespace of one's own")


_base = None


def temp_dir(name="d"):
    """A directory of this test, gone at its end; others may enter it."""
    global _base
    if _base is None:
        _base = Path(tempfile.mkdtemp(prefix="fantail-live-"))
        _base.chmod(0o755)
        atexit.register(shutil.rmtree, _base, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=name + "-", dir=_base))


def unmount(path):
    """One try at once; what still holds it after that is let go of, and told."""
    done = subprocess.run(["umount", str(path)], capture_output=True, check=False)
    if done.returncode:
        subprocess.run(["umount", "-l", str(path)], capture_output=True, check=False)
    return done.returncode == 0


MKFS = {
    # name: (command, MiB of the image)
    "ext4": (["mkfs.ext4", "-q", "-F", "-N", "200000"], 512),
    "xfs": (["mkfs.xfs", "-q", "-f"], 512),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], 512),
}


@contextlib.contextmanager
def mounted(*arguments, at=None):
    at = at or temp_dir("mnt")
    run("mount", *arguments, at)
    try:
        yield at
    finally:
        unmount(at)


@contextlib.contextmanager
def filesystem(kind, options=""):
    """A new filesystem of its own, mounted."""
    if kind == "btrfs-subvolume":
        with filesystem("btrfs") as whole:
            run("btrfs", "-q", "subvolume", "create", whole / "inner")
            device = run("findmnt", "-n", "-o", "SOURCE", whole).strip()
            with mounted("-o", "subvol=inner,noatime", device) as at:
                yield at
        return
    need_filesystem(kind)
    if kind == "tmpfs":
        with mounted("-t", "tmpfs", "-o", "size=512m,mode=755", "fantail-test") as at:
            yield at
        return
    mkfs, size = MKFS[kind]
    need(mkfs[0])
    directory = temp_dir(kind)
    image = directory / "image"
    with open(image, "wb") as f:
        f.truncate(size << 20)
    run(*mkfs, image)
    try:
        with mounted("-t", kind, "-o", "loop,noatime" + options, image) as at:
            yield at
    finally:
        for line in run("losetup", "-j", image).splitlines():
            subprocess.run(["losetup", "-d", line.split(":")[0]], check=False)
        shutil.rmtree(directory, ignore_errors=True)


def stop(process):
    """It does nothing more: of what it waits for nothing is taken."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


@contextlib.contextmanager
def hung(answers=False):
    """A filesystem whose server never answers, or no more once it is stopped; yields (mount, server)."""
    need("bindfs")
    at = temp_dir("hung")
    with filesystem("tmpfs") as source:
        server = subprocess.Popen(["bindfs", "-f", source, at], preexec_fn=die_with_parent)
        try:
            until = time.monotonic() + MOUNT_SECONDS
            while not os.path.ismount(at):
                if time.monotonic() > until or server.poll() is not None:
                    raise OSError("bindfs does not mount")
            if not answers:
                stop(server)
            yield at, server
        finally:
            server.send_signal(signal.SIGCONT)
            unmount(at)
            server.wait(MOUNT_SECONDS)


@contextlib.contextmanager
def overlay(base):
    """An overlay whose layers lie below base; yields (mount, lower, upper)."""
    need_filesystem("overlay")
    layers = [Path(base) / name for name in ("lower", "upper", "work")]
    for layer in layers:
        layer.mkdir(parents=True, exist_ok=True)
    options = "lowerdir={},upperdir={},workdir={}".format(*layers)
    with mounted("-t", "overlay", "-o", options, "overlay") as at:
        yield at, layers[0], layers[1]
