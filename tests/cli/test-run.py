# SPDX-License-Identifier: MIT
"""fantail run: what goes through to the command, and what is said of it, against what it did."""

import contextlib
import json
import os
import pty
import pwd
import re
import resource
import select
import shutil
import signal
import subprocess
import termios

from harness import case, check, equal, main, one_line, same_set
from machine import Skip, filesystem, need, temp_dir
from records import SOURCE, facts, is_event, paths
from traced import FANTAIL, PYTHON, Traced, call, python, summary_of, words
from watch import TIMEOUT

HAS_BPF = os.environ.get("FANTAIL_BPF", "1") == "1"  # was built with it
FORWARDED = ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2")


def b(*names):
    return {os.fsencode(n) for n in names}


# ---- exit status ----


@case(0, 1, 2, 3, 77, 125, 255)
def exit_status(status):
    equal(call("--", "sh", "-c", f"exit {status}").returncode, status, "exit status")


@case("KILL", "TERM", "SEGV", "INT")
def ended_by_signal(name):
    number = signal.Signals["SIG" + name]
    done = call("--summary", "--format", "json", "--", "sh", "-c", f"kill -{name} $$")
    equal(done.returncode, 128 + number, "exit status")
    summary = summary_of(done.stderr).record
    equal((summary["status"], summary["signal"]), (128 + number, number), "status, signal")


@case()
def not_executed():
    """As env(1) has it: there is none, it may not be executed, or it was not even tried."""
    plain = temp_dir() / "plain"
    plain.write_text("no program\n")
    for status, command in (
        (127, ["--", "/nothing/here"]),
        (127, ["--", "no-such-command-anywhere"]),
        (126, ["--", plain]),
        (126, ["--", "/"]),
        (125, []),
        (125, ["--"]),
        (125, ["--no-such-option", "--", "true"]),
        (125, ["--events", "nonsense", "--", "true"]),
        (125, ["--summary", "--columns", "nonsense", "--", "true"]),
        (125, ["--in", "/nothing/here", "--", "true"]),
        (125, ["--scope", "file", "--", "true"]),
        (125, ["--user", "no-such-user", "--", "true"]),
        (125, ["-o", "/nothing/here", "--", "true"]),
    ):
        done = call("--in", plain.parent, *command) if command[:1] == ["--"] else call(*command)
        equal(done.returncode, status, f"exit status of {command}: {done.stderr}")
        equal(done.stdout, b"", f"stdout of {command}")
        one_line(done.stderr.decode(), f"stderr of {command}", "fantail: ")


@case()
def command_not_begun():
    """Where fantail fails, the command does not run at all."""
    made = temp_dir() / "made"
    equal(call("--in", "/nothing/here", "--", "touch", made).returncode, 125, "exit status")
    check(not made.exists(), "the command ran")


# ---- what goes through ----


@case()
def streams():
    """stdin and stdout are the command's alone; what fantail says is on stderr, with what the command says there."""
    data = bytes(range(256)) * 4096
    done = call("--", "sh", "-c", "cat; echo said >&2", stdin=None, input=data)
    equal(done.returncode, 0, f"exit status: {done.stderr}")
    equal(done.stdout, data, "stdout")
    check(b"said\n" in done.stderr, f"the command's stderr: {done.stderr}")


def state(*prefix, **kwargs):
    """What a process finds when it begins: descriptors, signals, limits, group, name of nothing else."""
    script = """
import os, re, resource
fds = [f for f in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + f)]
print(sorted(fds))
print(re.findall(r"^(?:Sig(?:Blk|Ign|Pnd|Cgt)|ShdPnd|NoNewPrivs|Groups|Uid|Cap\\w+):.*", open("/proc/self/status").read(), re.M))
print(resource.getrlimit(resource.RLIMIT_NOFILE), os.getpgid(0), os.getsid(0), os.getcwd(), os.nice(0))
print(sorted(os.environ.items()))
"""
    done = subprocess.run(
        words(*prefix, *python(script)), stdout=subprocess.PIPE, timeout=TIMEOUT, check=True, **kwargs
    )
    return done.stdout.decode().splitlines()


@case()
def nothing_changed():
    """The command begins as it would without fantail: no descriptor of ours, mask and dispositions as they were."""
    read_end, write_end = os.pipe()

    def prepare():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, 4000))

    log = temp_dir() / "log"
    kwargs = {"preexec_fn": prepare, "pass_fds": [read_end, write_end], "stderr": subprocess.DEVNULL}
    plain = state(**kwargs)
    equal(state(FANTAIL, "run", "-o", log, "--", **kwargs), plain, "what the command finds")
    equal(state(FANTAIL, "run", "--summary", "--wait", "--", **kwargs), plain, "with --summary --wait")
    closed = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh"]
    equal(state(*closed, FANTAIL, "run", "-o", log, "--", **kwargs), state(*closed, **kwargs), "with none to begin with")
    equal(state(FANTAIL, "run", "--", **{**kwargs, "preexec_fn": None}), state(**{**kwargs, "preexec_fn": None}), "by default")


@case()
def forwarded():
    """What is sent to fantail reaches the command, once each, and the command decides."""
    script = """
import signal, sys
wanted = [signal.Signals["SIG" + name] for name in sys.argv[1:]]
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
for _ in wanted:
    print(signal.sigwait(wanted).name[3:], flush=True)
check = signal.sigpending()
sys.exit(5 if not check else 6)
"""
    with subprocess.Popen(
        words(FANTAIL, "run", "--", *python(script, *FORWARDED)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        equal(process.stdout.readline(), b"ready\n", "the command")
        for name in FORWARDED:
            process.send_signal(signal.Signals["SIG" + name])
            equal(process.stdout.readline().decode().strip(), name, "signal")
        equal(process.wait(TIMEOUT), 5, "exit status")


@case()
def ended_through_us():
    """Who ends fantail ends the command."""
    with Traced(command=python("print('ready', flush=True); input()")) as traced:
        equal(traced.line(), "ready", "the command")
        traced.process.send_signal(signal.SIGTERM)
        _, summary = traced.finish(128 + signal.SIGTERM)
        equal(summary.record["signal"], signal.SIGTERM, "signal")


@case()
def reopened():
    """SIGHUP is for the output file, where there is one."""
    with filesystem("ext4") as base:
        with Traced("--in", base, command=python("[print(input(), flush=True) for _ in range(2)]")) as traced:
            traced.say("a")
            equal(traced.line(), "a", "the command")
            traced.file.rename(traced.file.with_suffix(".1"))
            traced.process.send_signal(signal.SIGHUP)
            traced.wait_for_new_file()
            traced.say("b")
            equal(traced.line(), "b", "the command")
            traced.finish()


class Terminal:
    """A terminal whose session leader is a shell of the test's making: a job of its own in the foreground."""

    LEADER = """
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    _, status = os.waitpid(job, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    os.write(2, b"stopped %d\\n" % os.WSTOPSIG(status))
    os.read(3, 1)
    os.tcsetpgrp(0, job)
    os.killpg(job, signal.SIGCONT)
os.write(2, b"ended %d\\n" % os.waitstatus_to_exitcode(status))
"""

    def __init__(self, *command):
        self.master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        self.told, told = os.pipe()
        go, self.go = os.pipe()
        self.process = subprocess.Popen(
            words("sh", "-c", f'exec "$@" 3<&{go}', "sh", PYTHON, "-I", "-S", "-c", self.LEADER, *command),
            stdin=slave,
            stdout=slave,
            stderr=told,
            pass_fds=[go],
        )
        for fd in slave, told, go:
            os.close(fd)
        self._rest = {self.master: b"", self.told: b""}

    def close(self):
        self.process.kill()
        self.process.wait()
        for fd in self.master, self.told, self.go:
            os.close(fd)

    def expect(self, fd, text):
        """Waits for a line that ends so; what comes before it is passed by."""
        while not re.search(re.escape(text) + rb"\r?\n", self._rest[fd]):
            check(select.select([fd], [], [], TIMEOUT)[0], f"no {text!r}, only {self._rest[fd]!r}")
            more = os.read(fd, 4096)
            check(more, f"ended before {text!r}: {self._rest[fd]!r}")
            self._rest[fd] += more
        self._rest[fd] = re.split(re.escape(text) + rb"\r?\n", self._rest[fd], maxsplit=1)[1]


@case()
def terminal():
    """Ctrl-C is the command's to handle and comes once; Ctrl-Z stops both, fg wakes both; it reads the terminal."""
    script = """
import os, signal
interrupts = []
signal.signal(signal.SIGINT, lambda *_: interrupts.append(1))
print("ready", os.getpgid(0) == os.getpgid(os.getppid()), os.tcgetpgrp(0) == os.getpgid(0), flush=True)
while True:
    line = input()
    print("read", line, len(interrupts), flush=True)
    if line == "end":
        os._exit(9)
"""
    log = temp_dir() / "log"
    t = Terminal(FANTAIL, "run", "-o", log, "--", *python(script))
    try:
        t.expect(t.master, b"ready True True")
        os.write(t.master, b"\x03")
        os.write(t.master, b"one\n")
        t.expect(t.master, b"read one 1")
        # The next one comes while we may still be busy with the one before.
        for _ in range(30):
            os.write(t.master, b"\x1a")
            t.expect(t.told, b"stopped %d" % signal.SIGTSTP)
            os.write(t.go, b"x")
            os.write(t.master, b"two\n")
            t.expect(t.master, b"read two 1")
        os.write(t.master, b"end\n")
        t.expect(t.told, b"ended 9")
    finally:
        t.close()


@case("nobody")
def as_user(name):
    entry = pwd.getpwnam(name)
    script = """
import os
print(os.getresuid(), os.getresgid(), sorted(os.getgroups()))
print(*(os.environ[n] for n in ("HOME", "USER", "LOGNAME", "SHELL")))
try:
    os.setuid(0)
except PermissionError:
    print("for good")
open("made", "w").close()
"""
    with filesystem("ext4") as base:
        os.chown(base, entry.pw_uid, entry.pw_gid)
        with Traced("--user", name, "--in", base, command=python(script), cwd=base) as traced:
            groups = sorted(os.getgrouplist(name, entry.pw_gid))
            equal(traced.line(), f"{(entry.pw_uid,) * 3} {(entry.pw_gid,) * 3} {groups}", "ids")
            equal(traced.line(), f"{entry.pw_dir} {name} {name} {entry.pw_shell}", "environment")
            equal(traced.line(), "for good", "setuid(0)")
            records, _ = traced.finish()
        made = [r for r in records if r.get("path") == f"{base}/made" and "create" in r["events"]]
        equal(len(made), 1, "records of what it made")
        equal((base / "made").stat().st_uid, entry.pw_uid, "owner")
        if made[0]["process"]["certainty"] == "exact":
            equal(made[0]["process"]["uid"], entry.pw_uid, "uid")


@case()
def as_user_cannot_type():
    """Another user's command shares the terminal, and puts nothing into its input for the shell to read."""
    script = """
import ctypes, termios
libc = ctypes.CDLL(None, use_errno=True)
for request in termios.TIOCSTI, termios.TIOCSTI | 1 << 32, termios.TIOCLINUX:
    done = libc.ioctl(0, ctypes.c_ulong(request), b"x")
    print("typed" if done == 0 else ctypes.get_errno(), flush=True)
print("end", libc.ioctl(0, ctypes.c_ulong(termios.TIOCGPGRP), b"    "), flush=True)
"""
    t = Terminal(FANTAIL, "run", "--user", "nobody", "-o", temp_dir() / "log", "--", *python(script))
    try:
        t.expect(t.master, b"1\r\n1\r\n1\r\nend 0")
        t.expect(t.told, b"ended 0")
    finally:
        t.close()


@case()
def taken_name():
    """A command that calls itself as fantail's own child may, or did, is told all the same."""
    script = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
open(sys.argv[2] + "-first", "w").close()
input()
open(sys.argv[2], "w").close()
"""
    with filesystem("ext4") as base:
        for name in ("fantail", "fantail-waiting"):
            with Traced("--in", base, "-e", "create", command=python(script, name, base / name)) as traced:
                traced.see(base / f"{name}-first")
                traced.say("go")
                records, summary = traced.finish()
            (process,) = [r["process"] for r in records if r.get("path") == str(base / name)]
            equal(process["comm"], name, "name")
            if HAS_BPF:
                equal((process["certainty"], process["exe"]), ("exact", os.path.realpath(PYTHON)), "process")
                wanted = sum(r["process"]["certainty"] != "exact" for r in records)
                equal(summary.record["uncertain"], wanted, "uncertain")


# ---- what is seen ----

WORK = """
import mmap, os, sys
os.chdir(sys.argv[1])
open("read").read()
with open("mapped") as f:
    mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[0]
open("both", "r+").write(open("both").read().upper())
open("new", "w").write("x")
os.mkdir("dir"), os.mkdir("gone-dir"), os.rmdir("gone-dir")
os.symlink("read", "link"), os.link("read", "hard")
os.rename("old", "dir/renamed"), os.rename("dir/renamed", "dir/again")
os.unlink("gone")
os.chmod("mode", 0o600)
os.listdir("dir"), os.stat("read"), os.access("absent", os.R_OK)
open(b"bad\\xff\\n", "w").close()
kept = open("kept-open")
os.execv("./program", ["program", "a b"])
"""


def prepare(base):
    for name in ("read", "mapped", "both", "old", "gone", "mode", "kept-open", "not-touched"):
        (base / name).write_text("content")
    shutil.copy("/bin/true", base / "program")


def wanted_of(base):
    """What WORK does, as sets."""
    prefix = os.fsencode(base) + b"/"

    def named(*names):
        return {prefix + (n if isinstance(n, bytes) else n.encode()) for n in names}

    return {
        "read": named("read", "mapped", "both", "kept-open", "program"),
        "written": named("both", "new", b"bad\xff\n"),
        "created": named("new", "dir", "gone-dir", "link", "hard", b"bad\xff\n"),
        "deleted": named("gone-dir", "gone"),
        "executed": named("program"),
        "renamed": {
            (prefix + b"old", prefix + b"dir/renamed"),
            (prefix + b"dir/renamed", prefix + b"dir/again"),
        },
    }


@case("ext4", "tmpfs")
def summary_json(kind):
    """One process: its pid is the command's, so that every tracker knows all that it did."""
    with filesystem(kind) as base:
        prepare(base)
        done = call("--in", base, "--summary", "--format", "json", "--", *python(WORK, base))
        equal(done.returncode, 0, f"exit status: {done.stderr}")
        equal(done.stdout, b"", "stdout")
        summary = summary_of(done.stderr)
        for name, wanted in wanted_of(base).items():
            same_set(getattr(summary, name), wanted, name)
        record = summary.record
        check(summary.complete and not record["running"], f"complete, running: {done.stderr}")
        equal(record["command"][:3], [PYTHON, "-I", "-S"], "command")
        equal({p["pid"] for p in record["processes"]}, {record["pid"]}, "pids")
        names = {p.get("comm") for p in record["processes"]}
        check(names <= {"python3", "program", "true", None}, f"never our own name: {names}")
        check(b'"path"' not in done.stderr.replace(b'{"old_path"', b"").split(b'"renamed"')[0], "events were printed")


@case()
def summary_text():
    """The same for people: each path on a line of its own, whatever is in its name."""
    with filesystem("ext4") as base:
        prepare(base)
        done = call("--in", base, "--summary", "--", *python(WORK, base))
        equal(done.returncode, 0, f"exit status: {done.stderr}")
        lines = done.stderr.decode().splitlines()
        found, name = {}, None
        for line in lines:
            title = re.fullmatch(r"(\w+) \((\d+)\)", line)
            if title:
                name = title.group(1)
                found[name] = (int(title.group(2)), [])
            elif line.startswith("  ") and name:
                found[name][1].append(line.strip())
        for name, wanted in wanted_of(base).items():
            number, got = found[name]
            shown = {
                " -> ".join(map(escaped, w)) if isinstance(w, tuple) else escaped(w) for w in wanted
            }
            equal(number, len(got), f"{name}: number")
            same_set(got, shown, name)
        check("complete yes" in lines, lines)
        check("nothing lost" in lines[-1], lines[-1])


def escaped(path):
    return path.replace(b"\xff", b"\\xff").replace(b"\n", b"\\n").decode()


@case()
def events_and_summary():
    """With a file, it has every event asked for, and the summary is its last line, whatever was asked for."""
    with filesystem("ext4") as base:
        prepare(base)
        with Traced("--in", base, "--summary", "-e", "create,delete", command=python(WORK, base)) as traced:
            records, summary = traced.finish()
        wanted = wanted_of(base)
        told = {(e, path) for e, path, _, _ in facts(records)}
        expected = {("create", p) for p in wanted["created"]} | {("delete", p) for p in wanted["deleted"]}
        same_set(told, expected, "events")
        same_set(summary.read, wanted["read"], "read")
        check(summary.complete, summary.record)


@case([], ["--user", "nobody"], ["-e", "open"], ["-e", "exec"])
def first_record(options):
    """The very first record, of the command that is opened to be executed, is the command's, and has its name."""
    for _ in range(5):
        done = call("--format", "json", "-o", "/dev/stderr", *options, "--", "true")
        equal(done.returncode, 0, f"exit status: {done.stderr}")
        records = [json.loads(line) for line in done.stderr.splitlines() if line.startswith(b"{")]
        exe = os.path.realpath(shutil.which("true"))
        equal(records[0]["path"], exe, "the first path")
        for process in (r["process"] for r in records[:-1]):
            if HAS_BPF:
                check("candidates" not in process, process)
                equal((process["certainty"], process["exe"]), ("exact", exe), "the process")
            equal(process["comm"], "true", "its name")


@case()
def session_record():
    """Without --summary the last line still says whether it is all."""
    with filesystem("ext4") as base:
        with Traced("--in", base, command=python("open(__import__('sys').argv[1], 'w')", base / "new")) as traced:
            records, summary = traced.finish()
        check(b(base / "new") <= paths(records, "create"), "the file")
        if HAS_BPF:
            # Though read together with what ran before it.
            equal({r["process"]["certainty"] for r in records}, {"exact"}, "certainty")
        equal((summary.complete, summary.read), (True, None), "complete, read")
        equal(summary.record["count"], len(records), "count")


@case()
def counted():
    with filesystem("tmpfs") as base:
        said = call("--in", base, "-e", "create", "--path", "made", "--", "mkdir", base / "made").stderr
    check(b"fantail: 1 event in " in said, f"the last line: {said}")


@case()
def who_executed_what():
    """The question of docs/how-to-run.md: each execution once, and nobody called null."""
    need("jq")
    guide = (SOURCE / "docs" / "how-to-run.md").read_text()
    question = re.search(r"# (jq -r 'select\(\(.events \| index\(\"open_exec\"\)\).*?) installer.jsonl", guide, re.S)[1]
    log = temp_dir() / "log"
    equal(call("--format", "json", "-o", log, "--", "sh", "-c", "cat /dev/null; date; true").returncode, 0, "status")
    done = subprocess.run(["sh", "-c", question + ' "$1"', "sh", log], capture_output=True, timeout=TIMEOUT, check=False)
    lines = [line.split(" ", 2) for line in done.stdout.decode().splitlines()]
    programs = [os.path.realpath(shutil.which(name)) for name in ("sh", "cat", "date")]
    equal([path for _, _, path in lines], programs, f"executed ({done.stderr})")
    for _, names, path in lines:
        named = {os.path.basename(path), "sh", "cat", "date"}
        check(names and set(names.split("|")) <= named, f"who executed {path}: {names}")


@case()
def first_instruction():
    """The execution of the command itself is seen, and by no other name than its own."""
    with filesystem("ext4") as base:
        shutil.copy("/bin/true", base / "program")
        with Traced("--in", base, "-e", "all", command=[base / "program", "argument"]) as traced:
            records, summary = traced.finish()
        check(b(base / "program") == paths(records, "open_exec"), f"executed: {records}")
        for record in records:
            process = record["process"]
            for who in [process, *process.get("candidates", [])]:
                check(not who.get("comm", "").startswith("fantail"), f"our child: {record}")
        check(summary.complete, summary.record)


@case()
def others():
    """What others do is not the command's, though it happens in the same place at the same time."""
    with filesystem("ext4") as base:
        script = "import sys; [open(line.strip(), 'w').close() or print(flush=True) for line in sys.stdin]"
        with Traced("--in", base, command=python(script)) as traced:
            for n in range(20):
                (base / f"theirs-{n}").touch()
                traced.say(f"{base}/its-{n}")
                equal(traced.line(), "", "the command")
            traced.process.stdin.close()
            records, summary = traced.finish()
        same_set(paths(records), b(*(base / f"its-{n}" for n in range(20))), "paths")
        check(summary.complete, summary.record)


DAEMON = """
import os, sys
base, go = sys.argv[1:]
alive = os.pidfd_open(os.getpid())
if os.fork() == 0:
    os.setsid()
    if os.fork() > 0:
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in 0, 1, 2:
        os.dup2(null, fd)
    import select
    select.select([alive], [], [])
    os.mkdir(base + "/late")
    open(go).close()
    os._exit(1)
os.wait()
os._exit(4)
"""


@contextlib.contextmanager
def daemon():
    """The command, and what its daemon waits for: at the end it waits no more, and finds nothing to wait for."""
    go = temp_dir() / "go"
    os.mkfifo(go)
    with filesystem("ext4") as base:
        try:
            yield base, python(DAEMON, base, go), go
        finally:
            fd = os.open(go, os.O_RDWR)
            go.unlink()
            os.close(fd)


@case()
def waits():
    """A daemon that left its session, and whose parents are gone, is waited for, and what it does is seen."""
    with daemon() as (base, command, go):
        with Traced("--wait", "--in", base, command=command) as traced:
            traced.see(base / "late", "create")
            check(traced.process.poll() is None, "it did not wait")
            os.close(os.open(go, os.O_WRONLY))
            _, summary = traced.finish(4)
        equal(summary.record["running"], False, "running")


@case()
def does_not_wait():
    """Without --wait it ends with the command, and says that something goes on."""
    with daemon() as (base, command, _):
        with Traced("--in", base, command=command) as traced:
            _, summary = traced.finish(4)
            equal(summary.record["running"], True, "running")
            one_line(traced.stderr(), "stderr", "--wait")


@case()
def wait_can_be_ended():
    """Waiting for a daemon ends by a signal; the status is the command's."""
    with daemon() as (base, command, _):
        with Traced("--wait", "--in", base, command=command) as traced:
            traced.see(base / "late", "create")
            traced.process.send_signal(signal.SIGTERM)
            _, summary = traced.finish(4)
            one_line(traced.stderr(), "stderr", "go on unseen")
            check("--wait" not in traced.stderr(), "--wait was given")
        equal(summary.record["running"], True, "running")


@case()
def others_children():
    """A child that the shell had before it became fantail is not the command's: neither shown nor waited for."""
    script = 'exec "$@" 2> >(while read -r line; do echo "$line" >>"$BASE/log"; done)'
    with filesystem("ext4") as base:
        for options in [], ["--wait"]:
            options = ["--in", base, "--format", "json", *options]
            done = subprocess.run(
                words("bash", "-c", script, "bash", FANTAIL, "run", *options, "--", "touch", base / "made"),
                env={**os.environ, "BASE": str(base)},
                # The child has it, too: this waits for its end.
                stdout=subprocess.PIPE,
                timeout=TIMEOUT,
                check=False,
            )
            equal(done.returncode, 0, "exit status")
            told = [json.loads(line) for line in (base / "log").read_text().splitlines() if line[0] == "{"]
            same_set({r["path"] for r in told[:-1]}, {str(base / "made")}, "paths")
            equal((told[-1]["running"], told[-1]["complete"]), (False, True), "running, complete")
            for name in "log", "made":
                (base / name).unlink()


@case()
def late_reader():
    """What nobody could attribute is counted as lost, on stderr, as a record and in the summary; or there is none."""
    with filesystem("ext4") as base:
        with Traced("--in", base, command=python("print(flush=True); __import__('sys').stdin.read()")) as traced:
            traced.line()
            os.kill(traced.pid, signal.SIGSTOP)
            for n in range(50):
                subprocess.run(["mkdir", base / f"theirs-{n}"], check=True)
            os.kill(traced.pid, signal.SIGCONT)
            traced.process.stdin.close()
            records, summary = traced.finish()
        equal({r["events"][0] for r in records if is_event(r)} - {"create"}, set(), "events")
        check(not any(b"theirs" in p for p in paths(records) if p), "what others did was told")
        losses = [r for r in records if not is_event(r)]
        equal([(r["where"], r["count"]) for r in losses], [(r["where"], r["count"]) for r in summary.record.get("lost", [])], "losses")
        equal(summary.complete, not losses, "complete")
        check(summary.complete == ("nothing lost" in traced.stderr()), traced.stderr())


@case()
def full_disk():
    """The output fails: the command goes on to its own end, and it is told."""
    with filesystem("ext4") as base:
        script = "import sys; [open(f'{sys.argv[1]}/{n}', 'w').close() for n in range(2000)]; sys.exit(6)"
        done = call("--in", base, "--format", "json", "-o", "/dev/full", "--", *python(script, base))
        equal(done.returncode, 6, "exit status")
        equal(len(list(base.glob("[0-9]*"))), 2000, "files made")
        check(b"/dev/full: No space left on device" in done.stderr, done.stderr)
        check(b"nothing lost" not in done.stderr, done.stderr)


@case("rm $1", "mv $1 $1.1", "rm $1; echo forged >$1")
def taken_away(script):
    """The output file is not what it was when it was opened: who looks at it later is not to believe it."""
    log = temp_dir() / "log"
    done = call("--format", "json", "-o", log, "--", "sh", "-c", script, "sh", log)
    equal(done.returncode, 0, "exit status")
    check(os.fsencode(f"{log}: was removed or replaced") in done.stderr, done.stderr)
    check(b"nothing lost" not in done.stderr, done.stderr)


@case(["--comm", "touch"], ["--not-comm", "sh"], ["--exe", "touch"])
def filtered(options):
    """Short lives under a filter: a summary that says it is complete has them all."""
    script = 'for i in $(seq 200); do touch "$1/$i"; done; : >"$1/by-shell"'
    with filesystem("tmpfs") as base:
        done = call("--in", base, *options, "--summary", "--format", "json", "--", "sh", "-c", script, "sh", base)
        equal(done.returncode, 0, f"exit status: {done.stderr}")
        summary = summary_of(done.stderr)
        wanted = {os.fsencode(base / str(i)) for i in range(1, 201)}
        same_set(summary.created - wanted - {os.fsencode(base / "by-shell")}, set(), "of others")
        if summary.complete:
            same_set(summary.created, wanted, "created")


@case()
def another_namespace():
    """What is mounted where nobody else sees it is not told, and that is said, also where nothing was executed."""
    if not HAS_BPF:
        raise Skip("who was in another mount namespace is told by BPF")
    script = 'mount -t tmpfs none "$1"; : >"$1/new"'
    alone = "import ctypes; ctypes.CDLL(None).unshare(0x20000)"
    with filesystem("tmpfs") as base:
        for command in (["unshare", "-m", "sh", "-ec", script, "sh", base], python(alone)):
            with Traced("--in", base, command=command) as traced:
                _, summary = traced.finish()
            equal((summary.complete, summary.record["lost"]), (False, [{"where": "kernel"}]), "complete, lost")
            check("another mount namespace" in traced.stderr(), traced.stderr())
        subprocess.run(["unshare", "-m", "true"], check=True)
        with Traced("--in", base, command=["true"]) as traced:
            _, summary = traced.finish()
        check(summary.complete, "what others do is no loss")


# ---- many processes, against strace ----

SHELL = """
cd "$1" || exit
mkdir src obj
for i in 1 2 3 4 5 6 7 8; do echo "text $i" >src/$i; done
for i in 1 2 3 4 5 6 7 8; do (cp src/$i obj/$i.tmp && mv obj/$i.tmp obj/$i) & done
wait
cat obj/* >all
rm src/3
"""


def strace_sets(log, base):
    """What strace saw succeed below base, by the paths of its descriptors."""
    base = str(base)
    sets = {name: set() for name in ("read", "written", "created", "deleted", "renamed")}

    def full(name):
        return os.path.normpath(os.path.join(base, name))

    # A file for each process: no call is in two pieces.
    for line in "".join(f.read_text() for f in log.parent.glob("strace.*")).splitlines():
        done = re.fullmatch(r"(\w+)\((.*)\) += (\d+)(?:<(.*)>)?.*", line)
        if not done:
            continue
        call_name, arguments, _, opened = done.groups()
        names = [full(n) for n in re.findall(r'"([^"]*)"', arguments)]
        if call_name in ("openat", "open", "creat") and opened and opened.startswith(base + "/"):
            if "O_DIRECTORY" in arguments:
                continue
            writes = re.search(r"O_WRONLY|O_RDWR", arguments) or call_name == "creat"
            sets["written" if writes else "read"].add(opened)
            if "O_CREAT" in arguments:
                sets["created"].add(opened)
        elif call_name in ("mkdir", "mkdirat"):
            sets["created"].add(names[0])
        elif call_name in ("unlink", "unlinkat", "rmdir"):
            sets["deleted"].add(names[0])
        elif call_name.startswith("rename"):
            sets["renamed"].add((names[0], names[1]))
    return sets


@case()
def against_strace():
    """Many short-lived processes. A summary that says it is complete is; one that does not says nothing untrue."""
    need("strace")
    with filesystem("ext4") as base:
        log = temp_dir() / "strace"
        done = call(
            *("--in", base, "--summary", "--format", "json", "--"),
            *("strace", "-ff", "-y", "-qq", "-e", "trace=openat,open,creat,mkdir,mkdirat,unlink,unlinkat,rmdir,rename,renameat,renameat2"),
            *("-o", log, "sh", "-c", SHELL, "sh", base),
        )
        equal(done.returncode, 0, f"exit status: {done.stderr}")
        summary, truth = summary_of(done.stderr), strace_sets(log, base)
        check(len(truth["written"]) == 17 and len(truth["renamed"]) == 8, f"strace: {truth}")
        for name, wanted in truth.items():
            wanted = {tuple(map(os.fsencode, w)) if isinstance(w, tuple) else os.fsencode(w) for w in wanted}
            got = getattr(summary, name)
            if summary.complete:
                same_set(got, wanted, name)
            else:
                same_set(got - wanted, set(), f"{name}: more than was done")


main()
