# SPDX-License-Identifier: MIT
"""A normal user below his own directory, and one with a copy of fantail that has file capabilities."""

import os
import re
import shutil
import subprocess

from harness import Skip, case, check, equal, main, one_line, same_set
from machine import filesystem, need, run
from records import facts, losses, paths, raw
from watch import FANTAIL, Watch

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
CAPABILITIES = "cap_sys_admin,cap_dac_read_search,cap_sys_ptrace,cap_net_admin+ep"
GUARDING = "cap_sys_admin,cap_ipc_lock,cap_dac_read_search,cap_sys_ptrace+ep"


def own_program(base, capabilities=None):
    """A copy that anyone may execute, on a filesystem that keeps capabilities."""
    program = shutil.copy(shutil.which(FANTAIL), base / "fantail")
    try:
        if capabilities:
            run("setcap", capabilities, program)
    except OSError as error:
        raise Skip(f"no file capabilities here: {error}") from None
    return program


def own_directory(base):
    home = base / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    return home


def as_nobody(script, directory):
    done = subprocess.run([*AS_NOBODY, "sh", "-ec", script], cwd=directory, check=False)
    equal(done.returncode, 0, script)


@case("ext4", "tmpfs")
def own_tree(kind):
    need("setpriv")
    with filesystem("ext4") as programs, filesystem(kind) as base:
        home = own_directory(base)
        as_nobody("mkdir -p before/below", home)
        with Watch("-e", "change", home, prefix=AS_NOBODY, program=own_program(programs)) as watch:
            as_nobody("echo x > before/below/f; mkdir new; echo y > new/g", home)
            as_nobody("mv new/g before/h; rm before/below/f", home)
            watch.see(home / "before/below/f", "delete")
            records = watch.stop()
        missing = [line + "\n" for line in watch.stderr().splitlines()]
    told, path = facts(records), lambda p: os.fsencode(home / p)
    wanted = {
        ("create", path("before/below/f"), None, False),
        ("modify", path("before/below/f"), None, False),
        ("delete", path("before/below/f"), None, False),
        ("create", path("new"), None, True),
        ("create", path("new/g"), None, False),
        ("rename", path("before/h"), path("new/g"), False),
    }
    same_set(told & wanted, wanted, "what was done below one's own directory")
    equal({r.get("pid") for r in records}, {None}, "pids, which the kernel does not tell")
    about = [line for line in missing if "no CAP_SYS_ADMIN:" in line]
    equal(len(about), 1, f"lines on stderr that say what cannot be done, of {missing}")
    equal(len(set(missing)), len(missing), "lines on stderr, each once")


@case("ext4", "tmpfs")
def made_at_once(kind):
    """Directories that are filled before a mark can be put on them."""
    need("setpriv")
    trees = range(40)
    with filesystem("ext4") as programs, filesystem(kind) as base:
        home = own_directory(base)
        with Watch("-e", "create", home, prefix=AS_NOBODY, program=own_program(programs)) as watch:
            as_nobody("; ".join(f"mkdir -p {n}/a/b/c && touch {n}/a/b/c/f" for n in trees), home)
            for n in trees:
                watch.see(home / f"{n}/a/b/c/f", "create")
            records = watch.stop()
    below = "", "/a", "/a/b", "/a/b/c", "/a/b/c/f"
    wanted = {os.fsencode(home / f"{n}{p}") for n in trees for p in below}
    same_set(paths(records, "create"), wanted, "made at once")
    equal(len(records), len(wanted), "records (each thing was made once)")


@case("tmpfs")
def many_directories(kind):
    """More than the queue holds, each opened to be listed: what that does itself must not fill the queue."""
    need("setpriv")
    width = 150
    with open("/proc/sys/fs/fanotify/max_queued_events") as f:
        check(int(f.read()) < width * (width + 1), "the queue holds them all: this shows nothing")
    with filesystem("ext4") as programs, filesystem(kind) as base:
        home = own_directory(base)
        for n in range(width):
            for below in range(width):
                os.makedirs(home / f"{n}/{below}")
        run("chown", "-R", f"{NOBODY}:{NOBODY}", home)
        with Watch(home, prefix=AS_NOBODY, program=own_program(programs)) as watch:
            as_nobody("touch f", home / f"{width - 1}/{width - 1}")
            watch.see(home / f"{width - 1}/{width - 1}/f", "create")
            records = watch.stop()
    equal(losses(records), [], "losses")


@case("ext4", "tmpfs")
def read_late(kind):
    """Directories that were moved, or are gone, before a mark could be put on them."""
    need("setpriv")
    with filesystem("ext4") as programs, filesystem(kind) as base:
        home = own_directory(base)
        as_nobody("mkdir old; touch old/before", home)
        events = "create,delete,rename"
        with Watch("-e", events, home, prefix=AS_NOBODY, program=own_program(programs)) as watch:
            with watch.stopped():
                as_nobody("mkdir N; touch old/f; mv old N/new", home)
                as_nobody("mkdir x; touch x/f; mv x y", home)
            watch.marker(home)
            as_nobody("touch N/new/g", home)
            watch.see(home / "N/new/g", "create")
            with watch.stopped():
                as_nobody("mkdir z; touch z/f; rm -r z", home)
            watch.marker(home)
            records = watch.stop(status=3)
    told = {(raw(r), r["path_source"]) for r in records if "create" in r.get("events", ())}
    path = lambda p: os.fsencode(home / p)
    wanted = {
        (path("N"), "event"),
        (path("old/f"), "first"),
        (path("N/new/g"), "event"),
        (path("x"), "event"),
        (path("y/f"), "now"),
        (path("z"), "event"),
    }
    same_set({t for t in told if b"marker" not in t[0]}, wanted, "what was made")
    renames = {f for f in facts(records) if f[0] == "rename"}
    moves = ("N/new", "old"), ("y", "x")
    same_set(renames, {("rename", path(n), path(o), True) for n, o in moves}, "what was moved")
    equal(len(losses(records)), 1, "losses: what was done in z")


def missed(watch):
    """What stderr says of directories that cannot be watched: each line's path, and how many more."""
    found = re.findall(r"^fantail: (\S+): cannot be watched: .*?(?:nor can (\d+) more)?: what", watch.stderr(), re.M)
    return [(path, int(more or 0)) for path, more in found]


@case("ext4", "tmpfs")
def may_not_be_read(kind):
    """Directories of somebody else: what happens in them is lost, and that is told."""
    need("setpriv")
    locked = "locked", "a/locked", "a/b/locked"
    with filesystem("ext4") as programs, filesystem(kind) as base:
        home, program = own_directory(base), own_program(programs)
        as_nobody("mkdir -p a/b", home)
        for name in locked:
            (home / name).mkdir(mode=0o700)
        with Watch("-e", "create", home, prefix=AS_NOBODY, program=program) as watch:
            for name in locked:
                (home / name / "f").touch()
            watch.marker(home)
            (home / "a/later").mkdir(mode=0o700)
            later = watch.see(home / "a/later", "create")
            watch.wait_for(lambda r: losses([r]) and r["seq"] > later["seq"], "the loss of a/later")
            records = watch.stop(status=3)
        told = missed(watch)
        exclude = "--not-path", "**/locked/**", "--not-path", "**/later/**"
        with Watch("-e", "create", *exclude, home, prefix=AS_NOBODY, program=program) as other:
            other.marker(home)
            equal(losses(other.stop()), [], "losses of what is excluded")
        equal(missed(other), [], "told of what is excluded")
    equal({r["where"] for r in losses(records)}, {"kernel"}, "where it was lost")
    check("nothing lost" not in watch.stderr(), f"the last line: {watch.stderr()}")
    check(len(told) == 1 and told[0][0] in {str(home / n) for n in locked}, f"told: {told}")
    equal(told[0][1], len(locked) - 1, "how many more")


@case()
def all_without_privilege():
    need("setpriv")
    with filesystem("ext4") as programs, filesystem("tmpfs") as base:
        (base / "locked").mkdir(mode=0o700)
        program = own_program(programs)
        with Watch("--all", "-e", "create", prefix=AS_NOBODY, program=program) as watch:
            watch.marker(own_directory(base))
            check(losses(watch.stop(status=3)), "nothing lost, but for what may not be read")
        equal(len(missed(watch)), 1, f"told once: {watch.stderr()}")


@case("--comm", "--pid", "--uid")
def process_filter(option):
    """The kernel does not say who it was: a filter for it keeps everything back, and that is told."""
    need("setpriv")
    value = "touch" if option == "--comm" else NOBODY
    with filesystem("ext4") as programs, filesystem("tmpfs") as base:
        home, program = own_directory(base), own_program(programs)
        with Watch("-e", "create", option, value, home, prefix=AS_NOBODY, program=program) as watch:
            as_nobody("touch f", home)
            watch.wait_for(lambda r: r.get("where") == "process", "the loss of f")
            watch.stop(status=3)
        about = [line for line in watch.stderr().splitlines() if "filter" in line]
        equal(len(about), 1, f"lines about the filter: {watch.stderr()}")


@case()
def guard_names_the_capability():
    need("setpriv")
    with filesystem("ext4") as programs, filesystem("tmpfs") as base:
        command = [*AS_NOBODY, own_program(programs), "guard", "--deny", own_directory(base)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    equal((done.returncode, done.stdout), (1, ""), "exit status and output")
    one_line(done.stderr, "what is needed", "CAP_SYS_ADMIN")


@case()
def guard_by_capabilities():
    """What fantail-guard(1) says is needed is enough: for other users' programs, and links out of what nobody may read."""
    need("setpriv", "setcap", "timeout")
    with filesystem("ext4") as programs, filesystem("tmpfs") as base:
        locked, link, runtime = base / "locked", base / "link", own_directory(programs)
        locked.mkdir(mode=0o700)
        (locked / "f").write_text("x")
        os.link(locked / "f", link)
        allowed = shutil.copy(shutil.which("cat"), programs / "allowed")
        policy = programs / "policy.yaml"
        policy.write_text(
            f"version: 1\nwatch: ['{base}']\nrules:\n"
            f"- {{name: a, path: '{locked}/**', exe: '{allowed}', verdict: allow}}\n"
            f"- {{name: d, path: '{locked}/**', verdict: deny}}\n"
        )
        options = {
            "command": "guard",
            "prefix": [*AS_NOBODY, "timeout", "--foreground", "60"],
            "program": own_program(programs, GUARDING),
            "env": {**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        }
        tried = [("cat", link), (allowed, locked / "f"), ("cat", locked / "f")]
        with Watch("--policy", policy, **options) as guard:
            status = [subprocess.run(c, capture_output=True, check=False).returncode for c in tried]
            guard.stop()
    equal(status, [1, 0, 1], "link, by the program that may, by another one")


@case()
def file_capabilities():
    """setcap: everyone's events, with their processes, below what the user can reach."""
    need("setpriv", "setcap")
    with filesystem("ext4") as base:
        program = own_program(base, CAPABILITIES)
        home = own_directory(base)
        with Watch("-e", "change", base, prefix=AS_NOBODY, program=program) as watch:
            (base / "by-root").touch()
            as_nobody("mkdir -p a/b; echo x > a/b/f", home)
            watch.see(home / "a/b/f")
            records = watch.stop()
    mine = [r for r in records if raw(r) == os.fsencode(base / "by-root")]
    check(mine, "what another user did is not told")
    equal({r.get("pid") for r in mine}, {os.getpid()}, "its pid")
    check(all("pid" in r for r in records), "a record without a pid")
    check("CAP_SYS_ADMIN" not in watch.stderr(), f"told as missing: {watch.stderr()}")


main()
