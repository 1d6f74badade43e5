# SPDX-License-Identifier: MIT
"""The output lies on the filesystem that is watched: it does not feed itself, and what others do is still seen."""

import os
import signal
import subprocess
import sys

from harness import case, check, equal, main
from machine import die_with_parent, filesystem
from records import parse, raw
from watch import TIMEOUT, Watch

KINDS = sys.argv[1:] or ["ext4", "tmpfs"]
ROUNDS = 25
MOST = 12  # records that one round may cause: a file is made, its times are set, a few lines are written
GREP = ["grep", "--line-buffered", "marker"]
# name: (does fantail open the file, through which programs does the output go)
WAYS = {
    "option": (True, []),
    "redirect": (False, []),
    "tee": (False, [["tee"]]),
    "grep-tee": (False, [GREP, ["tee"]]),
}


def chain(commands, file):
    """The programs that read fantail's output, the last of them into file: (fantail's stdout, processes)."""
    if not commands:
        return open(file, "ab"), []
    processes, source = [], subprocess.PIPE
    for command in commands:
        last = command is commands[-1]
        processes.append(
            subprocess.Popen(
                [*command, file] if last else command,
                stdin=source,
                stdout=subprocess.DEVNULL if last else subprocess.PIPE,
                preexec_fn=die_with_parent,
            )
        )
        source = processes[-1].stdout
    return processes[0].stdin, processes


@case(*((kind, way) for kind in KINDS for way in WAYS))
def feedback(kind, way):
    opens, commands = WAYS[way]
    with filesystem(kind) as base:
        file = base / "output"
        stdout, readers = (None, []) if opens else chain(commands, file)
        with Watch("-e", "change", base, file=file, output=opens, stdout=stdout) as watch:
            if stdout:
                stdout.close()
            for _ in range(ROUNDS):  # a loop would go on as long as it runs
                watch.marker(base)
                size = file.stat().st_size
                check(size < ROUNDS * MOST * 1000, f"the output feeds itself: {size} bytes")
            watch.process.send_signal(signal.SIGINT)
            for process in [watch.process, *readers]:
                equal(process.wait(TIMEOUT), 0, f"{process.args[0]}: exit status")
        records = parse(file.read_bytes())
    check(records[-1]["seq"] <= ROUNDS * MOST, f"{records[-1]['seq']} records of {ROUNDS} files")
    own = [r for r in records if raw(r) == os.fsencode(file)]
    check(not own, f"its own output is told {len(own)} times: {own[:3]}")


main()
