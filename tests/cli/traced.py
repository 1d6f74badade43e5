# SPDX-License-Identifier: MIT
"""A running `fantail run`, and what its last line says."""

import base64
import json
import os
import subprocess

from harness import check, equal, show
from machine import die_with_parent, libc, temp_dir
from records import SOURCE, Failure, validate
from watch import IN_CREATE, IN_MODIFY, TIMEOUT, Watch

FANTAIL = os.environ["FANTAIL"]
SETS = ("read", "written", "created", "deleted", "executed")
PYTHON = "/usr/bin/python3"


def words(*arguments):
    return [a if isinstance(a, bytes) else os.fsencode(str(a)) for a in arguments]


def call(*arguments, **kwargs):
    """`fantail run ARGUMENTS...` to its end."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        words(FANTAIL, "run", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
        **kwargs,
    )


def python(script, *arguments):
    """A command that runs a script: one process, unless it makes others."""
    return [PYTHON, "-I", "-S", "-c", script, *arguments]


class Summary:
    """The summary object, its paths as bytes."""

    def __init__(self, record):
        equal(record.get("events"), ["summary"], "events of the last line")
        _check_schema(record)
        self.record = record
        self.complete = record["complete"]
        for name in SETS:
            setattr(self, name, set(_paths(record, name)) if name in record else None)
        self.renamed = {(_raw(r, "old_path"), _raw(r, "path")) for r in record.get("renamed", [])}
        equal(self.complete, not {"lost", "unplaced", "dropped"} & set(record), "complete")


def _paths(record, name):
    encoded = record.get(name + "_base64")
    found = [base64.b64decode(e) for e in encoded] if encoded else [p.encode() for p in record[name]]
    equal(found, sorted(set(found)), f"{name}: sorted, each once")
    return found


def _raw(record, name):
    if name + "_base64" in record:
        return base64.b64decode(record[name + "_base64"])
    return record[name].encode() if name in record else None


def _check_schema(record):
    try:
        import jsonschema
    except ImportError:
        return
    with open(SOURCE / "data" / "fantail-summary.schema.json") as f:
        validator = jsonschema.Draft202012Validator(json.load(f))
    for error in validator.iter_errors(record):
        raise Failure(f"{show(record, 600)}: schema: {show(error.message)}")


def summary_of(data):
    """Of output in which the summary is the last line but for one of ours in words."""
    lines = [line for line in data.splitlines() if line.startswith(b"{")]
    check(lines, f"no summary in {show(data)}")
    return Summary(json.loads(lines[-1]))


class Traced(Watch):
    """A command under `fantail run`, which its test speaks with over stdin and stdout. Records go to a file outside
    of what is watched."""

    def __init__(self, *options, command, **popen):
        here = temp_dir("run")
        here.chmod(0o777)
        self.file, self._stderr = here / "records", here / "stderr"
        self._records, self._position, self._is_json = [], 0, True
        self._more = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        libc.inotify_add_watch(self._more, os.fsencode(here), IN_MODIFY | IN_CREATE)
        with open(self._stderr, "wb") as stderr:
            self.process = subprocess.Popen(
                words(FANTAIL, "run", "--format", "json", "-o", self.file, *options, "--", *command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                preexec_fn=die_with_parent,
                **popen,
            )
        self.pid = self.process.pid

    def __exit__(self, *_):
        self.process.stdin.close()
        super().__exit__()
        self.process.stdout.close()

    def line(self):
        return self.process.stdout.readline().decode().rstrip("\n")

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def finish(self, status=0, timeout=120):
        """Its records and its summary."""
        equal(self.process.wait(timeout), status, f"exit status (stderr: {self.stderr()})")
        lines = [json.loads(line) for line in self.output().splitlines()]
        check(lines, f"no records; stderr: {self.stderr()}")
        validate(lines[:-1])
        return lines[:-1], Summary(lines[-1])
