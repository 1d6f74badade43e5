# SPDX-License-Identifier: MIT
"""Opens at full speed by two processes: every file is told or the loss is, and memory stays. FANTAIL_FLOOD=opens"""

import json
import os
import re

from harness import case, check, equal, main, same_set
from machine import filesystem, spawn
from records import is_event
from watch import TIMEOUT, Watch

OPENS = int(os.environ.get("FANTAIL_FLOOD", 1_000_000))
FILES, DIRECTORIES, WORKERS = 20_000, 100, 2
MORE = 16 << 10  # KiB that the rest may add to what the first fifth took


def open_files(directory, opens, seed):
    """Opens each file in turn, the workers from different places."""
    os.chdir(directory)
    names = [f"d{n % DIRECTORIES}/f{n}" for n in range(FILES)]
    for n in range(opens):
        os.close(os.open(names[(n * 7919 + seed * 1009) % FILES], os.O_RDONLY))


def flood(directory, opens):
    workers = [spawn(open_files, directory, opens // WORKERS, seed) for seed in range(WORKERS)]
    for worker in workers:
        worker.join()
        equal(worker.exitcode, 0, "a worker")


def peak(pid):
    """The most memory that it ever had, in KiB."""
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1])


@case()
def floods():
    with filesystem("ext4") as base:
        for n in range(FILES):
            (base / f"d{n % DIRECTORIES}").mkdir(exist_ok=True)
            (base / f"d{n % DIRECTORIES}" / f"f{n}").touch()
        with Watch("-e", "open,create", "--columns", "seq,events,path", base) as watch:
            flood(base, OPENS // 5)
            watch.marker(base)
            before = peak(watch.pid)
            flood(base, OPENS - OPENS // 5)
            watch.marker(base)
            after = peak(watch.pid)
            watch.process.terminate()
            status = watch.process.wait(10 * TIMEOUT)
            opened, lost, records = read(watch.file)
    print(f"  {OPENS} opens, {records} records, peak {before} then {after} KiB, lost {lost}")
    equal(status, 3 if lost else 0, "exit status")
    check(after <= before + MORE, f"memory grew from {before} to {after} KiB")
    if lost:
        check(all(r.get("count", 0) > 0 for r in lost if r["where"] != "kernel"), f"no count: {lost}")
        return
    wanted = {str(base / f"d{n % DIRECTORIES}" / f"f{n}") for n in range(FILES)}
    same_set({p for p in opened if "marker" not in p}, wanted, "files opened")


def read(file):
    """The paths opened, what was lost, and how many records: a line at a time, there are many."""
    opened, lost, number = set(), [], 0
    with open(file, "rb") as f:
        for number, line in enumerate(f, 1):
            record = json.loads(line)
            equal(record["seq"], number, "seq")
            if is_event(record):
                opened.add(record["path"])
            else:
                lost.append(record)
    return opened, lost, number


main()
