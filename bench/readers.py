# SPDX-License-Identifier: MIT
"""The readers side by side: how each is started, told ready, and what its output says."""

import os
import re
import select
import shutil
import time

from lab import BenchError, command

READY_SECONDS = 60
# What generate names its files.
WORKED_ON = re.compile(rb"(/made-\d\d)?/group-\d{4}/dir-\d\d/file-\d{5}")


class Reader:
    """`name` is the row's title, `pattern` finds (pid, path) or (path) in a line of output."""

    name = ""
    pattern = None
    pattern_has_pid = True
    note = ""
    is_compared = True  # with the others

    def __init__(self, lab):
        self.lab = lab
        self.output = lab.out / "output"

    def said(self):
        return self.output.read_bytes() if self.output.exists() else b""

    def problem(self):
        """Why it cannot run here, or None."""
        return None if shutil.which(self.name) else "not installed"

    def argv(self, events):
        raise NotImplementedError

    def env(self):
        return None

    def start(self, events):
        """Runs until it is ready."""
        child = self.lab.start(self.argv(events), env=self.env())
        end = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            child.check_alive()
            if time.monotonic() > end:
                raise BenchError(f"{self.name} is not ready after {READY_SECONDS} s")
            self.probe()
        child.ready_seconds = time.monotonic() - child.started
        return child

    def probe(self):
        """Nothing but events in its output tells that it is ready."""
        self.lab.generate_now("mark", 20)

    def is_ready(self):
        return b"mark-" in self.said()

    def finish(self, child):
        """Marks push the last lines out of an output buffer that is written when full."""
        self.lab.generate_now("mark", 500)
        child.wait_idle()
        child.end()

    def lost(self, line):
        """The count of a line that tells of loss; 0 for any other line."""
        return 0

    def parse(self, line):
        match = self.pattern.search(line)
        if not match:
            return None
        if self.pattern_has_pid:
            return int(match[1]), match[2]
        return None, b"".join(match.groups())

    def tally(self, truth):
        """What the output tells of the workload: lines, distinct things, loss."""
        told, named, lost, seen = 0, 0, 0, set()
        with open(self.output, "rb") as output:
            for line in output:
                pid, path = self.parse(line) or (None, b"")
                if not self.is_worked_on(path):
                    lost += self.lost(line)
                elif pid is None or pid in truth["pids"]:
                    told += 1
                    named += b"generate" in line
                    seen.add((pid, path))
        return {"told": told, "seen": len(seen), "lost": lost,
                "expected": truth["pairs" if self.pattern_has_pid else "files"],
                "named": 100 * named / told if told and self.pattern_has_pid else None}

    def is_worked_on(self, path):
        root = os.fsencode(self.lab.fs)
        return path.startswith(root) and WORKED_ON.fullmatch(path, len(root))


class Fantail(Reader):
    name = "fantail"
    pattern = re.compile(rb'"path":"([^"]*)".*?"pid":(\d+)')
    lost_pattern = re.compile(rb'"events":\["lost"\](?:.*?"count":(\d+))?')

    def problem(self):
        if os.access(self.program(), os.X_OK):
            return None
        return f"not built: {self.program()}"

    def program(self):
        return self.lab.program("src", "cli", "fantail")

    def argv(self, events, *options):
        return [self.program(), "watch", "--format", "json", "-e", events, *options,
                "-o", self.output, self.lab.fs]

    def start(self, events, *options):
        reading, writing = os.pipe()
        try:
            argv = self.argv(events, "--ready-fd", writing, *options)
            child = self.lab.start(argv, pass_fds=(writing,))
            os.close(writing)
            writing = -1
            if not select.select([reading], [], [], READY_SECONDS)[0]:
                raise BenchError(f"fantail is not ready after {READY_SECONDS} s")
            told = os.read(reading, 1)
            child.ready_seconds = time.monotonic() - child.started
            if told != b"\n":
                child.process.wait(10)
                raise BenchError(f"fantail failed to start: {child.complaint()}")
            return child
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)

    def finish(self, child):
        status = child.end()
        if status not in (0, 3):
            raise BenchError(f"exit status {status}: {child.complaint()}")

    def parse(self, line):
        match = self.pattern.search(line)
        return (int(match[2]), match[1]) if match else None

    def lost(self, line):
        match = self.lost_pattern.search(line)
        return int(match[1] or 1) if match else 0


class Bare(Reader):
    name = "bare reader"
    pattern = re.compile(rb"^records (\d+) overflows (\d+)")

    def __init__(self, lab):
        super().__init__(lab)
        self.output = lab.out / "stdout"

    def problem(self):
        return None

    def argv(self, events):
        return [self.lab.program("bench", "bare-reader"), events, self.lab.fs]

    def is_ready(self):
        return self.said().startswith(b"ready")

    def probe(self):
        time.sleep(0.001)

    def finish(self, child):
        child.end()

    def tally(self, truth):
        match = self.pattern.search(self.said().splitlines()[-1])
        return {"told": int(match[1]), "seen": None, "expected": None, "named": None,
                "lost": int(match[2])}


class Library(Bare):
    """No program's: it pulls events through the library, and asks nobody who did it."""

    name = "library"
    mode = "no-process"
    is_compared = False
    pattern = re.compile(rb"^records (\d+) named (\d+) lost (\d+)")

    def argv(self, events):
        return [self.lab.program("bench", "pull-reader"), self.mode, self.lab.fs]

    def tally(self, truth):
        match = self.pattern.search(self.said().splitlines()[-1])
        return {"told": int(match[1]), "named": int(match[2]), "lost": int(match[3])}


class LibraryWithProcesses(Library):
    name = "library with processes"
    mode = "process"


class Fatrace(Reader):
    name = "fatrace"
    note = "its events cannot be chosen: also access, modify, close, create, delete, move"
    pattern = re.compile(rb"\((\d+)\): +\S+ +(/.*)$")

    def argv(self, events):
        return ["fatrace", "-c", "-o", self.output]


class Fsnotifywait(Reader):
    name = "fsnotifywait"
    note = "tells no process"
    pattern = re.compile(rb"^(/\S*) \S+ (\S+)$")
    pattern_has_pid = False

    def argv(self, events):
        return ["fsnotifywait", "-m", "-q", "-F", "-S", "-e", events,
                "-o", self.output, self.lab.fs]


class Inotifywait(Fsnotifywait):
    name = "inotifywait"
    note = "tells no process; one watch a directory, at start"

    def argv(self, events):
        return ["inotifywait", "-m", "-r", "-e", events, "-o", self.output, self.lab.fs]

    def is_ready(self):
        return b"Watches established" in (self.lab.out / "stderr").read_bytes()

    def probe(self):
        time.sleep(0.001)


class Bpftrace(Reader):
    name = "bpftrace"
    note = "tells the string that open was given; its cost in the opener is not in this figure"
    pattern = re.compile(rb"^\S+ (\d+) (/.*)$")
    lost_pattern = re.compile(rb"^Lost (\d+) events")
    script = ('tracepoint:syscalls:sys_enter_openat /comm == "generate"/ '
              '{ printf("%s %d %s\\n", comm, pid, str(args->filename)); }')

    def problem(self):
        if not shutil.which("bpftrace"):
            return "not installed"
        try:
            if not os.path.exists("/sys/kernel/tracing/events"):
                command("mount", "-t", "tracefs", "none", "/sys/kernel/tracing")
        except BenchError as error:
            return str(error)
        return None

    def argv(self, events):
        return ["bpftrace", "-q", "-o", self.output, "-e", self.script]

    def env(self):
        # Its own default, 256 KiB a CPU, would lose the backlog.
        return {"BPFTRACE_PERF_RB_PAGES": "4096", "BPFTRACE_STRLEN": "128"}

    def lost(self, line):
        match = self.lost_pattern.search(line)
        return int(match[1]) if match else 0


ALL = (Fantail, Bare, Library, LibraryWithProcesses, Fatrace, Fsnotifywait, Inotifywait, Bpftrace)
