# SPDX-License-Identifier: MIT
"""The command line of `fantail doctor`: what is refused, by which status, in one line; what is printed where."""

import os
import subprocess

from harness import case, check, equal, main, one_line

FANTAIL = os.environ["FANTAIL"]


def doctor(*arguments, **kwargs):
    return subprocess.run(
        [FANTAIL, "doctor", *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        **{"stdout": subprocess.PIPE, **kwargs},
    )


WRONG = [
    (["--no-such"], "--no-such"),
    (["--matri"], "--matrix"),
    (["--format"], "--format"),
    (["--format", "xml"], "xml"),
    (["--format", "csv"], "--matrix"),
    (["--selftest", "--format=csv"], "--matrix"),
    (["--stuck", "--format=csv"], "--matrix"),
    (["--stuck", "/"], "no PATH"),
    (["--matrix", "/", "/"], "one PATH"),
    (["--matrix", "--stuck"], "--stuck"),
    (["--selftest", "--matrix"], "--matrix"),
    (["--matrix=/"], "--matrix"),
    (["-x"], "-x"),
]


@case()
def test_wrong():
    for arguments, needle in WRONG:
        done = doctor(*arguments)
        equal((done.returncode, done.stdout), (2, ""), f"{arguments}")
        one_line(done.stderr, f"{arguments}", "fantail: ", needle)


@case()
def test_bad_paths():
    for mode in ([], ["--matrix"], ["--selftest"]):
        done = doctor(*mode, "/no/such\033[2J")
        equal((done.returncode, done.stdout), (1, ""), f"{mode}")
        one_line(done.stderr, f"{mode}", "/no/such", "No such file")


@case()
def test_help():
    for arguments in (["-h"], ["--help"], ["--stuck", "-h"]):
        done = doctor(*arguments)
        equal((done.returncode, done.stderr), (0, ""), f"{arguments}")
        for option in ("--matrix", "--selftest", "--stuck", "--format"):
            check(option in done.stdout, f"{arguments}: {option} is not in the help")


@case()
def test_output_that_fails():
    with open("/dev/full", "w") as full:
        done = doctor("--stuck", stdout=full)
    equal(done.returncode, 1, "exit status")
    one_line(done.stderr, "a full device", "No space left")
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = doctor("--matrix", stdout=write_end)
    os.close(write_end)
    equal(done.returncode, 1, "exit status")
    one_line(done.stderr, "a reader that has gone", "the reader has gone")


@case()
def test_same_option_twice():
    done = doctor("--stuck", "--stuck", "--format", "csv", "--format", "text")
    equal((done.returncode, done.stderr), (0, ""), "the last format counts")


if __name__ == "__main__":
    main()
