# SPDX-License-Identifier: MIT
"""The records that fantail printed: parsed, validated, and as sets to compare with the truth."""

import base64
import json
import re
from pathlib import Path

from harness import Failure, check, equal, show

SOURCE = Path(__file__).resolve().parents[2]
SCHEMA = SOURCE / "data" / "fantail-event.schema.json"
NAMES = {"lost", "gap"}
SOURCES = {"event", "first", "now", "partial", "none"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z")
MASK = re.compile(r'^FT_MASK\(\w+, \w+, "(\w+)"', re.M)
ORDER = MASK.findall((SOURCE / "src" / "event" / "mask.def").read_text())


def raw(record, field="path"):
    """A field's bytes, also when they are no UTF-8; None if it is absent."""
    if field + "_base64" in record:
        return base64.b64decode(record[field + "_base64"], validate=True)
    value = record.get(field)
    return None if value is None else value.encode()


def is_event(record):
    return not NAMES & set(record["events"])


def losses(records):
    return [r for r in records if not is_event(r)]


def facts(records):
    """{(event, path, old_path or None, dir)}: what was told, whatever was merged with what."""
    return {
        (e, raw(r), raw(r, "old_path") if e == "rename" else None, r.get("dir", False))
        for r in records
        if is_event(r)
        for e in r["events"]
    }


def paths(records, *events):
    """The paths of the records that hold one of these events (of all without any)."""
    return {raw(r) for r in records if not events or set(events) & set(r["events"])}


def _check_structure(record, position):
    what = f"record {position} {show(record)}"
    check(TIME.fullmatch(record.get("time", "")), f"{what}: time")
    equal(record.get("seq"), position, f"{what}: seq")
    events = record.get("events")
    check(isinstance(events, list) and events, f"{what}: no events")
    if not is_event(record):
        return
    if "call" in record:
        _check_call(record, what)
        return
    places = [ORDER.index(e) if e in ORDER else -1 for e in events]
    check(places == sorted(set(places)) and -1 not in places, f"{what}: events")
    check(record.get("path_source") in SOURCES, f"{what}: path_source")
    for field in "path", "old_path":
        path = raw(record, field)
        if path is None or record["path_source"] in ("partial", "none"):
            continue
        check(path.startswith(b"/") and b"//" not in path, f"{what}: {field}")
        check(not path.endswith(b"/.") and (path == b"/" or path[-1:] != b"/"), f"{what}: {field}")
    _check_base64(record, what)
    check("old_path" not in record or "rename" in events, f"{what}: old_path")


def _check_base64(record, what):
    for field in [f for f in record if f.endswith("_base64")]:
        decoded = raw(record, field[: -len("_base64")])
        check(b"\xef\xbf\xbd" in record[field[:-7]].encode(), f"{what}: {field} for nothing")
        check(_replaced(decoded) == record[field[:-7]], f"{what}: {field}")


def _check_call(record, what):
    """A record of audit: one call, what it returned, and a path only where it leads to one."""
    equal(len(record["events"]), 1, f"{what}: events")
    check(isinstance(record.get("ret"), int), f"{what}: ret")
    equal("error" in record, record["ret"] < 0, f"{what}: has an error")
    equal("path" in record, "path_source" in record, f"{what}: path and path_source")
    check(raw(record) is None or raw(record).startswith(b"/"), f"{what}: path")
    _check_base64(record, what)
    _check_base64(record["call"], what)


def _replaced(data):
    """One U+FFFD for each byte that is not part of valid UTF-8."""
    text = data.decode("utf-8", errors="surrogateescape")
    return re.sub("[\udc80-\udcff]", "\ufffd", text)


def _validator():
    try:
        import jsonschema

        with open(SCHEMA) as f:
            return jsonschema.Draft202012Validator(json.load(f))
    except (ImportError, FileNotFoundError):
        return None


def _deepest(error):
    """What is wrong, not merely that none of the alternatives fits."""
    while error.context:
        error = max(error.context, key=lambda e: len(e.absolute_path))
    return f"{'.'.join(map(str, error.absolute_path))}: {show(error.message)}"


def validate(records):
    """Every record's structure, and the schema once for each shape (kinds of all its values)."""
    validator, seen = _validator(), set()

    def shape(value):
        if isinstance(value, dict):
            return tuple((k, shape(v)) for k, v in value.items())
        if isinstance(value, list):
            return tuple(value) if all(isinstance(v, str) for v in value) else len(value)
        return type(value)

    for position, record in enumerate(records, 1):
        _check_structure(record, position)
        key = shape({**record, "process": {**record.get("process", {}), "args": 0}})
        if validator and key not in seen:
            seen.add(key)
            for error in validator.iter_errors(record):
                raise Failure(f"record {position} {show(record, 600)}: schema: {_deepest(error)}")


def parse(data):
    check(not data or data.endswith(b"\n"), f"the last line is cut: {show(data[-200:])}")
    return [json.loads(line) for line in data.splitlines()]
