# SPDX-License-Identifier: MIT
"""Processes in containers on overlays: what they run is exact, and where things are for them is told."""

import ctypes
import os
import re
import shutil
import signal
import traceback

from doers import HAS_BPF, create, fork, is_candidate, program, stopped, wait
from harness import case, check, equal, main, same_set, show
from machine import filesystem, libc, mounted, private_mounts, run
from records import raw
from watch import Watch

EACH = 300
ME = os.path.realpath("/proc/self/exe")
TOUCH = program("touch")
SYS_PIVOT_ROOT, MNT_DETACH = 155, 2
LOWER, UPPER = "layers/lower", "layers/upper"


def libraries(path):
    """What it needs, its loader included."""
    return re.findall(r"(/\S+) \(0x", run("ldd", path))


def make_layers(base):
    """With programs of their own: copies, at other inodes than the host's."""
    for name in (LOWER, UPPER, "layers/work", "root"):
        (base / name).mkdir(parents=True)
    for name in ("data", "old", "dev"):
        (base / LOWER / name).mkdir()
    (base / LOWER / "etc").mkdir()
    for path in (TOUCH, *libraries(TOUCH)):
        to = base / LOWER / path[1:]
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)


def enter(base, data):
    """The overlay becomes the root of a mount namespace of its own; data is mounted in it."""
    private_mounts()
    root = base / "root"
    options = "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work".format(base / "layers")
    run("mount", "-t", "overlay", "-o", options, "overlay", root)
    if data:
        run("mount", "--bind", data, root / "data")
    if libc.syscall(SYS_PIVOT_ROOT, os.fsencode(root), os.fsencode(root / "old")):
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")
    if libc.umount2(b"/old", MNT_DETACH):
        raise OSError(ctypes.get_errno(), "umount2")


def in_container(base, data, actions, *arguments):
    """A child that runs actions there. Its pid."""

    def child():
        try:
            enter(base, data)
            actions(*arguments)
        except BaseException:
            traceback.print_exc()
            raise

    pid = fork(child)
    wait(pid)
    return pid


def act_and_execute(path):
    os.close(os.open(TOUCH, os.O_RDONLY))  # its record is merged into that of the exec
    os.mkdir(path + "-dir")
    os.execv(TOUCH, ["touch", path + "-touched"])


def work():
    for n in range(EACH):
        wait(fork(act_and_execute, f"/data/{n}"))


@case(*[(is_bound, is_late) for is_bound in (True, False) for is_late in (False, True)])
def short_lived(is_bound, is_late):
    """What is watched: a filesystem that is mounted in the container, or the layers' own."""
    with filesystem("ext4") as base, filesystem("tmpfs") as data:
        make_layers(base)
        with Watch("-e", "change,open,open_exec", data if is_bound else base) as watch:
            with stopped(watch, is_late):
                in_container(base, data if is_bound else None, work)
            records = watch.stop()
    made = [r for r in records if raw(r).endswith(b"-dir") and "create" in r["events"]]
    new = [r for r in records if raw(r).endswith(b"-touched") and "create" in r["events"]]
    equal((len(made), len(new)), (EACH, EACH), "records")
    wrong = [r for r in made if not is_candidate(r, exe=ME)]
    check(not wrong, f"before the exec: {len(wrong)} wrong, as {show(wrong[:2], 2000)}")
    wrong = [r for r in new if not is_exact(r)]
    check(not wrong or not HAS_BPF, f"after it: {len(wrong)} wrong, as {show(wrong[:2], 2000)}")


CONTAINER = "fedcba9876543210" * 4


def act():
    for name in ("made", "first"):
        create(f"/etc/{name}")
    os.rename("/etc/first", "/etc/second")
    os.rename("/etc/second", "/data/third")
    with open("/etc/lower", "a") as f:
        f.write("copied up")
    os.unlink("/etc/gone")
    os.mkdir("/etc/dir")
    create("/etc/dir/below")
    open("/etc/read").close()


def start(group, function, *arguments):
    """The first process of a container, which stays until end(). Returns when the function has."""
    over = os.pipe()

    def child():
        os.close(over[0])
        (group / "cgroup.procs").write_text("0")
        function(*arguments)
        os.write(over[1], b".")
        os.close(over[1])
        signal.pause()

    pid = fork(child)
    os.close(over[1])
    equal(os.read(over[0], 1), b".", "the container")
    os.close(over[0])
    return pid


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def act_inside(base):
    enter(base, None)
    wait(fork(act))


def facts(records):
    both = ("container_path", "container_old_path")
    return {(e, *(raw(r, name) for name in both)) for r in records for e in r["events"]}


WANTED = {
    ("create", b"/etc/made", None),
    ("create", b"/etc/first", None),
    ("rename", b"/etc/second", b"/etc/first"),
    ("rename", b"/data/third", b"/etc/second"),
    ("modify", b"/etc/lower", None),
    ("create", b"/etc/dir", None),
    ("create", b"/etc/dir/below", None),
    ("open", b"/etc/read", None),
}


@case(*[(kind, is_late) for kind in ("ext4", "tmpfs") for is_late in (False, True)])
def path_inside(kind, is_late):
    with mounted("-t", "cgroup2", "none") as root, filesystem(kind) as base:
        make_layers(base)
        for name in ("lower", "gone", "read"):
            (base / LOWER / "etc" / name).write_text(name)
        group = make_group(root)
        try:
            with Watch("-e", "change,open", base) as watch:
                with stopped(watch, is_late):
                    pid = start(group, act_inside, base)
                    create(base / UPPER / "etc/by-host")
                watch.see(base / UPPER / "etc/by-host")
                end(pid)
                records = watch.stop()
        finally:
            remove_group(group)
    inside = [r for r in records if r.get("process", {}).get("container") == CONTAINER]
    if HAS_BPF:
        same_set(facts(inside) & WANTED, WANTED, "in the container")
    for r in records:
        for name, other in (("path", "container_path"), ("old_path", "container_old_path")):
            host, path = raw(r, name), raw(r, other)
            layers = [base / UPPER, base / LOWER]
            truth = [host[len(os.fsencode(l)) :] for l in layers if (host or b"").startswith(os.fsencode(l) + b"/")]
            check(path is None or path == b"/" or path in truth, show(r, 900))
            check(path is None or r["process"]["container"] == CONTAINER, show(r, 900))


@case()
def container_that_lies():
    """Layers that only have the names of the host's directories are not taken for them."""
    with mounted("-t", "cgroup2", "none") as root, filesystem("ext4") as base, filesystem("tmpfs") as other:
        make_layers(base)
        make_layers(other)
        group = make_group(root)

        def lie():
            private_mounts()
            fd = os.open(base / UPPER, os.O_PATH)
            run("mount", "--bind", other, base)
            enter(base, None)
            create("/etc/made")
            os.mkdir("made-on-host", dir_fd=fd)

        try:
            with Watch("-e", "create", base) as watch:
                pid = start(group, lie)
                watch.see(base / UPPER / "made-on-host")
                end(pid)
                records = watch.stop()
        finally:
            remove_group(group)
    equal([raw(r) for r in records], [os.fsencode(base / UPPER / "made-on-host")], "on the host")
    check("container_path" not in records[0], show(records, 900))


def make_group(root):
    group = root / f"docker-{CONTAINER}.scope"
    group.mkdir()
    return group


def remove_group(group):
    group.rmdir()


def is_exact(record):
    p = record.get("process", {})
    return (p.get("certainty"), p.get("exe")) == ("exact", TOUCH)


main()
