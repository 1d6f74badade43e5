# SPDX-License-Identifier: MIT
"""What open() takes under a guard: filesystems side by side, each with another one."""

import os
import select
import statistics
import sys

from lab import BenchError, command, wait_until
from report import print_table, spread

READY_SECONDS = 30
GLOBS = 100


class Place:
    """A tmpfs of its own, with a file opened again and again, and many opened once."""

    name = ""
    has_many = False

    def __init__(self, lab, files):
        self.lab = lab
        self.dir = lab.dir / type(self).__name__.lower()
        self.fs = self.dir / "fs"
        self.known = self.fs / "known"
        self.many = self.fs / "many"
        self.fs.mkdir(parents=True)
        lab.mount_tmpfs(self.fs)
        self.known.write_text("x")
        if self.has_many:
            self.many.mkdir()
            for i in range(files):
                (self.many / str(i)).touch()

    def start(self):
        """Returns when it answers."""


class NoGuard(Place):
    name = "no guard"


class Responder(Place):
    """Started with arguments, ready when it says so."""

    def argv(self):
        raise NotImplementedError

    def start(self):
        child = self.lab.start_beside(self.argv(), self.dir)
        wait_until(f"{self.name} to be ready", READY_SECONDS,
                   lambda: child.check_alive() or child.stdout.read_bytes() == b"ready\n")
        return child


class BareListener(Responder):
    name = "bare listener, ignore mark"

    def argv(self):
        return [self.lab.program("bench", "bare-responder"), self.fs, self.known]


class BareResponder(Responder):
    name = "bare responder"
    has_many = True

    def argv(self):
        return [self.lab.program("bench", "bare-responder"), self.fs]


class Guard(Place):
    """fantail guard, with as many globs in its policy as a real one may have."""

    has_many = True

    def rules(self):
        names = ", ".join(f"'{self.fs}/no-{i}/**/*.key'" for i in range(GLOBS))
        return f"  - {{name: keys, path: [{names}], verdict: deny}}\n"

    def start(self):
        policy = self.dir / "policy.yaml"
        policy.write_text(f"version: 1\nwatch: ['{self.fs}']\nrules:\n{self.rules()}")
        reading, writing = os.pipe()
        try:
            argv = [self.lab.program("src", "cli", "fantail"), "guard", "--policy", policy,
                    "--ready-fd", writing, "-o", self.dir / "output"]
            child = self.lab.start_beside(argv, self.dir, pass_fds=(writing,),
                                          env={"RUNTIME_DIRECTORY": str(self.dir)})
            os.close(writing)
            writing = -1
            if (not select.select([reading], [], [], READY_SECONDS)[0]
                    or os.read(reading, 1) != b"\n"):
                raise BenchError(f"{self.name} is not ready: {child.complaint()}")
            return child
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)


class KernelKeeps(Guard):
    name = "fantail, kept by the kernel"


class GuardKeeps(Guard):
    """Who opens it decides: no other process may profit from a verdict."""

    name = "fantail, kept by itself"

    def rules(self):
        opens = self.lab.program("bench", "opens")
        return super().rules() + (
            f"  - {{name: may, path: '{self.fs}/**', exe: '{opens}', verdict: allow}}\n"
            f"  - {{name: others, path: '{self.fs}/**', verdict: deny}}\n")


ALL = (NoGuard, BareListener, BareResponder, KernelKeeps, GuardKeeps)
KNOWN, FIRST = "known", "first sight"
TITLE = "open() under a guard"


class OpenTimes:
    """{(name, KNOWN or FIRST): [{"p50", "p99"} of each run]} in us, for so many openers."""

    def __init__(self, lab, rounds, opens):
        self.lab, self.rounds, self.opens = lab, rounds, opens
        self.places = [kind(lab, rounds * opens * max(OPENERS)) for kind in ALL]
        many = [place for place in self.places if place.has_many]
        self.keys = [(place.name, KNOWN) for place in self.places]
        self.keys += [(place.name, FIRST) for place in many]
        self.paths = [place.known for place in self.places] + [place.many for place in many]
        self.found = {openers: {key: [] for key in self.keys} for openers in OPENERS}

    def run(self, openers):
        """All are there at once: the turns are so short that what disturbs one does all."""
        try:
            for place in self.places:
                place.start()
            lines = command("timeout", SECONDS, self.lab.program("bench", "opens"), openers,
                            self.rounds, self.opens, *self.paths).splitlines()
        finally:
            self.lab.reap()
        for key, line in zip(self.keys, lines, strict=True):
            _, p50, p99, _ = map(int, line.split())
            self.found[openers][key].append({"p50": p50 / 1000, "p99": p99 / 1000})

    def ratios(self, openers, key, base, quantile):
        found = self.found[openers]
        return [a[quantile] / b[quantile] for a, b in zip(found[key], found[base])]

    def print(self, openers):
        rows = []
        for key, runs in self.found[openers].items():
            base = (BareResponder.name, key[1])
            rows.append((", ".join(key), *(spread([run[q] for run in runs]) for q in QUANTILES),
                         *(spread(self.ratios(openers, key, base, q)) for q in QUANTILES)))
        plural = "s" if openers > 1 else ""
        print_table(f"{TITLE}, {openers} opener{plural} ({self.rounds * self.opens:,} opens each)",
                    ("", "p50 us", "p99 us", "p50 x responder", "p99 x responder"), rows)

    def judge(self, verdicts):
        for name, key, base, quantile, limit in LIMITS:
            values = {n: self.ratios(n, key, base, quantile) for n in OPENERS}
            worst = max(values, key=lambda n: statistics.median(values[n]))
            holds = statistics.median(values[worst]) <= limit
            verdicts.add(holds, name, f"{spread(values[worst])} x {base[0]} ({quantile}, "
                         f"openers: {worst}), asked: at most {limit:g}")


OPENERS = (1, 2)
QUANTILES = ("p50", "p99")
SECONDS = 300
LIMITS = (
    ("kept by the kernel", (KernelKeeps.name, KNOWN), (BareListener.name, KNOWN), "p50", 1.05),
    ("kept, to no guard", (KernelKeeps.name, KNOWN), (NoGuard.name, KNOWN), "p50", 1.3),
    ("kept by itself", (GuardKeeps.name, KNOWN), (BareResponder.name, KNOWN), "p50", 1.15),
    ("kept by itself, p99", (GuardKeeps.name, KNOWN), (BareResponder.name, KNOWN), "p99", 1.25),
    ("first sight", (GuardKeeps.name, FIRST), (BareResponder.name, FIRST), "p50", 1.3),
    ("first sight, p99", (GuardKeeps.name, FIRST), (BareResponder.name, FIRST), "p99", 1.3),
)


def run_guards(lab, runs, size, verdicts):
    times = OpenTimes(lab, *size)
    for run in range(runs):
        for openers in OPENERS:
            print(f"bench: {TITLE}: run {run + 1} of {runs}: openers: {openers}", file=sys.stderr)
            times.run(openers)
    for openers in OPENERS:
        times.print(openers)
    times.judge(verdicts)
