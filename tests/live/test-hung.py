# SPDX-License-Identifier: MIT
"""Beside a filesystem whose server does not answer, everything else is told, and nothing hangs by it."""

import contextlib
import os
import shutil
import subprocess

from hanging import hung
from harness import case, equal, main
from machine import die_with_parent, filesystem, temp_dir
from watch import FANTAIL


def does(*arguments, status=0):
    """It ends in time, with this status."""
    done = subprocess.run([FANTAIL, *arguments], capture_output=True, timeout=20, check=False)
    equal(done.returncode, status, f"{arguments}: status ({done.stderr.decode()})")
    return done


@contextlib.contextmanager
def running_elsewhere(at):
    """A program on a filesystem that another mount namespace has at `at`, and whose file is deleted."""
    rest = "rm $0 && echo && read line"
    script = f'mount -t tmpfs none $0 && cp {shutil.which("sh")} $0/prog && exec $0/prog -c "$1" $0/prog'
    with subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script, at, rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,
    ) as process:
        process.stdout.readline()
        yield process.pid


@case()
def test_program_of_another_namespace():
    """What its path leads to here is no business of ours."""
    at = temp_dir("hung")
    with filesystem("tmpfs") as base, running_elsewhere(at) as pid, hung(at):
        equal(os.readlink(f"/proc/{pid}/exe"), f"{at}/prog (deleted)", "the name in /proc")
        does("watch", "--for", "100ms", base)
        does("run", "--in", base, "--", "true")
        does("marks")
        does("doctor", "--stuck")


if __name__ == "__main__":
    main()
