# SPDX-License-Identifier: MIT
"""The bench's own place: filesystems, processes, clocks. Everything is undone by close()."""

import ctypes
import errno
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
MNT_DETACH = 2
IDLE_SECONDS = 0.2
IDLE_CPU_NS = 1_000_000
FREE_MIB = 2500


class BenchError(Exception):
    """The bench itself cannot go on; never that a figure is bad."""


def command(*argv):
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
    return done.stdout


def wait_until(what, seconds, condition, step=0.002):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"waited {seconds} s for {what}")
        time.sleep(step)


class Child:
    """A reader under measurement: its CPU clock, memory and states as the kernel has them."""

    def __init__(self, argv, cwd, out, pass_fds=(), env=None):
        self.errors = out / "stderr"
        self.stdout = out / "stdout"
        self.started = time.monotonic()
        with open(self.errors, "wb") as errors, open(self.stdout, "wb") as stdout:
            self.process = subprocess.Popen(
                [str(arg) for arg in argv], cwd=cwd, stdin=subprocess.DEVNULL,
                stdout=stdout, stderr=errors, pass_fds=pass_fds,
                env={**os.environ, **(env or {})})
        self.pid = self.process.pid
        clock = ctypes.c_int()
        if LIBC.clock_getcpuclockid(self.pid, ctypes.byref(clock)):
            raise BenchError(f"no CPU clock of process {self.pid}")
        self.clock = clock.value

    def cpu_ns(self):
        return time.clock_gettime_ns(self.clock)

    def states(self):
        stats = pathlib.Path(f"/proc/{self.pid}/task").glob("*/stat")
        return {stat.read_text().rpartition(")")[2].split()[0] for stat in stats}

    def memory_kib(self, key):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1])
        self.process.wait(10)
        self.check_alive()

    def complaint(self):
        text = self.errors.read_text(errors="replace").strip()
        return text.splitlines()[-1] if text else "it said nothing"

    def check_alive(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.process.args[0]} ended early: {self.complaint()}")

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)
        wait_until("every thread to stop", 10, lambda: self.states() <= {"T"})

    def release(self):
        os.kill(self.pid, signal.SIGCONT)

    def wait_idle(self, limit=300):
        """Until all threads sleep and the CPU clock has hardly moved for IDLE_SECONDS."""
        end = time.monotonic() + limit
        since, cpu = time.monotonic(), self.cpu_ns()
        while time.monotonic() - since < IDLE_SECONDS:
            self.check_alive()
            time.sleep(0.01)
            now = self.cpu_ns()
            if "R" in self.states() or now - cpu > IDLE_CPU_NS:
                since, cpu = time.monotonic(), now
            if time.monotonic() > end:
                raise BenchError(f"{self.process.args[0]} is not idle after {limit} s")

    def end(self, seconds=60):
        """Asked to end; killed if it does not listen. The exit status, or the signal below 0."""
        if self.process.poll() is None:
            self.release()
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Generator:
    """A running `generate`, whose processes stay until close()."""

    def __init__(self, program, mode, root, *numbers):
        self.process = subprocess.Popen(
            [str(arg) for arg in (program, mode, root, *numbers)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def truth(self):
        words = self.process.stdout.readline().split()
        truth = dict(zip(words[::2], words[1::2]))
        if "pids" not in truth:
            raise BenchError("generate failed")
        pids = {int(pid) for pid in truth.pop("pids").split(",")}
        return {"pids": pids, **{key: int(value) for key, value in truth.items()}}

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Lab:
    """One tmpfs below a directory of its own, seen in this mount namespace only."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fantail-bench."))
        self.children = []
        try:
            self.check_memory()
            command("mount", "-t", "tmpfs", "-o", "size=90%,nr_inodes=0", "none", self.dir)
            self.fs = self.dir / "fs"
            self.out = self.dir / "out"
            self.fs.mkdir()
            self.out.mkdir()
        except BaseException:
            self.close()
            raise

    def check_memory(self):
        for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:") and int(line.split()[1]) < FREE_MIB * 1024:
                raise BenchError(f"needs {FREE_MIB} MiB of free memory")

    def program(self, *parts):
        return self.build.joinpath(*parts)

    def mount_tmpfs(self, at=None):
        command("mount", "-t", "tmpfs", "-o", "size=90%,nr_inodes=0", "none", at or self.fs)

    def make_ext4(self, image, inodes, mib):
        """The loop device frees itself with its last user, also when the bench is killed."""
        with open(image, "wb") as file:
            file.truncate(mib << 20)
        command("mkfs.ext4", "-q", "-F", "-N", inodes, image)

    def mount_ext4(self, image):
        command("mount", "-o", "loop,noatime", image, self.fs)

    def unmount(self):
        """Tried for a while: a killed generator's processes end a moment later than it."""
        def is_free():
            if LIBC.umount2(os.fsencode(self.fs), 0) == 0:
                return True
            if ctypes.get_errno() != errno.EBUSY:
                raise BenchError(f"umount {self.fs}: {os.strerror(ctypes.get_errno())}")
            return False
        wait_until(f"{self.fs} to be free", 10, is_free)

    def generate(self, mode, *numbers):
        generator = Generator(self.program("bench", "generate"), mode, self.fs, *numbers)
        self.children.append(generator.process)
        return generator

    def generate_now(self, mode, *numbers):
        command(self.program("bench", "generate"), mode, self.fs, *numbers)

    def start(self, argv, **options):
        for old in self.out.iterdir():
            old.unlink()
        child = Child(argv, self.fs, self.out, **options)
        self.children.append(child.process)
        return child

    def start_beside(self, argv, out, **options):
        """One of several at a time, each with a directory of its own for what it says."""
        child = Child(argv, out, out, **options)
        self.children.append(child.process)
        return child

    def reap(self):
        """Ends what a failed or finished run left, then frees its filesystem."""
        for process in self.children:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.children.clear()
        if os.path.ismount(self.fs):
            self.unmount()

    def close(self):
        for process in self.children:
            if process.poll() is None:
                process.kill()
                process.wait()
        for path in (self.dir / "fs", self.dir):
            LIBC.umount2(os.fsencode(path), MNT_DETACH)
        shutil.rmtree(self.dir, ignore_errors=True)
