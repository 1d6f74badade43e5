# SPDX-License-Identifier: MIT
"""A filesystem whose server answers, until it does not."""

import contextlib
import os
import signal
import subprocess
import time

from harness import check
from machine import die_with_parent, filesystem, need, run, temp_dir
from watch import TIMEOUT


@contextlib.contextmanager
def served(at=None):
    """Mounted, its server answers; yields (mount, server)."""
    need("bindfs")
    with filesystem("tmpfs") as source:
        at = at or temp_dir("served")
        server = subprocess.Popen(["bindfs", "-f", source, at], preexec_fn=die_with_parent)
        try:
            until = time.monotonic() + TIMEOUT
            while not os.path.ismount(at):
                check(time.monotonic() < until, "bindfs does not mount")
            yield at, server
        finally:
            server.send_signal(signal.SIGCONT)
            run("umount", at)
            server.wait(TIMEOUT)


@contextlib.contextmanager
def hung(at=None):
    """One whose server never answers."""
    with served(at) as (at, server):
        server.send_signal(signal.SIGSTOP)
        yield at
