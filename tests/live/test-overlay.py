# SPDX-License-Identifier: MIT
"""A container's files are never taken for the host's; an overlay can itself be watched."""

import os
import shutil
import traceback

from harness import case, check, equal, main, same_set
from machine import filesystem, overlay, private_mounts, run
from records import facts, losses, paths, raw
from watch import Watch


LAYERS = "lower/etc", "upper/etc", "work"


def in_container(base, layers, actions):
    """A child that has an overlay of layers as its root, in a mount namespace that nobody else sees. Its pid."""
    pid = os.fork()
    if pid:
        equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "the container")
        return pid
    try:
        private_mounts()
        options = "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work".format(layers)
        run("mount", "-t", "overlay", "-o", options, "overlay", base / "mnt")
        os.chroot(base / "mnt")
        os.chdir("/")
        actions()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def append(path):
    with open(path, "ab", buffering=0) as f:
        f.write(b"root:*:1:::::\n")


def intrude():
    append("/etc/shadow")  # copied up from the lower layer
    append("/etc/passwd")  # in the upper layer already
    append("/etc/new")
    os.rename("/etc/new", "/etc/group")


@case("ext4", "xfs", "tmpfs")
def container(kind):
    with filesystem(kind) as base:
        layers = base / "var" / "container"
        for path in ("etc", "mnt", *(f"var/container/{d}" for d in LAYERS)):
            os.makedirs(base / path)
        for path in ("etc", "var/container/lower/etc"):
            for name in ("shadow", "passwd", "group"):
                (base / path / name).write_text("root:*:0:::::\n")
        (layers / "upper/etc/passwd").write_text("root:*:0:::::\n")
        with Watch("-e", "all", base) as watch:
            pid = in_container(base, layers, intrude)
            records = watch.stop()
    inside = [r for r in records if r.get("pid") == pid]
    check(inside, "nothing of the container was seen")
    host = {os.fsencode(p) for p in (base / "etc", base / "mnt")}
    for r in inside:
        for path in filter(None, (raw(r), raw(r, "old_path"))):
            check(path.startswith(os.fsencode(base) + b"/"), f"a path that the host does not have: {r}")
            check(not any((path + b"/").startswith(h + b"/") for h in host), f"shown as the host's: {r}")
    upper = os.fsencode(layers / "upper/etc")
    written = paths(inside, "modify", "close_write")
    for name in (b"shadow", b"passwd", b"new"):
        check(upper + b"/" + name in written, f"{upper}/{name} is not among {sorted(written)}")
    check(("rename", upper + b"/group", upper + b"/new", False) in facts(inside), "the rename")


@case()
def overlay_watched():
    """The default overlay takes no filesystem mark by handle: what stands in for it tells the paths all the same."""
    with filesystem("ext4") as disk:
        (disk / "lower" / "dir").mkdir(parents=True)
        (disk / "lower" / "dir" / "below").write_text("lower")
        with overlay(disk) as (base, _, _), Watch("-e", "change", base) as watch:
            (base / "made").write_text("new")
            (base / "dir" / "below").write_text("copied up")
            (base / "made").rename(base / "dir" / "renamed")
            (base / "new").mkdir()
            (base / "new" / "inside").touch()
            watch.see(base / "new" / "inside")
            (base / "dir" / "renamed").unlink()
            records = watch.stop()
    told = facts(records)
    path = lambda p: os.fsencode(base / p)
    wanted = {
        ("create", path("made"), None, False),
        ("modify", path("made"), None, False),
        ("modify", path("dir/below"), None, False),
        ("rename", path("dir/renamed"), path("made"), False),
        ("create", path("new"), None, True),
        ("create", path("new/inside"), None, False),
        ("delete", path("dir/renamed"), None, False),
    }
    same_set(told & wanted, wanted, "what was done on the overlay")
    strange = {f[1] for f in told} - {f[1] for f in wanted} - {path(".").rstrip(b"/."), path("dir")}
    check(not strange, f"paths that nobody touched: {strange}")


@case()
def overlay_read_late():
    """There and back again, and away: no path is said to be of the event when that cannot be known."""
    with filesystem("ext4") as disk, overlay(disk) as (base, _, _):
        (base / "out").mkdir()
        (base / "a/in").mkdir(parents=True)
        (base / "a/in/f").touch()
        with Watch("-e", "create,rename,delete", base / "a/in") as watch:
            with watch.stopped():
                (base / "a").rename(base / "b")
                (base / "b/in/g").touch()
                (base / "b").rename(base / "a")
            watch.see(base / "a/in/g", "create")
            (base / "a/in/f").rename(base / "out/f")
            watch.marker(base / "a/in")
            with watch.stopped():
                (base / "a/in/z").mkdir()
                (base / "a/in/z/f").touch()
                shutil.rmtree(base / "a/in/z")
            watch.marker(base / "a/in")
            records = watch.stop(status=3)
    path = lambda p: os.fsencode(base / p)
    made = [r["path_source"] for r in records if raw(r) == path("a/in/g")]
    equal(made, ["now"], "path_source of what was made while a directory above had another name")
    moved = [r for r in records if "rename" in r.get("events", ())]
    equal([(raw(r, "old_path"), raw(r)) for r in moved], [(path("a/in/f"), None)], "moved away")
    equal(len(losses(records)), 1, "losses: what was done in z")


@case("itself", "below")
def overlay_unmounted(where):
    """Being watched does not keep it from being unmounted, nor its layers after it."""
    with filesystem("ext4") as disk:
        with overlay(disk) as (base, _, _):
            (base / "dir").mkdir()
            watched = base if where == "itself" else base.parent
            with Watch("-e", "create,mnt_detach", watched) as watch:
                (base / "dir/f").touch()
                watch.see(base / "dir/f", "create")
                run("umount", base)
                watch.see(base, "mnt_detach")
                watch.stop()
            run("mount", "-t", "tmpfs", "none", base)  # for overlay() to unmount


main()
