# SPDX-License-Identifier: MIT
"""fantail marks, against marks that were set here and are known."""

import contextlib
import ctypes
import json
import multiprocessing
import os
import pty
import select
import shutil
import socket
import subprocess
import time
from datetime import datetime

from harness import Failure, Skip, case, check, equal, main, one_line, same_set
from listeners import FAN, IN, INIT, MARK, Group, Inotify, holds, line_of, marks, names_of, told
from machine import CLONE_NEWNS, die_with_parent, filesystem, libc, mounted, need, overlay, run, spawn, temp_dir
from records import raw
from watch import FANTAIL, TIMEOUT

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
OF_NAMES = ("CREATE", "DELETE", "MOVED_FROM", "MOVED_TO", "RENAME")
OF_ASKING = ("OPEN_PERM", "ACCESS_PERM", "OPEN_EXEC_PERM", "PRE_ACCESS")
FLAG_BITS = ("EVENT_ON_CHILD", "ONDIR")
CONTENT = INIT["FAN_CLASS_CONTENT"] | INIT["FAN_UNLIMITED_QUEUE"] | INIT["FAN_UNLIMITED_MARKS"]
OURS = ("--pid", os.getpid())


def fan(*names):
    return sum(FAN["FAN_" + name] for name in names)


def same_marks(group, lines, what="marks"):
    line = line_of(group, lines)
    same_set(told(line), group.marks, what)
    equal(line["marks_count"], len(group.marks), f"{what}: their number")
    return line


def files(base, count, name="f"):
    made = [base / f"{name}{n}" for n in range(count)]
    for path in made:
        path.touch()
    return made


@case("ext4", "xfs", "btrfs", "tmpfs")
def each_type_and_bit(kind):
    """A file for each bit; what only directories or filesystems take is put on those."""
    bits = [name[4:] for name in FAN if name[4:] not in OF_ASKING + FLAG_BITS + ("FS_ERROR",)]
    with filesystem(kind) as base, Group() as group, Group(0) as mounts:
        for name in bits:
            path = base / f"on-{name}"
            path.mkdir() if name in OF_NAMES else path.touch()
            group.mark(path, fan(name))
        (base / "both").mkdir()
        group.mark(base / "both", fan("OPEN", "CREATE", "EVENT_ON_CHILD", "ONDIR"))
        with contextlib.suppress(OSError):
            group.mark(base, fan("FS_ERROR", "DELETE", "ONDIR"), kind="filesystem")
        mounts.mark(base, fan("MODIFY", "CLOSE_WRITE"), kind="mount")
        lines = marks(*OURS)
        line = same_marks(group, lines)
        same_marks(mounts, lines)
    equal((line["class"], line["permission"]), ("notif", False), "class")
    equal(set(line["flags_names"]) & set(INIT), names_of(INIT, group.flags), "flags")
    equal({m["fs"] for m in line["marks"]}, {kind}, "filesystem")


@case("ext4", "tmpfs")
def permission_bits(kind):
    """Marks that ask, by a listener that does not answer: `marks` waits for nobody."""
    with filesystem(kind) as base, Group(CONTENT) as content:
        for name in OF_ASKING[:3]:
            (base / name).touch()
            content.mark(base / name, fan(name))
        (base / "dir").mkdir()
        content.mark(base / "dir", fan("OPEN_PERM", "EVENT_ON_CHILD", "ONDIR"))
        content.mark(base, fan("OPEN_PERM", "OPEN", "ONDIR"), kind="filesystem")
        line = same_marks(content, marks(*OURS))
        equal((line["class"], line["permission"]), ("content", True), "class")
        found = marks(base / "dir", *OURS)
        equal(len(line_of(content, found)["marks"]), 2, "marks that cover a directory")
        equal(content.events(), b"", "what `marks` did to what is watched")


@case()
def before_content():
    with filesystem("ext4") as base, Group(INIT["FAN_CLASS_PRE_CONTENT"]) as before:
        (base / "f").touch()
        try:
            before.mark(base / "f", fan("PRE_ACCESS"))
        except OSError as error:
            raise Skip(f"no FAN_PRE_ACCESS here: {error}") from None
        equal(same_marks(before, marks(*OURS))["class"], "pre_content", "class")


@case()
def ignoring():
    """Both kinds of ignored masks, with and without a mask, and evictable ones."""
    surv, evictable, ignore = (MARK["FAN_MARK_" + n] for n in ("IGNORED_SURV_MODIFY", "EVICTABLE", "IGNORE"))
    with filesystem("ext4") as base, Group() as group, Group(CONTENT) as old:
        old.mark(base, fan("OPEN"), fan("MODIFY"), kind="filesystem")
        for n, flags in enumerate((0, surv)):
            (base / f"old{n}").touch()
            old.mark(base / f"old{n}", fan("OPEN") * n, fan("MODIFY", "ACCESS"), flags=flags)
        for n, flags in enumerate((ignore | surv, ignore | surv | evictable)):
            (base / f"new{n}").mkdir()
            group.mark(base / f"new{n}", 0, fan("OPEN", "ONDIR", "EVENT_ON_CHILD"), flags=flags)
        (base / "file").touch()
        group.mark(base / "file", 0, fan("OPEN"), flags=ignore)
        (base / "evictable").touch()
        group.mark(base / "evictable", fan("OPEN"), flags=evictable)
        group.mark(base, fan("OPEN"), fan("CLOSE_NOWRITE"), kind="filesystem", flags=ignore | surv)
        lines = marks(*OURS)
        same_marks(group, lines)
        same_marks(old, lines)


def _below(base, mark):
    """A subvolume is mounted twice here, and a path by the whole of its filesystem is as good."""
    inside = mark[1].rpartition(b"/inner/")[2]
    path = os.path.join(os.fsencode(base), inside)
    same = inside != mark[1] and os.path.samestat(os.lstat(mark[1]), os.lstat(path))
    return (mark[0], path, *mark[2:]) if same else mark


@case("ext4", "xfs", "btrfs", "btrfs-subvolume", "tmpfs")
def thousand(kind):
    """A thousand marks, and as many watches, of which some were renamed, moved or removed since."""
    with filesystem(kind) as base, Group() as group, Inotify() as inotify, contextlib.ExitStack() as open_files:
        (base / "a" / "b").mkdir(parents=True)
        made = files(base / "a", 600) + files(base / "a" / "b", 400)
        where = {}
        for n, path in enumerate(made):
            where[path] = path
            group.mark(path, fan(("OPEN", "MODIFY")[n % 2]))
            inotify.watch(path, IN["IN_MODIFY"])
        for path in made[:200]:
            where[path] = path.with_name(path.name + "-renamed")
            path.rename(where[path])
        gone = set(made[200:220])
        for path in gone:
            open_files.enter_context(open(path, "rb"))
            path.unlink()
        (base / "a" / "b").rename(base / "c")
        (base / "a").rename(base / "c" / "d")
        for path, at in where.items():
            inside = at.relative_to(base / "a")
            inner = inside.parts[0] == "b"
            where[path] = base / "c" / (inside.relative_to("b") if inner else "d" / inside)
        lines = marks(*OURS)
        for g in (group, inotify):
            moved = {(m[0], os.fsencode(where[p]), *m[2:]) for m in g.marks for p in [os.fsdecode(m[1])]
                     for p in [type(base)(p)] if p not in gone}
            line = line_of(g, lines)
            there = {**line, "marks": [m for m in line["marks"] if "deleted" not in m]}
            same_set({_below(base, m) for m in told(there)}, moved, "marks on what is there")
            equal(sum("deleted" in m for m in line["marks"]), len(gone), "marks on what was removed")
            equal(line["marks_count"], 1000, "marks")


@case()
def mount_namespace():
    """The mounts of a namespace (Linux 6.14)."""
    try:
        group = Group(0x4000)
    except OSError as error:
        raise Skip(f"no FAN_REPORT_MNT here: {error}") from None
    with group, open("/proc/self/ns/mnt", "rb") as namespace:
        flags, mask = ctypes.c_uint(1 | 0x110), ctypes.c_ulonglong(0x3000000)
        equal(libc.fanotify_mark(group.fd, flags, mask, namespace.fileno(), None), 0, "fanotify_mark")
        mark = line_of(group, marks(*OURS))["marks"][0]
        wanted = ("mntns", os.fstat(namespace.fileno()).st_ino, ["FAN_MNT_ATTACH", "FAN_MNT_DETACH"])
        equal((mark["type"], mark["mntns"], mark["mask_names"]), wanted, "the mark")


@case("ext4", "tmpfs")
def another_in_its_place(kind):
    """Files and directories that are gone, but held open, with others under their names."""
    with filesystem(kind) as base, Inotify() as inotify, Group() as group:
        (base / "d").mkdir()
        (base / "f").touch()
        for name in ("d", "f"):
            inotify.watch(base / name, IN["IN_ATTRIB"])
            group.mark(base / name, fan("ATTRIB"))
        held = [os.open(base / name, os.O_RDONLY) for name in ("d", "f")]
        (base / "d").rmdir()
        (base / "d").mkdir()
        (base / "new").touch()
        (base / "new").rename(base / "f")
        lines = marks(*OURS)
        for fd in held:
            os.close(fd)
        for g in (group, inotify):
            found = line_of(g, lines)["marks"]
            equal([m.get("deleted") for m in found], [True] * 2, f"told of {found}")
        check(not marks(base / "d", base / "f", *OURS), "who watches those that came after them")


@case("ext4", "tmpfs")
def inotify_bits(kind):
    with filesystem(kind) as base, Inotify() as group:
        for name in IN:
            path = base / f"on-{name}"
            path.mkdir()
            extra = IN["IN_OPEN"] if name in ("IN_EXCL_UNLINK", "IN_ONESHOT") else 0
            group.watch(path, IN[name] | extra)
        run("mv", base / "on-IN_ACCESS", base / "on-IN_OPEN" / "moved")
        group.marks = {(w, p if not p.endswith(b"IN_ACCESS") else os.fsencode(base / "on-IN_OPEN" / "moved"), m)
                       for w, p, m in group.marks}
        same_marks(group, marks(*OURS))


@case()
def hostile_names():
    """A name that is no UTF-8, forges a line or drives a terminal."""
    names = [b"new\nline", b"\xff\xfe", b"\x1b[2J", "\u202egpj.exe".encode(), b" (deleted)", b"a (deleted)", b'q"\\']
    with filesystem("ext4") as base, Inotify() as group:
        for name in names:
            path = os.fsencode(base) + b"/" + name
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            group.watch(path, IN["IN_OPEN"])
        same_marks(group, marks(*OURS))
        for fmt in "text", "csv":
            text = marks(*OURS, fmt=fmt).decode()
            lines = [line for line in text.splitlines() if str(base) in line]
            equal(len(lines), len(names), f"{fmt}: lines")
            check(not any(ord(c) < 32 or c == "\u202e" for line in lines for c in line), f"{fmt}: control")


def _in_namespace(at, ready, go):
    libc.unshare(CLONE_NEWNS)
    run("mount", "-t", "tmpfs", "fantail-inner", at)
    (at / "f").touch()
    group, watch = Group(), Inotify()
    group.mark(at / "f", fan("OPEN"))
    plain = Group(0)
    plain.mark(at, fan("OPEN"), kind="mount")
    watch.watch(at / "f", IN["IN_OPEN"])
    ready.send((group.fd, group.marks, plain.fd, plain.marks, watch.fd, watch.marks))
    go.recv()


def _start(function, *arguments):
    """A child that tells something, then stays until the pipe is closed."""
    ready, say = multiprocessing.Pipe(False)
    wait, go = multiprocessing.Pipe(False)
    child = spawn(function, *arguments, say, wait)
    check(ready.poll(TIMEOUT), "the child is not ready")
    return child, ready.recv(), go


class _Known:
    def __init__(self, fd, known):
        self.fd, self.marks = fd, known


@case()
def another_namespace():
    at = temp_dir("inner")
    child, told_by_child, go = _start(_in_namespace, at)
    try:
        lines = marks("--pid", child.pid)
        for n in (0, 2, 4):
            group = _Known(*told_by_child[n : n + 2])
            line = line_of(group, lines, child.pid)
            same_set(told(line), group.marks, "marks in another namespace")
            check(all(m.get("elsewhere") for m in line["marks"]), "not told as elsewhere")
        equal(marks(at, "--pid", child.pid), [], "who watches this directory here")
    finally:
        go.close()
        child.terminate()
        child.join(TIMEOUT)


def _hold(say, wait):
    say.send(None)
    wait.recv()


def _receive(channel, say, wait):
    _, fds, _, _ = socket.recv_fds(channel, 1, 1)
    say.send(fds[0])
    wait.recv()


@case()
def shared():
    """One group in four descriptors: duplicated, inherited and passed on; told once."""
    mine, other = socket.socketpair()
    with filesystem("tmpfs") as base, Group() as group, Group() as twin:
        for g in (group, twin):
            g.mark(base, fan("OPEN"))
        # It inherits the group, as does the one that is passed a descriptor as well.
        heir, _, heir_go = _start(_hold)
        passed, fd, passed_go = _start(_receive_after, mine, other, group.fd)
        copy = os.dup(group.fd)
        try:
            lines = marks()
            line = line_of(group, lines)
            held = {(h["pid"], f) for h in line["holders"] for f in h["fds"]}
            wanted = {(os.getpid(), group.fd), (os.getpid(), copy), (heir.pid, group.fd)}
            wanted |= {(passed.pid, group.fd), (passed.pid, fd)}
            same_set(held, wanted, "holders")
            equal(line["pid"], os.getpid(), "the first holder, the oldest process")
            check("unsure" not in line, "unsure")
            check(not holds(line_of(twin, lines), group), "two equal groups are told as one")
            for pid in (heir.pid, passed.pid):
                check(any(holds(g, group) for g in marks("--pid", pid)), f"not told for holder {pid}")
        finally:
            os.close(copy)
            for go, child in ((heir_go, heir), (passed_go, passed)):
                go.close()
                child.terminate()
                child.join(TIMEOUT)


def _come_and_go(inherited, say, _):
    """Groups that are there for a moment, of processes that are, too; a few at once."""
    os.close(inherited)
    say.send(None)
    running = set()
    while True:
        child = os.fork()
        if child == 0:
            with Inotify():
                time.sleep(0.005)
            os._exit(0)
        running.add(child)
        if len(running) > 8:
            running.discard(os.wait()[0])


@case()
def shared_among_others():
    """A group of many holders is told once, whoever ends while the others are compared."""
    with Group() as group, contextlib.ExitStack() as stack:
        heirs = [_start(_hold) for _ in range(8)]
        others = [_start(_come_and_go, group.fd) for _ in range(2)]
        for child, _, _ in heirs + others:
            stack.callback(child.join, TIMEOUT)
            stack.callback(child.kill)
        wanted = {os.getpid(), *(heir.pid for heir, _, _ in heirs)}
        for _ in range(50):
            lines = marks("--groups")
            line = line_of(group, lines)
            check("unsure" not in line, f"unsure: {line}")
            equal({h["pid"] for h in line["holders"]}, wanted, "holders")


def _receive_after(mine, other, fd, say, wait):
    socket.send_fds(mine, [b"x"], [fd])
    _receive(other, say, wait)


@case()
def who_watches():
    """A mark covers a file by itself, by its directory, its mount, its filesystem; others do not."""
    with filesystem("ext4") as base, contextlib.ExitStack() as stack:
        (base / "d").mkdir()
        path, beside = base / "d" / "f", base / "d" / "g"
        path.touch(), beside.touch()
        os.symlink(path, base / "link")
        bound = stack.enter_context(mounted("--bind", base))
        covering, others = {}, {}

        def group(into, name, make, *arguments, **kwargs):
            into[name] = stack.enter_context(make)
            method = into[name].watch if isinstance(into[name], Inotify) else into[name].mark
            method(*arguments, **kwargs)

        group(covering, "itself", Group(), path, fan("OPEN"))
        group(covering, "children", Group(), base / "d", fan("OPEN", "EVENT_ON_CHILD"))
        group(covering, "names", Group(), base / "d", fan("CREATE", "DELETE"))
        group(covering, "mount", Group(0), base, fan("OPEN"), kind="mount")
        group(covering, "filesystem", Group(), base, fan("OPEN"), kind="filesystem")
        group(covering, "inotify", Inotify(), path, IN["IN_OPEN"])
        group(covering, "inotify of the directory", Inotify(), base / "d", IN["IN_OPEN"])
        group(others, "directory alone", Group(), base / "d", fan("OPEN", "ONDIR"))
        group(others, "beside", Group(), beside, fan("OPEN"))
        group(others, "above", Group(), base, fan("OPEN", "EVENT_ON_CHILD"))
        group(others, "ignoring", Group(), path, 0, fan("OPEN"), flags=MARK["FAN_MARK_IGNORE"])
        group(others, "another mount", Group(0), bound, fan("OPEN"), kind="mount")
        for asked in (path, base / "link"):
            lines = marks(asked, *OURS)
            got = {name for name, g in {**covering, **others}.items() if any(holds(l, g) for l in lines)}
            same_set(got, covering, f"who watches {asked.name}")
        lines = marks(bound / "d" / "f", *OURS)
        check(any(holds(l, others["another mount"]) for l in lines), "its own mount")
        check(not any(holds(l, covering["mount"]) for l in lines), "the other mount")
        both = marks(path, beside, *OURS)
        check(any(holds(l, others["beside"]) for l in both), "several paths")


@case()
def on_overlay():
    """Through the layers, as its handles lead nowhere; what they name otherwise is not known."""
    with filesystem("ext4") as base, contextlib.ExitStack() as stack:
        (base / "lower" / "d").mkdir(parents=True)
        for name in ("lower/f", "lower/d/g", "lower/moved"):
            (base / name).touch()
        at, _, _ = stack.enter_context(overlay(base))
        group = stack.enter_context(Inotify())
        (at / "new").touch()
        for name in ("", "f", "d", "d/g", "new"):
            group.watch(at / name, IN["IN_OPEN"])
        same_marks(group, marks(*OURS))
        group.watch(at / "moved", IN["IN_OPEN"])
        (at / "moved").rename(at / "elsewhere")
        unknown = [m for m in line_of(group, marks(*OURS))["marks"] if "path_unknown" in m]
        equal([(m["path_unknown"], m["mountpoint"]) for m in unknown], [("no_handle", str(at))], "what was moved")


@case()
def hidden_and_parts():
    """A path leads to the object: not through what another mount hides, nor outside a part."""
    with filesystem("ext4") as base, Inotify() as group:
        (base / "d" / "e").mkdir(parents=True)
        (base / "d" / "e" / "f").touch()
        (base / "d" / "e" / "g").touch()
        group.watch(base / "d" / "e" / "f", IN["IN_OPEN"])
        with mounted("--bind", base / "d") as part, mounted("-t", "tmpfs", "fantail-over", at=base / "d"):
            line = line_of(group, marks(*OURS))
            same_set({raw(m) for m in line["marks"]}, {os.fsencode(part / "e/f")}, "through the part")
        with mounted("-t", "tmpfs", "fantail-over", at=base / "d"):
            found = line_of(group, marks(*OURS))["marks"]
            equal([(m.get("path_unknown"), raw(m)) for m in found], [("no_name", None)], "hidden")
        same_marks(group, marks(*OURS))


class Watching:
    def __init__(self, *arguments):
        command = [FANTAIL, "marks", "--watch", "--format", "json", "--interval", "100ms", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=die_with_parent)
        self._left, self.last = b"", None

    def next(self):
        while b"\n" not in self._left:
            check(select.select([self.process.stdout], [], [], TIMEOUT)[0], f"no line in time after {self.last}")
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                raise Failure(f"ended: {self.process.communicate()}, {self.process.returncode}")
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        self.last = json.loads(line)
        return self.last

    def stop(self):
        self.process.terminate()
        out, err = self.process.communicate(timeout=TIMEOUT)
        equal((self.process.returncode, self._left + out, err), (0, b"", b""), "the end")


@case("tmpfs", "ext4")
def a_file_is_all_that_is_mounted(kind):
    """Its filesystem is mounted nowhere else any more."""
    at = temp_dir() / "bound"
    at.touch()
    with contextlib.ExitStack() as stack, Group() as group, Inotify() as inotify:
        with filesystem(kind) as base:
            (base / "file").touch()
            (base / "other").touch()
            inotify.watch(base / "other", IN["IN_MODIFY"])
            stack.enter_context(mounted("--bind", base / "file", at=at))
        group.mark(at, fan("OPEN"))
        lines = marks(*OURS)
        line = same_marks(group, lines, "marks on the file")
        equal(line["marks"][0].get("path_unknown"), None, "why its path is not known")
        equal(line_of(inotify, lines)["marks"][0].get("path"), None, "path of what is not mounted")


@case()
def changes():
    with filesystem("tmpfs") as base, Group() as first:
        paths = files(base, 4)
        first.mark(paths[0], fan("OPEN"))
        watch = Watching(*OURS)
        line = watch.next()
        check("change" not in line and holds(line, first), "the first look")
        first.mark(paths[1], fan("MODIFY"))
        line = watch.next()
        equal((line["change"], line["removed"]), ("changed", []), "a mark came")
        equal(told(line, "added"), {("inode", os.fsencode(paths[1]), fan("MODIFY", "EVENT_ON_CHILD"), 0, 0)}, "which")
        first.remove(paths[0], fan("OPEN"))
        line = watch.next()
        equal((line["change"], line["added"]), ("changed", []), "a mark went")
        equal(told(line, "removed"), {("inode", os.fsencode(paths[0]), fan("OPEN", "EVENT_ON_CHILD"), 0, 0)}, "which")
        with Inotify() as second:
            line = watch.next()
            equal((line["change"], line["group"], line["marks"]), ("new", "inotify", []), "a group came")
            second.watch(paths[2], IN["IN_OPEN"])
            line = watch.next()
            equal((line["change"], told(line, "added")), ("changed", second.marks), "a watch came")
        line = watch.next()
        equal((line["change"], told(line)), ("gone", second.marks), "a group went")
        watch.stop()


@case()
def filters():
    with filesystem("tmpfs") as base, Group() as group:
        group.mark(base, fan("OPEN"))
        me = line_of(group, marks(*OURS))["process"]
        equal((me["comm"], me["exe"]), (open("/proc/self/comm").read().rstrip("\n"), os.readlink("/proc/self/exe")), "process")
        equal((me["uid"], me["user"], me["ppid"]), (0, "root", os.getppid()), "ids")
        for yes in (("--comm", me["comm"]), ("--exe", me["exe"]), ("--uid", "root"), ("--not-uid", NOBODY)):
            check(any(holds(l, group) for l in marks(*yes)), f"not shown with {yes}")
        for no in (("--not-comm", me["comm"]), ("--exe", "/no/such"), ("--uid", NOBODY), ("--pid", 1), ("--not-pid", os.getpid())):
            check(not any(holds(l, group) for l in marks(*no)), f"shown with {no}")
        line = line_of(group, marks("--groups", *OURS))
        equal((line.get("marks"), line["marks_count"]), (None, 1), "groups alone")
        rows = marks(*OURS, fmt="csv").decode().splitlines()
        check(any(str(base) in row and "FAN_OPEN" in row for row in rows[1:]), f"csv: {rows}")
        equal({len(row.split(",")) for row in rows}, {21}, "columns of csv")


@case()
def on_a_terminal():
    """Who may make others wait stands first, and in colour."""
    with filesystem("tmpfs") as base, Group() as plain, Group(CONTENT) as asking:
        plain.mark(base, fan("OPEN"))
        (base / "f").touch()
        asking.mark(base / "f", fan("OPEN_PERM"))
        for environment, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
            terminal, side = pty.openpty()
            done = subprocess.run([FANTAIL, "marks", "--pid", str(os.getpid())], stdout=side, timeout=TIMEOUT,
                                  env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **environment}, check=False)
            os.close(side)
            text = os.read(terminal, 1 << 16).decode()
            os.close(terminal)
            equal(done.returncode, 0, "status")
            equal("\033[1;31mPERMISSION\033[0m" in text, colored, "colour")
            check("PERMISSION" in text.splitlines()[0].replace("\033", ""), f"not first: {text}")


def _waiting(group, pid):
    """What is told of those who wait for the group, as soon as this process does."""
    until = time.monotonic() + TIMEOUT
    while True:
        line = line_of(group, marks(*OURS))
        if any(w["pid"] == pid for w in line["waiting"]):
            return line
        check(time.monotonic() < until, f"nobody is told to wait: {line}")


@case()
def who_waits():
    """Of two groups that are asked, the one whose mark covers the file; and after the answer nobody."""
    with filesystem("tmpfs") as base, filesystem("tmpfs") as other:
        (base / "file").touch()
        with Group(CONTENT) as asked, Group(CONTENT) as idle, Group() as told_only:
            asked.mark(base, fan("OPEN_PERM"), kind="filesystem")
            idle.mark(other, fan("OPEN_PERM"), kind="filesystem")
            told_only.mark(base, fan("OPEN"))
            before = marks(*OURS)
            equal([line_of(g, before)["waiting"] for g in (asked, idle)], [[], []], "before")
            check("waiting" not in line_of(told_only, before), "nobody waits for who is only told")
            began = time.time()
            process = subprocess.Popen(["cat", "file"], cwd=base, preexec_fn=die_with_parent)
            try:
                line = _waiting(asked, process.pid)
                seen = time.time()
                equal(line_of(idle, marks(*OURS))["waiting"], [], "the other group")
                text = marks("--groups", fmt="text", *OURS).decode()
            finally:
                asked.close()
                status = process.wait(TIMEOUT)
    equal(status, 0, "the process, when the group is gone")
    equal(len(line["waiting"]), 1, "how many wait")
    told_of = line["waiting"][0]
    what = ("pid", "tid", "comm", "call", "asked", "path", "covered")
    wanted = (process.pid, process.pid, "cat", "openat", "file", str(base / "file"), True)
    equal(tuple(told_of.get(k) for k in what), wanted, "who waits for what")
    since = datetime.fromisoformat(told_of["since"][:26] + "+00:00").timestamp()
    # The scheduler's notes are as old as a tick.
    check(began - 0.02 <= since <= seen, f"since {since}, started {began}, seen {seen}")
    found = [row for row in text.splitlines(keepends=True) if " waits " in row]
    one_line("".join(found), "text", f"cat({process.pid}) waits for its answer", f"openat {base}/file")


@case()
def without_root():
    need("setpriv")
    with filesystem("ext4") as base:
        program = shutil.copy(shutil.which(FANTAIL), base / "fantail")
        script = ("import ctypes,os,subprocess,sys\n"
                  "l=ctypes.CDLL(None); fd=l.inotify_init1(0); l.inotify_add_watch(fd, b'/', 2)\n"
                  "d=subprocess.run([sys.argv[1],'marks','--format','json'],capture_output=True)\n"
                  "os.write(1,d.stdout); os.write(2,d.stderr); sys.exit(d.returncode)\n")
        with Group() as hidden:
            done = subprocess.run([*AS_NOBODY, "/usr/bin/python3", "-c", script, program], capture_output=True,
                                  timeout=TIMEOUT, check=False, cwd="/")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
    equal(done.returncode, 3, f"status (stderr: {done.stderr.decode()})")
    one_line(done.stderr.decode(), "what is not seen", "not seen:", "permission denied")
    equal([(l["group"], l["marks_count"], l["process"]["uid"]) for l in lines], [("inotify", 1, NOBODY)], "its own")
    check(not any(holds(l, hidden) for l in lines), "another's")


@case()
def wrong_usage():
    for arguments in (("--format", "xml"), ("--interval", "1s"), ("--watch", "--interval", "1ms"), ("--uid", "no-such-user"), ("--nonsense",)):
        done = subprocess.run([FANTAIL, "marks", *arguments], capture_output=True, timeout=TIMEOUT, check=False)
        equal((done.returncode, done.stdout), (2, b""), f"status of {arguments}")
        one_line(done.stderr.decode(), str(arguments))
    done = subprocess.run([FANTAIL, "marks", "/no/such"], capture_output=True, timeout=TIMEOUT, check=False)
    equal((done.returncode, done.stdout), (1, b""), "no such path")
    one_line(done.stderr.decode(), "no such path", "/no/such")


main()
