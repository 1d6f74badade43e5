# SPDX-License-Identifier: MIT
"""Paths longer than PATH_MAX: below directories that were there before, made while watched, and removed."""

import os
import subprocess
import sys

from harness import case, check, equal, main, same_set
from machine import filesystem
from records import facts
from watch import Watch

KINDS = sys.argv[1:] or ["ext4", "xfs", "btrfs", "tmpfs"]
LEVELS, LENGTH = 30, 255


def descend(directory, letter, make):
    """A descriptor of the deepest of LEVELS directories with long names; their paths are what it is called by."""
    here = os.open(directory, os.O_PATH)
    for level in range(LEVELS):
        name = component(letter, level)
        if make:
            os.mkdir(name, dir_fd=here)
        deeper = os.open(name, os.O_PATH, dir_fd=here)
        os.close(here)
        here = deeper
    return here


def component(letter, level):
    return f"{level:02}".ljust(LENGTH, letter)


def chain(directory, letter):
    """The paths of the directories, outermost first."""
    names = [component(letter, level).encode() for level in range(LEVELS)]
    return [b"/".join([os.fsencode(directory), *names[: level + 1]]) for level in range(LEVELS)]


def touch(directory):
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=directory))
    os.close(directory)


@case(*KINDS)
def longpath(kind):
    with filesystem(kind) as base:
        old, new = chain(base, "o"), chain(base, "n")
        check(len(old[-1]) > 4096, "the path is not long")
        os.close(descend(base, "o", make=True))
        with Watch("-e", "create,delete", base) as watch:
            touch(descend(base, "o", make=False))
            touch(descend(base, "n", make=True))
            for letter in "on":
                removed = subprocess.run(["rm", "-rf", base / component(letter, 0)], check=False)
                equal(removed.returncode, 0, "rm -rf")
            records = watch.stop()
    wanted = {("create", path, None, True) for path in new}
    wanted |= {("delete", path, None, True) for path in old + new}
    files = old[-1] + b"/file", new[-1] + b"/file"
    wanted |= {(event, path, None, False) for path in files for event in ("create", "delete")}
    same_set(facts(records), wanted, kind)
    check(all(r["path_source"] in ("event", "first") for r in records), "where the paths come from")


main()
