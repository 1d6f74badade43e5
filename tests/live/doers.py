# SPDX-License-Identifier: MIT
"""Processes that do something, and who is said to have done it."""

import contextlib
import os
import shutil
import signal

from harness import check, equal, show
from records import raw

LISTED = 8  # more candidates than that are not
HAS_BPF = os.environ.get("FANTAIL_BPF", "1") == "1"  # was built with it


def program(name):
    return os.path.realpath(shutil.which(name, path="/usr/bin:/bin"))


@contextlib.contextmanager
def stopped(watch, is_stopped=True):
    """Nothing is read while it lasts."""
    if is_stopped:
        os.kill(watch.pid, signal.SIGSTOP)
    yield
    if is_stopped:
        os.kill(watch.pid, signal.SIGCONT)


def wait(pid, status=0):
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), status, f"exit status of {pid}")


def fork(function, *arguments):
    """A process that runs the function and nothing else."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function(*arguments)
        status = 0
    finally:
        os._exit(status)


def create(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def by_path(records):
    """{path: record}, one each."""
    told = {}
    for record in records:
        check(raw(record) not in told, f"told twice: {show(record)}")
        told[raw(record)] = record
    return told


def is_candidate(record, **wanted):
    """It is exactly that, or ambiguous with it among the candidates."""
    p = record.get("process", {})
    certainty = p.get("certainty")
    if not HAS_BPF and certainty != "exact":
        return True
    among = p.get("candidates", [p]) if certainty == "ambiguous" else [p]
    if len(among) == LISTED:
        return True
    return any(all(c.get(k) == v for k, v in wanted.items()) for c in among)
