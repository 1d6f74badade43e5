# SPDX-License-Identifier: MIT
"""fantail guard: ways to a protected file. Each is denied, or the manual says that it cannot be stopped.

The table is what this prints: attempt, and what came of it.
"""

import ctypes
import mmap
import os

from attempts import (
    ABSENT,
    DENIED,
    REACH,
    REACHED,
    SECRET,
    Table,
    kernel,
    outcome,
    reach,
    read_by_table,
    shell,
)
from guard import opened
from harness import case, main
from machine import libc, temp_dir

RENAME_EXCHANGE, AT_FDCWD, AT_SYMLINK_FOLLOW = 2, -100, 0x400
OVERLAY = None if kernel() >= (6, 5) else "overlay"
LOADER = os.path.realpath("/lib64/ld-linux-x86-64.so.2")
# An overlay renames no directory that lies in a lower layer.
RENAMING = ("ext4", "xfs", "btrfs-subvolume", "tmpfs")
ALL = (*RENAMING, "overlay")
reading = Table("reading")


# ---- under its own name ----


@reading.attempt("plain open")
def _(_place, path):
    return reach("open", path)


@reading.attempt("open for writing")
def _(_place, path):
    return reach("write", path)


@reading.attempt("O_CREAT of what is there")
def _(_place, path):
    return reach("create", path)


@reading.attempt("O_TRUNC")
def _(_place, path):
    return DENIED if reach("trunc", path) == DENIED and path.stat().st_size == 6 else "cut"


@reading.attempt("openat2 RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS")
def _(_place, path):
    return reach("beneath", path.name, path.parent)


@reading.attempt("openat2 RESOLVE_IN_ROOT, NO_XDEV")
def _(_place, path):
    return reach("in-root", "/" + path.name, path.parent)


@reading.attempt("openat2 RESOLVE_CACHED")
def _(_place, path):
    return reach("cached", path.name, path.parent)


@reading.attempt("system call of a 32-bit program")
def _(_place, path):
    return reach("ia32", path)


@reading.attempt("io_uring")
def _(_place, path):
    return reach("uring", path)


@reading.attempt("io_uring, by a worker")
def _(_place, path):
    return reach("uring-worker", path)


@reading.attempt("io_uring, by a thread of the kernel")
def _(_place, path):
    return reach("uring-poll", path)


@reading.attempt("by another user of a user namespace")
def _(_place, path):
    return outcome(["unshare", "-Ur", REACH, "open", path])


# ---- under other names ----


@reading.attempt("symbolic link from before")
def _(place, path):
    link = place.new()
    link.symlink_to(path)
    yield
    return reach("open", link)


@reading.attempt("symbolic link made since")
def _(place, path):
    link = place.new()
    link.symlink_to(path)
    return reach("open", link)


@reading.attempt("hard link from before")
def _(place, path):
    link = place.new()
    os.link(path, link)
    yield
    return reach("open", link)


@reading.attempt("hard link made since")
def _(place, path):
    link = place.new()
    os.link(path, link)
    return reach("open", link)


@reading.attempt("hard link made since, its first name removed")
def _(place, path):
    link = place.new()
    os.link(path, link)
    path.unlink()
    return reach("open", link)


@reading.attempt("linked and opened by a descriptor that only names")
def _(place, path):
    fd = os.open(path, os.O_PATH)
    link = place.new()
    names = os.fsencode(f"/proc/self/fd/{fd}"), os.fsencode(link)
    if libc.linkat(AT_FDCWD, names[0], AT_FDCWD, names[1], AT_SYMLINK_FOLLOW):
        raise OSError(ctypes.get_errno(), "linkat")
    os.close(fd)
    return reach("open", link)


@reading.attempt("renamed")
def _(place, path):
    return reach("open", path.rename(place.new()))


@reading.attempt("changed, then renamed")
def _(place, path):
    path.chmod(0o600)
    return reach("open", path.rename(place.new()))


@reading.attempt("changed, then linked")
def _(place, path):
    os.utime(path, (1, 1))
    link = place.new()
    os.link(path, link)
    return reach("open", link)


@reading.attempt("renamed, of several names in a lower layer", only=("overlay",))
def _(place, path):
    inner = place.lower / path.relative_to(place.base)
    os.link(inner, inner.with_name("other"))
    yield
    return reach("open", path.rename(place.new()))


@reading.attempt("parent directory renamed", only=RENAMING)
def _(place, path):
    moved = path.parent.rename(place.new())
    return reach("open", moved / path.name)


@reading.attempt("parent directory renamed, and back while it is opened", only=RENAMING)
def _(place, path):
    fd = os.open(path.parent, os.O_PATH)
    moved = path.parent.rename(place.new())
    result = reach("open", f"/proc/self/fd/{fd}/{path.name}", pass_fds=[fd])
    moved.rename(path.parent)
    os.close(fd)
    return result


@reading.attempt("moved deeper than a path can say", in_doubt=True)
def _(place, path):
    return reach("deep", path, place.directory())


@reading.attempt("exchanged with another file")
def _(place, path):
    other = place.new()
    other.write_text("other")
    names = os.fsencode(path), os.fsencode(other)
    if libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2")
    return reach("open", other)


@reading.attempt("what took its name by an exchange")
def _(place, path):
    other = place.new()
    other.write_bytes(SECRET)
    names = os.fsencode(path), os.fsencode(other)
    if libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2")
    return reach("open", path)


@reading.attempt("what was renamed over it")
def _(place, path):
    other = place.new()
    other.write_bytes(SECRET)
    other.rename(path)
    return reach("open", path)


@reading.attempt("what was renamed over it, by a hard link from before that")
def _(place, path):
    other, link = place.new(), place.new()
    other.write_bytes(SECRET)
    os.link(other, link)
    other.rename(path)
    return reach("open", path)


@reading.attempt("removed and made anew")
def _(_place, path):
    path.unlink()
    return reach("create", path)


@reading.attempt("a file without a name that is linked there")
def _(_place, path):
    path.unlink()
    return reach("tmpfile", path, path.parent)


# ---- by other mounts ----


@reading.attempt("bind mount of the file, from before")
def _(place, path):
    at = place.bind(path)
    yield
    return reach("open", at)


@reading.attempt("bind mount of the file, made since")
def _(place, path):
    return reach("open", place.bind(path))


@reading.attempt("bind mount of the directory, from before")
def _(place, path):
    at = place.bind(path.parent)
    yield
    return reach("open", at / path.name)


@reading.attempt("bind mount of the directory, made since")
def _(place, path):
    return reach("open", place.bind(path.parent) / path.name)


@reading.attempt("what is mounted once more, elsewhere", only=("ext4", "xfs", "btrfs-subvolume"))
def _(place, path):
    at = place.mount(place.device())
    inner = "inner" if place.kind == "btrfs-subvolume" else "."
    return reach("open", at / inner / path.relative_to(place.base))


@reading.attempt("a mount that is attached nowhere")
def _(_place, path):
    return reach("detached", path.name, path.parent)


@reading.attempt("another mount namespace")
def _(_place, path):
    return outcome(["unshare", "-m", REACH, "open", path])


@reading.attempt("a bind mount in another mount namespace")
def _(place, path):
    script = 'mount --bind "$1" "$2"; exec "$3" open "$2/$4"'
    at = temp_dir("inner")
    return outcome(["unshare", "-m", "sh", "-ec", script, "sh", path.parent, at, REACH, path.name])


@reading.attempt("a bind mount in another user and mount namespace")
def _(_place, path):
    script = 'mount --bind "$1" "$2"; exec "$3" open "$2/$4"'
    at = temp_dir("inner")
    return outcome(["unshare", "-Urm", "sh", "-ec", script, "sh", path.parent, at, REACH, path.name])


@reading.attempt("chroot")
def _(_place, path):
    pid = os.fork()
    if pid == 0:
        os.chroot(path.parent)
        os._exit(opened("/" + path.name) or 0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {0: REACHED, 1: DENIED}.get(status, status)


# ---- by /proc, handles and descriptors ----


@reading.attempt("O_PATH, then opened by /proc/self/fd")
def _(_place, path):
    return reach("reopen", path)


@reading.attempt("/proc/PID/root")
def _(_place, path):
    return reach("open", f"/proc/{os.getpid()}/root{path}")


@reading.attempt("/proc/PID/cwd")
def _(_place, path):
    return reach("open", f"/proc/self/cwd/{path.name}", cwd=path.parent)


@reading.attempt("open_by_handle_at")
def _(place, path):
    return reach("handle", path, place.base)


@reading.attempt("/proc/PID/fd of a process that has it open")
def _(_place, path):
    fd = os.open(path, os.O_RDONLY)
    yield
    result = reach("open", f"/proc/{os.getpid()}/fd/{fd}")
    os.close(fd)
    return result


@reading.attempt("/proc/PID/map_files of a process that has it mapped")
def _(_place, path):
    with open(path, "rb") as file:
        memory = mmap.mmap(file.fileno(), 6, prot=mmap.PROT_READ)
    yield
    lines = [line for line in open("/proc/self/maps") if line.rstrip().endswith(os.fspath(path))]
    result = reach("open", f"/proc/{os.getpid()}/map_files/{lines[0].split()[0]}")
    memory.close()
    return result


@reading.attempt("a copy that shares its blocks", only=("xfs", "btrfs-subvolume"))
def _(place, path):
    copy = place.new()
    result = shell('cp --reflink=always "$1" "$2"; cat "$2"', path, copy)
    return DENIED if result != REACHED and not copy.exists() else REACHED


@reading.attempt("as the interpreter of a script")
def _(place, path):
    path.chmod(0o755)
    script = place.new()
    script.write_text(f"#!{path}\n")
    script.chmod(0o755)
    return reach("exec", script)


@reading.attempt("as a program that ld.so runs")
def _(place, path):
    result = outcome([LOADER, path])
    # Its complaint about a file that it cannot open.
    return DENIED if "cannot open shared object file: Operation not permitted" in result else result


@reading.attempt("as the image of a loop device")
def _(_place, path):
    result = shell('d=$(losetup -f --show -r "$1"); losetup -d "$d"; echo secret', path)
    return result if result != ABSENT else DENIED


# ---- by an overlay ----


@reading.attempt("overlay, as lower", cannot=OVERLAY)
def _(place, path):
    upper, work = temp_dir("upper"), temp_dir("work")
    options = f"lowerdir={path.parent},upperdir={upper},workdir={work}"
    return reach("open", place.mount("-t", "overlay", "-o", options, "overlay") / path.name)


@reading.attempt("overlay, as upper", cannot=OVERLAY)
def _(place, path):
    if place.kind in ("btrfs-subvolume", "overlay"):
        return ABSENT
    options = f"lowerdir={temp_dir('lower')},upperdir={path.parent},workdir={place.directory()}"
    return reach("open", place.mount("-t", "overlay", "-o", options, "overlay") / path.name)


@reading.attempt("overlay, as lower, in a user namespace", cannot=OVERLAY)
def _(_place, path):
    at, layers = temp_dir("inner"), f"lowerdir={path.parent}:{temp_dir('lower')}"
    script = 'mount -t overlay -o "$1" overlay "$2"; exec "$3" open "$2/$4"'
    return outcome(["unshare", "-Urm", "sh", "-ec", script, "sh", layers, at, REACH, path.name])


@case(*ALL)
def read_it(kind):
    read_by_table(reading, kind)


main()
