# SPDX-License-Identifier: MIT
"""fantail guard: what it looks up by name, and others may change or hold up meanwhile."""

import contextlib
import os
import signal
import subprocess
import sys
import time

from guard import Guard, guarded, opened
from hanging import served, stop
from harness import case, check, equal, main
from machine import die_with_parent, filesystem, mounted

SOON = 10  # seconds in which all is answered, with a machine under load
EPERM = 1


def wait_until(condition, what):
    end = time.monotonic() + SOON
    while not condition():
        check(time.monotonic() < end, what)


def opens_soon(path, what, **kwargs):
    """By a process of its own, which can be ended if it waits."""
    script = "import os, sys; os.open(sys.argv[1], os.O_RDONLY)"
    child = subprocess.Popen([sys.executable, "-c", script, path], preexec_fn=die_with_parent, **kwargs)
    try:
        equal(child.wait(SOON), 0, what)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        check(False, f"{what}: not answered after {SOON} s")


def files(base, *names):
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text("x")


@contextlib.contextmanager
def hung_on(point):
    """Also where something is."""
    with served() as (at, server), mounted("--bind", at, at=point):
        stop(server)
        try:
            yield
        finally:
            server.send_signal(signal.SIGCONT)


def deny_secret(base):
    return guarded(base, [f"{{name: no, path: '{base}/secret/**', verdict: deny}}"])


@case()
def name_hidden_by_a_hung_filesystem():
    """Its end looks as if it was removed, so that its name is looked at."""
    with filesystem("tmpfs") as base:
        files(base, "secret/s", "d/x)", "other")
        inside = os.open(base / "d", os.O_PATH)
        with Guard(policy=deny_secret(base)), hung_on(base / "d"):
            opens_soon("x)", "a file below a hung filesystem", cwd=f"/proc/self/fd/{inside}")
            opens_soon(base / "other", "another file")
            equal(opened(base / "secret" / "s"), EPERM, "what is denied")
        os.close(inside)


@case()
def removed_and_its_directory_a_link_to_a_hung_filesystem():
    with filesystem("tmpfs") as base, served() as (at, server):
        stop(server)
        files(base, "secret/s", "d/x", "other")
        held = os.open(base / "d" / "x", os.O_RDONLY)  # before anybody could keep a verdict
        with Guard(policy=deny_secret(base)):
            (base / "d" / "x").unlink()
            (base / "d").rmdir()
            (base / "d").symlink_to(at)
            opens_soon(f"/proc/{os.getpid()}/fd/{held}", "a removed file")
            opens_soon(base / "other", "another file")
            equal(opened(base / "secret" / "s"), EPERM, "what is denied")
        os.close(held)


def is_followed(base):
    """What is moved here is denied once all that came before it was followed."""
    files(base, "last")
    (base / "last").rename(base / "secret" / "last")
    wait_until(lambda: opened(base / "secret" / "last") == EPERM, "changes are not followed")
    (base / "secret" / "last").rename(base / "last")
    wait_until(lambda: opened(base / "last") == EPERM, "changes are not followed")
    (base / "last").unlink()


@case("made", "moved", "loaded anew")
def links_to_files_of_others(how):
    """Whoever may make names below a glob protects by it what is there, and not what his links lead to."""
    with filesystem("ext4") as base:
        mine, private = base / "mine", base / "mine" / "private"
        files(base, "others/file", "secret/s", "new/file")
        mine.mkdir()
        rules = [
            f"{{name: private, path: '{base}/*/private/*', verdict: deny}}",
            f"{{name: no, path: '{base}/secret/**', verdict: deny}}",
            f"{{name: mine, path: '{private}/f*', verdict: deny}}",
        ]
        with Guard(policy=guarded(base, rules)) as guard:
            with guard.stopped():
                if how == "moved":
                    (base / "new").rename(private)
                else:
                    private.mkdir()
                    os.mknod(private / "file")  # which opens nothing
                private.rename(base / "gone")
                private.symlink_to(base / "others")
            if how == "loaded anew":
                guard.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "loaded anew" in guard.stderr(), "not loaded anew")
            is_followed(base)
            equal(opened(base / "others" / "file"), None, "a file of others")
            guard.stop()


@case("directory", "file", "not there yet")
def path_through_a_link(how):
    """What comes to be where it led is protected, by both names."""
    with filesystem("ext4") as base:
        files(base, "v1/key", "secret/s", "free/f")
        (base / "cur").symlink_to("v1/key" if how == "file" else "v1")
        named = base / "cur" if how == "file" else base / "cur" / "key"
        if how == "not there yet":
            (base / "v1" / "key").unlink()
        rules = [f"{{name: no, path: ['{named}', '{base}/secret/**'], verdict: deny}}"]
        with Guard(policy=guarded(base, rules)):
            files(base, "v1/new")
            (base / "v1" / "new").rename(base / "v1" / "key")
            for path in (named, base / "v1" / "key"):
                equal(opened(path), EPERM, path)
            (base / "v1" / "key").rename(base / "free" / "moved")
            is_followed(base)
            equal(opened(base / "free" / "moved"), EPERM, "under another name")
            equal(opened(base / "free" / "f"), None, "another file")


@case("load", "move")
def hung_below_what_is_denied(how):
    """Who follows changes does not enter it: what comes after is followed, and it can be stopped."""
    with filesystem("tmpfs") as base:
        files(base, "secret/s", "secret/sub/mnt/hidden", "other/f")
        with Guard(policy=deny_secret(base)) as guard, hung_on(base / "secret" / "sub" / "mnt"):
            if how == "load":
                guard.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "loaded anew" in guard.stderr(), "not loaded anew")
            else:
                (base / "secret" / "sub").rename(base / "other" / "sub")
                (base / "other" / "sub").rename(base / "secret" / "sub")
            is_followed(base)
            guard.stop()


def has_pending(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        words = dict(line.split(":\t") for line in f)
    return int(words["ShdPnd"], 16) & 1 << number - 1


@contextlib.contextmanager
def loading_for_ever(base):
    """A guard whose policy came to name what a hung filesystem has; yields it and who would answer."""
    files(base, "secret/s")
    policy = deny_secret(base)
    with served() as (at, server), Guard(policy=policy) as guard:
        stop(server)
        policy.write_text(policy.read_text().replace("verdict:", f"exe: '{at}/program', verdict:"))
        guard.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not has_pending(guard.pid, signal.SIGHUP), "SIGHUP is not taken")
        yield guard, server


@case(signal.SIGTERM, signal.SIGINT)
def ended_while_a_policy_is_loaded(number):
    """The second signal ends it, whatever it waits for."""
    with filesystem("tmpfs") as base, loading_for_ever(base) as (guard, _):
        guard.process.send_signal(number)
        wait_until(lambda: not has_pending(guard.pid, number), "the first signal is not taken")
        check(guard.process.poll() is None, "it does not wait")
        equal(opened(base / "secret" / "s"), EPERM, "what is denied, meanwhile")
        guard.process.send_signal(number)
        equal(guard.process.wait(SOON), -number, "exit status")
        equal(opened(base / "secret" / "s"), None, "afterwards")


@case()
def ended_once_a_policy_was_loaded():
    """The first signal is not forgotten."""
    with filesystem("tmpfs") as base, loading_for_ever(base) as (guard, server):
        guard.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not has_pending(guard.pid, signal.SIGTERM), "the signal is not taken")
        server.send_signal(signal.SIGCONT)
        guard.finish()


main()
