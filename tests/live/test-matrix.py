# SPDX-License-Identifier: MIT
"""`fantail doctor --matrix` against an own probe of every group and every mark."""

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess

from doctoring import ASKS, CLASSES, EVENTS, MODES, OTHERS, REPORTS, TYPES
from doctoring import doctor, place, try_group, try_mark, unprivileged
from harness import case, check, equal, main, same_set
from machine import die_with_parent, run
from watch import FANTAIL, TIMEOUT

PYTHON = shutil.which("python3", path="/usr/bin:/bin") or "python3"
OPENERS = 3


def probe(path):
    """{flags: "ok" or errno} and {(flags, type, mode, event): the same}: one group a mark type, one call a cell."""
    groups, cells = {}, {}
    names = list(REPORTS)
    sets = [s for n in range(len(names) + 1) for s in itertools.combinations(names, n)]
    for klass in CLASSES:
        for chosen in [*sets, *((other,) for other in OTHERS)]:
            flags = frozenset((klass, *chosen))
            number = CLASSES[klass] | sum({**REPORTS, **OTHERS}[name] for name in chosen)
            fd, groups[flags] = try_group(number)
            if fd is None:
                continue
            for (t, type_flag), (m, mode_flag) in itertools.product(TYPES.items(), MODES.items()):
                for event, mask in EVENTS.items():
                    on = "/proc/self/ns/mnt" if t == "mntns" else path
                    cells[flags, t, m, event] = try_mark(fd, type_flag | mode_flag, mask, on)
            os.close(fd)
    return groups, cells


def matrix(*arguments, **kwargs):
    """What doctor says, in the same form."""
    told = doctor("--matrix", *arguments, **kwargs)
    groups = {frozenset(refused["group"]): refused["error"] for refused in told["refused"]}
    cells = {}
    for taken in told["taken"]:
        for flags in map(frozenset, taken["groups"]):
            check(flags not in groups, f"{set(flags)}: told twice")
            groups[flags] = "ok"
            for mark in taken["marks"]:
                for event, result in mark["events"].items():
                    cells[flags, mark["type"], mark["mode"], event] = result
    return groups, cells


def compare(told, truth):
    same_set(told[0].items(), truth[0].items(), "groups")
    same_set(told[1].items(), truth[1].items(), "marks")
    check(len(truth[1]) > 1000, "hardly a group was made: nothing was compared")


@case()
def test_matrix_of_its_own_tmpfs():
    with place("tmpfs") as at:
        compare(matrix(), probe(at))


@case("ext4", "overlay", "btrfs-subvolume", "fuse", "proc")
def test_matrix(kind):
    with place(kind) as at:
        compare(matrix(at), probe(at))


@case()
def test_matrix_of_a_file():
    with place("ext4") as at:
        file = at / "file"
        file.touch()
        compare(matrix(file), probe(file))


@contextlib.contextmanager
def opened_all_the_time(file):
    """Processes that do nothing but open it, until they are told to stop: each must have got through every time."""
    script = (
        "import os, signal, sys\n"
        "more = [True]\n"
        "signal.signal(signal.SIGTERM, lambda *_: more.clear())\n"
        "print('begins', flush=True)\n"
        "while more:\n"
        "    os.close(os.open(sys.argv[1], os.O_RDONLY))\n"
    )
    command = [PYTHON, "-c", script, file]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=die_with_parent) for _ in range(OPENERS)
    ]
    try:
        for process in processes:
            equal(process.stdout.readline(), b"begins\n", "an opener")
        yield
        for process in processes:
            process.send_signal(signal.SIGTERM)
        equal([p.wait(TIMEOUT) for p in processes], [0] * OPENERS, "openers")
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()


@case("tmpfs", "ext4")
def test_matrix_of_what_is_in_use(kind):
    """Who opens something meanwhile is let go, and nothing of the program's own is closed for it."""
    with place(kind) as at:
        file = at / "file"
        file.write_text("x")
        truth = probe(file)
        with opened_all_the_time(file):
            compare(matrix(file), truth)


@case()
def test_matrix_in_every_format():
    """The same cells in CSV; in the table a row for each event of each kind of group."""
    truth = matrix()
    csv = run(FANTAIL, "doctor", "--matrix", "--format", "csv").splitlines()
    equal(csv.pop(0), "group,type,mode,event,result", "header")
    rows = [line.split(",") for line in csv]
    groups = {frozenset(row[0].split("|")): row[4] for row in rows if not row[1]}
    cells = {(frozenset(r[0].split("|")), *r[1:4]): r[4] for r in rows if r[1]}
    compare((groups, cells), truth)
    text = run(FANTAIL, "doctor", "--matrix")
    kinds = len(doctor("--matrix")["taken"])
    for event in EVENTS:
        equal(len(re.findall(rf"^  {event} ", text, re.M)), kinds, f"rows of {event}")
    check(max(map(len, text.splitlines())) <= 80, "the table is wider than a screen")


@case()
def test_matrix_without_root():
    """No permission event is tried where others could wait for an answer."""
    told = unprivileged("--matrix")
    tried = {
        result
        for taken in told["taken"]
        for mark in taken["marks"]
        for event, result in mark["events"].items()
        if event in ASKS
    }
    equal(tried, {"untried"}, "permission events")
    same_set({r["error"] for r in told["refused"]}, {"EPERM", "EINVAL"}, "refusals")

if __name__ == "__main__":
    main()
