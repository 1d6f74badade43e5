# SPDX-License-Identifier: MIT
"""Beside a filesystem whose server does not answer, everything else is told, and nothing hangs by it."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from hanging import hung, served
from harness import case, check, equal, main, one_line
from machine import die_with_parent, filesystem, mounted, temp_dir
from watch import FANTAIL, TIMEOUT, Watch


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


def is_lost(record):
    return record["events"] == ["lost"]


@case()
def test_below_what_is_watched():
    """It is told as lost, by name; the rest is watched."""
    with filesystem("tmpfs") as base:
        (base / "in").mkdir()
        with hung(base / "in") as at, Watch(base) as watch:
            watch.marker(base)
            watch.wait_for(is_lost, "what is not watched")
            watch.stop(status=3)
            told = watch.stderr().splitlines()[0]
    one_line(told, "standard error", str(at), "server does not answer")


@case()
def test_mounted_later():
    """What is watched already goes on."""
    with filesystem("tmpfs") as base:
        (base / "in").mkdir()
        with Watch(base) as watch, hung(base / "in") as at:
            watch.wait_for(is_lost, "what is not watched")
            watch.marker(base)
            watch.stop(status=3)
            told = watch.stderr().splitlines()[0]
    one_line(told, "standard error", str(at), "server does not answer")


@case()
def test_behind_it():
    """What can only be reached through it is as lost as itself."""
    with filesystem("tmpfs") as base:
        (base / "in").mkdir()
        with served(base / "in") as (at, server):
            (at / "inner").mkdir()
            with mounted("-t", "tmpfs", "fantail-test", at=at / "inner"):
                server.send_signal(signal.SIGSTOP)
                try:
                    with Watch(base) as watch:
                        watch.marker(base)
                        watch.stop(status=3)
                    does("marks")
                finally:
                    server.send_signal(signal.SIGCONT)
    for path in (at, at / "inner"):
        check(f"{path} (" in watch.stderr(), f"{path} is not told: {watch.stderr()}")


@case()
def test_run_and_doctor():
    """Those who look at every filesystem begin, and end; nobody waits for what they had to leave behind."""
    with hung() as at:
        done = does("run", "-e", "create", "--", "echo", "it runs")
        check(str(at) in done.stderr.decode(), f"it is not told: {done.stderr}")
        equal(done.stdout, b"it runs\n", "what the command says")
        does("doctor", status=3)


@case()
def test_second_signal():
    """Where it hangs all the same, in the middle, the first signal that it leaves is the last."""
    with served() as (at, server), Watch(at, "-e", "create") as watch:
        watch.marker(at)
        with watch.stopped():
            (at / "new").mkdir()
            server.send_signal(signal.SIGSTOP)
        until = time.monotonic() + TIMEOUT
        while Path(f"/proc/{watch.pid}/wchan").read_text() != "request_wait_answer":
            check(time.monotonic() < until, "it does not hang")
        while watch.process.returncode is None and time.monotonic() < until:
            watch.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                watch.process.wait(2)
        equal(watch.process.returncode, -signal.SIGINT, "how it ended")


if __name__ == "__main__":
    main()
