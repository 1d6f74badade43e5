# SPDX-License-Identifier: MIT
"""A running `fantail guard`, on filesystems that the test made and no others.

Whatever happens, it is dead after LIFETIME seconds: the kernel sends SIGALRM, and lets go of who waits.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from harness import check, equal
from machine import die_with_parent, temp_dir
from watch import FANTAIL, Watch

LIFETIME = 100
OPENERS = os.environ["OPENERS"]


def mortal():
    die_with_parent()
    signal.alarm(LIFETIME)


class Guard(Watch):
    """`run` is where it leaves its state; guards that follow each other share it."""

    def __init__(self, *arguments, policy=None, run=None, env=None, **kwargs):
        self.run = Path(run or temp_dir("run"))
        env = {**(env or os.environ), "RUNTIME_DIRECTORY": str(self.run)}
        if policy is not None:
            arguments = ["--policy", policy, *arguments]
        kwargs.setdefault("preexec", mortal)
        super().__init__(*arguments, command="guard", env=env, **kwargs)

    def told_and_lost(self):
        """Of one that has ended: there may be too many decisions to parse."""
        told, lost = 0, 0
        with open(self.file, "rb") as f:
            for line in f:
                told += b'"decision":' in line
                if b'"events":["lost"]' in line:
                    lost += json.loads(line)["count"]
        return told, lost

    def counts(self):
        """{rule: (allowed, denied, late)}, as it says itself."""
        found = {}
        for line in self.stderr().splitlines():
            words = line.split()
            if len(words) > 6 and words[3].startswith("allowed") and words[5].startswith("denied"):
                found[words[1].rstrip(":")] = (int(words[2]), int(words[4]), int(words[6]))
        return found


def policy_file(text, name="policy.yaml"):
    path = temp_dir("policy") / name
    path.write_text("version: 1\n" + text)
    return path


def guarded(base, rules, **keys):
    """A policy for one filesystem; rules are lines of YAML without their dash."""
    head = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return policy_file(f"watch: ['{base}']\n{head}rules:\n" + "".join(f"  - {r}\n" for r in rules))


def attempt(function, *arguments):
    """None, or the errno that it failed with."""
    try:
        result = function(*arguments)
    except OSError as error:
        return error.errno
    if isinstance(result, int):
        os.close(result)
    return None


def opened(path, flags=os.O_RDONLY):
    """As another process than the test: None, or errno."""
    return attempt(os.open, path, flags)


def ran(*command, **kwargs):
    """Exit status of a program; its output goes nowhere."""
    try:
        return subprocess.run(
            [os.fspath(c) for c in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
            **kwargs,
        ).returncode
    except PermissionError:
        return 126


class Openers:
    """Many processes that open files, each of which knows what must come of it (openers.c)."""

    def __init__(self, directory, processes, opens=0):
        self.process = subprocess.Popen(
            [OPENERS, directory, str(processes), str(opens)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )

    def stop(self):
        """Those that have no number of opens to do."""
        self.process.terminate()
        return self.result()

    def result(self, timeout=90):
        out, _ = self.process.communicate(timeout=timeout)
        equal(self.process.returncode, 0, "the openers' exit status")
        return json.loads(out)


def make_files(base, count=20):
    """What openers.c opens."""
    for i in range(count):
        (base / f"allow-{i}").write_text("x")
        (base / f"deny-{i}").write_text("x")


class Scanner:
    """A clamd of our own, on a unix socket: it answers pings, and to each file what `verdict` holds; with None it
    hangs. It is the test's own process, whose requests a guard that uses it always allows.
    """

    def __init__(self, verdict=None, at=None):
        self.path = at or temp_dir("clamd") / "socket"
        self.verdict, self.scans, self._open = verdict, 0, []
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(os.fspath(self.path))
        self._server.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in [self._server, *self._open]:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self._server.accept()[0]
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        number, rest = 0, b""
        with contextlib.suppress(OSError):
            while True:
                data, fds, _, _ = socket.recv_fds(connection, 4096, 4)
                if not data:
                    return
                for fd in fds:
                    os.close(fd)
                rest += data
                *commands, rest = rest.split(b"\0")
                for command in commands:
                    number += command in (b"zPING", b"zFILDES")
                    self._answer(connection, number, command)

    def _answer(self, connection, number, command):
        if command == b"zPING":
            connection.sendall(b"%d: PONG\0" % number)
        elif command == b"zFILDES":
            self.scans += 1
            if self.verdict is not None:
                connection.sendall(b"%d: fd[1]: %s\0" % (number, self.verdict))


def refused(*arguments, status=1, prefix=()):
    """What a guard says that does not begin."""
    done = subprocess.run(
        [*prefix, FANTAIL, "guard", *map(os.fspath, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "RUNTIME_DIRECTORY": str(temp_dir("run"))},
        preexec_fn=mortal,
        timeout=LIFETIME,
        check=False,
    )
    equal(done.returncode, status, f"exit status of {arguments} ({done.stderr})")
    check(not done.stdout, f"{arguments}: printed {done.stdout}")
    return done.stderr.decode()
