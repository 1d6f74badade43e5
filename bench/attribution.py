# SPDX-License-Identifier: MIT
"""What it costs to say who did it, whether it is right, and what a build pays for `fantail run`."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

from lab import BenchError, command
from report import print_table, spread

FINDS = 20_000_000
SOURCE = pathlib.Path(__file__).resolve().parent.parent
MAY_COST_RECORD = 0.05  # us
MAY_COST_EXEC = 3.0
MAY_COST_BUILD = 1.10


def touch_program():
    return os.path.realpath(shutil.which("touch", path="/usr/bin:/bin"))


def execute(lab, count):
    """So many processes, one after the other, that execute, make a file and end: {path: face}."""
    program, truth = touch_program(), {}
    for n in range(count):
        args = ["touch", f"{lab.fs}/{n}"]
        pid = os.posix_spawn(program, args, os.environ)
        os.waitpid(pid, 0)
        truth[args[1]] = (pid, program, args, os.getpid(), os.geteuid())
    return truth


def execs(lab, reader, count):
    """The CPU that a backlog of short-lived processes costs the reader."""
    lab.mount_tmpfs()
    child = reader.start("create")
    child.wait_idle()
    child.stop()
    execute(lab, count)
    before = child.cpu_ns()
    child.release()
    child.wait_idle()
    cpu = child.cpu_ns() - before
    reader.finish(child)
    return {"us": cpu / 1000 / count, **reader.tally(None)}


def short_lives(lab, reader, count):
    """Of so many, how many are told with the right pid, executable, arguments, parent and user?"""
    lab.mount_tmpfs()
    child = reader.start("create")
    truth = execute(lab, count)
    child.wait_idle()
    reader.finish(child)
    right = 0
    for line in reader.said().splitlines():
        record = json.loads(line)
        p = record.get("process", {})
        face = (record.get("pid"), p.get("exe"), p.get("args"), p.get("ppid"), p.get("uid"))
        if truth.pop(record.get("path"), None) == face and p["certainty"] == "exact":
            right += 1
    return {"right": right}


def find_process(lab):
    """The tracker alone: ns for one question, each of another process."""
    words = command(lab.program("bench", "find-process"), FINDS).split()
    told = dict(zip(words[::2], map(int, words[1::2])))
    if told["exact"] != told["asked"]:
        raise BenchError(f"find-process: {told['exact']} of {told['asked']} exact")
    return told["ns"] / told["asked"] / 1000


class Build:
    """This project, built from nothing each time, in a place of its own."""

    def __init__(self, lab):
        self.lab = lab
        self.dir = lab.dir / "build"
        command("meson", "setup", self.dir, SOURCE)
        self.run([])

    def run(self, prefix):
        """Seconds."""
        command("ninja", "-C", self.dir, "-t", "clean")
        argv = [*prefix, "ninja", "-C", self.dir, "-j2", "src/cli/fantail"]
        began = time.monotonic()
        done = subprocess.run([str(a) for a in argv], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        seconds = time.monotonic() - began
        if done.returncode:
            raise BenchError(f"the build failed: {done.stderr.decode(errors='replace')[-200:]}")
        return seconds

    def pair(self, run, options):
        """With `fantail run` and without, in turns which of them is first."""
        log = self.lab.out / "log"
        log.unlink(missing_ok=True)
        traced = [self.lab.program("src", "cli", "fantail"), "run", *options, "-o", log, "--"]
        seconds = {}
        for is_traced in (True, False) if run % 2 else (False, True):
            seconds[is_traced] = self.run(traced if is_traced else [])
        return seconds[True] / seconds[False], seconds[False]


def difference(results, key):
    """Run by run: with processes less without."""
    pairs = zip(results["library with processes"], results["library"])
    return [a[key] - b[key] for a, b in pairs]


def are_measured(results):
    return all(isinstance(results.get(n), list) for n in ("library", "library with processes"))


def run_record(bench, verdicts, backlog):
    size = bench.sizes.large
    name = "attribution of a record"
    results = bench.measure(name, ["library", "library with processes"], backlog, "open", size)
    if not are_measured(results):
        verdicts.not_measured(name, "needs the library")
        return
    costs = difference(results, "us")
    rows = [(n, spread([run["us"] for run in runs], 3), f"{min(run['named'] for run in runs):,}")
            for n, runs in results.items()]
    notes = [f"with processes less without: {spread(costs, 3)} us"]
    try:
        notes.append(f"the tracker alone: {find_process(bench.lab):.3f} us a question")
    except BenchError as error:
        notes.append(f"the tracker alone: {error}")
    print_table(f"Attribution of {size[0] * size[1] * size[2]:,} records of {size[2]} processes",
                ("reader", "CPU us/record", "exact"), rows, notes)
    verdicts.add(statistics.median(costs) <= MAY_COST_RECORD, name,
                 f"{spread(costs, 3)} us, asked: at most {MAY_COST_RECORD}")


def run_execs(bench, verdicts):
    count = bench.sizes.execs
    name = "attribution of an exec"
    results = bench.measure(name, ["library", "library with processes"], execs, count)
    if not are_measured(results):
        verdicts.not_measured(name, "needs the library")
        return
    costs = difference(results, "us")
    rows = [(n, spread([run["us"] for run in runs]), f"{min(run['named'] for run in runs):,}",
             f"{max(run['lost'] for run in runs):,}") for n, runs in results.items()]
    print_table(f"{count:,} short-lived processes (stopped, then released)",
                ("reader", "CPU us/exec", "exact", "loss"), rows,
                [f"with processes less without: {spread(costs)} us"])
    whole = all(run["named"] >= count and not run["lost"] for run in results["library with processes"])
    verdicts.add(whole and statistics.median(costs) <= MAY_COST_EXEC, name,
                 f"{spread(costs)} us, asked: at most {MAY_COST_EXEC:g}"
                 + ("" if whole else "; not all exact"))


def run_right(bench, verdicts):
    count = bench.sizes.lives
    name = "short-lived processes"
    results = bench.measure(name, ["fantail"], short_lives, count)
    runs = results.get("fantail")
    if not isinstance(runs, list):
        verdicts.not_measured(name, runs or "needs fantail")
        return
    worst = min(run["right"] for run in runs)
    verdicts.add(worst == count, name, f"{worst:,} of {count:,} right, asked: all")


def run_build(bench, verdicts):
    name = "build under run"
    if not all(shutil.which(tool) for tool in ("meson", "ninja")):
        verdicts.not_measured(name, "needs meson and ninja")
        return
    if bench.readers.get("fantail") is None or bench.problems["fantail"]:
        verdicts.not_measured(name, "needs fantail")
        return
    try:
        build = Build(bench.lab)
        rows = []
        for title, options in (("events to a file", []), ("summary", ["--summary", "--format", "json"])):
            pairs = [build.pair(run, options) for run in range(bench.runs)]
            rows.append((title, [p[0] for p in pairs], [p[1] for p in pairs]))
    except BenchError as error:
        verdicts.not_measured(name, str(error))
        return
    print_table("A build of this project, ninja -j2, under fantail run",
                ("what it tells", "x without", "s without"),
                [(title, spread(ratios), spread(seconds)) for title, ratios, seconds in rows])
    worst = max((ratios for _, ratios, _ in rows), key=statistics.median)
    verdicts.add(statistics.median(worst) <= MAY_COST_BUILD, name,
                 f"takes {spread(worst)} x as long, asked: at most {MAY_COST_BUILD}")


def run_all(bench, verdicts, backlog):
    run_record(bench, verdicts, backlog)
    run_execs(bench, verdicts)
    run_right(bench, verdicts)
    run_build(bench, verdicts)
