# SPDX-License-Identifier: MIT
"""Checks, and the running of a file's cases: what every live test begins and ends with."""

import os
import re
import signal
import sys
import time
import traceback

from machine import Skip, private_mounts

SKIP = 77


class Failure(Exception):
    """A check that did not hold."""


def show(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def check(condition, message):
    if not condition:
        raise Failure(message)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: wanted {show(wanted)}, got {show(got)}")


def _some(items, limit=15):
    shown = [f"    {show(i)}" for i in sorted(items, key=repr)[:limit]]
    return "\n".join(shown + [f"    ... {len(items)} in all"] * (len(items) > limit))


def same_set(got, wanted, what, allowed=()):
    """Everything wanted was got, and nothing else but what is allowed."""
    got, wanted = set(got), set(wanted)
    missing, extra = wanted - got, got - wanted - set(allowed)
    message = f"{what}:"
    if missing:
        message += f"\n  missing:\n{_some(missing)}"
    if extra:
        message += f"\n  not wanted:\n{_some(extra)}"
    check(not missing and not extra, message)


def one_line(text, what, *needles):
    """A message is one line, names what it must name, and carries no control character."""
    lines = text.splitlines()
    check(len(lines) == 1, f"{what}: one line wanted, got {show(text)}")
    for needle in needles:
        check(needle in text, f"{what}: {needle!r} is not in {show(text)}")
    check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), f"{what}: control in {show(text)}")


_cases = []


def case(*arguments):
    """Registers a function to run, once for each tuple of arguments (once without any)."""

    def register(function):
        for values in arguments or [()]:
            values = values if isinstance(values, tuple) else (values,)
            _cases.append((function, values))
        return function

    return register


def main():
    """Runs every registered case; 0, 1 if one failed, 77 if all were skipped."""
    if os.geteuid() != 0:
        print("skipped: needs root (mounts, fanotify filesystem marks)")
        sys.exit(SKIP)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    private_mounts()
    os.umask(0o022)
    outcomes = [_run_case(function, values) for function, values in _cases]
    count = {name: outcomes.count(name) for name in ("ok", "FAILED", "skipped")}
    print("{ok} ok, {FAILED} failed, {skipped} skipped".format(**count))
    sys.exit(1 if count["FAILED"] else SKIP if not count["ok"] else 0)


def _run_case(function, values):
    name = " ".join([function.__name__, *(str(v) for v in values)])
    started, outcome, detail = time.monotonic(), "ok", ""
    try:
        function(*values)
    except Skip as reason:
        outcome, detail = "skipped", f": {reason}"
    except Failure as failure:
        outcome, detail = "FAILED", f": {failure}"
    except Exception:  # a test that breaks is a test that fails
        outcome, detail = "FAILED", ": " + traceback.format_exc()
    print(f"{outcome}: {name} ({time.monotonic() - started:.1f} s){detail}", flush=True)
    return outcome
