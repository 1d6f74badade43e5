# SPDX-License-Identifier: MIT
"""bench.py: the numbers to reach, fantail and other readers side by side."""

import argparse
import dataclasses
import os
import platform
import select
import signal
import statistics
import sys

import attribution
import readers
from guards import run_guards
from lab import BenchError, Lab
from report import Verdicts, print_table, spread

RUNS = 5
EVENTS = {"open": "open", "create": "create,open,modify,close_write"}
MIB = 1024
DIRS_IN_GROUP = 100
GUARD = "guard"  # what --only calls the measurement of open()


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Directories, files in each, processes (and rounds). A backlog has a record a pair."""

    small: tuple = (30, 100, 4)
    large: tuple = (500, 100, 4)
    full: tuple = (200, 100, 2, 25)
    tree: int = 100_000
    execs: int = 2000  # what the tracker's ring holds while nobody reads
    lives: int = 5000
    guard: tuple = (100, 100)  # rounds, opens in each


QUICK = Sizes(small=(10, 100, 3), large=(50, 100, 4), full=(50, 100, 2, 10), tree=10_000,
              execs=500, lives=500, guard=(20, 100))


def backlog(lab, reader, mode, size):
    """The CPU from the release of a stopped reader to its last record."""
    lab.mount_tmpfs()
    if mode == "open":
        lab.generate_now("tree", *size[:2])
    child = reader.start(EVENTS[mode])
    child.wait_idle()
    child.stop()
    generator = lab.generate(mode, *size, *((1,) if mode == "open" else ()))
    truth = generator.truth()
    before = child.cpu_ns()
    child.release()
    child.wait_idle()
    cpu = child.cpu_ns() - before
    reader.finish(child)
    generator.close()
    return {"us": cpu / 1000 / truth["records"], **reader.tally(truth)}


def sample_while_running(generator, child):
    samples = [child.memory_kib("VmRSS")]
    while not select.select([generator.process.stdout], [], [], 0.02)[0]:
        samples.append(child.memory_kib("VmRSS"))
    return samples


def generate_alone(lab, *args):
    generator = lab.generate(*args)
    truth = generator.truth()
    generator.close()
    return truth


def full_speed(lab, reader, size):
    """Opens at full speed, first with no reader, then with the reader beside them."""
    lab.mount_tmpfs()
    lab.generate_now("tree", *size[:2])
    alone = generate_alone(lab, "open", *size)
    child = reader.start(EVENTS["open"])
    child.wait_idle()
    generator = lab.generate("open", *size)
    samples = sample_while_running(generator, child)
    truth = generator.truth()
    child.wait_idle()
    memory = {
        "start": samples[0], "middle": samples[len(samples) // 2],
        "end": child.memory_kib("VmRSS"), "peak": child.memory_kib("VmHWM"),
    }
    cpu = child.cpu_ns()
    reader.finish(child)
    generator.close()
    return {"slower": truth["ns"] / alone["ns"], "alone": alone["ns"] / 1e9, "cpu": cpu / 1e9,
            **memory, **reader.tally(truth)}


def make_tree_image(lab, dirs):
    image = lab.dir / "tree.img"
    lab.make_ext4(image, dirs * 5 // 2, 512 + dirs * 8 // 1024)
    lab.mount_ext4(image)
    lab.generate_now("tree", dirs, 1)
    lab.unmount()
    return image


def start_up(lab, reader, image):
    """From before the fork to ready, on a filesystem just mounted: nothing is cached."""
    lab.mount_ext4(image)
    child = reader.start(EVENTS["open"])
    child.end()
    return {"ms": child.ready_seconds * 1000}


def directories(lab, fantail, image, dirs):
    """
    Growth by an event in each directory. The filter needs every path and prints a few, so
    that this is what is known of directories, not output that waits.
    """
    lab.mount_ext4(image)
    child = fantail.start(EVENTS["open"], "--regex", "/mark-[0-9]+$|/group-0042/")
    lab.generate_now("mark", 100)
    child.wait_idle()
    before = child.memory_kib("VmRSS")
    generator = lab.generate("open", dirs, 1, 1, 1)
    truth = generator.truth()
    child.wait_idle()
    growth = child.memory_kib("VmRSS") - before
    fantail.finish(child)
    generator.close()
    seen = fantail.tally(truth)["seen"]
    if seen != DIRS_IN_GROUP:
        raise BenchError(f"{seen} of {DIRS_IN_GROUP} paths told: no figure")
    return {"mb": growth * 1024 / 1e6}


class Bench:
    """Runs each measurement in turns, so that what disturbs one reader disturbs all."""

    def __init__(self, lab, options):
        self.lab = lab
        self.runs = 1 if options.quick else options.runs
        self.sizes = QUICK if options.quick else Sizes()
        self.readers = {}
        self.problems = {}
        self.has_guards = not options.only or GUARD in options.only
        for kind in readers.ALL:
            reader = kind(lab)
            if not options.only or reader.name.split()[0] in options.only:
                self.readers[reader.name] = reader
                self.problems[reader.name] = reader.problem()

    def compared(self):
        return [name for name, reader in self.readers.items() if reader.is_compared]

    def measure(self, title, names, function, *args):
        """{name: [result of each run] or the reason why there is none}, in order of names."""
        names = [name for name in names if name in self.readers]
        results = {name: [] for name in names}
        for name in names:
            if self.problems[name]:
                results[name] = f"cannot run here: {self.problems[name]}"
        for run in range(self.runs):
            for name in names:
                if isinstance(results[name], str):
                    continue
                print(f"bench: {title}: run {run + 1} of {self.runs}: {name}", file=sys.stderr)
                try:
                    results[name].append(function(self.lab, self.readers[name], *args))
                except (BenchError, OSError) as error:
                    results[name] = f"failed: {error}"
                finally:
                    self.lab.reap()
        return results


def column(results, name, key):
    """The values of one reader, or None."""
    rows = results.get(name)
    return [row[key] for row in rows] if isinstance(rows, list) else None


def ratios(results, name, base, key):
    """Run by run: neighbours in time are compared with each other."""
    values, bases = column(results, name, key), column(results, base, key)
    return [a / b for a, b in zip(values, bases)] if values and bases else None


def table_rows(results, row):
    for name, runs in results.items():
        yield (name, runs) if isinstance(runs, str) else row(name, runs)


def ratio_text(values):
    return spread(values) if values else "-"


def lost_text(runs):
    lost = max(run["lost"] for run in runs)
    return f"{lost:,}" if lost else "none told"


def seen_text(runs):
    worst = min(runs, key=lambda run: run["seen"] or 0)
    if worst["seen"] is None:
        return "-"
    return f"{worst['seen']:,} of {worst['expected']:,}"


def named_text(runs):
    named = [run["named"] for run in runs]
    return "-" if None in named else f"{min(named):.1f} %"


def told_text(runs):
    told = [run["told"] for run in runs]
    return f"{min(told):,}" if min(told) == max(told) else f"{min(told):,}-{max(told):,}"


def judge_backlog(verdicts, name, results, within, text):
    """A figure counts only if everything was told, with the process."""
    runs = results["fantail"]
    whole = all(run["seen"] == run["expected"] and run["named"] == 100 for run in runs)
    verdicts.add(within and whole, name, text if whole else f"{text}; incomplete, see its row")


def show_backlog(title, results, base, notes=()):
    def row(name, runs):
        return (name, ratio_text(ratios(results, name, base, "us")),
                spread([run["us"] for run in runs]), told_text(runs), seen_text(runs),
                named_text(runs), lost_text(runs))

    header = ("reader", f"x {base}", "CPU us/record", "told", "seen", "named", "loss")
    print_table(title, header, list(table_rows(results, row)), notes)


def run_small(bench, verdicts):
    size = bench.sizes.small
    count = size[0] * size[1] * size[2]
    name = f"backlog of {count:,}"
    results = bench.measure(name, bench.compared(), backlog, "open", size)
    notes = [f"{reader.name}: {reader.note}" for reader in bench.readers.values() if reader.note]
    show_backlog(f"Backlog of {count:,} records (open; stopped, then released)", results,
                 "fantail", notes)
    values = ratios(results, "fatrace", "fantail", "us")
    if values:
        judge_backlog(verdicts, name, results, statistics.median(values) >= 8,
                      f"fatrace uses {spread(values)} x fantail's CPU, asked: at least 8")
    else:
        verdicts.not_measured(name, "needs fantail and fatrace")
    return results


def run_large(bench, verdicts, mode):
    size = bench.sizes.large
    count = size[0] * size[1] * size[2]
    name = f"backlog of {count:,} ({mode})"
    results = bench.measure(name, ["bare reader", "fantail"], backlog, mode, size)
    show_backlog(f"Backlog of {count:,} records ({EVENTS[mode]}; stopped, then released)",
                 results, "bare reader")
    values = ratios(results, "fantail", "bare reader", "us")
    if values:
        judge_backlog(verdicts, name, results, statistics.median(values) <= 2,
                      f"fantail uses {spread(values)} x the bare reader's CPU, "
                      "asked: at most 2")
    else:
        verdicts.not_measured(name, "needs fantail and the bare reader")
    return results


def judge_full_speed(results, verdicts):
    runs = results.get("fantail")
    if not isinstance(runs, list):
        for name in ("nothing lost", "no silent loss", "memory steady"):
            verdicts.not_measured(name, "needs fantail")
        return
    missing = [run["expected"] - run["seen"] for run in runs]
    lost = [run["lost"] for run in runs]
    text = (f"at most {max(missing):,} of {runs[0]['expected']:,} pairs missing, "
            f"{max(lost):,} records told as lost")
    verdicts.add(not any(missing) and not any(lost), "nothing lost", text)
    verdicts.add(all(gap <= told for gap, told in zip(missing, lost)), "no silent loss", text)
    growth = [(run["end"] - run["middle"]) / MIB for run in runs]
    peak = max(run["peak"] for run in runs) / MIB
    verdicts.add(max(growth) <= 4, "memory steady",
                 f"from middle to end {spread(growth, 1)} MiB, asked: at most 4; "
                 f"peak {peak:.1f} MiB")


def run_full_speed(bench, verdicts):
    size = bench.sizes.full
    results = bench.measure("full speed", bench.compared(), full_speed, size)

    def row(name, runs):
        memory = [f"{statistics.median(run[key] for run in runs) / MIB:.1f}"
                  for key in ("start", "middle", "end", "peak")]
        return (name, spread([run["slower"] for run in runs]),
                spread([run["cpu"] for run in runs]), told_text(runs),
                seen_text(runs), named_text(runs), lost_text(runs), " ".join(memory))

    alone = [run["alone"] for runs in results.values() if isinstance(runs, list) for run in runs]
    header = ("reader", "opens take x", "CPU s", "told", "seen", "named", "loss",
              "RSS MiB start middle end peak")
    opens = size[0] * size[1] * size[2] * size[3]
    print_table(f"{opens:,} opens over {size[0] * size[1]:,} files by {size[2]} processes at "
                "full speed", header, list(table_rows(results, row)),
                [f"with no reader they take {spread(alone)} s"] if alone else [])
    judge_full_speed(results, verdicts)
    return results


def run_start_up(bench, verdicts, image):
    results = bench.measure("start-up", ["fantail", "inotifywait"], start_up, image)

    def row(name, runs):
        return (name, ratio_text(ratios(results, name, "fantail", "ms")),
                spread([run["ms"] for run in runs], 1))

    dirs = bench.sizes.tree
    print_table(f"Start-up on ext4 with {dirs:,} directories, just mounted",
                ("reader", "x fantail", "ms to ready"), list(table_rows(results, row)))
    values = column(results, "fantail", "ms")
    if values:
        verdicts.add(statistics.median(values) < 100, "start-up",
                     f"{spread(values, 1)} ms, asked: below 100 with BPF, 50 without")
    else:
        verdicts.not_measured("start-up", "needs fantail")
    return results


def run_directories(bench, verdicts, image):
    dirs = bench.sizes.tree
    results = bench.measure("directories", ["fantail"], directories, image, dirs)

    def row(name, runs):
        each = [run["mb"] * 1e6 / dirs for run in runs]
        return (name, spread(each, 0), spread([run["mb"] for run in runs], 1))

    print_table(f"Memory by an event in each of {dirs:,} directories",
                ("reader", "bytes a directory", "MB"), list(table_rows(results, row)))
    values = column(results, "fantail", "mb")
    if values:
        limit = 16 * dirs / 100_000
        verdicts.add(statistics.median(values) <= limit, "directories in memory",
                     f"{spread(values, 1)} MB, asked: at most {limit:g}")
    else:
        verdicts.not_measured("directories in memory", "needs fantail")
    return results


def run_readers(bench, verdicts):
    every = [
        run_large(bench, verdicts, "open"),
        run_large(bench, verdicts, "create"),
        run_small(bench, verdicts),
        run_full_speed(bench, verdicts),
    ]
    image = make_tree_image(bench.lab, bench.sizes.tree)
    every.append(run_start_up(bench, verdicts, image))
    every.append(run_directories(bench, verdicts, image))
    attribution.run_all(bench, verdicts, backlog)
    return all(isinstance(results.get("fantail", []), list) for results in every)


def run_all(bench):
    verdicts = Verdicts()
    measured = run_readers(bench, verdicts) if bench.readers else True
    if bench.has_guards:
        run_guards(bench.lab, bench.runs, bench.sizes.guard, verdicts)
    scale = "" if bench.sizes == Sizes() else " (quick: small sizes, to try the bench only)"
    verdicts.print(f"The numbers to reach{scale}")
    return measured


def parse_options():
    parser = argparse.ArgumentParser(prog="bench/run.sh")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="one run, small sizes")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each (default 5)")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[],
                        help="by comma: guard, or readers: fantail,bare,fatrace,...")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs: at least 1")
    known = {GUARD, *(kind.name.split()[0] for kind in readers.ALL)}
    if not known.issuperset(options.only):
        parser.error(f"--only: one or more of {', '.join(sorted(known))}")
    return options


def interrupted(number, frame):
    raise KeyboardInterrupt


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    options = parse_options()
    try:
        lab = Lab(options.build)
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    try:
        bench = Bench(lab, options)
        print(f"Linux {platform.release()}, {os.cpu_count()} CPUs; {bench.runs} runs; "
              "median (min-max)")
        return 0 if run_all(bench) else 1
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    finally:
        lab.close()


sys.exit(main())
