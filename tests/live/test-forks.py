# SPDX-License-Identifier: MIT
"""Forks that do something before they execute: never told as what they execute. test-forks.py [EACH]"""

import os
import shutil
import sys
import threading

from doers import (
    HAS_BPF,
    by_path,
    create,
    fork,
    is_candidate,
    program,
    stopped,
    wait,
)
from harness import case, check, equal, main, same_set, show
from machine import filesystem, libc, mounted
from records import raw
from watch import Watch

EACH = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
TOUCH, SH = program("touch"), program("sh")
ME = os.path.realpath("/proc/self/exe")
LOADER = os.path.realpath("/lib64/ld-linux-x86-64.so.2")
PR_SET_NAME = 15
CHANGES = "create,delete,rename,attrib,modify,close_write,open"


def hold(path):
    """Closed by the exec."""
    os.write(os.open(path, os.O_WRONLY | os.O_CLOEXEC), b"x")


def fail(path):
    """Too long an argument: the program has been opened by then."""
    try:
        os.execv(TOUCH, ["touch", "x" * 200000])
    except OSError:
        os.chmod(path, 0o600)


def take_name(path):
    libc.prctl(PR_SET_NAME, b"touch", 0, 0, 0)
    os.chmod(path, 0o600)


ACTIONS = {
    "open": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "unlink": os.unlink,
    "mkdir": lambda path: os.mkdir(path + "-dir"),
    "rename": lambda path: os.rename(path, path + "-renamed"),
    "chmod": lambda path: os.chmod(path, 0o600),
    "hold": hold,
    "fail": fail,
    "take_name": take_name,
}


def act_and_execute(action, path, touch):
    ACTIONS[action](path)
    os.execv(touch, ["touch", path + "-touched"])


def is_of_fork(record):
    return is_candidate(record, exe=ME)


def is_exactly(record, exe):
    p = record.get("process", {})
    # Somebody has had its number taken again meanwhile: two processes share no start.
    if HAS_BPF and p.get("certainty") == "ambiguous" and "start" not in p:
        return is_candidate(record, exe=exe)
    return p.get("certainty") == "exact" and p.get("exe") == exe


def check_all(records, wanted, what):
    wrong = [r for r in records if not wanted(r)]
    check(not wrong, f"{what}: {len(wrong)} of {len(records)} wrong, as {show(wrong[:2], 2500)}")


@case(*[(action, is_late) for action in ACTIONS for is_late in (False, True)])
def acts_first(action, is_late):
    with filesystem("tmpfs") as base:
        for n in range(EACH):
            create(f"{base}/{n}")
        with Watch("-e", CHANGES, base) as watch:
            with stopped(watch, is_late):
                for n in range(EACH):
                    wait(fork(act_and_execute, action, f"{base}/{n}", TOUCH))
            records = watch.stop()
    new = [r for r in records if b"touched" in raw(r) and "create" in r["events"]]
    old = [r for r in records if b"touched" not in raw(r)]
    equal(len(new), EACH, "files made")
    check(len(old) >= EACH, f"only {len(old)} records of {action}")
    check_all(old, is_of_fork, action)
    # Where an execution has failed, too, which of the two a record is of is not known.
    wanted = is_candidate if action == "fail" else is_exactly
    check_all(new, lambda r: wanted(r, exe=TOUCH) or not HAS_BPF, "made after the exec")


def check_directories(records, touch):
    """Each was made by a fork, which then executed what made a file."""
    made = [r for r in records if raw(r).endswith(b"-dir") and "create" in r["events"]]
    new = [r for r in records if raw(r).endswith(b"-touched") and "create" in r["events"]]
    equal((len(made), len(new)), (EACH // 5, EACH // 5), "records")
    check_all(made, is_of_fork, "mkdir")
    check_all(new, lambda r: is_exactly(r, touch) or not HAS_BPF, "made after the exec")


@case(False, True)
def beside_its_programs(is_late):
    """What is watched holds the program, too, which is opened first by who executes it."""

    def child(path):
        os.close(os.open(touch, os.O_RDONLY))
        act_and_execute("mkdir", path, touch)

    with filesystem("ext4") as base:
        touch = str(base / "touch")
        shutil.copy(TOUCH, touch)
        with Watch(base) as watch:
            with stopped(watch, is_late):
                for n in range(EACH // 5):
                    wait(fork(child, f"{base}/{n}"))
            records = watch.stop()
    check_directories(records, touch)


@case(False, True)
def opens_the_loader(is_late):
    """As `program <ld.so >file` does; opens of it are watched."""

    def child(path):
        os.close(os.open(LOADER, os.O_RDONLY))
        act_and_execute("mkdir", path, TOUCH)

    with filesystem("tmpfs") as base, Watch("-e", "open,create", "--path", f"{base}/**", "/", base) as watch:
        with stopped(watch, is_late):
            for n in range(EACH // 5):
                wait(fork(child, f"{base}/{n}"))
        records = watch.stop()
    check_directories(records, TOUCH)


@case(False, True)
def chain(is_late):
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        with stopped(watch, is_late):
            for n in range(EACH):
                args = ["sh", "-c", f": > {base}/{n}; exec touch {base}/{n}-touched"]
                wait(os.posix_spawn(SH, args, os.environ))
        told = by_path(watch.stop())
    equal(len(told), 2 * EACH, "files")
    old = [r for path, r in told.items() if not path.endswith(b"-touched")]
    new = [r for path, r in told.items() if path.endswith(b"-touched")]
    check_all(old, lambda r: is_candidate(r, exe=SH), "the shell's")
    check_all(new, lambda r: is_exactly(r, TOUCH) or not HAS_BPF, "made after the exec")


def race(path):
    """A thread goes on while another one executes."""

    def work():
        n = 0
        while True:
            create(f"{path}-{n}")
            n += 1

    threading.Thread(target=work, daemon=True).start()
    while not os.path.exists(f"{path}-3"):
        pass
    os.execv(TOUCH, ["touch", path + "-touched"])


@case(False, True)
def threads(is_late):
    with filesystem("tmpfs") as base, Watch("-e", "create", base) as watch:
        with stopped(watch, is_late):
            for n in range(EACH // 10):
                wait(fork(race, f"{base}/{n}"))
        told = by_path(watch.stop())
    old = [r for path, r in told.items() if not path.endswith(b"-touched")]
    check(len(old) >= EACH // 10, f"only {len(old)} records of threads")
    check_all(old, is_of_fork, "a thread's")
    new = [r for path, r in told.items() if path.endswith(b"-touched")]
    check_all(new, lambda r: is_candidate(r, exe=TOUCH), "made after the exec")


@case("directory", "file", "tree", "mount")
def nothing_else_is_told(scope):
    """Executions elsewhere are read, but nobody asked for them."""
    with filesystem("ext4") as whole, filesystem("tmpfs") as other:
        with mounted("--bind", whole) as again:
            base = (again if scope == "mount" else whole) / "base"
            base.mkdir()
            (base / "file").touch()
            for directory in (base, whole, other):
                shutil.copy(TOUCH, directory / "touch")
            watched = {"file": base / "file", "mount": again}.get(scope, base)
            with Watch("--scope", scope, watched) as watch:
                for at in (whole, other, base):
                    args = ["touch", str(at / "file")]
                    wait(os.posix_spawn(at / "touch", args, os.environ))
                watch.see(base / "file", "close_write" if scope == "mount" else "attrib")
                told = {raw(r) for r in watch.stop()}
    inside = {os.fsencode(base / "file")}
    if scope != "file":
        inside.add(os.fsencode(base / "touch"))
    same_set(told, inside, scope, {os.fsencode(base)} if scope != "file" else ())


@case()
def mounts_are_let_go():
    """A filesystem that is marked only for its executions can be unmounted, and a new one is marked."""
    with filesystem("tmpfs") as base, filesystem("tmpfs") as before:
        with Watch("-e", "create", base) as watch:
            shutil.copy(TOUCH, before / "touch")
            wait(os.posix_spawn(before / "touch", ["touch", f"{base}/before"], os.environ))
            watch.see(base / "before")
            equal(os.system(f"umount {before}"), 0, "umount")
            with filesystem("tmpfs") as after:
                shutil.copy(TOUCH, after / "touch")
                watch.marker(base)
                wait(os.posix_spawn(after / "touch", ["touch", f"{base}/after"], os.environ))
                record = watch.see(base / "after")
                check(is_exactly(record, str(after / "touch")) or not HAS_BPF, show(record, 900))
            watch.stop()
        os.system(f"mount -t tmpfs none {before}")


main()
