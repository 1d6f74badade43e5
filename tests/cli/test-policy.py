#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""guard --check and --explain: what a policy is said to do, and the policies that are installed."""

import json
import os
import pwd
import subprocess
from pathlib import Path

from harness import case, check, equal, main, one_line
from machine import mounted, temp_dir

FANTAIL = os.environ["FANTAIL"]
POLICIES = Path(os.environ["POLICIES"])
TIMEOUT = 60


def guard(*arguments, status=0, cwd="/"):
    """stdout and the lines of stderr."""
    done = subprocess.run(
        [FANTAIL, "guard", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
        cwd=cwd,
    )
    errors = done.stderr.decode()
    equal(done.returncode, status, f"exit status of {arguments} (stderr: {errors})")
    return done.stdout.decode(), errors


def explain(policy, path, **asked):
    options = [word for key, value in asked.items() for word in (f"--{key}", value)]
    out, _ = guard("--policy", policy, "--explain", "--format", "json", "--path", path, *options)
    check(out.count("\n") == 1 and out.endswith("\n"), f"one line wanted: {out!r}")
    return json.loads(out)


def decides(policy, path, verdict, rule, **asked):
    told = explain(policy, path, **asked)
    equal((told["verdict"], told.get("rule")), (verdict, rule), f"{path} {asked}: {told}")
    return told


def written(text):
    path = temp_dir("policy") / "policy.yaml"
    path.write_text(text)
    return path


# ---- the policies that are installed, each with a table of what it must decide ----

HOME = "/home/someone"
NOBODY = {"uid": "65534", "gid": "65534"}
TABLES = {
    "ssh-keys": [
        (f"{HOME}/.ssh/id_ed25519", {"exe": "/usr/bin/python3"}, "deny", "ssh-keys"),
        (f"{HOME}/.ssh/id_ed25519", {}, "deny", "ssh-keys"),
        (f"{HOME}/.ssh/id_github", {}, "deny", "ssh-keys"),
        (f"{HOME}/.ssh/id_grub", {}, "deny", "ssh-keys"),
        (f"{HOME}/.ssh/id_mypub", {}, "deny", "ssh-keys"),
        (f"{HOME}/.ssh/id_ed25519.pub", {"exe": "/usr/bin/python3"}, "allow", None),
        (f"{HOME}/.ssh/known_hosts", {}, "allow", None),
        ("/root/.ssh/id_rsa", {"event": "exec"}, "deny", "ssh-keys"),
    ],
    "browser-secrets": [
        (f"{HOME}/.mozilla/firefox/abc.default/cookies.sqlite", {}, "deny", "browser-profiles"),
        (f"{HOME}/.mozilla/firefox/abc.default/cookies.sqlite-wal", {}, "deny", "browser-profiles"),
        (f"{HOME}/.mozilla/firefox/abc.default/places.sqlite", {}, "allow", None),
        (f"{HOME}/.config/chromium/Default/Login Data", {}, "deny", "browser-profiles"),
        (f"{HOME}/.config/google-chrome/Default/Network/Cookies", {}, "deny", "browser-profiles"),
        (f"{HOME}/.config/gh/hosts.yml", {"exe": "/usr/bin/env"}, "deny", "tokens"),
        (f"{HOME}/.git-credentials", {"exe": "/usr/bin/env"}, "deny", "tokens"),
        (f"{HOME}/.gitconfig", {"exe": "/usr/bin/env"}, "allow", None),
    ],
    "web-root": [
        ("/var/www/site/.git/config", {"uid": "www-data"}, "deny", "never-served"),
        ("/var/www/site/.git/config", NOBODY, "allow", None),
        ("/var/www/.env", {"uid": "www-data"}, "deny", "never-served"),
        ("/var/www/site/dump.sql", {"uid": "www-data"}, "deny", "never-served"),
        ("/var/www/site/index.html", {"uid": "www-data"}, "allow", None),
        ("/var/www/up/shell", {"uid": "www-data", "event": "exec"}, "deny", "no-programs"),
        ("/var/www/up/shell", {"uid": "www-data"}, "allow", None),
    ],
    "upload-scan": [
        ("/srv/uploads/a", NOBODY, "scan", "uploads"),
        ("/srv/uploads/a", {"event": "exec"}, "scan", "uploads"),
        ("/srv/uploads/incoming/a", {"uid": "www-data"}, "allow", "uploader"),
        ("/srv/uploads/incoming/a", NOBODY, "scan", "uploads"),
        ("/srv/other/a", NOBODY, "allow", None),
    ],
    "system-programs": [
        ("/usr/bin/env", {"event": "exec"}, "allow", "system"),
        (f"{HOME}/evil", {"event": "exec"}, "deny", "elsewhere"),
        ("/tmp/evil", {"event": "exec"}, "deny", "elsewhere"),
        ("/tmp/evil", {"event": "open"}, "allow", None),
    ],
}


@case(*TABLES)
def installed_policy(name):
    policy = POLICIES / f"{name}.yaml"
    if "www-data" in policy.read_text():
        pwd.getpwnam("www-data")
    out, _ = guard("--policy", policy, "--check")
    check("mode      enforce, default allow" in out, out)
    for path, asked, verdict, rule in TABLES[name]:
        decides(policy, path, verdict, rule, **asked)


@case()
def all_are_tested():
    equal({p.stem for p in POLICIES.iterdir()}, set(TABLES), "data/policies")


@case()
def allowed_program_is_allowed():
    """ssh is not on every machine: the rule with a program that is."""
    text = (POLICIES / "ssh-keys.yaml").read_text()
    policy = written(text.replace("/usr/bin/ssh,", f"{os.path.realpath('/usr/bin/env')},"))
    key = f"{HOME}/.ssh/id_rsa"
    decides(policy, key, "allow", "ssh-keys-users", exe="/usr/bin/env")
    told = decides(policy, key, "deny", "ssh-keys", exe="/usr/bin/env", event="exec")
    wanted = [("ssh-keys-users", False, "events"), ("ssh-keys", True, None)]
    equal([(r["rule"], r["matches"], r.get("key")) for r in told["rules"]], wanted, "rules")


# ---- what --explain knows of files that are there ----


@case()
def other_names_of_a_file():
    here = temp_dir("explain")
    (here / "keys").mkdir()
    (here / "keys" / "id_a").write_text("secret")
    (here / "single").write_text("secret")
    os.link(here / "keys" / "id_a", here / "hard")
    os.link(here / "single", here / "hard-single")
    (here / "soft").symlink_to("keys/id_a")
    policy = written(
        f"""version: 1
watch: {here}
rules:
  - {{name: glob, path: "{here}/keys/id_*", verdict: deny}}
  - {{name: literal, path: {here}/single, verdict: deny}}
"""
    )
    decides(policy, here / "keys" / "id_a", "deny", "glob")
    told = decides(policy, here / "hard", "deny", "glob")
    check(told["rules"][-1].get("by_object"), f"not by object: {told}")
    told = decides(policy, here / "hard-single", "deny", "literal")
    check(told["rules"][-1].get("by_object"), f"not by object: {told}")
    # The guard is asked about what a link leads to.
    equal(decides(policy, here / "soft", "deny", "glob")["path"], f"{here}/keys/id_a", "path")
    decides(policy, here / "keys" / "other", "allow", None)


@case()
def replaced_program():
    """An allowed executable is an object: another file is not it, whatever it is called."""
    here = temp_dir("explain")
    (here / "allowed").write_text("1")
    os.link(here / "allowed", here / "second-name")
    (here / "other").write_text("1")
    policy = written(
        f"""version: 1
watch: {here}
rules:
  - {{name: program, path: {here}/file, exe: {here}/allowed, verdict: allow}}
  - {{name: others, path: {here}/file, verdict: deny}}
"""
    )
    decides(policy, here / "file", "allow", "program", exe=here / "allowed")
    decides(policy, here / "file", "allow", "program", exe=here / "second-name")
    decides(policy, here / "file", "deny", "others", exe=here / "other")
    told = decides(policy, here / "file", "deny", "others")
    check(told["rules"][0].get("by_doubt"), f"unknown executable: {told}")


@case()
def who_asks():
    file = temp_dir("asked") / "f"
    policy = written(
        f"""version: 1
rules:
  - {{name: user, path: {file}, uid: root, gid: root, verdict: allow}}
  - {{name: box, path: {file}, container: 0123456789ab, verdict: allow}}
  - {{name: long, path: {file}, comm: a-very-long-name-of-a-program, verdict: allow}}
  - {{name: rest, path: {file}, verdict: deny}}
"""
    )
    decides(policy, file, "allow", "user", uid="root")
    decides(policy, file, "allow", "user", uid="0", gid="0")
    decides(policy, file, "deny", "rest", uid="root", gid="1")
    decides(policy, file, "allow", "box", container="0123456789abcdef")
    decides(policy, file, "deny", "rest", container="")
    decides(policy, file, "allow", "long", comm="a-very-long-name-of-something")
    decides(policy, file, "deny", "rest", comm="a-name")
    equal(explain(policy, "/etc/f")["watched"], False, "/etc is not watched")
    _, errors = guard("--policy", policy, "--explain", "--path", file, "--gid", "0", status=2)
    one_line(errors, "--gid alone", "--uid")


@case()
def in_words():
    policy = written(
        """version: 1
mode: observe
rules:
  - {name: first, path: /a/f, exe: /bin/sh, verdict: allow}
  - {name: second, path: "/a/*", verdict: deny}
"""
    )
    out, _ = guard("--policy", policy, "--explain", "--path", "/a/f")
    equal(
        out.splitlines(),
        [
            "first                    no: exe is not known",
            "second                   yes",
            "deny, by second: open /a/f; mode observe allows it all the same",
        ],
        "explained",
    )


# ---- --deny ----


@case()
def denied_paths():
    here = temp_dir("deny")
    (here / "dir").mkdir()
    (here / "dir" / "in").write_text("")
    (here / "we*rd [x]").write_text("")
    (here / "weird [x]").write_text("")

    def denied(path):
        out, _ = guard(
            "--deny", "dir", "we*rd [x]", "--explain", "--format", "json", "--path", path, cwd=here
        )
        return json.loads(out)["verdict"] == "deny"

    for path, wanted in {"dir": True, "dir/in": True, "we*rd [x]": True, "weird [x]": False}.items():
        equal(denied(here / path), wanted, path)
    _, errors = guard("--deny", here / "none", "--check", status=1)
    one_line(errors, "absent", f"{here}/none", "No such file")


@case()
def glob_through_a_link():
    """No file has such a path: it is told, and where it leads; what is no link is not."""
    here = temp_dir("linked")
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    for directory, is_told in {"link": True, "real": False}.items():
        policy = written(
            f"version: 1\nwatch: ['{here}']\nrules:\n  - {{name: r, path: '{here}/{directory}/*', verdict: deny}}\n"
        )
        _, errors = guard("--policy", policy, "--check")
        equal("nothing has such a path" in errors, is_told, f"{directory}: {errors}")
        equal(f"it leads to {here}/real" in errors, is_told, f"{directory}: {errors}")


# ---- what is wrong ----


@case()
def errors_have_places():
    policy = written("version: 1\nrules:\n  - {name: a, pth: /a}\n  - {name: a, path: b, verdict: no}\n")
    out, errors = guard("--policy", policy, "--check", status=1)
    equal(out, "", "stdout")
    equal(
        errors.splitlines(),
        [
            f"fantail: {policy}:3:5: a rule needs 'verdict: allow', 'verdict: deny' or 'scan: SCANNER'",
            f"fantail: {policy}:3:15: 'pth' is no key of a rule, did you mean 'path'?",
            f"fantail: {policy}:4:21: an absolute path is expected, one that begins with '/', not 'b'",
            f"fantail: {policy}:4:33: allow or deny is expected, not 'no'",
        ],
        "errors",
    )


@case()
def who_could_change_it():
    policy = written("version: 1\nrules: [{name: a, path: /a, verdict: deny}]\n")
    guard("--policy", policy, "--check")
    policy.chmod(0o664)
    _, errors = guard("--policy", policy, "--check", status=1)
    one_line(errors, "writable", f"fantail: {policy}: others may write there", "chmod")
    _, errors = guard("--policy", policy.name, "--check", status=1, cwd=policy.parent)
    one_line(errors, "by its name", f"fantail: {policy.name}: others may write there")
    policy.chmod(0o644)
    os.chown(policy, 65534, -1)
    _, errors = guard("--policy", policy, "--check", status=1)
    one_line(errors, "another's", str(policy), "chown")
    os.chown(policy, 0, -1)
    policy.parent.chmod(0o777)
    _, errors = guard("--policy", policy, "--explain", "--path", "/a", status=1)
    one_line(errors, "replaceable", f"{policy}: {policy.parent}: others may write there")


@case(
    ((),),
    (("--check",),),
    (("--policy", "p", "--deny", "/"),),
    (("--policy", "p", "/x"),),
    (("--deny",),),
    (("--policy", "p", "--check", "--explain", "--path", "/x"),),
    (("--policy", "p", "--explain"),),
    (("--policy", "p", "--path", "/x"),),
    (("--policy", "p", "--log", "some"),),
    (("--policy", "p", "--confirm-fd", "0"),),
    (("--policy", "p", "--confirm", "soon"),),
    (("--deny", "/", "--explain", "--path", "/x", "--format", "csv"),),
    (("--deny", "/usr", "--explain", "--path", "/x", "--event", "delete"),),
    (("--deny", "/usr", "--explain", "--path", "x/not/there"),),
)
def wrong_usage(arguments):
    _, errors = guard(*arguments, status=2)
    one_line(errors, "message", "fantail: ")


@case()
def scanners_are_loaded():
    here = temp_dir("scanners")
    rules = f"version: 1\nrules: [{{name: a, path: {here}/a, scan: s, error: deny}}]\n"
    policy = written(rules + f"scanners: {{s: {{type: sha256, list: {here}/none}}}}\n")
    _, errors = guard("--policy", policy, "--check", status=1)
    one_line(errors, "absent list", f"{here}/none")
    # That clamd does not run is no error of the policy.
    policy = written(rules + f"scanners: {{s: {{type: clamd, socket: {here}/none}}}}\n")
    out, _ = guard("--policy", policy, "--check")
    equal(
        out.splitlines()[1:],
        [
            f"watch     {here}",
            f"scanner   s: clamd, {here}/none",
            "rule      scan a: open, exec; s: clean allow, infected deny, error deny",
        ],
        "--check",
    )


@case()
def mounts_below_are_told():
    here = temp_dir("mounts")
    policy = written(f"version: 1\nwatch: {here}\nrules: [{{name: a, verdict: deny}}]\n")
    both = written(f"version: 1\nwatch: [{here}, {here}/below]\nrules: [{{name: a, verdict: deny}}]\n")
    with mounted("-t", "tmpfs", "fantail-test", at=here):
        (here / "below").mkdir()
        equal(guard("--policy", policy, "--check")[1], "", "stderr without a mount")
        with mounted("-t", "tmpfs", "fantail-test", at=here / "below"):
            told = guard("--policy", policy, "--check")[1]
            one_line(told, "a mount", "not watched", f"{here}/below")
            equal(guard("--policy", both, "--check")[1], "", "stderr with it watched")


@case()
def the_need_of_yes_is_told():
    """A policy for the filesystem that it lies on itself, as on a machine that has one."""
    policy = written(f"version: 1\nwatch: {temp_dir('watched')}\nrules: [{{name: a, verdict: deny}}]\n")
    one_line(guard("--policy", policy, "--check")[1], "its own filesystem", "watched", "--yes")
    equal(guard("--policy", policy, "--check", "--yes")[1], "", "stderr with --yes")


if __name__ == "__main__":
    main()
