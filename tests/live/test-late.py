# SPDX-License-Identifier: MIT
"""Paths told by a reader that was stopped while everything moved. test-late.py [FILESYSTEM [SECONDS [SEED]]]"""

import os
import random
import signal
import subprocess
import sys

from forest import Forest, first_after
from harness import case, check, equal, main, same_set, show
from machine import die_with_parent, filesystem
from records import is_event, paths, raw
from watch import Watch

KINDS = sys.argv[1:2] or ["ext4"]
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 5
SEED = sys.argv[3] if len(sys.argv) > 3 else str(random.randrange(1 << 32))
EVENTS = "create,delete,rename,modify,close_write,open"
WORKERS, WIDTH = 3, 100  # WIDTH * (WIDTH - 1) and WIDTH directories: 10,000


def make_tree(top, width, depth_width):
    """width directories with depth_width each below top; all their paths."""
    made = [f"{top}/{top.name}-{n}" for n in range(width)]
    made += [f"{d}/{os.path.basename(d)}-{n}" for d in made for n in range(depth_width)]
    os.mkdir(top)
    for path in made:
        os.mkdir(path)
    return {os.fsencode(p) for p in [top, *made]}


def removed_by_rm(base):
    """Trees made before the start: one removed where it is, one after its parent was renamed."""
    (base / "parent").mkdir()
    still = make_tree(base / "still", WIDTH, WIDTH - 1)
    moved = make_tree(base / "parent" / "tree", 30, 30)
    return still, {p.replace(b"/parent/tree", b"/parent-new/tree") for p in moved}


def remove(base):
    os.rename(base / "parent", base / "parent-new")
    return [
        subprocess.Popen(["rm", "-rf", tree], preexec_fn=die_with_parent)
        for tree in (base / "still", base / "parent-new" / "tree")
    ]


class Verdict:
    """Compares records, in their order, with what happened, in its order.

    A record's path must be the path at its first event, and first events come in order: each record is matched with
    the earliest happening not before its predecessor's that has its name, its path and one of its events.
    """

    def __init__(self, truth):
        self.truth, self.now, self.right, self.wrong = truth, 0, 0, []

    def add(self, record):
        reason = self._judge(record)
        if reason:
            self.wrong.append((reason, record))
        else:
            self.right += 1

    def _judge(self, record):
        path = raw(record) or b""
        happenings = self.truth.get(base_name(path))
        if not happenings:
            return "no such name"
        only = {"create", "rename"} & set(record["events"])  # nothing of this name can come before these
        wanted = only or set(record["events"])
        fits = [h for h in happenings if h.event in wanted and h.path == path]
        if "rename" in wanted:
            fits = [h for h in fits if h.old_path == raw(record, "old_path")]
        if not fits:
            return f"was {show([(h.event, h.path, h.old_path) for h in happenings])}"
        fits = first_after(fits, self.now)
        if not fits:
            return f"not at this time ({self.now})"
        self.now = fits[0].at
        return None


def check_wrong(wrong, total):
    """wrong: [(reason, record)]. At most one in a thousand of the total, none of them told as certain."""
    examples = "\n".join(f"  {show(record, 400)}\n    {reason}" for reason, record in wrong[:8])
    sources = [r["path_source"] for _, r in wrong]
    counts = {s: sources.count(s) for s in sorted(set(sources))}
    print(f"  {total} records, {len(wrong)} not right {counts or ''} (seed {SEED})")
    message = f"{len(wrong)} of {total} paths are wrong {counts}, seed {SEED}:\n{examples}"
    check("event" not in counts, "though it says event, " + message)
    check(len(wrong) * 1000 <= total, message)


def base_name(path):
    return path and path.rpartition(b"/")[2]


def happened(truth):
    """What must be in some record, whatever was merged."""
    return {
        (h.event, name, base_name(h.old_path))
        for name, happenings in truth.items()
        for h in happenings
    }


def told(records):
    return {
        (e, base_name(raw(r)), base_name(raw(r, "old_path")) if e == "rename" else None)
        for r in records
        for e in r["events"]
    }


@case(*KINDS)
def late(kind):
    with filesystem(kind) as base:
        still, moved = removed_by_rm(base)
        forest = Forest(base, WORKERS, SEED)
        with Watch("-e", EVENTS, base) as watch:
            os.kill(watch.pid, signal.SIGSTOP)
            removals = remove(base)
            forest.work(SECONDS)
            for process in removals:
                equal(process.wait(60), 0, "rm")
            os.kill(watch.pid, signal.SIGCONT)
            records = watch.stop()
    check(all(is_event(r) for r in records), "something was lost")
    check_removed(records, still)
    check_removed(records, moved)
    rest = [r for r in records if in_forest(r)]
    truth = forest.truth()
    same_set(told(rest), happened(truth), "names and events")
    verdict = Verdict(truth)
    for record in rest:
        verdict.add(record)
    check_wrong(verdict.wrong, verdict.right + len(verdict.wrong))


@case(*KINDS)
def to_and_fro(kind):
    """a to b, b to a, a to b: the kernel swallows the third while all wait, the directory is at b all the same."""
    with filesystem(kind) as base:
        for n in range(50):
            (base / f"a{n}" / "old").mkdir(parents=True)
        with Watch("-e", EVENTS, base) as watch:
            os.kill(watch.pid, signal.SIGSTOP)
            for n in range(50):
                for old, new in (("a", "b"), ("b", "a"), ("a", "b")):
                    os.rename(base / f"{old}{n}", base / f"{new}{n}")
                (base / f"b{n}" / "new").mkdir()
                (base / f"b{n}" / "old" / "file").touch()
            os.kill(watch.pid, signal.SIGCONT)
            records = watch.stop()
    made = {os.fsencode(base / f"b{n}" / p) for n in range(50) for p in ("new", "old/file")}
    same_set(paths(records, "create"), made, "made after the renames")


@case(*KINDS)
def below_its_own_child(kind):
    """At the end a directory stands below one that stood below it: what is there now is no way to what was then."""
    with filesystem(kind) as base:
        (base / "a" / "b" / "c").mkdir(parents=True)
        with Watch("-e", EVENTS, base) as watch:
            os.kill(watch.pid, signal.SIGSTOP)
            (base / "a" / "b" / "c" / "first").mkdir()
            os.rename(base / "a" / "b" / "c", base / "c")
            os.rename(base / "a", base / "c" / "a")
            (base / "c" / "a" / "b" / "last").mkdir()
            os.kill(watch.pid, signal.SIGCONT)
            records = watch.stop()
    made = {os.fsencode(base / p) for p in ("a/b/c/first", "c/a/b/last")}
    same_set(paths(records, "create"), made, "made before and after")
    moved = {(raw(r, "old_path"), raw(r)) for r in records if "rename" in r["events"]}
    wanted = {(os.fsencode(base / a), os.fsencode(base / b)) for a, b in (("a/b/c", "c"), ("a", "c/a"))}
    same_set(moved, wanted, "moves")


def in_forest(record):
    name = base_name(raw(record)) or b""
    return name[:1] in b"wm" and b"." in name


def check_removed(records, wanted):
    """Every directory of a tree is told as removed; what is told of it has its path as it was, at least 999 times in 1000."""
    names = {base_name(p) for p in wanted}
    got = [r for r in records if base_name(raw(r)) in names]
    removed = [r for r in got if "delete" in r["events"]]
    same_set({base_name(raw(r)) for r in removed}, names, "directories removed by rm -rf")
    check(all(r["dir"] for r in got), "a directory is not told as one")
    check_wrong([(f"is not in {show(sorted(wanted))}", r) for r in got if raw(r) not in wanted], len(got))


main()
