# SPDX-License-Identifier: MIT
"""What goes wrong is told in one line with the right exit status, and what was seen until then is kept."""

import os
import re
import select
import shutil
import subprocess
import tempfile

from harness import case, check, equal, main, one_line
from machine import die_with_parent, filesystem, mounted, need, temp_dir
from records import parse
from watch import FANTAIL, TIMEOUT

DONE, FAILED, USAGE = 0, 1, 2
BAD_OPTIONS = [
    ["--no-such-option"],
    ["--format"],
    ["--format", "no-such-format"],
    ["--format", "{no_such_column}"],
    ["--format", "{path"],
    ["--columns", "path,no-such-column"],
    ["-e", "no-such-event"],
    ["-e", "open_perm"],
    ["-e", ""],
    ["--scope", "no-such-scope"],
    ["--for", "soon"],
    ["--for", "-1s"],
    ["--count", "-1"],
    ["--count", "1x"],
    ["--count", "99999999999999999999999"],
    ["--pid", "init"],
    ["--regex", "("],
    ["--uid", "no-such-user"],
    ["--gid", "no-such-group"],
    ["--ready-fd", "x"],
    ["--for=1\n2"],
]


def ended(arguments, **popen):
    """Runs to its end: (status, stdout, stderr)."""
    command = [FANTAIL, "watch", *map(str, arguments)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False, **popen
    )
    return done.returncode, done.stdout, done.stderr.decode()


@case(*((options,) for options in BAD_OPTIONS))
def bad_option(options):
    status, stdout, stderr = ended([*options, "."], cwd=temp_dir())
    equal((status, stdout), (USAGE, b""), f"status and output (stderr: {stderr})")
    words = re.findall(r"[\w-]+", options[-1].partition("=")[0])
    one_line(stderr, "message", "fantail", *words[-1:])


def failed_before_ready(arguments, *needles, prefix=()):
    """Ends with 1 and one line, before it was ready and before it printed anything."""
    ready, write_end = os.pipe()
    output = temp_dir() / "output"
    arguments = [*prefix, FANTAIL, "watch", "--ready-fd", write_end, "-o", output, *arguments]
    done = subprocess.run(
        [str(a) for a in arguments], capture_output=True, pass_fds=[write_end], timeout=TIMEOUT, check=False
    )
    os.close(write_end)
    with os.fdopen(ready, "rb") as f:
        equal(f.read(), b"", "--ready-fd")
    stderr = done.stderr.decode()
    equal((done.returncode, done.stdout), (FAILED, b""), f"status and output (stderr: {stderr})")
    one_line(stderr, "message", "fantail", *needles)
    check(not output.exists() or not output.stat().st_size, "something was printed")


@case()
def absent_path():
    good = temp_dir()
    failed_before_ready([good, good / "absent"], str(good / "absent"), "No such file")
    failed_before_ready([good / "absent", good], str(good / "absent"))
    failed_before_ready([good / "new\nline"], "new\\nline")


@case()
def unreadable_path():
    need("setpriv")
    with filesystem("ext4") as base:
        (base / "closed" / "below").mkdir(parents=True)
        os.chmod(base / "closed", 0o700)
        os.chmod(temp_dir(), 0o755)
        program = shutil.copy(shutil.which(FANTAIL), base / "fantail")
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", program, "watch"]
            + [base / "closed" / "below"],
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    equal((done.returncode, done.stdout), (FAILED, b""), f"status and output ({done.stderr})")
    one_line(done.stderr.decode(), "message", "closed/below", "Permission denied")


@case()
def output_cannot_be_opened():
    here = temp_dir()
    status, stdout, stderr = ended(["-o", here / "absent" / "file", here])
    equal((status, stdout), (FAILED, b""), f"status and output (stderr: {stderr})")
    one_line(stderr, "message", str(here / "absent" / "file"), "No such file")


class Running:
    """A watch whose streams the test holds itself."""

    def __init__(self, *arguments, stdout=subprocess.PIPE):
        ready, write_end = os.pipe()
        self.error = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(a) for a in (FANTAIL, "watch", "--ready-fd", write_end, "--format", "json", *arguments)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=self.error,
            pass_fds=[write_end],
            preexec_fn=die_with_parent,
        )
        os.close(write_end)
        with os.fdopen(ready, "rb") as f:
            told = select.select([f], [], [], TIMEOUT)[0] and f.read(1)
        check(told == b"\n", f"not ready: {self.stderr()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def stderr(self):
        self.error.seek(0)
        return self.error.read().decode()

    def ends(self, what):
        try:
            return self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            check(False, f"{what}: did not end; stderr: {self.stderr()}")


def make_files_until(process, directory, most=200000):
    """Events, as many as it takes for the process to end."""
    for n in range(most):
        (directory / f"f{n}").touch()
        (directory / f"f{n}").unlink()
        if process.poll() is not None:
            return


@case("file", "stdout")
def full_disk(way):
    with filesystem("ext4") as base, mounted("-t", "tmpfs", "-o", "size=64k", "small") as small:
        file = small / "output"
        stdout = open(file, "ab") if way == "stdout" else subprocess.DEVNULL
        with Running(*(["-o", file] if way == "file" else []), base, stdout=stdout) as running:
            make_files_until(running.process, base)
            equal(running.ends("a full disk"), FAILED, "exit status")
            one_line(running.stderr(), "message", "No space left on device")
        data = file.read_bytes()
    check(len(data) > 40000, f"only {len(data)} bytes are kept")
    records = parse(data)
    equal([r["seq"] for r in records], list(range(1, len(records) + 1)), "kept, in whole lines")


@case()
def closed_pipe():
    """| head -1"""
    reader = subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with filesystem("ext4") as base, Running(base, stdout=reader.stdin) as running:
        reader.stdin.close()
        reader.stdin = None
        make_files_until(running.process, base)
        check(running.ends("a closed pipe") in (DONE, FAILED), f"status {running.process.returncode}")
        equal(len(parse(reader.communicate(timeout=TIMEOUT)[0])), 1, "lines of head")
        lines = [line for line in running.stderr().splitlines() if "is not shown" not in line]
    check(len(lines) <= 1, f"a closed pipe needs no more than one line: {lines}")


@case()
def closed_stdout():
    """>&-: no file that is opened later may be taken for it."""
    here = temp_dir()
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" watch --for 100ms "$1" >&-', FANTAIL, here],
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    check(done.returncode in (DONE, FAILED), f"exit status {done.returncode}")
    check(len(done.stderr.splitlines()) <= 1, f"stderr: {done.stderr}")


main()
