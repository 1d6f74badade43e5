# SPDX-License-Identifier: MIT
"""Run by a service manager: READY=1 once events are seen, WATCHDOG=1 as often as asked, STOPPING=1; mounts as events."""

import os
import socket

from harness import case, check, equal, main
from machine import filesystem, run, temp_dir
from records import raw
from watch import Watch


def receive(manager):
    return manager.recv(256).decode()


@case()
def notices():
    address = temp_dir() / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, filesystem("tmpfs") as base:
        manager.bind(os.fsencode(address))
        manager.settimeout(30)
        env = {**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "100000"}
        with Watch(base, env=env) as watch:
            equal(receive(manager), "READY=1", "the first notice")
            equal([receive(manager) for _ in range(3)], ["WATCHDOG=1"] * 3, "while nothing happens")
            watch.stop()
        last = ""
        while last != "STOPPING=1":
            last = receive(manager)
            check(last in ("WATCHDOG=1", "STOPPING=1"), f"what is {last}?")


@case()
def not_for_us():
    """A watchdog that is another process's is not told."""
    address = temp_dir() / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, filesystem("tmpfs") as base:
        manager.bind(os.fsencode(address))
        manager.settimeout(30)
        env = {**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}
        with Watch(base, "--for", "200ms", env=env) as watch:
            watch.finish()
        equal([receive(manager), receive(manager)], ["READY=1", "STOPPING=1"], "notices")


@case()
def mounts():
    with filesystem("tmpfs") as base:
        (base / "below").mkdir()
        with Watch("-e", "mnt_attach,mnt_detach,create", base) as watch:
            run("mount", "-t", "tmpfs", "none", base / "below")
            watch.see(base / "below", "mnt_attach")
            watch.marker(base / "below")
            run("umount", base / "below")
            watch.see(base / "below", "mnt_detach")
            # What was done there before its mark is a gap.
            records = watch.stop(3)
    equal([r["reason"] for r in records if "gap" in r["events"]], ["mounted"], "gaps")
    told = [(e, raw(r)) for r in records for e in r["events"] if e.startswith("mnt_")]
    below = os.fsencode(base / "below")
    equal(told, [("mnt_attach", below), ("mnt_detach", below)], "mount events")


main()
