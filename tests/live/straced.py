# SPDX-License-Identifier: MIT
"""What strace saw succeed, as the sets of a summary: the truth that `fantail run` is compared with."""

import os
import re

CALLS = "/^(open(at2?)?|creat|mkdir(at)?|(un|sym)?link(at)?|rmdir|rename(at2?)?|execve(at)?|chdir|truncate)$"
OPTIONS = ["-f", "-y", "-qq", "-s", "65535", "-e", "signal=none", "-e", "status=successful", "-e", f"trace={CALLS}"]
LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (\d+)(?:<(.*)>)?$")
# Whatever is quoted, and what a descriptor before it is of.
NAME = re.compile(r'(?:\b(?:AT_FDCWD|\d+)<((?:[^>\\]|\\.)*)>, )?"((?:[^"\\]|\\.)*)"')
# Of these the summary says nothing, or they are no real filesystem's.
NOT_REAL = ("/proc/", "/sys/", "/dev/")


def unquote(text):
    return text.encode().decode("unicode_escape").encode("latin-1")


def is_real(path):
    return path.startswith(b"/") and not path.startswith(tuple(map(os.fsencode, NOT_REAL)))


def interpreters(path):
    """What the kernel opens beside a program: of a script its interpreter, of that its loader."""
    found = set()
    while path and os.path.exists(path) and path not in found:
        found.add(path)
        with open(path, "rb") as f:
            head = f.read(4096)
        if head.startswith(b"#!"):
            path = os.path.realpath(head[2:].split(b"\n")[0].split()[0])
        else:
            loader = re.search(rb"/lib[\w/.-]*/ld-linux[\w.-]*\0", head)
            path = os.path.realpath(loader.group()[:-1]) if head.startswith(b"\x7fELF") and loader else None
    return found


class Truth:
    """read and written hold what must be there; may_read what may be, beyond that."""

    def __init__(self, log, existing):
        """existing: the files that were there before, of those that the command makes."""
        self.read, self.written, self.created, self.deleted = set(), set(), set(), set()
        self.renamed, self.executed, self.may_read = set(), set(), set()
        self._there, self._cwd = set(existing), {}
        for line in log.read_text(errors="surrogateescape").splitlines():
            match = LINE.fullmatch(line)
            if match:
                pid, call, arguments, _, opened = match.groups()
                self._take(pid, call, arguments, unquote(opened) if opened else None)

    def _names(self, pid, arguments):
        for base, name in NAME.findall(arguments):
            if base:
                base = unquote(base)
            if "AT_FDCWD<" in arguments:
                self._cwd[pid] = unquote(re.search(r"AT_FDCWD<((?:[^>\\]|\\.)*)>", arguments)[1])
            yield os.path.normpath(os.path.join(base or self._cwd.get(pid, b"?"), unquote(name)))

    def _take(self, pid, call, arguments, opened):
        names = list(self._names(pid, arguments))
        if call == "chdir":
            self._cwd[pid] = names[0]
        elif call.startswith("exec"):
            self.executed |= {p for p in interpreters(os.path.realpath(names[0])) if is_real(p)}
        elif not names or not is_real(names[-1]):
            return
        elif call.startswith("open") or call == "creat":
            self._open(call, arguments, opened)
        elif call.startswith("rename"):
            self.renamed.add((names[0], names[1]))
            self._there.discard(names[0])
            self._there.add(names[1])
        elif call.startswith(("unlink", "rmdir")):
            self.deleted.add(names[0])
            self._there.discard(names[0])
        elif call == "truncate":
            self.written.add(names[0])
        else:
            self._make(names[-1])

    def _make(self, path):
        if path not in self._there:
            self.created.add(path)
        self._there.add(path)

    def _open(self, call, arguments, opened):
        if "O_PATH" in arguments or not is_real(opened) or os.path.isdir(opened):
            return
        if "O_CREAT" in arguments or call == "creat":
            self._make(opened)
        if call == "creat" or "O_WRONLY" in arguments or "O_RDWR" in arguments:
            self.written.add(opened)
        else:
            self.read.add(opened)
        if "O_RDWR" in arguments:
            self.may_read.add(opened)
