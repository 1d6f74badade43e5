# SPDX-License-Identifier: MIT
"""How a watch ends, and its output file: --for, --count, signals, drains, append, reopen."""

import os
import signal
import stat
import time

from harness import case, check, equal, main, one_line, same_set
from machine import filesystem
from records import paths, raw
from watch import TIMEOUT, Watch

MANY = 3000


def make(directory, number, prefix="f"):
    made = [directory / f"{prefix}{n}" for n in range(number)]
    for path in made:
        path.touch()
    return {os.fsencode(p) for p in made}


@case("INT", "TERM")
def signal_drains(name):
    """What is queued when the signal comes is printed, then one line on stderr, exit 0."""
    with filesystem("ext4") as base, Watch("-e", "create", base) as watch:
        os.kill(watch.pid, signal.SIGSTOP)
        made = make(base, MANY)
        watch.process.send_signal(signal.Signals["SIG" + name])
        os.kill(watch.pid, signal.SIGCONT)
        records = watch.finish()
        same_set(paths(records), made, "made before the signal")
        one_line(watch.stderr(), "summary", str(MANY))


@case()
def second_signal():
    """Nobody reads its output, and there is more than a pipe takes: a second signal ends it at once."""
    read_end, write_end = os.pipe()
    with filesystem("ext4") as base:
        with Watch("-e", "create", base, output=False, stdout=write_end) as watch:
            make(base, MANY)
            watch.process.send_signal(signal.SIGINT)
            watch.process.send_signal(signal.SIGTERM)  # another one: two of the same may come as one
            watch.process.wait(TIMEOUT)
    os.close(read_end)
    os.close(write_end)


@case(1, 7, 100)
def count(number):
    with filesystem("ext4") as base, Watch("-e", "create", "--count", number, base) as watch:
        os.kill(watch.pid, signal.SIGSTOP)
        made = make(base, 2 * number)
        os.kill(watch.pid, signal.SIGCONT)
        records = watch.finish()
        equal(len(records), number, "records")
        check(paths(records) <= made, "paths")
        one_line(watch.stderr(), "summary", str(number))


@case()
def duration():
    with filesystem("ext4") as base:
        started = time.monotonic()
        with Watch("-e", "create", "--for", "700ms", base) as watch:
            made = make(base, 10)
            records = watch.finish()
        took = time.monotonic() - started
    same_set(paths(records), made, "made in time")
    check(0.7 <= took < 10, f"--for 700ms took {took:.3f} s")


@case()
def summary_alone():
    """Nothing happened: nothing printed, one line on stderr."""
    with filesystem("ext4") as base, Watch(base) as watch:
        equal(watch.stop(), [], "records")
        one_line(watch.stderr(), "summary")


@case()
def output_file():
    """Created 0600, appended to, opened anew on SIGHUP."""
    with filesystem("ext4") as base:
        with Watch("-e", "create", base) as watch:
            first = watch.marker(base)
            equal(stat.S_IMODE(watch.file.stat().st_mode), 0o600, "mode of the output file")
            old = watch.file.rename(watch.file.with_suffix(".1"))
            watch.process.send_signal(signal.SIGHUP)
            watch.wait_for_new_file()
            second = watch.marker(base)
            file = watch.file
            watch.process.send_signal(signal.SIGINT)
            equal(watch.process.wait(TIMEOUT), 0, "exit status")
        check(raw(first) in old.read_bytes() and raw(first) not in file.read_bytes(), "the old file")
        check(raw(second) in file.read_bytes() and raw(second) not in old.read_bytes(), "the new file")
        size = file.stat().st_size
        with Watch("-e", "create", base, file=file) as watch:
            watch.marker(base)
        check(file.stat().st_size > size and raw(second) in file.read_bytes(), "not appended")


main()
