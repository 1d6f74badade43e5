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
    # What cannot be at once, or tells nothing.
    ["--all", "--scope", "tree"],
    ["--scope", "mount", "-e", "create,delete"],
    ["--format", "json", "-0"],
    ["--columns", "path", "--format", "ecs"],
    ["--columns", "path", "--format", "ocsf"],
    ["--columns", "path", "--format", "{path}"],
    ["--columns", "path", "-0"],
    ["--container", "ab"],
    ["--ready-fd", "77"],
    # Not given to it, but by then its own.
    ["--ready-fd", "3"],
]
# What is said of them: a slip, the option, each thing once.
SAID = [
    (["--nto-path", "x"], "--nto-path: no such option, --not-path is near (fantail help watch lists them)"),
    (["--fromat=json"], "--fromat: no such option, --format is near (fantail help watch lists them)"),
    (["--qqq"], "--qqq: no such option (fantail help watch lists them)"),
    (["-Z"], "-Z: no such option (fantail help watch lists them)"),
    (["-e", "creat"], "--events creat: 'creat' is no event, near it: create (fantail help events lists them)"),
    (["--regex", "("], "--regex (: Unmatched ( or \\("),
    (["--format", "{tme}"], "--format: unknown column 'tme', near it: time"),
    (["--columns", "pth"], "--columns: unknown column 'pth', near it: path"),
    (["--all", "."], "--all with PATH: --all is every filesystem; to show a part of it: --path"),
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
    one_line(stderr, "message", "fantail")
    words = re.findall(r"[\w-]+", " ".join(options).replace("-0", "--null").replace("-e ", "--events "))
    check(words[-1] in stderr or words[0] in stderr, f"names neither the option nor its value: {stderr}")


@case(*SAID)
def said(options, line):
    status, stdout, stderr = ended(options, cwd=temp_dir())
    equal((status, stdout, stderr), (USAGE, b"", f"fantail: {line}\n"), "status, output, message")


@case()
def events_add_up():
    """-e given twice is both; one event is one."""
    here, file = temp_dir(), temp_dir() / "output"
    (here / "old").touch()
    for wanted in ({"new": ["create"], "old": ["delete"]}, {"newer": ["create"]}):
        file.unlink(missing_ok=True)
        with Running("-e", "create", "-e", "delete", "--count", len(wanted), "-o", file, here) as running:
            for name, events in wanted.items():
                (here / name).touch() if events == ["create"] else (here / name).unlink()
            equal(running.ends("its count"), DONE, "exit status")
            one_line(running.stderr(), "summary", f"{len(wanted)} event{'s'[: len(wanted) - 1]} in")
        equal({r["path"]: r["events"] for r in parse(file.read_bytes())},
              {str(here / name): events for name, events in wanted.items()}, "events")


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


@case(["help"], ["-h"], ["--version"], ["help", "columns"], ["watch", "--help"])
def help_on_a_full_disk(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [FANTAIL, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False
        )
    equal(done.returncode, FAILED, "exit status")
    one_line(done.stderr.decode(), "message", "No space left on device")


@case()
def no_output_at_all():
    """Events that are printed to a descriptor that was closed before it began are not printed."""
    with filesystem("ext4") as base:
        begin = ["sh", "-c", 'exec "$@" >&-', "sh"]
        read_end, write_end = os.pipe()
        with subprocess.Popen(
            [*begin, FANTAIL, "watch", "--ready-fd", str(write_end), "-e", "create", base],
            stderr=subprocess.PIPE,
            pass_fds=[write_end],
            preexec_fn=die_with_parent,
        ) as process:
            os.close(write_end)
            equal(os.read(read_end, 1), b"\n", "ready")
            (base / "new").touch()
            equal(process.wait(TIMEOUT), FAILED, "exit status")
            one_line(process.stderr.read().decode(), "message", "Bad file descriptor")
        os.close(read_end)


@case()
def help_is_aligned():
    done = subprocess.run([FANTAIL, "help", "columns"], capture_output=True, timeout=TIMEOUT, check=False)
    begins = {re.match(r"\w+ +", line).end() for line in done.stdout.decode().splitlines()}
    equal(len(begins), 1, f"columns at which explanations begin: {begins}")


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
    equal(done.returncode, DONE, f"exit status (stderr: {done.stderr})")
    one_line(done.stderr.decode(), "summary", "0 events in")


@case()
def closed_streams():
    """What is opened with all three closed is none of them."""
    here = temp_dir()
    ready, write_end = os.pipe()
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" watch --ready-fd "$2" "$1" <&- >&- 2>&-', FANTAIL, here, str(write_end)],
        pass_fds=[write_end],
        preexec_fn=die_with_parent,
    )
    os.close(write_end)
    with os.fdopen(ready, "rb") as f:
        told = select.select([f], [], [], TIMEOUT)[0] and f.read(1)
    try:
        equal(told, b"\n", "--ready-fd")
        equal([os.readlink(f"/proc/{process.pid}/fd/{n}") for n in range(3)], ["/dev/null"] * 3, "descriptors")
    finally:
        process.terminate()
        status = process.wait(TIMEOUT)
    equal(status, DONE, "exit status")


main()
