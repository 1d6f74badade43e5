# SPDX-License-Identifier: MIT
"""fantail guard: what cannot be stopped. Each is tried, comes through, and is in the manual."""

import mmap
import os
import socket
import stat
import sys

from attempts import ABSENT, REACHED, SECRET, Place, Table, kernel, outcome, reach, read_by_table
from guard import guarded, opened
from harness import case, main
from machine import Skip, filesystem, libc, run

SYS_PIDFD_GETFD = 438
reading = Table("coming through")


def has_content(fd):
    return REACHED if os.pread(fd, 6, 0) == SECRET else "something else"


@reading.attempt("a descriptor from before", cannot="A file that was open")
def _(_place, path):
    fd = os.open(path, os.O_RDONLY)
    yield
    result = has_content(fd)
    os.close(fd)
    return result


@reading.attempt("a descriptor from before, sent by SCM_RIGHTS", cannot="A file that was open")
def _(_place, path):
    here, there = socket.socketpair()
    fd = os.open(path, os.O_RDONLY)
    yield
    socket.send_fds(here, [b"x"], [fd])
    received = socket.recv_fds(there, 1, 1)[1][0]
    result = has_content(received)
    for number in (fd, received):
        os.close(number)
    here.close()
    there.close()
    return result


@reading.attempt("a descriptor from before, by pidfd_getfd", cannot="A file that was open")
def _(_place, path):
    fd = os.open(path, os.O_RDONLY)
    yield
    pidfd = os.pidfd_open(os.getpid())
    copy = libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    result = has_content(copy)
    for number in (fd, pidfd, copy):
        os.close(number)
    return result


@reading.attempt("mapped before", cannot="A file that was open")
def _(_place, path):
    with open(path, "rb") as file:
        memory = mmap.mmap(file.fileno(), 6, prot=mmap.PROT_READ)
    yield
    result = REACHED if memory[:] == SECRET else "something else"
    memory.close()
    return result


@reading.attempt("/proc/PID/mem of a process that has it mapped", cannot="memory of a process")
def _(_place, path):
    with open(path, "rb") as file:
        memory = mmap.mmap(file.fileno(), 6, prot=mmap.PROT_READ)
    assert memory[:] == SECRET
    yield
    lines = [line for line in open("/proc/self/maps") if line.rstrip().endswith(os.fspath(path))]
    script = "import os, sys; print(os.pread(os.open(sys.argv[1], 0), 6, int(sys.argv[2])).decode())"
    address = int(lines[0].split("-")[0], 16)
    result = outcome([sys.executable, "-c", script, f"/proc/{os.getpid()}/mem", str(address)])
    memory.close()
    return result


@reading.attempt("the block device", cannot="block device", only=("ext4",))
def _(place, path):
    os.sync()
    inner = path.relative_to(place.base)
    result = outcome(["debugfs", "-R", f"cat /{inner}", place.device()])
    return result


@reading.attempt("the layer of an overlay", cannot="layers of an overlay", only=("overlay",))
def _(place, path):
    return reach("open", place.lower / path.relative_to(place.base))


@reading.attempt("a snapshot", cannot="snapshot", only=("btrfs-subvolume",))
def _(place, path):
    copy = place.new()
    run("btrfs", "-q", "subvolume", "snapshot", place.base, copy)
    result = reach("open", copy / path.relative_to(place.base))
    run("btrfs", "-q", "subvolume", "delete", copy)
    return result


@reading.attempt("truncate(2)", cannot="truncate")
def _(_place, path):
    os.truncate(path, 0)
    return REACHED if path.stat().st_size == 0 else "not cut"


@reading.attempt("unlink", cannot="removed")
def _(_place, path):
    path.unlink()
    return REACHED


@reading.attempt("rename over it", cannot="renamed")
def _(place, path):
    other = place.new()
    other.write_text("other")
    other.rename(path)
    return REACHED if path.stat().st_size == 5 else "still there"


@reading.attempt("chmod, chown, utime, setxattr", cannot="owner, mode, times and extended attributes")
def _(_place, path):
    os.chmod(path, 0o600)
    os.chown(path, 1, 1)
    os.utime(path, (1, 1))
    os.setxattr(path, "trusted.fantail", b"x")
    return REACHED


@reading.attempt("stat, readlink, access", cannot="Size, owner, mode")
def _(_place, path):
    return REACHED if path.stat().st_size == 6 and os.access(path, os.R_OK) else "not seen"


@reading.attempt("a new file of that name", cannot="empty file")
def _(_place, path):
    path.unlink()
    opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    return REACHED if path.stat().st_size == 0 else "none"


# ---- what is no file with a content of its own ----


def is_asked_about(path):
    """As older kernels do."""
    return opened(path, os.O_RDWR | os.O_NONBLOCK) is not None


@reading.attempt("a FIFO", cannot="FIFO")
def _(_place, path):
    path.unlink()
    os.mkfifo(path)
    if is_asked_about(path):
        return ABSENT
    with open(os.open(path, os.O_RDWR), "r+b", buffering=0) as fifo:
        fifo.write(SECRET)
        return REACHED if fifo.read(6) == SECRET else "something else"


@reading.attempt("a device node", cannot="device node")
def _(_place, path):
    path.unlink()
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    if is_asked_about(path):
        return ABSENT
    with open(path, "wb", buffering=0) as null:
        return REACHED if null.write(SECRET) == 6 else "not written"


@reading.attempt("connect(2) to a unix socket", cannot="socket")
def _(_place, path):
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(os.fspath(path))
        server.listen()
        client.connect(os.fspath(path))
        server.accept()[0].sendall(SECRET)
        return REACHED if client.recv(6) == SECRET else "something else"


@reading.attempt("the text of a symbolic link", cannot="text of a symbolic link")
def _(_place, path):
    path.unlink()
    path.symlink_to(SECRET.decode())
    return REACHED if os.readlink(path) == SECRET.decode() else "something else"


# ---- contents, of what may be opened ----

contents = {event: Table(f"contents, {event}") for event in ("access", "pre_access")}


def attempt_content(name, **cannot):
    """With an open descriptor; cannot: by event."""

    def register(function):
        def opening(place, path):
            with open(path, "rb", buffering=0) as file:
                return function(place, file.fileno())

        for event, table in contents.items():
            table.attempt(name, cannot.get(event))(opening)

    return register


@attempt_content("read")
def _(_place, fd):
    return has_content(fd)


@attempt_content("mmap", access="can be mapped")
def _(_place, fd):
    with mmap.mmap(fd, 6, prot=mmap.PROT_READ) as memory:
        return REACHED if memory[:] == SECRET else "something else"


@attempt_content("sendfile")
def _(place, fd):
    with open(place.new(), "wb") as copy:
        return REACHED if os.sendfile(copy.fileno(), fd, 0, 6) else "nothing"


@attempt_content("copy_file_range")
def _(place, fd):
    with open(place.new(), "wb") as copy:
        return REACHED if os.copy_file_range(fd, copy.fileno(), 6) else "nothing"


@attempt_content("splice")
def _(_place, fd):
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb"):
        return REACHED if os.splice(fd, writer, 6) else "nothing"


@case("access", "pre_access")
def contents_come_through(event):
    if event == "pre_access" and kernel() < (6, 14):
        raise Skip("pre_access needs Linux 6.14")
    with filesystem("ext4") as base, Place(base, "ext4") as place:
        table, files = contents[event], [base / f"file-{i}" for i in range(5)]
        for file in files:
            file.write_bytes(SECRET)
        rules = [f"{{name: content, path: '{base}/file-*', events: [{event}], verdict: deny}}"]
        table.run(place, guarded(base, rules), lambda: [("content", files.pop())])


@case("ext4", "xfs", "btrfs-subvolume", "tmpfs", "overlay")
def come_through(kind):
    read_by_table(reading, kind)


main()
