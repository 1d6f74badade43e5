# SPDX-License-Identifier: MIT
"""ask-before-open, on a filesystem of its own: nothing else is ever asked about."""

import os
import pty
import subprocess
import tty
from contextlib import contextmanager

from harness import case, check, equal, main
from machine import filesystem, mounted, temp_dir
from program import TIMEOUT, Program

ALLOWED, DENIED = (0, b"content\n", b""), (1, b"", b"Operation not permitted")


class Opener:
    """A process that opens a file and shows it: `cat`, on another filesystem. It can be killed while it waits."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            ["timeout", "-s", "KILL", "60", "cat", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def waits(self):
        return self.process.poll() is None

    def result(self):
        out, err = self.process.communicate(timeout=TIMEOUT)
        reason = err.strip().rsplit(b": ", 1)[-1]
        return self.process.returncode, out, reason


@contextmanager
def files():
    """A new filesystem with two files, written before anybody asks."""
    with filesystem("ext4") as top:
        (top / "sub").mkdir()
        for name in ("plain.txt", "sub/secret.key"):
            (top / name).write_text("content\n")
        yield os.path.realpath(top)


class Terminal:
    """The user's side of a terminal."""

    def __init__(self):
        self.fd, self.program_fd = pty.openpty()
        tty.setraw(self.fd)

    def type(self, line):
        os.write(self.fd, line)

    def hang_up(self):
        os.close(self.program_fd)
        os.close(self.fd)


def question(program, path):
    asked = program.out.read(b"[y/n] ").decode()
    check(asked.startswith("allow? cat(") and asked.endswith(f") {path} [y/n] "), f"asked: {asked!r}")
    return asked


@case()
def terminal():
    with files() as top:
        terminal = Terminal()
        with Program("ask-before-open", top, ready=b"asking\n", stdin=terminal.program_fd) as program:
            for answer, wanted in ((b"y\n", ALLOWED), (b"n\n", DENIED), (b"yes\n", ALLOWED)):
                opener = Opener(f"{top}/plain.txt")
                question(program, f"{top}/plain.txt")
                check(opener.waits(), "the file was opened before there was an answer")
                terminal.type(answer)
                equal(opener.result(), wanted, f"after {answer!r}")
            opener = Opener(f"{top}/plain.txt")
            question(program, f"{top}/plain.txt")
            terminal.type(b"what?\n")
            question(program, f"{top}/plain.txt")
            check(opener.waits(), "something that is no answer was taken for one")
            terminal.type(b"n\n")
            equal(opener.result(), DENIED, "asked again")
        terminal.hang_up()


@case()
def nobody_answers():
    """The open is allowed after a while, and the next one is asked about."""
    with files() as top:
        with Program("ask-before-open", top, ready=b"asking\n") as program:
            opener = Opener(f"{top}/plain.txt")
            question(program, f"{top}/plain.txt")
            equal(opener.result(), ALLOWED, "without an answer")
            equal(program.out.read(), b"no answer: allowed\n", "said")
            opener = Opener(f"{top}/plain.txt")
            question(program, f"{top}/plain.txt")
            program.process.stdin.write(b"n\n")
            program.process.stdin.flush()
            equal(opener.result(), DENIED, "the next one")


@case()
def several_wait():
    """The answers of a pipe, one line each; at its end everybody goes on, and so does the program."""
    with files() as top:
        with Program("ask-before-open", top, ready=b"asking\n") as program:
            openers = [Opener(f"{top}/plain.txt") for _ in range(5)]
            program.process.stdin.write(b"n\nn\nn\n")
            program.process.stdin.close()
            results = [opener.result() for opener in openers]
            equal(sorted(results), [ALLOWED] * 2 + [DENIED] * 3, "results")
            equal(program.process.wait(TIMEOUT), 0, "exit status")
        equal(Opener(f"{top}/plain.txt").result(), ALLOWED, "after the end")


@case()
def killed():
    """Whoever waits goes on when the program is no more."""
    with files() as top:
        with Program("ask-before-open", top, ready=b"asking\n") as program:
            openers = [Opener(f"{top}/plain.txt"), Opener(f"{top}/sub/secret.key")]
            program.out.read(b"[y/n] ")
            check(all(opener.waits() for opener in openers), "opened before there was an answer")
            program.kill()
            for opener in openers:
                equal(opener.result(), ALLOWED, "after the program was killed")


@case()
def rule():
    with files() as top, mounted("--bind", top, at=temp_dir("bind")) as other:
        with Program("ask-before-open", top, "*.key", ready=b"asking\n") as program:
            for path, wanted in (
                (f"{top}/sub/secret.key", DENIED),
                (f"{top}/plain.txt", ALLOWED),
                (f"{other}/sub/secret.key", ALLOWED),  # another mount of the same file
                (f"{top}/sub/secret.key", DENIED),
            ):
                opener = Opener(path)
                equal(opener.result(), wanted, path)
                if wanted is DENIED:
                    line = program.out.read().decode()
                    check(
                        line.startswith("denied cat(") and line.endswith(f") {path}\n"),
                        f"said: {line!r}",
                    )
            listing = subprocess.run(
                ["timeout", "-s", "KILL", "60", "ls", f"{top}/sub"], stdout=subprocess.PIPE, check=True
            )
            equal(listing.stdout, b"secret.key\n", "directories are not asked about")
        equal(Opener(f"{top}/sub/secret.key").result(), ALLOWED, "after the end")


@case()
def programs_too():
    """To run a file is to open it."""
    with files() as top:
        script = os.path.join(top, "run.key")
        subprocess.run(["cp", "/bin/true", script], check=True)
        with Program("ask-before-open", top, "*.key", ready=b"asking\n"):
            done = subprocess.run(
                ["timeout", "-s", "KILL", "60", script], stderr=subprocess.DEVNULL, check=False
            )
            equal(done.returncode, 126, "timeout(1) cannot run it")
        equal(subprocess.run([script], check=False).returncode, 0, "after the end")


main()
