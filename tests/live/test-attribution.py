# SPDX-License-Identifier: MIT
"""Who is said to have done it, against who did. test-attribution.py [PROCESSES]"""

import os
import shutil
import sys
import threading

from doers import HAS_BPF, by_path, create, fork, is_candidate, program, stopped, wait
from harness import case, check, equal, main, same_set, show
from machine import Skip, filesystem, libc, temp_dir
from records import is_event
from watch import Watch

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
NOBODY, NOGROUP = 65534, 65533
LAST_PID = "/proc/sys/kernel/ns_last_pid"
CLONE_NEWNS = 0x20000
SYS_SETRESUID = 117
SH = os.path.realpath("/bin/sh")


def own_args():
    with open("/proc/self/cmdline", "rb") as f:
        return f.read().decode().split("\0")[:-1]


def face(record):
    """All that this test knows of a process."""
    p = record.get("process", {})
    fields = ("certainty", "exe", "args", "uid", "gid", "ppid", "comm")
    return {"pid": record.get("pid"), **{f: p.get(f) for f in fields}}


def exact(pid, exe, args, comm, uid=0, gid=0, ppid=None):
    return {
        "certainty": "exact",
        "pid": pid,
        "exe": exe,
        "args": args,
        "uid": uid,
        "gid": gid,
        "ppid": ppid or os.getpid(),
        "comm": comm,
    }


def is_right(got, wanted):
    """Without BPF less is certain, but nothing is wrong."""
    return got == wanted or not (HAS_BPF or got["certainty"] == "exact")


def compare(records, truth):
    """truth: {path: face}."""
    told = by_path(records)
    same_set(told, truth, "paths")
    wrong = [(truth[p], face(told[p])) for p in truth if not is_right(face(told[p]), truth[p])]
    check(not wrong, f"{len(wrong)} of {len(truth)} wrong, as {show(wrong[:3], 2000)}")


@case(False, True)
def short_lives(is_late):
    """Each executes, makes one file and ends, as fast as they come."""
    touch = program("touch")
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        truth = {}
        with stopped(watch, is_late):
            for n in range(COUNT):
                args = ["touch", f"{base}/{n}"]
                pid = os.posix_spawn(touch, args, os.environ)
                truth[os.fsencode(args[1])] = exact(pid, touch, args, "touch")
                wait(pid)
        records = watch.stop()
    compare(records, truth)


@case(False, True)
def forks_alone(is_late):
    """Who never executes is what its parent was."""
    me = os.path.realpath("/proc/self/exe")
    with open("/proc/self/comm") as f:
        comm = f.read().rstrip("\n")
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        truth = {}
        with stopped(watch, is_late):
            for n in range(COUNT // 5):
                path = f"{base}/{n}"
                pid = fork(create, path)
                truth[os.fsencode(path)] = exact(pid, me, own_args(), comm)
                wait(pid)
        records = watch.stop()
    compare(records, truth)


@case(False, True)
def writes_then_executes(is_late):
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        with stopped(watch, is_late):
            for n in range(1000):
                args = ["sh", "-c", f": > {base}/{n}; exec cat /dev/null"]
                wait(os.posix_spawn(SH, args, os.environ))
        told = by_path(watch.stop())
    equal(len(told), 1000, "files")
    wrong = [r for r in told.values() if not is_candidate(r, exe=SH)]
    check(not wrong, f"{len(wrong)} wrong, as {show(wrong[:2], 2000)}")


@case(False, True)
def redirected(is_late):
    """The shell's fork makes the file, before it executes what writes there."""
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        with stopped(watch, is_late):
            for n in range(200):
                args = ["sh", "-c", f"cat /dev/null > {base}/{n}; :"]
                wait(os.posix_spawn(SH, args, os.environ))
        told = by_path(watch.stop())
    equal(len(told), 200, "files")
    wrong = [r for r in told.values() if not is_candidate(r, exe=SH)]
    check(not wrong, f"{len(wrong)} wrong, as {show(wrong[:2], 2000)}")


def drop_root(base, n):
    create(f"{base}/{n}-before")
    os.setgroups([])
    os.setresgid(NOGROUP, NOGROUP, NOGROUP)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    create(f"{base}/{n}-after")


def to_and_fro(base, n):
    """Both before and after, and in between, it is root."""
    os.seteuid(NOBODY)
    create(f"{base}/{n}-after")
    os.seteuid(0)


@case(("for-good", False), ("for-good", True), ("to-and-fro", False), ("to-and-fro", True))
def drops(how, is_late):
    drop = {"for-good": drop_root, "to-and-fro": to_and_fro}[how]
    with filesystem("tmpfs") as base:
        base.chmod(0o777)
        with Watch("-e", "create", base) as watch:
            with stopped(watch, is_late):
                for n in range(300):
                    wait(fork(drop, base, n))
            told = by_path(watch.stop())
    for path, record in told.items():
        uid, p = NOBODY if path.endswith(b"after") else 0, record.get("process", {})
        known = p.get("certainty") in ("exact", "ambiguous")
        check(known or not HAS_BPF, show(record, 2000))
        # Without BPF the only candidate may be what it is now: that is not told as certain.
        if not HAS_BPF and p.get("certainty") != "exact":
            continue
        check("uid" not in p or p["uid"] == uid, f"not user {uid}: {show(record, 2000)}")
    equal(sum(p.endswith(b"after") for p in told), 300, "files")


@case()
def dropped_before():
    """A while after: exact, and the user it is now."""
    with filesystem("tmpfs") as base:
        base.chmod(0o777)
        here, there = os.pipe()

        def drop():
            os.setresgid(NOGROUP, NOGROUP, NOGROUP)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            create(base / "dropped")
            os.read(here, 1)
            create(base / "later")

        with Watch("-e", "create", base) as watch:
            pid = fork(drop)
            watch.see(base / "dropped")
            watch.marker(base)
            os.write(there, b"x")
            record = watch.see(base / "later")
            wait(pid)
            watch.stop()
        os.close(here)
        os.close(there)
    if HAS_BPF:
        equal(record["process"]["certainty"], "exact", show(record))
    equal((record["process"]["uid"], record["process"]["gid"]), (NOBODY, NOGROUP), "ids")


def thread_drops(ready, go, path):
    """One thread alone is another user: by the system call, which the C library makes for all."""

    def work():
        libc.syscall(SYS_SETRESUID, NOBODY, NOBODY, NOBODY)
        os.write(ready, b"x")
        os.read(go, 1)
        create(path)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@case()
def threads_from_before():
    """They had ids of their own when the watching began: whose are told is not theirs."""
    if os.uname().machine != "x86_64":
        raise Skip("the number of setresuid is that of x86_64")
    with filesystem("tmpfs") as base:
        base.chmod(0o777)
        (was_ready, ready), (may_go, go) = os.pipe(), os.pipe()
        pid = fork(thread_drops, ready, may_go, base / "made")
        os.read(was_ready, 1)
        with Watch("-e", "create", base) as watch:
            os.write(go, b"x")
            record = watch.see(base / "made")
            wait(pid)
            watch.stop()
        equal((base / "made").stat().st_uid, NOBODY, "owner")
        for fd in was_ready, ready, may_go, go:
            os.close(fd)
    p = record.get("process", {})
    check(p.get("uid", NOBODY) == NOBODY, show(record, 900))
    check(p.get("comm"), "the process is known")


@case("touch", "cat")
def deep_executable(wanted):
    """Its path has more names than are read. A filter that asks for it does not know, and that is a loss."""
    if not HAS_BPF:
        raise Skip("/proc tells it")
    touch = program("touch")
    with filesystem("tmpfs") as base:
        deep = base.joinpath(*["d"] * 80)
        deep.mkdir(parents=True)
        shutil.copy(touch, deep / "touch")
        with Watch("-e", "create", "--exe", wanted, base) as watch:
            wait(os.posix_spawn(deep / "touch", ["touch", str(base / "made")], os.environ))
            records = watch.stop(3)
    equal([(r["events"], r["where"], r["count"]) for r in records], [(["lost"], "process", 1)], "records")


@case()
def too_much():
    """More than the ring has room for while nobody reads: said to be lost, and nothing wrong is certain."""
    touch, filler, count = program("touch"), "x" * 4000, 3000
    silent = [(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)]
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        with stopped(watch):
            for n in range(count):
                # The same program under another name each time.
                args = [f"touch-{n}", f"{base}/{n}", f"{base}/dir-{n}/" + filler]
                wait(os.posix_spawn(touch, args, os.environ, file_actions=silent), 1)
        (base / "after").touch()
        watch.see(base / "after")
        watch.marker(base)
        pid = os.posix_spawn(touch, ["touch", f"{base}/exact"], os.environ)
        wait(pid)
        watch.see(base / "exact")
        records = watch.stop(3 if HAS_BPF else 0)
    told = by_path([r for r in records if is_event(r)])
    lost = [r for r in records if not is_event(r)]
    check(all(r["where"] == "process" for r in lost), show(lost))
    equal(bool(lost), HAS_BPF, "something was lost")
    for n in range(count):
        record = told[os.fsencode(f"{base}/{n}")]
        args = record.get("process", {}).get("args")
        known = face(record)["certainty"] == "exact"
        check(not known or args[0] == f"touch-{n}", show(record, 600))
    last = told[os.fsencode(base / "exact")]
    wanted = exact(pid, touch, ["touch", f"{base}/exact"], "touch")
    check(is_right(face(last), wanted), f"afterwards: {show(face(last), 800)}")


def run_in(directory, *command, exe=None):
    def child():
        os.chdir(directory)
        os.execv(exe or command[0], list(command))

    return fork(child)


def memory_copy(path):
    """Made by the parent: a fork that writes is one that did something before it executed."""
    fd = os.memfd_create("in-memory")
    with open(path, "rb") as f:
        os.sendfile(fd, f.fileno(), 0, os.fstat(f.fileno()).st_size)
    return fd


def in_memory(fd, path):
    os.execv(f"/proc/self/fd/{fd}", ["touch", path])


def in_other_namespace(mount_at, copy, path):
    if libc.unshare(CLONE_NEWNS):
        raise OSError("unshare")
    if libc.mount(os.fsencode(copy.parent), os.fsencode(mount_at), None, 4096, None):
        raise OSError("mount")
    os.execv(mount_at / copy.name, ["touch", path])


def removes_itself(copy, path):
    """The shell that runs is a file that has no name any more."""
    os.execv(copy, ["sh", "-c", f"rm {copy}; : > {path}"])


@case(False, True)
def executables(is_late):
    """The file that runs, whatever name it was called by."""
    touch, tools = program("touch"), temp_dir("tools")
    for name in ("copy", "gone"):
        shutil.copy(touch if name == "copy" else SH, tools / name)
    (tools / "link").symlink_to(tools / "copy")
    script = tools / "script"
    script.write_text(f"#!{SH}\n: > $1\n")
    script.chmod(0o755)
    other, memory = temp_dir("other"), memory_copy(touch)
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        names = ("relative", "link", "script", "memory", "gone", "namespace")
        path = {n: str(base / n) for n in names}
        with stopped(watch, is_late):
            wait(run_in(tools, "./copy", path["relative"]))
            wait(run_in("/", str(tools / "link"), path["link"]))
            wait(run_in(tools, "./script", path["script"]))
            wait(fork(in_memory, memory, path["memory"]))
            wait(fork(removes_itself, tools / "gone", path["gone"]))
            wait(fork(in_other_namespace, other, tools / "copy", path["namespace"]))
        told = by_path(watch.stop())
    os.close(memory)
    wanted = {
        "relative": str(tools / "copy"),
        "link": str(tools / "copy"),
        "script": SH,
        "memory": "/memfd:in-memory",
        "gone": str(tools / "gone"),
        "namespace": str(other / "copy"),
    }
    got = {n: told[os.fsencode(path[n])].get("process", {}) for n in names}
    if not HAS_BPF:
        names = [n for n in names if got[n].get("certainty") == "exact"]
    equal({n: got[n].get("exe") for n in names}, {n: wanted[n] for n in names}, "executables")
    equal({n: got[n]["certainty"] for n in names}, {n: "exact" for n in names}, "certainty")


def reuse(pid, function, *arguments):
    """A process of this number, or None: another one was faster."""
    with open(LAST_PID, "w") as f:
        f.write(str(pid - 1))
    got = fork(function, *arguments)
    if got == pid:
        return got
    wait(got)
    return None


@case(False, True)
def number_taken_again(is_late):
    """Two processes with one number: never one of them for the other."""
    if not os.access(LAST_PID, os.W_OK):
        raise Skip("this kernel cannot be told the next process number")
    touch, made = program("touch"), 0
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        with stopped(watch, is_late):
            for n in range(200):
                pid = os.posix_spawn(touch, ["touch", f"{base}/{n}-first"], os.environ)
                wait(pid)
                again = reuse(pid, create, f"{base}/{n}-second")
                if again:
                    wait(again)
                    made += 1
        told = by_path(watch.stop())
    check(made > 100, f"only {made} numbers were taken again")
    for path, record in told.items():
        exe = touch if path.endswith(b"first") else os.path.realpath("/proc/self/exe")
        check(is_candidate(record, exe=exe), f"{path}: not {exe}: {show(record, 2000)}")


main()
