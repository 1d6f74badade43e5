# SPDX-License-Identifier: MIT
"""A running example: its lines as they come, and its end. It never outlives a minute, nor its test."""

import atexit
import os
import select
import signal
import subprocess
import time

from harness import Failure, check, show

EXAMPLES = os.environ["EXAMPLES"]
TIMEOUT = 30  # seconds that one awaited thing may take


def command(name, *arguments):
    """Under timeout(1): a program that asks before others go on must end, whatever happens to its test."""
    return ["timeout", "-s", "KILL", "60", os.path.join(EXAMPLES, name), *map(os.fsencode, arguments)]


class Stream:
    """What comes out of a descriptor, in pieces that end with `end`."""

    def __init__(self, fd):
        self.fd, self._rest = fd, b""

    def read(self, end=b"\n"):
        """The next piece, with its end; b"" when there is no more."""
        until = time.monotonic() + TIMEOUT
        while end not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise Failure(f"no {end!r} within {TIMEOUT} s, only {show(self._rest)}")
            more = os.read(self.fd, 65536)
            if not more:
                rest, self._rest = self._rest, b""
                return rest
            self._rest += more
        piece, self._rest = self._rest.split(end, 1)
        return piece + end


class Program:
    """An example that has said on stderr that it is ready."""

    def __init__(self, name, *arguments, ready=b"watching\n", stdin=subprocess.PIPE):
        self.process = subprocess.Popen(
            command(name, *arguments),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        atexit.register(self.kill)
        self.out = Stream(self.process.stdout.fileno())
        self.err = Stream(self.process.stderr.fileno())
        said = self.err.read()
        if said != ready:
            self.kill()
            raise Failure(f"{name} is not ready: {said!r}, exit {self.process.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """timeout(1) leads a process group of its own."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def lines_until(self, last):
        """The lines before the first one that holds `last`."""
        lines = []
        while True:
            line = self.out.read()
            check(line, f"the output ended before {last!r}: {show(lines)}")
            if last in line:
                return lines
            lines.append(line)


def end_of(name, *arguments, **kwargs):
    """Exit status and stderr of an example that ends by itself."""
    done = subprocess.run(
        command(name, *arguments),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
        **kwargs,
    )
    return done.returncode, done.stderr.decode()
