# SPDX-License-Identifier: MIT
"""A build of this project under `fantail run`: its summary against what strace saw, both ways."""

import json
import os
import shutil
import subprocess

from harness import case, check, equal, main, same_set, show
from machine import filesystem, need, run, temp_dir
from records import SOURCE
from straced import OPTIONS, Truth
from traced import FANTAIL, Summary, words


SETS = ("read", "written", "created", "deleted", "renamed", "executed")
HAS_BPF = os.environ.get("FANTAIL_BPF", "1") == "1"  # was built with it
TIMEOUT = 240


def copy_project(base):
    project = base / "project"
    ignored = shutil.ignore_patterns(".git", "build", "build-*", "__pycache__")
    shutil.copytree(SOURCE, project, symlinks=True, ignore=ignored)
    run("meson", "setup", project / "build", project, "-Dtests=false")
    return project


def files_below(directory):
    return {os.path.join(root, n) for root, dirs, names in os.walk(os.fsencode(directory)) for n in dirs + names}


def files_of(program):
    """Itself and its libraries."""
    path = os.path.realpath(shutil.which(program))
    names = [path, *(w for w in run("ldd", path).split() if w.startswith("/"))]
    return {os.fsencode(os.path.realpath(n)) for n in names}


@case()
def build():
    """strace is left out by its name; at its own beginning it may be taken for who executed it."""
    need("strace", "meson", "ninja", "make")
    with filesystem("ext4") as base:
        project = copy_project(base)
        before = files_below(project)
        here = temp_dir("build")
        out, log = here / "records", here / "strace"
        command = ["strace", *OPTIONS, "-o", log, "make", "-C", project, "build"]
        done = subprocess.run(
            words(FANTAIL, "run", "--not-comm", "strace", "--summary", "--format", "json", "-o", out, "--", *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
        )
        equal(done.returncode, 0, f"exit status: {show(done.stderr)}")
        with open(out, "rb") as f:
            summary = Summary(json.loads(f.readlines()[-1]))
        truth = Truth(log, before)
        sizes = ", ".join(f"{n} {len(getattr(truth, n))}" for n in SETS)
        print(f"  {sizes}; complete {summary.complete}")
        # Its log is closed by whom it executes.
        compare(summary, truth, files_of("strace") | {os.fsencode(log)})
        sources = {p for p in truth.read if p.startswith(os.fsencode(project / "src")) and p.endswith(b".c")}
        objects = {p for p in truth.written if p.endswith(b".o")}
        check(len(sources) > 50 and len(objects) > 50, f"{len(sources)} sources, {len(objects)} objects")


def compare(summary, truth, of_strace):
    check(summary.complete or not HAS_BPF, f"complete: {summary.record.get('lost')}")
    for name in SETS:
        got, wanted = getattr(summary, name), getattr(truth, name)
        more = got - wanted - of_strace
        if name == "read":
            # The kernel reads what it executes; what is open for both may have been read.
            more -= truth.executed | truth.may_read
        elif name == "written":
            # Renamed while open for writing, it is closed under its new name.
            more -= {new for old, new in truth.renamed if old in truth.written}
        same_set(more, set(), f"{name}: more than strace saw")
        if summary.complete:
            same_set(wanted - got, set(), f"{name}: less than strace saw")


main()
