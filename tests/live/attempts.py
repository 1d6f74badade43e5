# SPDX-License-Identifier: MIT
"""A table of attempts: each is made, and what comes of it is what is expected; what a guard cannot stop has its
words in the manual.
"""

import contextlib
import errno
import inspect
import os
import re
import subprocess
from pathlib import Path

from guard import Guard, guarded
from harness import Failure, check
from machine import filesystem, overlay, run, temp_dir, unmount

REACH = os.environ["REACH"]
DENIED, REACHED, ABSENT = "denied", "reached", "not on this machine"
CONTROL = "not protected"  # what is tried with these files is only stopped by what is no guard
SECRET = b"secret"
MANUAL = Path(__file__).resolve().parents[2] / "man" / "fantail-guard.1"


def kernel():
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])


def outcome(command, wanted=SECRET, **kwargs):
    """Of a program that prints what it reads, and ends with the errno that it was refused with."""
    done = subprocess.run(
        [os.fspath(c) for c in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
        **kwargs,
    )
    if done.returncode == 0 and wanted in done.stdout:
        return REACHED
    if done.returncode == errno.EPERM or b"Operation not permitted" in done.stderr:
        return DENIED
    if done.returncode == 125:
        return ABSENT
    return f"exit {done.returncode}, {done.stdout[:80]!r}, {done.stderr[-300:]!r}"


def reach(way, path, *arguments, program=REACH, **kwargs):
    return outcome([program, way, path, *arguments], **kwargs)


def execute(way, path, *arguments, **kwargs):
    return reach(way, path, *arguments, wanted=b"executed", **kwargs)


def shell(script, *arguments, **kwargs):
    """$1, $2... are the arguments."""
    return outcome(["sh", "-ec", script, "sh", *arguments], **kwargs)


class Place:
    """A filesystem, and where on it files are that may be opened."""

    def __init__(self, base, kind):
        self.base, self.kind, self.free = base, kind, base / "free"
        self.mounts, self.number = [], 0
        self.free.mkdir(exist_ok=True)

    def new(self, name="new"):
        """A name that nothing has."""
        self.number += 1
        return self.free / f"{name}-{self.number}"

    def directory(self, name="dir"):
        path = self.new(name)
        path.mkdir()
        return path

    def mount(self, *arguments):
        at = temp_dir("elsewhere")
        run("mount", *arguments, at)
        self.mounts.append(at)
        return at

    def bind(self, what):
        """A file or a directory at another place."""
        if what.is_dir():
            return self.mount("--bind", what)
        at = temp_dir("elsewhere") / "file"
        at.touch()
        run("mount", "--bind", what, at)
        self.mounts.append(at)
        return at

    def device(self):
        return run("findmnt", "-n", "-o", "SOURCE", self.base).strip().split("[")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for at in reversed(self.mounts):
            unmount(at)


class Named:
    """What the manual says that it cannot stop, by words that it says it with."""

    def __init__(self):
        text = MANUAL.read_text()
        start = text.index(".Sh WHAT IT CANNOT STOP")
        text = text[start : text.index(".Sh", start + 4)]
        self.text = " ".join(re.sub(r"^\.[A-Z][a-z] ", "", text, flags=re.M).split())

    def has(self, words):
        return words in self.text


class Table:
    """Attempts: functions of a place and a file, or generators that yield where the guard begins."""

    def __init__(self, title):
        self.title, self.rows = title, []

    def attempt(self, name, cannot=None, only=None, in_doubt=False):
        """cannot: words of the manual's; without it, it is denied. only: kinds of filesystem. in_doubt: it is
        denied with other files, too.
        """

        def register(function):
            self.rows.append((name, function, cannot, only, in_doubt))
            return function

        return register

    def run(self, place, policy, targets):
        """targets(): [(label, path)], anew for each attempt. Everything is tried, then judged."""
        named, trials, failures = Named(), [], []
        for name, function, cannot, only, in_doubt in self.rows:
            if only and place.kind not in only:
                continue
            for label, path in targets():
                if label != CONTROL or not in_doubt:
                    trials.append((name, label, cannot, _prepare(function, place, path)))
        with Guard(policy=policy) as guard:
            for name, label, cannot, trial in trials:
                got = _finish(trial)
                failures += self._judge(named, place.kind, label, name, cannot, got)
            guard.stop()
        check(trials, "nothing was tried")
        check(not failures, "\n  " + "\n  ".join(failures))

    def _judge(self, named, kind, label, name, cannot, got):
        if label == CONTROL:
            return [f"{name}: denied, and not by the guard"] if got == DENIED else []
        told = f"not stopped: {cannot}" if cannot and got == REACHED else got
        print(f"  {self.title}, {kind}, {label}: {name}: {told}", flush=True)
        wanted = REACHED if cannot else DENIED
        if got not in (wanted, ABSENT):
            return [f"{name} ({label}): wanted {wanted}, got {got}"]
        if cannot and not named.has(cannot):
            return [f"{name}: the manual does not say '{cannot}'"]
        return []


def _prepare(function, place, path):
    if not inspect.isgeneratorfunction(function):
        return lambda: function(place, path)
    generator = function(place, path)
    next(generator)

    def rest():
        try:
            next(generator)
        except StopIteration as end:
            return end.value
        raise Failure(f"{function.__name__} yields twice")

    return rest


def _finish(trial):
    try:
        return trial()
    except OSError as error:
        return DENIED if error.errno == errno.EPERM else f"{error}"


def make_files(base, count):
    """Of each kind of rule enough files, each in a directory of its own."""
    files = {"literal": [], "glob": [], "tree": [], CONTROL: []}
    for i in range(count):
        files["literal"].append(base / "literal" / str(i) / "file")
        files["glob"].append(base / "home" / str(i) / ".ssh" / "id_rsa")
        files["tree"].append(base / "tree" / str(i) / "file")
        files[CONTROL].append(base / "control" / str(i) / "file")
    for path in sum(files.values(), []):
        path.parent.mkdir(parents=True)
        path.write_bytes(SECRET)
    return files


@contextlib.contextmanager
def place_with_files(kind, count):
    """On a new filesystem; in an overlay the files lie in the lower layer."""
    if kind != "overlay":
        with filesystem(kind) as base, Place(base, kind) as place:
            yield place, make_files(base, count)
        return
    with filesystem("ext4") as disk:
        files = make_files(disk / "lower", count)
        with overlay(disk) as (base, lower, _), Place(base, kind) as place:
            place.lower = lower
            yield place, {k: [base / p.relative_to(lower) for p in paths] for k, paths in files.items()}


def read_by_table(table, kind):
    """With a rule of each kind."""
    with place_with_files(kind, len(table.rows)) as (place, files):
        base = place.base
        literals = ", ".join(f"'{p}'" for p in files["literal"])
        rules = [
            f"{{name: literal, path: [{literals}], verdict: deny}}",
            f"{{name: glob, path: '{base}/home/*/.ssh/id_*', verdict: deny}}",
            f"{{name: tree, path: '{base}/tree/**', verdict: deny}}",
        ]
        table.run(place, guarded(base, rules), lambda: [(k, f.pop()) for k, f in files.items()])
