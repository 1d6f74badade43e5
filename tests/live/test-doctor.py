# SPDX-License-Identifier: MIT
"""`fantail doctor`: what it announces against the marks of a running `watch`, and its selftest."""

import itertools
import os
import re
import signal
import subprocess
from pathlib import Path

from doctoring import CLASSES, EVENTS, NOBODY, REPORTS, TYPES
from doctoring import doctor, finding, listener, place, try_group, try_mark, unprivileged
from harness import Failure, case, check, equal, main, one_line
from machine import hung, libc, mounted, run
from watch import FANTAIL, Watch


# ---- how a filesystem is watched ----


def ways_of(pid):
    """By which marks a process watches, as the kernel shows them: not those for mounts, and not those that only
    tell when a directory above is moved.
    """
    ways = set()
    for file in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = file.read_text()
        except FileNotFoundError:  # it was open for a moment
            continue
        flags = re.search(r"^fanotify flags:(\w+)", text, re.M)
        for line in re.findall(r"^fanotify (?:ino|sdev|mnt_id):.*", text, re.M):
            mask = int(re.search(r"mask:(\w+)", line)[1], 16)
            if not mask & EVENTS["open"]:
                continue
            named = int(flags[1], 16) & REPORTS["FAN_REPORT_NAME"]
            kind = "directories" if line.startswith("fanotify ino:") else "filesystem"
            ways.add(kind if named else "descriptors")
    return ways


@case("ext4", "tmpfs", "xfs", "overlay", "btrfs", "btrfs-subvolume", "btrfs-alone", "fuse", "proc")
def test_announced_is_done(kind):
    """The way that doctor tells, and what it says that watch would say, against a watch that runs."""
    with place(kind) as at:
        announced = finding(doctor(at, status=(0, 3)), "Filesystems", at)
        with Watch(at) as watch:
            ways = ways_of(watch.pid)
            watch.process.send_signal(signal.SIGINT)
            watch.process.wait(30)
            said = [line.removeprefix("fantail: ") for line in watch.stderr().splitlines()]
    # What in a /proc may not be read is met by who marks all of it.
    said = [line for line in said if not line.startswith(f"{at}/")]
    equal(announced["watch_says"], said[:-1], "what watch says before its summary")
    equal({announced["way"].replace("btrfs", "filesystem")}, ways, "way, by the kernel's word")
    equal(announced["way"] == "btrfs", "private mount" in " ".join(said), "a private mount")
    equal(announced["mount"], str(at), "mount")


@case("ext4", "tmpfs", "overlay", "btrfs-subvolume", "fuse", "proc")
def test_marks_of_a_filesystem(kind):
    """The marks that doctor says it takes, against the own probe; a permission mark only since it is named."""
    fid = REPORTS["FAN_REPORT_FID"] | REPORTS["FAN_REPORT_DIR_FID"] | REPORTS["FAN_REPORT_NAME"]
    tries = {
        "fid_filesystem": (fid, "filesystem", "modify"),
        "fid_inode": (fid, "inode", "modify"),
        "fd_filesystem": (0, "filesystem", "modify"),
        "fd_mount": (0, "mount", "modify"),
        "permission": (CLASSES["FAN_CLASS_CONTENT"], "filesystem", "open_perm"),
    }
    truth = {}
    with place(kind) as at:
        told = finding(doctor(at, status=(0, 3)), "Filesystems", at)
        everywhere = doctor(status=(0, 3))
        for name, (flags, mark, event) in tries.items():
            fd, _ = try_group(flags)
            truth[name] = try_mark(fd, TYPES[mark], EVENTS[event], at)
            os.close(fd)
    equal(told["marks"], truth, "marks")
    if kind != "proc":
        unnamed = finding(everywhere, "Filesystems", at)["marks"]
        equal(unnamed, {**truth, "permission": "untried"}, "marks, when it is not named")


@case()
def test_every_filesystem_is_told():
    """Each real mount, but for those that show what another one shows."""
    with place("ext4") as at, mounted("--bind", at) as twice, mounted("-t", "proc", "proc") as proc:
        told = {f["name"] for f in doctor(status=(0, 3))["findings"] if f["area"] == "Filesystems"}
    check(str(at) in told, f"{at} is not in {told}")
    check(not {str(twice), str(proc)} & told, f"{twice} or {proc} is in {told}")


# ---- the report ----


@case()
def test_report():
    told = doctor(status=(0, 3))
    areas = list(dict.fromkeys(f["area"] for f in told["findings"]))
    equal(len(areas), 7, f"areas {areas}")
    for f in told["findings"]:
        equal(f["state"] != "fine", "advice" in f, f"advice of {f['name']}")
    # A filesystem that was not named counts when it cannot be watched at all.
    loses = any(f["loses"] and not ("way" in f and f["state"] == "limited") for f in told["findings"])
    equal(told["verdict"], "loses" if loses else "works", "verdict")
    equal(finding(told, "Privileges", "CAP_SYS_ADMIN")["state"], "fine", "CAP_SYS_ADMIN")
    limit = finding(told, "Limits", "fs.fanotify.max_user_groups")["max"]
    equal(limit, int(Path("/proc/sys/fs/fanotify/max_user_groups").read_text()), "limit")
    text = subprocess.run([FANTAIL, "doctor"], capture_output=True, check=False).stdout.decode()
    # Other listeners come and go between two looks.
    for f in [f for f in told["findings"] if "pid" not in f]:
        check(re.search(rf"^  {f['state']} +{re.escape(f['name'])} ", text, re.M), f"{f['name']}: no line")


def used_by_inotify(told):
    names = ("max_user_instances", "max_user_watches")
    return [finding(told, "Limits", f"fs.inotify.{name}")["used"] for name in names]


@case()
def test_limits_in_use():
    """Instances and watches of the test, counted for its user. Others of this user may end theirs meanwhile."""
    for _ in range(5):
        before = used_by_inotify(doctor(status=(0, 3)))
        with place("tmpfs") as at:
            groups = [libc.inotify_init1(os.O_CLOEXEC) for _ in range(3)]
            for group, name in itertools.product(groups, "abcd"):
                (at / name).touch()
                check(libc.inotify_add_watch(group, os.fsencode(at / name), 2) >= 0, "inotify_add_watch")
            after = used_by_inotify(doctor(status=(0, 3)))
            for fd in groups:
                os.close(fd)
        if after[0] - before[0] >= 3 and after[1] - before[1] >= 12:
            return
    raise Failure(f"instances and watches: {before} before, {after} with 3 and 12 more")


@case("overlay", "fuse")
def test_limited_where_it_is_not_named(kind):
    """One filesystem of which not all is seen: told, and no failure of the machine; of what was asked for, it is."""
    before = doctor(status=(0, 3))
    with place(kind) as at:
        everywhere = doctor(status=0 if before["verdict"] == "works" else 3)
        named = doctor(at, status=3)
        text = subprocess.run([FANTAIL, "doctor"], capture_output=True, check=False).stdout.decode()
    for told in (everywhere, named):
        one = finding(told, "Filesystems", at)
        equal((one["state"], one["loses"]), ("limited", True), "the filesystem")
    equal((everywhere["verdict"], named["verdict"]), (before["verdict"], "loses"), "verdicts")
    check("not all" in text.splitlines()[0].lower(), f"the first line: {text.splitlines()[0]}")
    check(str(at) in text.split("\n\n")[0], f"{at} is not before the areas")


@case()
def test_report_without_root():
    told = unprivileged(status=3)
    equal(told["verdict"], "loses", "verdict")
    for name in ("CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"):
        equal(finding(told, "Privileges", name)["state"], "missing", name)
    equal(finding(told, "Features, by trying", "FAN_REPORT_DFID_NAME")["state"], "fine", "FID")
    equal(finding(told, "Features, by trying", "FAN_MARK_FILESYSTEM")["tried"], "EPERM", "filesystem marks")
    equal(finding(told, "Other listeners", "not seen")["state"], "limited", "what is not seen")


@case()
def test_bad_path():
    done = subprocess.run([FANTAIL, "doctor", "/no/such"], capture_output=True, check=False)
    equal(done.returncode, 1, "exit status")
    equal(done.stdout, b"", "stdout")
    one_line(done.stderr.decode(), "stderr", "/no/such", "No such file")


# ---- --selftest ----


# Without BPF the file is told with its path, and the process is not exact.
REASON = None if os.environ["FANTAIL_BPF"] == "1" else "without BPF the process is not exact"


def outcomes(*paths, **kwargs):
    return {t["path"]: t for t in doctor("--selftest", *paths, **kwargs)["selftest"]}


@case("ext4", "tmpfs", "xfs", "overlay", "btrfs-alone", "fuse")
def test_selftest(kind):
    with place(kind) as at:
        told = outcomes(at)[str(at)]
        equal((told["result"], told.get("reason")), ("ok", REASON), "result")
        check(0 < told["took_ns"] < 5e9, f"time: {told['took_ns']} ns")
        equal([p for p in os.listdir(at) if p != "lost+found"], [], "what it left")


@case()
def test_selftest_everywhere():
    with place("ext4") as at, place("tmpfs") as other:
        told = outcomes()
    for path in (at, other):
        equal(told[str(path)]["result"], "ok", f"{path}: {told[str(path)]}")


@case()
def test_selftest_cannot():
    """Where nothing can be made: skipped, and why. Where a file cannot be made: failed."""
    with place("ext4") as at, mounted("-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs") as full:
        run("mount", "-o", "remount,ro", at)
        told = outcomes(at, full, status=1)
    equal(told[str(at)]["result"], "skipped", "read-only")
    check("Read-only" in told[str(at)]["reason"], told[str(at)]["reason"])
    equal(told[str(full)]["result"], "failed", "full")
    check("No space" in told[str(full)]["reason"], told[str(full)]["reason"])


@case()
def test_selftest_without_root():
    """The path is told, the process is not: failed, for the reason that it is."""
    with place("tmpfs") as at:
        os.chown(at, NOBODY, NOBODY)
        at.chmod(0o777)
        told = outcomes_of(unprivileged("--selftest", at, status=1))[str(at)]
        equal(os.listdir(at), [], "what it left")
    equal(told["result"], "failed", "result")
    check("CAP_SYS_ADMIN" in told["reason"], told["reason"])


def outcomes_of(told):
    return {t["path"]: t for t in told["selftest"]}


@case()
def test_report_beside_a_stuck_listener():
    """A filesystem whose listener holds whoever opens it: the report goes on, and says so."""
    with place("tmpfs") as at:
        with listener("filesystem", at):
            told = doctor(at, status=(0, 3), timeout=60)
            names = [f for f in told["findings"] if f["area"] == "Other listeners" and "pid" in f]
    finding(told, "Filesystems", at)
    check(names, "the listener is not told")


@case()
def test_hung_filesystem():
    """It is told within a bounded time, and named or not, nothing hangs by it."""
    with hung() as (at, _):
        told = finding(doctor(at, status=3, timeout=20), "Filesystems", at)
        tested = outcomes(at, status=1, timeout=40)[str(at)]
        matrix = subprocess.run([FANTAIL, "doctor", "--matrix", at], capture_output=True, timeout=20, check=False)
    check("does not answer" in told["text"], told["text"])
    equal(tested["result"], "failed", "selftest")
    equal(matrix.returncode, 1, "status of --matrix")
    one_line(matrix.stderr.decode(), "--matrix", str(at), "does not answer")


@case()
def test_no_groups_left():
    """Where the kernel gives no group, nothing can be watched: that stands first, with what to do."""
    limit = "/proc/sys/user/max_fanotify_groups"
    script = f'echo 0 > {limit} && exec "$@"'
    command = ["unshare", "-Ur", "sh", "-c", script, "sh", FANTAIL, "doctor"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    equal(done.returncode, 1, f"status ({done.stderr.decode()})")
    first = done.stdout.decode().splitlines()[:3]
    equal(first[0], "Nothing can be watched here.", "the first line")
    check("EMFILE" in first[1] and "user.max_fanotify_groups" in first[2], f"why: {first}")


@case()
def test_no_proc():
    """Without /proc nothing can be found out: a message that says what would help."""
    for arguments in (["doctor"], ["doctor", "--stuck"], ["marks"]):
        command = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh", FANTAIL]
        done = subprocess.run([*command, *arguments], capture_output=True, timeout=60, check=False)
        equal((done.returncode, done.stdout), (1, b""), f"{arguments}: status and output")
        # A sanitizer misses it, too.
        told = [line for line in done.stderr.decode().splitlines() if not line.startswith("==")]
        one_line("\n".join(told), f"{arguments}", "/proc")


if __name__ == "__main__":
    main()
