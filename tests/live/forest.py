# SPDX-License-Identifier: MIT
"""A random workload by several processes on moving directories, and the truth about every path at every moment.

Each worker changes its own subtree through a descriptor of it, while a mover renames the directories above. One lock
orders all operations, so that a replay of their logs tells the path of everything at each of them. A name is used
once, so that a record's name says what it is about: {name: [Happening, ...]} in order of time.
"""

import bisect
import collections
import multiprocessing
import os
import random
import time

from machine import spawn

Happening = collections.namedtuple("Happening", "at event path old_path")


class Model:
    """The tree as it is after the operations replayed so far: node = [parent, name, children]."""

    def __init__(self, root):
        self.root = [None, os.fsencode(root), {}]

    def find(self, path, start=None):
        node = start or self.root
        for name in path.split("/") if path else []:
            node = node[2][name.encode()]
        return node

    def add(self, path, start=None):
        parent, _, name = path.rpartition("/")
        parent = self.find(parent, start)
        parent[2][name.encode()] = node = [parent, name.encode(), {}]
        return node

    def take(self, path, start=None):
        node = self.find(path, start)
        del node[0][2][node[1]]
        return node

    def put(self, node, path, start=None):
        parent, _, name = path.rpartition("/")
        node[0], node[1] = self.find(parent, start), name.encode()
        node[0][2][node[1]] = node

    @staticmethod
    def path(node):
        names = []
        while node:
            names.append(node[1])
            node = node[0]
        return b"/".join(reversed(names))


class Worker:
    """Does random operations below a directory that others move; what it did is in self.log."""

    def __init__(self, name, seed, home, lock, clock):
        self.name, self.random, self.home = name, random.Random(seed), home
        self.lock, self.clock, self.log, self.serial = lock, clock, [], 0
        self.directories, self.files = [""], []

    def new(self, is_dir):
        self.serial += 1
        name = f"{self.name}.{self.serial}{'d' if is_dir else 'f'}"
        parent = self.random.choice(self.directories[-300:])
        return f"{parent}/{name}" if parent else name

    def do(self, what, *paths):
        with self.lock:
            getattr(self, "do_" + what)(*paths)
            self.clock.value += 1
            self.log.append((self.clock.value, what, paths))

    def do_mkdir(self, path):
        os.mkdir(path, dir_fd=self.home)

    def do_rmdir(self, path):
        os.rmdir(path, dir_fd=self.home)

    def do_rename(self, old, new):
        os.rename(old, new, src_dir_fd=self.home, dst_dir_fd=self.home)

    def do_unlink(self, path):
        os.unlink(path, dir_fd=self.home)

    def do_create(self, path):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=self.home))

    def do_write(self, path):
        fd = os.open(path, os.O_WRONLY, dir_fd=self.home)
        os.write(fd, b"x")
        os.close(fd)

    # ---- what is done next ----

    def step(self):
        getattr(self, self.random.choices(*zip(*CHANCES.items()))[0])()

    def make_directory(self):
        path = self.new(True)
        self.do("mkdir", path)
        self.directories.append(path)

    def make_file(self):
        path = self.new(False)
        self.do("create", path)
        self.files.append(path)

    def write_file(self):
        if self.files:
            self.do("write", self.random.choice(self.files[-500:]))

    def remove_file(self):
        if self.files:
            path = self.files.pop(self.random.randrange(len(self.files)))
            self.do("unlink", path)

    def move_file(self):
        if self.files:
            place = self.random.randrange(len(self.files))
            new = self.new(False)
            self.do("rename", self.files[place], new)
            self.files[place] = new

    def move_directory(self):
        old, new = self.random.choice(self.directories), self.new(True)
        if old and not (new + "/").startswith(old + "/"):
            self._rename_directory(old, new)

    def replace_file(self):
        if len(self.files) > 1:
            old, new = self.random.sample(self.files[-500:], 2)
            self.do("rename", old, new)
            self.files.remove(old)

    def replace_directory(self):
        """Onto an empty one, which goes without a DELETE."""
        old, new = self.random.choice(self.directories), self.random.choice(self.directories[-300:])
        if old and new != old and not self._has_below(new) and not new.startswith(old + "/"):
            self.directories.remove(new)
            self._rename_directory(old, new)

    def _has_below(self, path):
        return not path or any(p.startswith(path + "/") for p in self.directories + self.files)

    def _rename_directory(self, old, new):
        self.do("rename", old, new)
        moved = lambda p: new + p[len(old) :] if p == old or p.startswith(old + "/") else p
        self.directories = [moved(p) for p in self.directories]
        self.files = [moved(p) for p in self.files]

    def move_to_and_fro(self):
        """a to b, b to a, a to b: the kernel swallows the third if all wait together. Then b goes, not to be asked."""
        old = self.random.choice(self.directories[-300:])
        if self._has_below(old):
            return
        new = os.path.join(os.path.dirname(old), os.path.basename(self.new(True)))
        for pair in (old, new), (new, old), (old, new):
            self._rename_directory(*pair)
        inside = f"{new}/{os.path.basename(self.new(False))}"
        self.do("create", inside)
        self.do("unlink", inside)
        self.do("rmdir", new)
        self.directories.remove(new)

    def remove_tree(self):
        top = self.random.choice(self.directories)
        below = [p for p in self.directories if p.startswith(top + "/")]
        if not top or len(below) > 30:
            return
        for path in [f for f in self.files if f.startswith(top + "/")]:
            self.do("unlink", path)
            self.files.remove(path)
        for path in sorted([top, *below], key=len, reverse=True):
            self.do("rmdir", path)
            self.directories.remove(path)


class Mover(Worker):
    """Renames the directories in which the workers' subtrees lie, and moves those between them."""

    def __init__(self, name, seed, home, lock, clock, shared, subtrees):
        super().__init__(name, seed, home, lock, clock)
        self.shared, self.subtrees = shared, subtrees

    def step(self):
        if self.random.random() < 0.5:
            place = self.random.randrange(len(self.shared))
            old, new = self.shared[place], self._fresh()
            self.do("rename", old, new)
            self.shared[place] = new
            self.subtrees = [new + s[len(old) :] if s.startswith(old + "/") else s for s in self.subtrees]
            return
        place = self.random.randrange(len(self.subtrees))
        old, new = self.subtrees[place], f"{self.random.choice(self.shared)}/{self._fresh()}"
        self.do("rename", old, new)
        self.subtrees[place] = new

    def _fresh(self):
        self.serial += 1
        return f"{self.name}.{self.serial}"


CHANCES = {
    "make_directory": 20,
    "make_file": 30,
    "write_file": 20,
    "remove_file": 12,
    "move_file": 8,
    "move_directory": 4,
    "replace_file": 2,
    "replace_directory": 0.2,
    "remove_tree": 1,
    "move_to_and_fro": 0.02,
}


class Forest:
    """Set up before the reader starts, worked in while it is stopped, told about afterwards."""

    def __init__(self, base, workers, seed, before=200):
        self.base, self.seed, self.lock = str(base), seed, multiprocessing.Lock()
        self.clock = multiprocessing.Value("q", 0, lock=False)
        self.shared = ["shared1", "shared2"]
        self.subtrees = [f"shared{1 + n % 2}/home{n}" for n in range(workers)]
        for path in self.shared + self.subtrees:
            os.mkdir(f"{base}/{path}")
        self.workers = [self._worker(n, before) for n in range(workers)]
        self.prelude = len(self.workers), [w.log for w in self.workers]
        for worker in self.workers:
            worker.log = []

    def _worker(self, number, before):
        home = os.open(f"{self.base}/{self.subtrees[number]}", os.O_PATH)
        worker = Worker(f"w{number}", f"{self.seed}/{number}", home, self.lock, self.clock)
        for _ in range(before):
            worker.make_directory()
        return worker

    def work(self, seconds, most=15000):
        """All at once, each for so long or so many steps. Fills self.logs."""
        home = os.open(self.base, os.O_PATH)
        mover = Mover("m", self.seed, home, self.lock, self.clock, list(self.shared), list(self.subtrees))
        queue, everyone = multiprocessing.SimpleQueue(), [*self.workers, mover]
        limits = [most] * len(self.workers) + [most // 20]
        processes = [spawn(self._work, n, w, seconds, limits[n], queue) for n, w in enumerate(everyone)]
        self.logs = dict(queue.get() for _ in processes)
        for process in processes:
            process.join()

    @staticmethod
    def _work(number, worker, seconds, steps, queue):
        end = time.monotonic() + seconds
        while time.monotonic() < end and steps:
            worker.step()
            steps -= 1
        queue.put((number, worker.log))

    def truth(self):
        """{last component: [Happening, ...]} in order of time."""
        model, homes = Model(self.base), []
        for path in self.shared:
            model.add(path)
        for number, path in enumerate(self.subtrees):
            homes.append(model.add(path))
            for _, what, paths in self.prelude[1][number]:
                model.add(paths[0], homes[number])
        homes.append(model.root)
        found = collections.defaultdict(list)
        steps = [(at, n, what, paths) for n, log in self.logs.items() for at, what, paths in log]
        for at, number, what, paths in sorted(steps):
            for happening in replay(model, homes[number], at, what, paths):
                found[happening.path.rpartition(b"/")[2]].append(happening)
        return found


DONE = {
    "mkdir": ["create"],
    "create": ["create", "open", "close_write"],
    "write": ["open", "modify", "close_write"],
    "unlink": ["delete"],
    "rmdir": ["delete"],
}


def replay(model, home, at, what, paths):
    """One operation on the model, and what must be told of it."""
    if what == "rename":
        node = model.take(paths[0], home)
        old = model.path(node)
        model.put(node, paths[1], home)
        return [Happening(at, "rename", model.path(node), old)]
    node = model.add(paths[0], home) if what in ("mkdir", "create") else model.find(paths[0], home)
    if what in ("unlink", "rmdir"):
        model.take(paths[0], home)
    return [Happening(at, e, model.path(node), None) for e in DONE[what]]


def first_after(happenings, at):
    return happenings[bisect.bisect_left(happenings, at, key=lambda h: h.at) :]
