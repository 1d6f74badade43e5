# SPDX-License-Identifier: MIT
"""Processes in containers on overlays: what they run is exact, and where things are for them is told."""

import ctypes
import os
import re
import shutil
import traceback

from doers import HAS_BPF, create, fork, is_candidate, program, stopped, wait
from harness import case, check, equal, main, show
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


def is_exact(record):
    p = record.get("process", {})
    return (p.get("certainty"), p.get("exe")) == ("exact", TOUCH)


main()
