# SPDX-License-Identifier: MIT
"""Opens at full speed by two processes: every file is told or the loss is, and memory stays. FANTAIL_FLOOD=opens"""

import os
import re

from harness import case, check, equal, main, same_set, show
from machine import filesystem, spawn
from records import is_event, losses, parse, raw, validate
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
        with Watch("-e", "open,create", base) as watch:
            flood(base, OPENS // 5)
            watch.marker(base)
            before = peak(watch.pid)
            flood(base, OPENS - OPENS // 5)
            watch.marker(base)
            after = peak(watch.pid)
            status = watch.process.poll()
            equal(status, None, "exit status while it runs")
            watch.process.terminate()
            status = watch.process.wait(10 * TIMEOUT)
            records = parse(watch.output())
    validate(records)
    lost = losses(records)
    print(f"  {OPENS} opens, {len(records)} records, peak {before} then {after} KiB, lost {show(lost)}")
    equal(status, 3 if lost else 0, "exit status")
    check(after <= before + MORE, f"memory grew from {before} to {after} KiB")
    if lost:
        check(all(r.get("count", 0) > 0 for r in lost if r["where"] != "kernel"), f"no count: {lost}")
        return
    wanted = {os.fsencode(base / f"d{n % DIRECTORIES}" / f"f{n}") for n in range(FILES)}
    opened = {raw(r) for r in records if "open" in r["events"] and not r["dir"]}
    same_set({p for p in opened if b"marker" not in p}, wanted, "files opened")
    check(all(is_event(r) for r in records), "a record that is none")


main()
