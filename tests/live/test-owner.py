# SPDX-License-Identifier: MIT
"""For whom, and in which control group, a process did it."""

import ctypes
import os

from doers import HAS_BPF, by_path, create, fork, is_candidate, program, stopped, wait
from harness import case, check, equal, main, show
from machine import Skip, filesystem, libc, mounted, need
from watch import Watch

PR_SET_NAME = 15
NOBODY, OTHER, LOGIN = 65534, 4242, 1001
TOUCH = program("touch")
CONTAINER = "0123456789abcdef" * 4
CLONE_INTO_CGROUP, SYS_CLONE3 = 0x200000000, 435
COLUMNS = "time,events,seq,path,path_source,pid,certainty,exe,comm,uid,gid,ruid,rgid,loginuid,pidfd_id,cgroup,container"


def open_watch(base, *more):
    return Watch("-e", "create", "--columns", COLUMNS, *more, base)


def set_ids(path):
    """Real ids that are not the effective ones, and back."""
    os.setresgid(OTHER, 0, 0)
    os.setresuid(OTHER, 0, 0)
    create(path)


@case(False, True)
def real_ids(is_late):
    with filesystem("tmpfs") as base, open_watch(base) as watch:
        with stopped(watch, is_late):
            for n in range(100):
                wait(fork(set_ids, f"{base}/{n}"))
                wait(fork(lambda path: (set_ids(path), os.execv(TOUCH, ["touch", path + "-x"])), f"{base}/{n}-b"))
        told = by_path(watch.stop())
    equal(len(told), 300, "files")
    for path, record in told.items():
        p = record["process"]
        if p["certainty"] == "exact" or (HAS_BPF and "ruid" in p):
            got = {k: p[k] for k in ("uid", "gid", "ruid", "rgid") if k in p}
            wanted = {"uid": 0, "gid": 0, "ruid": OTHER, "rgid": OTHER}
            check(got.items() <= wanted.items(), f"{path}: {show(record, 900)}")
        if HAS_BPF and path.endswith(b"-x"):
            equal((p["certainty"], p["ruid"], p["rgid"]), ("exact", OTHER, OTHER), show(record, 900))


def log_in(path):
    with open("/proc/self/loginuid", "w") as f:
        f.write(str(LOGIN))
    os.execv(TOUCH, ["touch", path])


@case()
def login():
    try:
        with open("/proc/self/loginuid") as f:
            own = int(f.read())
    except OSError:
        raise Skip("this kernel has no audit") from None
    with filesystem("tmpfs") as base, open_watch(base) as watch:
        wait(fork(log_in, f"{base}/with"))
        wait(os.posix_spawn(TOUCH, ["touch", f"{base}/own"], os.environ))
        told = by_path(watch.stop())
    wanted = {b"with": LOGIN, b"own": own if own != 0xFFFFFFFF else None}
    for name, uid in wanted.items():
        got = told[os.fsencode(base) + b"/" + name]["process"].get("loginuid")
        check(got == uid or not HAS_BPF, f"{name}: {got}, not {uid}")


@case()
def pidfd_id():
    """That of a process that still waits is the number of its pidfd."""
    here, there = os.pipe()

    def child(path):
        create(path)
        os.read(here, 1)

    with filesystem("tmpfs") as base, open_watch(base) as watch:
        pid = fork(child, f"{base}/file")
        fd = os.pidfd_open(pid)
        number = os.fstat(fd).st_ino
        record = watch.see(base / "file")
        os.write(there, b"x")
        wait(pid)
        watch.stop()
    for fd in (fd, here, there):
        os.close(fd)
    told = record["process"].get("pidfd_id")
    check(told in (None, number), f"{told}, not {number}")


def make_group(root, name):
    group = root / "fantail-test" / name
    group.mkdir(parents=True)
    return group


def move_and_create(group, path):
    create(path + "-before")
    (group / "cgroup.procs").write_text("0")
    create(path)
    os.execv(TOUCH, ["touch", path + "-executed"])


def fork_into(group, path):
    """clone3, straight into another control group."""
    fd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    args = (ctypes.c_uint64 * 11)(CLONE_INTO_CGROUP, 0, 0, 0, 17, 0, 0, 0, 0, 0, fd)
    pid = libc.syscall(SYS_CLONE3, args, ctypes.sizeof(args))
    if pid == 0:
        try:
            create(path)
        finally:
            os._exit(0)
    os.close(fd)
    if pid < 0:
        raise Skip("this kernel has no clone into a control group")
    return pid


def remove_groups(root):
    for directory, _, _ in os.walk(root / "fantail-test", topdown=False):
        os.rmdir(directory)


@case(False, True)
def moved(is_late):
    """A control group that changes after the fork: the one from before is told for nothing after."""
    with mounted("-t", "cgroup2", "none") as root, filesystem("tmpfs") as base:
        group = make_group(root, f"docker-{CONTAINER}.scope")
        name = "/fantail-test/" + group.name
        try:
            with open_watch(base) as watch:
                with stopped(watch, is_late):
                    for n in range(50):
                        wait(fork(move_and_create, group, f"{base}/{n}"))
                        wait(fork_into(group, f"{base}/{n}-cloned"))
                told = by_path(watch.stop())
        finally:
            remove_groups(root)
    equal(len(told), 200, "files")
    for path, record in told.items():
        p = record["process"]
        is_after = not path.endswith(b"-before")
        if p.get("certainty") == "exact" or (HAS_BPF and "cgroup" in p):
            got = (p.get("cgroup") == name, p.get("container") == CONTAINER)
            equal(got, (is_after, is_after), f"{path}: {show(record, 900)}")
        if HAS_BPF and path.endswith((b"-executed", b"-cloned")):
            equal(p["certainty"], "exact", f"{path}: {show(record, 900)}")


def named(number):
    """Names that are told, and nothing that is watched."""
    for n in range(number):
        libc.prctl(PR_SET_NAME, b"a" if n % 2 else b"b")


@case()
def nothing_watched_happens():
    """What is told of processes is taken in all the same before there is no more room for it."""
    with filesystem("tmpfs") as base, open_watch(base) as watch:
        for _ in range(10):
            wait(fork(named, 10000))
        wait(fork(create, f"{base}/file"))
        told = watch.stop()
    equal(len(told), 1, "records: a loss is one, too")


def become_nobody(path):
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    create(path)
    os.execv(TOUCH, ["touch", path + "-x"])


@case(False, True)
def ids_untold(is_late):
    """The process connector is the initial network namespace's: elsewhere no change of ids is told, so none is known."""
    need("unshare")
    with filesystem("tmpfs") as base:
        base.chmod(0o777)
        with Watch("-e", "create", base, prefix=("unshare", "-n")) as watch:
            with stopped(watch, is_late):
                for n in range(100):
                    wait(fork(become_nobody, f"{base}/{n}"))
            told = by_path(watch.stop())
    equal(len(told), 200, "files")
    for path, record in told.items():
        p = record["process"]
        if HAS_BPF and path.endswith(b"-x"):
            equal((p["certainty"], p.get("exe")), ("exact", TOUCH), show(record, 900))
        for who in (p, *p.get("candidates", ())):
            ids = {k: who[k] for k in ("uid", "gid", "ruid", "rgid") if k in who}
            check(not ids if HAS_BPF else p["certainty"] != "exact" or set(ids.values()) <= {NOBODY}, show(record, 900))


@case(False, True)
def candidates(is_late):
    """Each with its ids."""
    def child(path):
        os.setresuid(NOBODY, NOBODY, NOBODY)
        create(path)

    with filesystem("tmpfs") as base:
        base.chmod(0o777)
        with Watch("-e", "create", base) as watch:
            with stopped(watch, is_late):
                for n in range(100):
                    wait(fork(child, f"{base}/{n}"))
            told = by_path(watch.stop())
    if HAS_BPF:
        wrong = [r for r in told.values() if not is_candidate(r, uid=NOBODY)]
        check(not wrong, show(wrong[:2], 2000))


main()
