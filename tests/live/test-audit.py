# SPDX-License-Identifier: MIT
"""`fantail audit` against what make-calls passed, what strace saw, and 10,000 calls of each kind."""

import array
import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import sys

from harness import SKIP, Failure, Skip, case, check, equal, main, one_line, show
from machine import mounted, need, temp_dir
from records import is_event, losses, raw
from watch import FANTAIL, Watch

MAKE_CALLS = os.environ["MAKE_CALLS"]
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or "python3"
if os.environ.get("FANTAIL_BPF", "1") == "0":
    print("skipped: built without BPF")
    sys.exit(SKIP)
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
AT_FDCWD, F_NOTIFY = -100, 1026
FAN_MARK_FLUSH = 0x80
KINDS = [
    "fanotify_init",
    "fanotify_mark",
    "inotify_init",
    "inotify_init1",
    "inotify_add_watch",
    "inotify_rm_watch",
    "dnotify",
]
U32, U64 = 2**32 - 1, 2**64 - 1


def signed(value, bits=32):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def call_fields(kind, a):
    """The numbers that a record has of these arguments."""
    return {
        "fanotify_init": lambda: {"flags": a[0] & U32, "event_f_flags": a[1] & U32},
        "fanotify_mark": lambda: {
            "fanotify_fd": signed(a[0]),
            "flags": a[1] & U32,
            "mask": a[2] & U64,
            "dirfd": signed(a[3]),
        },
        "inotify_init": lambda: {},
        "inotify_init1": lambda: {"flags": a[0] & U32},
        "inotify_add_watch": lambda: {"inotify_fd": signed(a[0]), "mask": a[2] & U32},
        "inotify_rm_watch": lambda: {"inotify_fd": signed(a[0]), "wd": signed(a[1])},
        "dnotify": lambda: {"fd": signed(a[0]), "mask": a[2] & U32},
    }[kind]()


NUMBERS = {"fanotify_fd", "inotify_fd", "fd", "flags", "event_f_flags", "mask", "dirfd", "wd"}


def numbers(call):
    return {field: value for field, value in call.items() if field in NUMBERS}


def audit(*arguments):
    return Watch(*arguments, command="audit")


def events(records):
    equal(losses(records), [], "losses")
    return [r for r in records if is_event(r)]


def place():
    """The directory that `make-calls each` works in."""
    top = temp_dir("calls").resolve()
    (top / "a/b").mkdir(parents=True)
    (top / "link").symlink_to("a/b")
    return top


def start_stopped(*command, **popen):
    """A process that has not begun: it can be named to audit before."""
    held = 'read line; exec "$@"'
    return subprocess.Popen(
        ["sh", "-c", held, "sh", *map(str, command)], stdin=subprocess.PIPE, **popen
    )


def run_audited(*command, options=(), expect=0, late=False):
    """Runs it below audit: its output, and the records of its calls. late: audit reads nothing before it has ended."""
    child = start_stopped(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with audit("--tree", child.pid, *options) as watch:
        with watch.stopped() if late else contextlib.nullcontext():
            out, err = child.communicate(b"\n")
        equal(child.returncode, expect, f"{command}: status (stderr: {show(err)})")
        records = watch.stop()
    return out, err, events(records)


# ---- what was passed ----


def told(text):
    """A text of make-calls: - is none, . is empty."""
    return None if text == b"-" else b"" if text == b"." else bytes.fromhex(text.decode())


def check_each(line, record):
    kind, ret, path, pathname, *args = line.split()
    kind, ret, args = kind.decode(), int(ret), [int(a) for a in args]
    what = f"{kind} {args} = {ret}: {show(record, 700)}"
    equal(record["events"], [kind], f"{what}: events")
    equal(record["ret"], ret, f"{what}: ret")
    equal(record.get("error"), os_error(ret), f"{what}: error")
    equal(numbers(record["call"]), call_fields(kind, args), f"{what}: arguments")
    path, pathname = told(path), told(pathname)
    if pathname is not None and len(pathname) > 4095:
        equal(record["call"].get("pathname_cut"), True, f"{what}: pathname_cut")
        pathname = pathname[:4095]
    equal(raw(record["call"], "pathname"), pathname, f"{what}: pathname")
    if kind in ("fanotify_mark", "inotify_add_watch", "dnotify"):
        equal(raw(record), path, f"{what}: path")
    equal(record["process"]["certainty"], "exact", f"{what}: certainty")
    equal(record["process"]["exe"], MAKE_CALLS, f"{what}: exe")


def os_error(ret):
    """The name of the errno."""
    return errno.errorcode[-ret] if ret < 0 else None


@case()
def each_call_as_it_was_passed():
    out, _, records = run_audited(MAKE_CALLS, "each", place())
    lines = out.splitlines()
    equal(len(records), len(lines), "records")
    check(len(lines) > 250, f"only {len(lines)} calls were made")
    for line, record in zip(lines, records):
        check_each(line, record)
    times = [r["time"] for r in records]
    equal(times, sorted(times), "times")


# ---- what is known of a path ----

# Each part makes calls in a known order.
PLACES = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, OPEN_TREE, OPEN_TREE_CLONE, MNT_DETACH, FAN_OPEN, IN_MODIFY = -100, 428, 1, 2, 0x20, 2
top = os.fsencode(sys.argv[1])
os.chdir(top)
group, watches = libc.fanotify_init(0, 0), libc.inotify_init1(0)

def mark(fd, path=None):
    return libc.fanotify_mark(group, 1, ctypes.c_uint64(FAN_OPEN), fd, path)

def watch(path):
    return libc.inotify_add_watch(watches, path, IN_MODIFY)

def done(result):
    assert result >= 0, os.strerror(ctypes.get_errno())
"""
NOWHERE = """
tree = libc.syscall(OPEN_TREE, AT_FDCWD, top, OPEN_TREE_CLONE)
done(tree)
done(mark(os.open("a", os.O_RDONLY, dir_fd=tree)))
done(mark(tree, b"a"))
os.fchdir(tree)
done(watch(b"a/b"))
done(mark(AT_FDCWD, b"."))
os.chdir(top + b"/mounted/in")
done(libc.umount2(top + b"/mounted", MNT_DETACH))
done(watch(b"."))
mark(os.memfd_create("name"))
mark(os.pipe()[0])
mark(os.open("/proc/self/ns/mnt", os.O_RDONLY))
"""
LINKS = """
os.symlink("a/b", "gone")
done(watch(b"gone"))
done(watch(b"gone/.."))
os.unlink("gone")
fd = os.open("a", os.O_PATH)
done(watch(b"/proc/self/fd/%d" % fd))
done(watch(b"/dev/fd/%d/" % fd))
done(watch(b"/proc/self/fd/%d/b" % fd))
os.close(fd)
fd = os.open("a", os.O_RDONLY)
done(watch(b"/proc/thread-self/cwd/a"))
done(watch(b"/proc/%d/fd/%d" % (os.getpid(), fd)))
done(watch(b"/proc/%d/root/etc" % os.getpid()))
done(watch(b"link"))
done(watch(b"a/../link/.."))
done(watch(b"a"))
done(watch(b"."))
done(mark(fd))
assert watch(b"nothing") < 0
"""


def about_places(*arguments, **kwargs):
    records = run_audited(PYTHON, "-c", *arguments, **kwargs)[2]
    return [r for r in records if r["events"][0] not in ("fanotify_init", "inotify_init1")]


@case()
def what_is_mounted_nowhere_has_no_path():
    """Mounts that are detached or were taken away, files of the kernel's own."""
    top = place()
    (top / "mounted").mkdir()
    with mounted("-t", "tmpfs", "tmpfs", at=top / "mounted"):
        (top / "mounted/in").mkdir()
        records = about_places(PLACES + NOWHERE, top)
    equal(len(records), 8, "records")
    for r in records:
        equal(raw(r), None, f"path: {show(r, 600)}")
        equal("unresolved path" in r.get("alert", ""), r["ret"] >= 0, f"alert: {show(r, 600)}")


@case()
def what_could_not_be_looked_up_is_said():
    """Links that are gone before audit looks, or that are another's for it: not told as how it was."""
    top = place()
    wanted = [
        (top / "gone", "partial", True),
        (top, "partial", True),
        (top / "a", "event", False),
        (top / "a", "event", False),
        (top / "a/b", "now", False),
        *[(None, "partial", True)] * 3,
        (top / "a/b", "now", False),
        (top / "a", "now", False),
        (top / "a", "now", False),
        (top, "event", False),
        (top / "a", "event", False),
        (top / "nothing", "partial", False),
    ]
    records = about_places(PLACES + LINKS, top, late=True)
    equal(len(records), len(wanted), "records")
    for r, (path, source, alert) in zip(records, wanted):
        what = show(r, 600)
        equal(r["path_source"], source, f"path_source: {what}")
        equal(r["path"], str(path) if path else r["call"]["pathname"], f"path: {what}")
        equal(r.get("alert"), "unresolved path" if alert else None, f"alert: {what}")


# ---- groups ----


@case()
def calls_name_their_group():
    _, _, records = run_audited(MAKE_CALLS, "each", place())
    made = {}  # descriptor: (number, flags)
    families, refused = {}, set()
    for r in records:
        kind, call = r["events"][0], r["call"]
        fd = call.get("fanotify_fd", call.get("inotify_fd"))
        if fd is None and kind != "dnotify" and r["ret"] >= 0:
            check(call["group"] not in {n for n, _ in made.values()}, f"an old number: {r}")
            made[r["ret"]] = call["group"], call.get("flags")
            families[r["ret"]] = kind.split("_")[0]
        elif families.get(fd) == kind.split("_")[0]:
            equal(call["group"], made[fd][0], f"group: {r}")
            if kind == "fanotify_mark":
                equal(call["group_flags"], made[fd][1], f"flags of the group: {r}")
            refused.add(r.get("error"))
        elif fd is not None:
            check("group" not in call, f"a group that is none: {r}")
    check(len(made) > 2, f"groups: {made}")
    check({"EINVAL", "ENOENT", None} <= refused, f"calls on groups ended in {refused}")


# ---- against strace ----

STRACED = "fanotify_init,fanotify_mark,inotify_init,inotify_init1,inotify_add_watch,inotify_rm_watch,fcntl"
# What strace does not say everywhere: the names of nothing.
SILENT = {"FAN_MARK_INODE", "O_RDONLY", "FAN_CLASS_NOTIF"}
# Halves of O_SYNC and O_TMPFILE, which mean nothing alone, and a name that no kernel has any more.
NUMBERED = {"__O_SYNC": 0o4000000, "__O_TMPFILE": 0o20000000, "FAN_DIR_MODIFY": 0x80000}


def straced_names(text):
    """The names of an argument, composed ones taken apart, and unknown bits as a number."""
    names, rest = set(), 0
    text = re.sub(r"/\*.*?\*/", "", text)
    for word in re.split(r"[|\s]+", text.strip()):
        if re.fullmatch(r"0x[0-9a-f]+|\d+", word):
            rest |= int(word, 0)
        elif word in NUMBERED:
            rest |= NUMBERED[word]
        elif word:
            names.add(word)
    return names - SILENT, rest


def our_names(names):
    rest = [int(n, 16) for n in names if n.startswith("0x")]
    return {n for n in names if not n.startswith("0x")} - SILENT, sum(rest)


def same_names(straced, ours, value, what):
    """What strace names we name; what it leaves as a number is the rest of the value."""
    (names, rest), (mine, unknown) = straced_names(straced), our_names(ours)
    check(names <= mine, f"{what}: strace says {straced}, we say {ours}")
    if names == mine:
        equal(unknown, rest if names or rest != value else unknown, f"{what}: {straced}: rest")
    else:
        check(rest != 0 or value == 0, f"{what}: strace says {straced}, we say {ours}")


CALL_LINE = re.compile(rb"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?: (E\w+))?")


def straced_calls(path):
    for line in path.read_bytes().splitlines():
        match = CALL_LINE.match(line)
        if not match:
            continue
        name, args, ret, error = (g.decode() if g is not None else None for g in match.groups())
        args = args.split(", ")
        if name == "fcntl" and args[1] != "F_NOTIFY":
            continue
        yield "dnotify" if name == "fcntl" else name, args, int(ret), error


def check_straced(kind, args, ret, error, record):
    call, what = record["call"], f"{kind}({', '.join(args)[:300]}) = {ret} {error}"
    equal(record["events"], [kind], f"{what}: events")
    equal(record.get("error"), error, f"{what}: error")
    check(ret == record["ret"] or (ret == -1 and record["ret"] < 0), f"{what}: {record['ret']}")
    where = {
        "fanotify_init": [("flags", 0), ("event_f_flags", 1)],
        "fanotify_mark": [("flags", 1), ("mask", 2)],
        "inotify_init1": [("flags", 0)],
        "inotify_add_watch": [("mask", 2)],
        "dnotify": [("mask", 2)],
    }
    for field, i in where.get(kind, []):
        same_names(args[i], call[field + "_names"], call[field], f"{what}: {field}")
    text = args[-1] if kind == "fanotify_mark" else args[1] if kind == "inotify_add_watch" else ""
    if text.startswith('"') and "..." not in text:
        wanted = bytes.fromhex(text.strip('"').replace("\\x", ""))
        equal(raw(call, "pathname"), wanted, f"{what}: pathname")


@case()
def each_call_as_strace_sees_it():
    need("strace")
    log = temp_dir("strace") / "log"
    command = ["strace", "-v", "-f", "-xx", "-s", "5000", "-e", f"trace={STRACED}", "-o", log]
    _, _, records = run_audited(
        *command, MAKE_CALLS, "each", place(), options=["--exe", MAKE_CALLS]
    )
    calls = list(straced_calls(log))
    check(len(calls) > 250, f"strace saw only {len(calls)}")
    equal(len(records), len(calls), "records")
    for (kind, args, ret, error), record in zip(calls, records):
        check_straced(kind, args, ret, error, record)


# ---- 10,000 of each ----


def draw(i):
    return (i * 2654435761 + 12345) & U32


def drawn(kind, i, null):
    """The arguments of the call number i of a storm, as make-calls draws them."""
    a = [draw(i + k) for k in range(5)]
    if kind == "fanotify_mark":
        return [null, a[1], a[2] | a[3] << 32, AT_FDCWD]
    if kind in ("inotify_add_watch", "dnotify"):
        return [null, F_NOTIFY, a[2]]
    return a


def storm(mode, kind, options=()):
    try:
        out, _, records = run_audited(MAKE_CALLS, mode, kind, COUNT, options=options)
    except Failure as failure:
        if mode == "compat" and "status" in str(failure) and "-11" in str(failure):
            raise Skip("this kernel runs no 32-bit calls") from None
        raise
    results = array.array("i", out)
    equal(len(results), COUNT, "calls made")
    if mode == "compat" and set(results) == {-38}:
        raise Skip("this kernel runs no 32-bit calls")
    equal(len(records), COUNT, f"{kind}: records")
    null = records[0]["call"].get("fanotify_fd", records[0]["call"].get("inotify_fd"))
    null = records[0]["call"].get("fd", null)
    for i, (record, ret) in enumerate(zip(records, results)):
        what = f"{kind} {i}: {show(record, 500)}"
        equal(record["events"], [kind], what)
        equal(record["ret"], ret, what)
        equal(numbers(record["call"]), call_fields(kind, drawn(kind, i, null)), what)
        equal(record["call"].get("compat", False), mode == "compat", what)
        if kind in ("fanotify_mark", "inotify_add_watch"):
            equal(record["call"]["pathname"], f"/nowhere/{i}", what)
        equal(record["process"]["certainty"], "exact", what)
    return records


@case(*KINDS)
def storms(kind):
    storm("storm", kind)


@case(*KINDS)
def storms_of_32_bit_callers(kind):
    storm("compat", kind, ["--compat"])


@case()
def what_is_lost_stands_at_its_place():
    """More calls than the kernel keeps while audit stands still: those before are told, then how many are lost."""
    count = 30_000
    child = start_stopped(MAKE_CALLS, "storm", "inotify_add_watch", count, stdout=subprocess.PIPE)
    with audit("--tree", child.pid) as watch:
        with watch.stopped():
            child.communicate(b"\n")
        records = watch.stop(status=3)
    first = next(i for i, r in enumerate(records) if not is_event(r))
    told = [r["call"]["pathname"] for r in records if is_event(r)]
    check(1000 < first < count, f"the first loss is record {first}")
    equal(told[:first], [f"/nowhere/{i}" for i in range(first)], "calls before it")
    lost = sum(r["count"] for r in losses(records) if r["where"] == "kernel")
    equal(len(told) + lost, count, "told and lost")


@case()
def processes_that_are_gone():
    """1,000 processes that live for one call: who each was."""
    names = [str(i) for i in range(1000)]
    top = temp_dir("one")
    text = "".join(f"{MAKE_CALLS} one {top}/{n}\n" for n in names)
    script = top / "script"
    script.write_text(text)
    _, _, records = run_audited("sh", script, options=["-e", "inotify_add_watch"])
    equal([r["path"] for r in records], [f"{top}/{n}" for n in names], "paths")
    for record, name in zip(records, names):
        process = record["process"]
        equal(process["certainty"], "exact", f"certainty of {show(record)}")
        equal(process["exe"], MAKE_CALLS, "exe")
        equal(process["args"], [MAKE_CALLS, "one", f"{top}/{name}"], "args")


# ---- what is asked for ----


@case()
def events_and_filters():
    top = place()
    _, _, records = run_audited(
        MAKE_CALLS, "each", top, options=["-e", "inotify", "--path", f"{top}/**"]
    )
    kinds = {r["events"][0] for r in records}
    equal(kinds, {"inotify_add_watch"}, "kinds")
    check(all(r["path"].startswith(f"{top}/") for r in records), "paths")
    _, _, records = run_audited(MAKE_CALLS, "each", top, options=["-e", "dnotify,inotify_init"])
    equal({r["events"][0] for r in records}, {"dnotify", "inotify_init"}, "kinds")
    _, _, records = run_audited(MAKE_CALLS, "each", top, options=["--uid", "65534"])
    equal(records, [], "calls of another user")
    for options in ["--path", f"{top}/**"[1:]], ["--exe", f"**/{os.path.basename(MAKE_CALLS)}"]:
        _, _, records = run_audited(MAKE_CALLS, "each", top, options=options)
        check(records, f"{options}: nothing below / matches")


ALERTS = {
    "permission group": lambda k, c, p: k == "fanotify_init" and c["flags"] & 0xC,
    "permission mark": lambda k, c, p: k == "fanotify_mark"
    and c["mask"] & 0x170000
    and not c["flags"] & 0x82,
    "mount mark": lambda k, c, p: k == "fanotify_mark" and c["flags"] & 0x110 == 0x10,
    "filesystem mark": lambda k, c, p: k == "fanotify_mark" and c["flags"] & 0x110 == 0x100,
    "mount namespace mark": lambda k, c, p: k == "fanotify_mark" and c["flags"] & 0x110 == 0x110,
    "mark removed": lambda k, c, p: k == "fanotify_mark" and c["flags"] & 0x82 == 2,
    "marks flushed": lambda k, c, p: k == "fanotify_mark" and c["flags"] & 0x80,
    "watch removed": lambda k, c, p: k == "inotify_rm_watch",
    "sensitive path": lambda k, c, p: p and re.match(rb"/(root|boot|etc/ssh|etc/shadow)(/|$)", p),
}


@case()
def alerts():
    top = place()
    secrets = ["/etc/shadow", "/root/x", "/home/nobody/.ssh/id", "/etc/shadowy", "/rooted"]
    script = "; ".join(f"{MAKE_CALLS} one {s}" for s in secrets)
    command = ["sh", "-c", f"{MAKE_CALLS} each {top}; {script}; true"]
    _, _, everything = run_audited(*command)
    for record in everything:
        kind, call, path = record["events"][0], record["call"], raw(record)
        wanted = {name for name, rule in ALERTS.items() if rule(kind, call, path)}
        if path and b"/.ssh" in path:
            wanted.add("sensitive path")
        got = set(filter(None, record.get("alert", "").split(", ")))
        equal(got, wanted, f"alert of {show(record, 600)}")
    _, _, records = run_audited(*command, options=["--alert"])
    equal(len(records), len([r for r in everything if "alert" in r]), "records of --alert")
    told_paths = [r["path"] for r in records if r["alert"] == "sensitive path"]
    equal([p for p in told_paths if p in secrets], secrets[:3], "sensitive paths")
    child = start_stopped(MAKE_CALLS, "one", secrets[0], stdout=subprocess.PIPE)
    with Watch("--tree", child.pid, "--alert", command="audit", fmt="text") as watch:
        child.communicate(b"\n")
        watch.stop()
    lines = watch.output().decode().splitlines()
    check(lines and all(line.endswith("  sensitive path") for line in lines), f"why: {lines}")


@case()
def formats():
    top = place()
    for fmt in ("text", "csv", "ecs", "ocsf", "{events} {call} {ret} {error}"):
        child = start_stopped(MAKE_CALLS, "each", top, stdout=subprocess.PIPE)
        with Watch("--tree", child.pid, command="audit", fmt=fmt) as watch:
            child.communicate(b"\n")
            watch.stop()
            lines = watch.output().decode().splitlines()
        equal(len([x for x in lines if "fanotify_mark" in x]) > 100, True, f"{fmt}: lines")
        check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", "\n".join(lines)), f"{fmt}: control")
        if fmt in ("ecs", "ocsf"):
            check(all(json.loads(line) for line in lines), f"{fmt}: JSON")


# ---- itself, and how it ends ----


@case()
def own_calls_are_not_told():
    with audit() as other:
        with audit() as watch, Watch("--for", "200ms", temp_dir()) as again:
            again.finish()
            mine = {watch.pid, other.pid}
            records = watch.stop()
        records += other.stop()
    told_pids = {r.get("pid") for r in records}
    check(not mine & told_pids, "it told of itself")
    check(again.pid in told_pids, "another fantail's calls are told")


@case()
def leaves_the_machine_as_it_was():
    def mounts():
        return open("/proc/self/mountinfo").read()

    before = mounts()
    with audit() as watch:
        equal(mounts(), before, "mounts while it runs")
        watch.stop()
    equal(mounts(), before, "mounts after it")


@case()
def ends_after_so_many():
    top = place()
    child = start_stopped(MAKE_CALLS, "each", top, stdout=subprocess.PIPE)
    with audit("--tree", child.pid, "--count", 5) as watch:
        child.communicate(b"\n")
        equal(len(events(watch.finish())), 5, "records")


@case()
def without_privileges():
    need("setpriv")
    command = ["setpriv", "--reuid=65534", "--clear-groups", "--", FANTAIL, "audit"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, text=True)
    equal((done.returncode, done.stdout), (1, ""), "status and output")
    one_line(done.stderr, "stderr", "audit:", "root", "marks")


@case()
def wrong_usage():
    wrong = (
        (["/etc"], "--path"),
        (["-e", "fanotify_mrk"], "near it: fanotify_mark ("),
        (["-e", "inotfy"], "near it: inotify ("),
        (["-e", "foo"], "'foo' is no call ("),
    )
    for arguments, needle in wrong:
        done = subprocess.run(
            [FANTAIL, "audit", *arguments], capture_output=True, check=False, timeout=60, text=True
        )
        equal(done.returncode, 2, f"{arguments}: status")
        one_line(done.stderr, f"{arguments}: stderr", needle)


main()
