# SPDX-License-Identifier: MIT
"""What belongs to a PATH: scopes, mounts below it, bind mounts, several PATHs, moves in and out."""

import contextlib
import os
import signal
import subprocess
import time

from harness import Failure, case, check, equal, main, same_set
from machine import filesystem, mounted, run
from records import facts, paths, raw
from watch import Watch

CHANGE = "create,delete,rename,modify,attrib"


def tree(base, *names):
    """Directories (names that end in /) and files below base."""
    for name in names:
        path = base / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("old")


def write(*paths_to_write):
    for path in paths_to_write:
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, b"new")
        os.close(fd)


def as_bytes(*some):
    return {os.fsencode(p) for p in some}


def told_by(arguments, work, **popen):
    """The records of a watch with these arguments while work() is done."""
    with Watch(*arguments, **popen) as watch:
        work()
        return watch.stop()


FILES = ["top/a/f", "top/a/b/f", "top/a/b/c/f", "top/ab/f", "top/f", "f"]
# scope: what of FILES is told when all are written and PATH is top/a
SCOPES = {
    "tree": ["top/a/f", "top/a/b/f", "top/a/b/c/f"],
    "filesystem": FILES,
    "mount": FILES,
    "directory": ["top/a/f"],
}


@case(*SCOPES)
def scope(name):
    with filesystem("ext4") as base:
        tree(base, *FILES)
        written = [base / f for f in FILES]
        records = told_by(["-e", "modify", "--scope", name, base / "top/a"], lambda: write(*written))
    same_set(paths(records), as_bytes(*(base / f for f in SCOPES[name])), f"--scope {name}")


@case()
def scope_file():
    """The object alone, under whatever name; not what takes its name."""
    with filesystem("ext4") as base:
        tree(base, "d/f", "other")

        def work():
            write(base / "d/f", base / "other")
            os.rename(base / "d/f", base / "moved")
            write(base / "moved")
            tree(base, "d/f")
            os.link(base / "moved", base / "link")
            write(base / "link")

        records = told_by(["-e", "modify", "--scope", "file", base / "d/f"], work)
    told = paths(records)
    check(as_bytes(base / "d/f") <= told, f"the file is not told: {told}")
    same_set(told, as_bytes(base / "d/f", base / "moved"), "the object", as_bytes(base / "link"))
    check(not any("create" in r["events"] for r in records), "its successor is told")


@case("file", "directory")
def moved_to_and_fro(name):
    """The path is the same before and after: that it was another one meanwhile is seen all the same."""
    with filesystem("ext4") as base:
        tree(base, "top/d/f")
        wanted = base / ("top/d/f" if name == "file" else "top/d")
        for moved in "top", "top/d":
            with Watch("-e", "modify", "--scope", name, wanted) as watch:
                with watch.stopped():
                    os.rename(base / moved, base / "away")
                    write(base / "away" / ("d/f" if moved == "top" else "f"))
                    os.rename(base / "away", base / moved)
                watch.see(base / "top/d/f", "modify")
                records = watch.stop()
            equal({r["path_source"] for r in records}, {"now"}, f"path_source after {moved} moved")


@case("file", "directory")
def unmounted(name):
    """Being watched does not keep a filesystem from being unmounted."""
    with filesystem("tmpfs") as base:
        tree(base, "f")
        wanted = base / "f" if name == "file" else base
        with Watch("-e", "modify", "--scope", name, wanted) as watch:
            write(base / "f")
            watch.see(base / "f", "modify")
            run("umount", base)
            watch.stop()
        run("mount", "-t", "tmpfs", "none", base)  # for filesystem() to unmount


@case()
def file_as_path():
    """By its name, also when it is replaced, and by its object, also when that was renamed."""
    with filesystem("ext4") as base:
        tree(base, "d/f", "d/g", "new")

        def work():
            write(base / "d/f", base / "d/g")
            os.rename(base / "d/f", base / "d/away")
            write(base / "d/away")
            os.rename(base / "new", base / "d/f")
            write(base / "d/f")
            os.unlink(base / "d/f")

        told = facts(told_by(["-e", CHANGE, base / "d/f"], work))
    f, away, new = (os.fsencode(base / p) for p in ("d/f", "d/away", "new"))
    wanted = {
        ("modify", f, None, False),
        ("rename", away, f, False),
        ("modify", away, None, False),
        ("rename", f, new, False),
        ("delete", f, None, False),
    }
    same_set(told, wanted, "a file", {("attrib", f, None, False)})


@case()
def path_itself():
    """PATH itself belongs to the tree, what only begins like it does not."""
    with filesystem("ext4") as base:
        tree(base, "a/", "ab/")

        def work():
            os.chmod(base / "a", 0o700)
            os.chmod(base / "ab", 0o700)
            os.chmod(base, 0o711)

        told = facts(told_by(["-e", "attrib", base / "a"], work))
    same_set(told, {("attrib", os.fsencode(base / "a"), None, True)}, "PATH")


@case()
def moves_in_and_out():
    with filesystem("ext4") as base:
        tree(base, "in/f", "out/g", "out/d/below", "in/e/below")
        moves = [("in/f", "out/f"), ("out/g", "in/g"), ("out/d", "in/d"), ("in/e", "out/e")]

        def work():
            for old, new in moves:
                os.rename(base / old, base / new)
            write(base / "in/d/below", base / "out/e/below", base / "out/f", base / "in/g")

        told = facts(told_by(["-e", CHANGE, base / "in"], work))
    full = lambda p: os.fsencode(base / p)
    wanted = {("rename", full(new), full(old), (base / old).name in "de") for old, new in moves}
    wanted |= {("modify", full(p), None, False) for p in ("in/d/below", "in/g")}
    same_set(told, wanted, "both full paths of each move, changes inside alone")


@case()
def relative_and_default():
    with filesystem("ext4") as base:
        tree(base, "a/f", "b/f")
        for arguments, wanted in (([], ["b/f"]), (["."], ["b/f"]), (["../a"], ["a/f"])):
            records = told_by(
                ["-e", "modify", *arguments], lambda: write(base / "a/f", base / "b/f"), cwd=base / "b"
            )
            same_set(paths(records), as_bytes(*(base / w for w in wanted)), f"PATH {arguments}")


@case()
def symlink_as_path():
    with filesystem("ext4") as base:
        tree(base, "real/f")
        os.symlink("real", base / "link")
        records = told_by(["-e", "modify", base / "link"], lambda: write(base / "real/f"))
    same_set(paths(records), as_bytes(base / "real/f"), "a symlink as PATH")


@case()
def bind_mount():
    """A path is told as seen through the mount that PATH came by."""
    with filesystem("ext4") as base:
        tree(base, "a/f")
        with mounted("--bind", base / "a") as bound:
            for watched in (base, bound), (bound, base / "a"):
                for written in base / "a" / "f", bound / "f":
                    records = told_by(["-e", "modify", watched[0]], lambda: write(written))
                    wanted = bound / "f" if watched[0] == bound else base / "a" / "f"
                    same_set(paths(records), as_bytes(wanted), f"PATH {watched[0]}, written by {written}")


@case()
def scope_mount():
    """--scope mount: what is done through this mount, not through another of the same filesystem."""
    with filesystem("ext4") as base:
        tree(base, "a/f", "a/g")
        with mounted("--bind", base / "a") as bound:
            arguments = ["-e", "modify", "--scope", "mount", bound]
            records = told_by(arguments, lambda: write(base / "a/f", bound / "g"))
            same_set(paths(records), as_bytes(bound / "g"), "--scope mount")


@case()
def several_paths():
    with filesystem("ext4") as one, filesystem("xfs") as two, filesystem("tmpfs") as three:
        disks = one, two, three
        for disk in disks:
            tree(disk, "a/f", "b/f", "c/f")
        arguments = ["-e", "modify", *(d / n for d in disks for n in "ab")]
        records = told_by(arguments, lambda: write(*(d / n / "f" for d in disks for n in "abc")))
        same_set(paths(records), as_bytes(*(d / n / "f" for d in disks for n in "ab")), "several PATHs")
        kinds = {(r["fs"], raw(r).startswith(os.fsencode(d))) for r in records for d in disks}
        same_set({k for k, below in kinds if below}, {"ext4", "xfs", "tmpfs"}, "filesystems")


@case("", "-x")
def mounts_below(option):
    with filesystem("ext4") as base:
        tree(base, "f", "sub/")
        with mounted("-t", "tmpfs", "below", at=base / "sub"):
            tree(base / "sub", "g")
            arguments = ["-e", "modify", *([option] if option else []), base]
            records = told_by(arguments, lambda: write(base / "f", base / "sub/g"))
    wanted = [base / "f"] if option else [base / "f", base / "sub/g"]
    same_set(paths(records), as_bytes(*wanted), f"mounts below PATH {option}")


@case("tmpfs", "ext4")
def later_mount(kind):
    """A filesystem that is mounted below PATH later is watched, and can be unmounted again."""
    with filesystem("ext4") as base, contextlib.ExitStack() as stack:
        tree(base, "sub/", "f")
        with Watch("-e", "create,modify", base) as watch:
            there = stack.enter_context(filesystem(kind))
            subprocess.run(["mount", "--move", there, base / "sub"], check=True)
            wait_until_watched(watch, base / "sub")
            tree(base / "sub", "d/new")
            watch.see(base / "sub/d/new", "modify")
            check(unmounted_within(1, base / "sub"), "umount: busy because of fantail")
            write(base / "f")
            watch.see(base / "f", "modify")
            records = watch.stop(3)
        # Nobody knows what was done there before the mark.
        gaps = [r["reason"] for r in records if "gap" in r["events"]]
        check(gaps and set(gaps) == {"mounted"}, f"gaps: {gaps}")
        check(not any("lost" in r["events"] for r in records), "lost")


@case()
def first_moment():
    """What who mounts it does at once may be missed; then it is not told to be complete."""
    script = 'mount -t tmpfs none "$1"; : >"$1/first"'
    with filesystem("ext4") as base:
        for _ in range(5):
            with Watch("-e", "create", "--all") as watch:
                subprocess.run(["sh", "-ec", script, "sh", base], check=True)
                check(unmounted_within(10, base), "umount: busy because of fantail")
                watch.process.send_signal(signal.SIGINT)
                status = watch.process.wait(60)
            told = str(base / "first").encode() in watch.output()
            equal(status, 3, f"exit status; first was told: {told}")


@case()
def unmount_while_watched():
    """Watching a filesystem does not keep it from being unmounted; the rest is watched on."""
    with filesystem("ext4") as one, filesystem("ext4") as two:
        tree(one, "f", "d/e/f")
        with Watch("-e", "create,modify", one, two) as watch:
            write(one / "d/e/f")
            watch.see(one / "d/e/f")
            check(unmounted_within(1, one), "umount: busy because of fantail")
            watch.marker(two)
            watch.stop()


def wait_until_watched(watch, directory):
    """New files, until one is told: how soon a mount is noticed is fantail's affair."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        probe = directory / f"probe-{time.monotonic_ns()}"
        probe.touch()
        with contextlib.suppress(Failure):
            watch.wait_for(lambda r: b"/probe-" in (raw(r) or b""), "a probe", timeout=0.1)
            return
    raise Failure(f"{directory}, mounted later, is not watched")


def unmounted_within(seconds, path):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not subprocess.run(["umount", path], capture_output=True, check=False).returncode:
            return True
    return False


main()
