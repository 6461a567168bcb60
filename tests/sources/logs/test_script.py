"""transport: python: a file of the team's own answers, and everything that can go wrong with it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from soc2ev.errors import ConfigError
from tests.sources.logs.runs import SECRET, Collected, Team

MANIFEST = """
id: mainframe
title: Mainframe
category: application
transport: python
docs: https://example.com
verified: by hand
config:
  region_name: {says: which partition}
  token: {secret: true, optional: true}
requires: [a user that may list settings]
requests:
  - {id: names, call: names}
  - {id: one, call: setting, for_each: names, params: {name: =item, region: =config.region_name}, keep: ["days", "on"]}
sources:
  - each: =names
    join: {one: item}
    record: {native: =item, enabled: =one.on, retention_days: =one.days, retention_basis: configured}
"""
GOOD = """
import json, os, sys
asked = json.load(sys.stdin)
if asked["call"] == "names":
    print(json.dumps(["audit", "smf"]))
else:
    assert asked["params"]["name"] == asked["for"] and asked["params"]["region"] == "eu" == asked["settings"]["region_name"]
    assert os.environ["TOKEN"] and "PASSWORD" not in os.environ
    print(json.dumps({"on": asked["for"] == "audit", "days": 400, "user": "S3NTINEL-not-kept"}))
"""


def collected(folder: Path, script: str | None, manifest: str = MANIFEST, **more: Any) -> Collected:
    """What is collected with that file."""
    own = folder / ".soc2ev" / "sources"
    own.mkdir(parents=True, exist_ok=True)
    (own / "mainframe.yaml").write_text(manifest, encoding="utf-8")
    if script is not None:
        (own / "mainframe.py").write_text(dedent(script), encoding="utf-8")
    entry = {"connector": "mainframe", "name": "main", "region_name": "eu", "token": {"env": "TOKEN"}, **more}
    return Team(folder).collect(entry)


def test_a_file_of_the_teams_own_answers(tmp_path: Path) -> None:
    """It gets what was asked, settings and secrets; only what `keep` names is stored, with the digest of the file."""
    found = collected(tmp_path, GOOD)
    assert {"mainframe:audit": (True, 400), "mainframe:smf": (False, 400)} == {
        key: (row["enabled"], row["retention_days"]) for key, row in found.sources.items()
    }
    assert (True, None) == (found.claim.complete, found.claim.reason)
    first = found.stored[0][0].request
    assert ("script", "names") == (first["method"], first["call"])
    assert hashlib.sha256((tmp_path / ".soc2ev/sources/mainframe.py").read_bytes()).hexdigest() == first["sha256"]
    assert not [item for item, body in found.stored if b"S3NTINEL" in body]


@pytest.mark.parametrize(
    ("script", "says", "denied"),
    [
        ("raise SystemExit('no such host')", "exit code 1): no such host", False),
        ("import sys; sys.stderr.write('may not list'); sys.exit(4)", "exit code 4): may not list", True),
        ("print('<html>')", "printed no JSON", False),
        ("import os; print('\"' + os.environ['TOKEN'] + '\"')", "printed a secret", False),
        ("import os, sys; sys.exit(os.environ['TOKEN'])", "exit code 1): ***", False),
        ("print('[' * 200000)", "printed no JSON", False),
        ("print('[NaN]')", "printed no JSON", False),
        ("print(chr(34) + chr(92) + 'ud800' + chr(34))", "printed no JSON", False),
    ],
)
def test_what_fails_is_unknown_and_never_off(tmp_path: Path, script: str, says: str, denied: bool) -> None:
    """A crash, a refusal, garbage, a secret in the answer: the source is unknown, and no secret is anywhere."""
    found = collected(tmp_path, script)
    (row,) = found.sources.values()
    assert (None, None) == (row["native"], row["enabled"])
    assert says in (found.claim.reason or "")
    assert denied is ("access" in found.claim.scope)
    assert not [item for item, body in found.stored if SECRET.encode() in body or SECRET in str(item.request)]
    assert SECRET not in str(found.claims)


def test_a_file_that_is_missing_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """The message names the file that was looked for."""
    with pytest.raises(ConfigError, match=r"mainframe\.py: No such file"):
        collected(tmp_path, None)


def test_a_module_in_the_folder_takes_nobodys_place(tmp_path: Path) -> None:
    """The interpreter is isolated: a json.py beside the script is not imported."""
    own = tmp_path / ".soc2ev" / "sources"
    own.mkdir(parents=True)
    (own / "json.py").write_text("raise SystemExit('hijacked')", encoding="utf-8")
    assert collected(tmp_path, GOOD).claim.complete


def test_a_call_belongs_to_the_python_transport_alone(tmp_path: Path) -> None:
    """Another transport has no place for it, and a name that is no word is refused."""
    for wrong in (
        MANIFEST.replace("transport: python", "transport: file"),
        MANIFEST.replace("call: names", "call: 'a b'"),
    ):
        with pytest.raises(ConfigError):
            collected(tmp_path, GOOD, wrong)
