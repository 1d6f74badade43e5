# SPDX-License-Identifier: MIT
"""A running `fantail watch`, or another command that tells records until it is stopped."""

import atexit
import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from harness import Failure, check, equal, show
from machine import die_with_parent, libc, temp_dir
from records import parse, raw, validate

TIMEOUT = 30  # seconds that one awaited thing may take
FANTAIL = os.environ["FANTAIL"]  # the program's path
IN_MODIFY, IN_CREATE = 2, 0x100


class Watch:
    """A running `fantail watch`. Its output goes to `file`, by default one outside of what is watched; without
    `output` the caller sees to it that it does.
    """

    def __init__(
        self,
        *arguments,
        command="watch",
        fmt="json",
        file=None,
        output=True,
        prefix=(),
        program=FANTAIL,
        preexec=die_with_parent,
        fds=(),
        **popen,
    ):
        here = temp_dir("watch")
        here.chmod(0o777)
        self.file, self._stderr = Path(file or here / "records"), here / "stderr"
        self._records, self._position, self._is_json = [], 0, fmt == "json"
        ready, write_end = os.pipe()
        command = [*prefix, program, command, "--ready-fd", write_end]
        command += ["--format", fmt] if fmt else []
        command += ["-o", self.file] if output else []
        command += arguments
        self._more = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        libc.inotify_add_watch(self._more, os.fsencode(self.file.parent), IN_MODIFY | IN_CREATE)
        with open(self._stderr, "wb") as stderr:
            self.process = subprocess.Popen(
                [c if isinstance(c, bytes) else os.fsencode(str(c)) for c in command],
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=[write_end, *fds],
                preexec_fn=preexec,
                **popen,
            )
        os.close(write_end)
        self.pid = self.process.pid
        atexit.register(self.kill)
        self._await_ready(ready)

    def _await_ready(self, ready):
        with os.fdopen(ready, "rb") as f:
            check(select.select([f], [], [], TIMEOUT)[0], f"not ready after {TIMEOUT} s")
            told = f.read(1)
        if told != b"\n":
            status = self.process.wait(TIMEOUT)
            raise Failure(f"--ready-fd: {told!r}, exit {status}, stderr: {self.stderr()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        os.close(self._more)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stderr(self):
        return self._stderr.read_text(errors="replace")

    def output(self):
        return self.file.read_bytes() if self.file.exists() else b""

    def wait_for_new_file(self):
        """The file was renamed and is made anew: its records are read from the start."""
        deadline = time.monotonic() + TIMEOUT
        while not self.file.exists():
            self._wait_output(deadline, "a new output file")
        self._position, self._records = 0, []

    @contextlib.contextmanager
    def stopped(self):
        """What is done inside happens while fantail does not run: it reads all of it afterwards."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def new_records(self):
        """Whole records that came since the last call."""
        if not self.file.exists():
            return []
        with open(self.file, "rb") as f:
            f.seek(self._position)
            data = f.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        new = parse(whole)
        self._records += new
        return new

    def wait_for(self, wanted, what, timeout=TIMEOUT):
        """The first record, of all so far and to come, for which wanted(record) holds."""
        deadline, candidates = time.monotonic() + timeout, list(self._records)
        while True:
            candidates += self.new_records()
            for record in candidates:
                if wanted(record):
                    return record
            candidates = []
            self._wait_output(deadline, what)

    def _wait_output(self, deadline, what):
        left = deadline - time.monotonic()
        alive = os.pidfd_open(self.pid)
        try:
            readable = left > 0 and select.select([self._more, alive], [], [], left)[0]
        finally:
            os.close(alive)
        check(readable, f"{what}: not told in time; stderr: {self.stderr()}")
        check(self._more in readable, f"{what}: fantail ended first; stderr: {self.stderr()}")
        os.read(self._more, 65536)

    def see(self, path, *events):
        """Waits until this path was told with one of these events (any without)."""
        path = os.fsencode(path)
        return self.wait_for(
            lambda r: raw(r) == path and (not events or set(events) & set(r["events"])),
            f"{show(path)} {events}",
        )

    def marker(self, directory, name="marker"):
        """What was done before this is in the output after it: records come in order."""
        path = Path(directory) / f"{name}-{time.monotonic_ns()}"
        path.touch()
        return self.see(path)

    def stop(self, status=0, timeout=120, number=signal.SIGINT):
        """All records, after a drain; checks the exit status and every record."""
        self.process.send_signal(number)
        return self.finish(status, timeout)

    def finish(self, status=0, timeout=120):
        try:
            got = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"did not end in {timeout} s; stderr: {self.stderr()}") from None
        equal(got, status, f"exit status (stderr: {self.stderr()})")
        records = parse(self.output()) if self._is_json else []
        validate(records)
        return records
