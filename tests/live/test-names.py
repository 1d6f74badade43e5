# SPDX-License-Identifier: MIT
"""Hostile names in every format: no forged line, no control on a terminal, every byte recovered."""

import base64
import csv
import io
import json
import os
import re
import stat

from harness import case, check, equal, main, same_set
from machine import filesystem
from records import raw
from watch import Watch

NAMES = [
    b"plain",
    b"new\nline",
    b"\n",
    b"carriage\rreturn",
    b"tab\there",
    b"back\\slash \\n \\x41",
    b"esc \x1b[2J\x1b]0;title\x07",
    b"c1 \xc2\x9b2J",
    b"invalid \xff\xfe \xc3",
    b"surrogate \xed\xa0\x80 overlong \xc0\xaf",
    "bidi \u202e\u2066txt.exe\u2069 \u200f\u061c".encode(),
    "line \u2028 paragraph \u2029".encode(),
    "wide \u6f22\u5b57 \U0001f600 e\u0301".encode(),
    b"del \x7f bell \x07",
    b"n" * 255,
    b"\xff" * 255,
    b" leading and trailing ",
    b"gone (deleted)",
    b"{path} {pid} %s%n ${HOME}",
    b'comma, "quote", \'single\'',
    b'","path":"forged',
    b'x"}\n{"time":"2026-11-20T12:00:00Z","seq":1,"events":["create"],"path":"forged"}',
    b"x\n2026-11-20 12:00:00 touch(1) create forged",
    b"x\r\n2026-11-20T12:00:00Z,1,create,forged",
    b"-n",
    b"=cmd()",
]
RENAMED = b"renamed\nto \x1b[31m\xff"
BAD = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def names_told(fmt, *options):
    """What is printed of one create of each name and a rename of the last; the raw paths of it."""
    with filesystem("tmpfs") as base:
        top = os.fsencode(base)
        with Watch("-e", "create,rename", *options, base, fmt=fmt) as watch:
            for name in NAMES:
                os.mknod(os.path.join(top, name), 0o600 | stat.S_IFREG)
            os.rename(os.path.join(top, NAMES[-1]), os.path.join(top, RENAMED))
            records = watch.stop()
        wanted = [os.path.join(top, n) for n in [*NAMES, RENAMED]]
        return (records if fmt == "json" else watch.output()), wanted


SHORT = {"\\\\": b"\\", "\\n": b"\n", "\\t": b"\t", "\\r": b"\r"}


def unescape(text):
    """The bytes that \\\\ \\n \\t \\r \\xHH stand for."""

    def byte(match):
        found = match[0]
        if found.startswith("\\x"):
            return bytes([int(found[2:], 16)])
        return SHORT[found] if found[0] == "\\" else found.encode()

    return b"".join(map(byte, re.finditer(r"\\x[0-9a-fA-F]{2}|\\[\\ntr]|[^\\]+", text)))


def lines_of(output, wanted):
    """The lines of an output for people: as many as records, nothing in them that drives a terminal."""
    text = output.decode("utf-8")
    lines = text.split("\n")
    equal(lines.pop(), "", "the end of the last line")
    equal(len(lines), wanted, "lines")
    for line in lines:
        check(not BAD.search(line), f"a control character is printed: {line!r}")
    return lines


@case()
def names_json():
    records, wanted = names_told("json")
    equal([raw(r) for r in records], wanted, "paths")
    equal(raw(records[-1], "old_path"), wanted[-2], "old path")


@case()
def names_json_bytes():
    """The file itself: one line a record, in the eyes of every reader of lines, and no control in it."""
    with filesystem("tmpfs") as base:
        with Watch("-e", "create", base) as watch:
            for name in NAMES:
                os.mknod(os.path.join(os.fsencode(base), name), 0o600 | stat.S_IFREG)
            watch.stop()
        lines_of(watch.output(), len(NAMES))


@case()
def names_text():
    output, wanted = names_told("text")
    for line, path in zip(lines_of(output, len(wanted)), wanted):
        check(path in unescape(line), f"{path!r} cannot be read from {line!r}")
    check(wanted[-2] in unescape(line), f"the old path is not in {line!r}")


@case()
def names_csv():
    output, wanted = names_told("csv")
    lines_of(output, len(wanted) + 1)
    rows = list(csv.DictReader(io.StringIO(output.decode(), newline="")))
    equal([unescape(r["path"]) for r in rows], wanted, "paths")
    check(all(None not in r and None not in r.values() for r in rows), "rows of different lengths")


@case()
def names_template():
    output, wanted = names_told("<{events}|{path}>")
    lines = lines_of(output, len(wanted))
    events = ["create"] * len(NAMES) + ["rename"]
    wanted = [b"<%s|%s>" % (e.encode(), p) for e, p in zip(events, wanted)]
    equal([unescape(line) for line in lines], wanted, "lines")


@case()
def names_raw():
    output, wanted = names_told(None, "-0")
    parts = output.split(b"\0")
    equal(parts, [*wanted[:-1], wanted[-2], wanted[-1], b""], "paths, NUL-ended; the rename: old, then new")


@case("ecs", "ocsf")
def names_schemas(fmt):
    output, wanted = names_told(fmt)
    lines = lines_of(output, len(wanted))
    found = {path for line in lines for path in found_paths(json.loads(line))}
    same_set(found & set(wanted), wanted, "paths")


def found_paths(value):
    """Every string in it, as bytes, those in base64 decoded: these schemas want it apart from the field that it is for."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str):
                yield base64.b64decode(inner) if key.endswith("_base64") else inner.encode()
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from found_paths(inner)


main()
