# SPDX-License-Identifier: MIT
"""fantail guard: ways to execute what may not be executed, and to be taken for a program that may."""

import os
import shutil
import subprocess
from pathlib import Path

from attempts import CONTROL, REACH, SECRET, Place, Table, execute, outcome, reach
from guard import guarded
from harness import case, main
from machine import filesystem, temp_dir

ALL = ("ext4", "xfs", "btrfs-subvolume", "tmpfs")
PRELOADED = os.environ["PRELOADED"]
LOADER = os.path.realpath("/lib64/ld-linux-x86-64.so.2")
NOBODY = 65534
HAS_BPF = os.environ["FANTAIL_BPF"] == "1"
executing = Table("executing")
posing = Table("posing as an allowed program")
users = Table("posing as another user")


# ---- programs outside of the directories that they may be executed from ----


@executing.attempt("plain execve")
def _(_place, path):
    return execute("exec", path)


@executing.attempt("by a relative path")
def _(_place, path):
    return execute("exec-here", "./" + path.name, path.parent)


@executing.attempt("execveat AT_EMPTY_PATH")
def _(_place, path):
    return execute("exec-fd", path)


@executing.attempt("/proc/self/fd")
def _(_place, path):
    return execute("exec-link", path)


@executing.attempt("/proc/PID/root")
def _(_place, path):
    return execute("exec", f"/proc/self/root{path}")


@executing.attempt("symbolic link in an allowed directory")
def _(place, path):
    link = place.allowed / place.new().name
    link.symlink_to(path)
    return execute("exec", link)


@executing.attempt("bind mount of its directory over an allowed one")
def _(place, path):
    script = 'mount --bind "$1" "$2"; exec "$3" exec "$2/$4"'
    return outcome(
        ["unshare", "-m", "sh", "-ec", script, "sh", path.parent, place.allowed, REACH, path.name],
        wanted=b"executed",
    )


@executing.attempt("bind mount over an allowed program, in a user namespace")
def _(place, path):
    script = 'mount --bind "$1" "$2"; exec "$3" exec "$2"'
    command = ["unshare", "-Urm", "sh", "-ec", script, "sh", path, place.program, REACH]
    return outcome(command, wanted=b"executed")


@executing.attempt("chroot that makes its directory look like an allowed one")
def _(place, path):
    root = place.directory()
    inner = root / place.allowed.relative_to("/")
    inner.mkdir(parents=True)
    program = inner / path.name
    for line in subprocess.check_output(["ldd", REACH], text=True).splitlines():
        for word in line.split():
            if word.startswith("/"):
                (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, root / word[1:])
    path.rename(program)
    return outcome(["chroot", root, "/" + os.fspath(program.relative_to(root)), "--"], wanted=b"executed")


@executing.attempt("a copy in the same directory")
def _(_place, path):
    return execute("exec", shutil.copy(path, path.parent / "copy"))


@executing.attempt("a copy that never had a name")
def _(_place, path):
    return execute("exec-unnamed", path, path.parent)


@executing.attempt("a copy deeper than a path can say", in_doubt=True)
def _(_place, path):
    return execute("exec-deep", path, path.parent)


@executing.attempt("a copy deeper than a path can say, in another mount namespace", in_doubt=True)
def _(_place, path):
    return outcome(["unshare", "-m", REACH, "exec-deep", path, path.parent], wanted=b"executed")


@executing.attempt("a script, by its name")
def _(_place, path):
    path.write_text("#!/bin/sh\necho executed\n")
    return execute("exec", path)


@executing.attempt("as the interpreter of an allowed script")
def _(place, path):
    script = place.allowed / place.new().name
    script.write_text(f"#!{path} --\n")
    script.chmod(0o755)
    return execute("exec", script)


@executing.attempt("overlay")
def _(place, path):
    upper, work = temp_dir("upper"), temp_dir("work")
    options = f"lowerdir={path.parent},upperdir={upper},workdir={work}"
    at = place.mount("-t", "overlay", "-o", options, "overlay")
    return execute("exec", at / path.name)


@executing.attempt("renamed into an allowed directory", cannot="allowed directory")
def _(place, path):
    return execute("exec", path.rename(place.allowed / place.new().name))


@executing.attempt("hard link in an allowed directory", cannot="allowed directory")
def _(place, path):
    link = place.allowed / place.new().name
    os.link(path, link)
    return execute("exec", link)


@executing.attempt("ld.so", cannot="ld.so")
def _(_place, path):
    return outcome([LOADER, path, "--"], wanted=b"executed")


@executing.attempt("a script, by its interpreter", cannot="interpreter")
def _(_place, path):
    path.write_text("echo executed\n")
    return outcome(["sh", path], wanted=b"executed")


@executing.attempt("a library", cannot="library")
def _(_place, path):
    shutil.copy(PRELOADED, path)
    other = temp_dir("other") / "file"
    other.write_bytes(SECRET)
    return outcome(["cat"], env={**os.environ, "LD_PRELOAD": os.fspath(path), "REACH": os.fspath(other)})


@executing.attempt("a copy in memory", cannot="memfd_create")
def _(_place, path):
    return execute("exec-memory", path)


@executing.attempt("a copy on another filesystem", cannot="filesystem that is not watched")
def _(_place, path):
    return execute("exec", shutil.copy(path, temp_dir("other") / "program"))


def make_programs(place, count, names):
    files = {name: [] for name in names}
    for i in range(count):
        for name in names:
            path = place.base / name.replace(" ", "-") / str(i) / "program"
            path.parent.mkdir(parents=True)
            shutil.copy(REACH, path)
            files[name].append(path)
    return files


@case(*ALL)
def execute_it(kind):
    with filesystem(kind) as base, Place(base, kind) as place:
        place.allowed = base / "bin"
        place.allowed.mkdir()
        place.program = Path(shutil.copy(REACH, place.allowed / "program"))
        files = make_programs(place, len(executing.rows), ["elsewhere", CONTROL])
        rules = [
            f"{{name: system, events: [exec], path: ['{base}/bin/**', '{base}/not-protected/**'], verdict: allow}}",
            f"{{name: free, events: [exec], path: '{base}/elsewhere/**', verdict: deny}}",
        ]
        policy = guarded(base, rules)
        executing.run(place, policy, lambda: [(k, f.pop()) for k, f in files.items()])


# ---- who asks ----


@posing.attempt("another program")
def _(_place, path):
    return reach("open", path)


@posing.attempt("a copy of the program")
def _(place, path):
    return reach("open", path, program=shutil.copy(place.program, place.new()))


@posing.attempt("a copy of the program, bind mounted over it")
def _(place, path):
    copy = shutil.copy(place.program, place.new())
    script = 'mount --bind "$1" "$2"; exec "$2" open "$3"'
    return outcome(["unshare", "-Urm", "sh", "-ec", script, "sh", copy, place.program, path])


@posing.attempt("a program at its path in a chroot")
def _(place, path):
    fake = shutil.copy(place.program, place.new())
    script = 'mount --rbind / "$1"; mount --bind "$2" "$1/$3"; exec chroot "$1" "$3" open "$4"'
    root = temp_dir("root")
    return outcome(["unshare", "-m", "sh", "-ec", script, "sh", root, fake, place.program, path])


@posing.attempt("what replaced the program")
def _(place, path):
    copy = Path(shutil.copy(place.second, place.new()))
    copy.rename(place.second)
    return reach("open", path, program=place.second)


@posing.attempt("the program as an argument of ld.so")
def _(place, path):
    return outcome([LOADER, place.program, "open", path])


@posing.attempt("a script in place of the program")
def _(place, path):
    script = place.new()
    script.write_text('#!/bin/sh\nexec cat "$1"\n')
    script.chmod(0o755)
    return outcome([script, path])


@posing.attempt("argv[0] and comm of the program")
def _(place, path):
    return outcome(["bash", "-c", 'exec -a "$1" cat "$2"', "bash", place.program, path])


@posing.attempt("the child of the program, once it runs something else")
def _(place, path):
    script = place.new()
    script.write_text(f'#!/bin/sh\nexec cat "{path}"\n')
    script.chmod(0o755)
    return reach("exec", script, program=place.program)


@posing.attempt("the program, renamed", cannot="under another name")
def _(place, path):
    moved = place.third.rename(place.new())
    result = reach("open", path, program=moved)
    moved.rename(place.third)
    return result


@posing.attempt("the program, by a hard link", cannot="under another name")
def _(place, path):
    link = place.new()
    os.link(place.program, link)
    return reach("open", path, program=link)


@posing.attempt("the program, written over", cannot="written over")
def _(place, path):
    place.fourth.write_bytes(Path("/bin/cat").read_bytes())
    return outcome([place.fourth, path])


@posing.attempt("the program, with LD_PRELOAD", cannot="LD_PRELOAD")
def _(place, path):
    env = {**os.environ, "LD_PRELOAD": PRELOADED, "REACH": os.fspath(path)}
    return outcome([place.program, "--"], env=env)


@posing.attempt("a forged /proc/PID/exe", cannot=None if HAS_BPF else "PR_SET_MM")
def _(place, path):
    return reach("forged-exe", path, place.outside)


@posing.attempt("a forged /proc/PID/exe, in a user namespace", cannot=None if HAS_BPF else "PR_SET_MM")
def _(place, path):
    return outcome(["unshare", "-Ur", REACH, "forged-exe", path, place.outside])


@case(*ALL)
def pose(kind):
    with filesystem(kind) as base, Place(base, kind) as place:
        for name in ("program", "second", "third", "fourth"):
            setattr(place, name, Path(shutil.copy(REACH, base / name)))
        place.outside = Path(shutil.copy(REACH, temp_dir("outside")))
        files = make_files(base, len(posing.rows))
        rules = [
            f"{{name: may, path: '{base}/vault/**', exe: ['{base}/program', '{base}/second', '{base}/third',"
            f" '{base}/fourth', '{place.outside}'], verdict: allow}}",
            f"{{name: no, path: '{base}/vault/**', verdict: deny}}",
        ]
        posing.run(place, guarded(base, rules), lambda: [(k, f.pop()) for k, f in files.items()])


def make_files(base, count):
    files = {"vault": [], CONTROL: []}
    for i in range(count):
        for name, paths in files.items():
            path = base / name.replace(" ", "-") / str(i)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(SECRET)
            paths.append(path)
    return files


# ---- as whom ----


def as_nobody(*command):
    return outcome(["setpriv", f"--reuid={NOBODY}", "--clear-groups", *command])


@users.attempt("the user")
def _(_place, path):
    return as_nobody(REACH, "open", path)


@users.attempt("root in a user namespace of the user")
def _(_place, path):
    return as_nobody("unshare", "-Ur", REACH, "open", path)


@users.attempt("root who executes a program that is set-user-ID to the user")
def _(place, path):
    program = Path(shutil.copy(REACH, place.new()))
    os.chown(program, NOBODY, NOBODY)
    program.chmod(0o4755)
    return reach("open", path, program=program)


@users.attempt("a thread of root that is the user", cannot=None if HAS_BPF else "different users")
def _(_place, path):
    return reach("thread", path, str(NOBODY))


@users.attempt("root with the filesystem ids of the user", cannot="setfsuid")
def _(_place, path):
    return reach("fsuid", path, str(NOBODY))


@users.attempt("a set-user-ID program of root", cannot="set-user-ID")
def _(place, path):
    program = Path(shutil.copy(REACH, place.new()))
    program.chmod(0o4755)
    return as_nobody(program, "open", path)


@case("ext4")
def be_another(kind):
    with filesystem(kind) as base, Place(base, kind) as place:
        files = make_files(base, len(users.rows))
        rules = [f"{{name: nobody, path: '{base}/vault/**', uid: {NOBODY}, verdict: deny}}"]
        users.run(place, guarded(base, rules), lambda: [(k, f.pop()) for k, f in files.items()])


main()
