"""
Re-performing a pack: from its raw evidence alone, offline, to the same outcomes.

First the integrity (as `verify.py` in the pack does it), then the whole road again: the journal and raw bodies
become a vault, the configuration and controls that travel with them judge it, and the results are compared with
those that the pack states. With the same version of the tool every file is rendered again and compared byte for
byte.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from soc2ev import config, controls, pack, yamlfile
from soc2ev.checklist import as_json as readiness_json
from soc2ev.checklist.assessment import Assessment, assess
from soc2ev.controls.report import text as findings_text
from soc2ev.errors import PackError, Soc2evError, TamperedError
from soc2ev.model import Json
from soc2ev.pack import export, layout, verify
from soc2ev.period import Period
from soc2ev.vault import Vault

SCHEMA = "soc2ev.verification/1"
_MOST_PROBLEMS = 100
_MOST_MEMBERS = 200_000
_MOST_BYTES = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Verification:
    """What holds: integrity by itself, and whether judging again gave the same."""

    ok: bool
    grade: str
    files: int
    lines: int
    signed_by: tuple[str, ...]
    findings_reproduced: bool
    rendered_identically: bool | None
    """None when another version of the tool wrote the pack, so that only results are compared."""
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        """As `soc2ev.verification/1`."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "grade": self.grade,
            "files": {"payload": self.files},
            "lines": self.lines,
            "signed_by": list(self.signed_by),
            "findings_reproduced": self.findings_reproduced,
            "rendered_identically": self.rendered_identically,
            "problems": list(self.problems),
        }


def verify_pack(path: Path, keys: Sequence[str] = ()) -> Verification:
    """
    Check the pack in that folder or zip; nothing in it is trusted or executed, and no network is used.

    PackError when there is nothing of the kind at `path`.
    """
    if not path.exists():
        raise PackError(f"there is no pack at {path}", hint="give the folder or the zip that `soc2ev pack` wrote")
    found = verify.check(path, list(keys))
    problems = list(found["problems"])
    reproduced, identical = False, None
    if not problems:
        with _folder(path) as folder:
            try:
                wrong, identical = _compare(folder)
                problems += wrong
                reproduced = not any(problem.startswith("result") for problem in wrong)
            except (Soc2evError, ValueError, KeyError, OSError) as problem:
                problems.append(f"it cannot be judged again: {problem}")
    return Verification(
        ok=not problems,
        grade=_grade(found["grade"], problems, identical=identical),
        files=found["files"],
        lines=found["lines"],
        signed_by=tuple(found["signed_by"]),
        findings_reproduced=reproduced,
        rendered_identically=identical,
        problems=tuple(problems[:_MOST_PROBLEMS]),
    )


def _grade(integrity: str, problems: Sequence[str], *, identical: bool | None) -> str:
    """What the grade may say; renditions of another version were not compared, and the grade names it."""
    if problems:
        return "G0 does not verify"
    return integrity if identical else f"{integrity}; workbooks and page were not compared: another version wrote them"


class PackObjects:
    """The raw bodies of a pack, found by digest through its manifest."""

    def __init__(self, root: Path) -> None:
        lines = (root / "manifest-sha256.txt").read_text(encoding="utf-8").splitlines()
        self._paths = {line[:64]: root / line[66:] for line in lines if "/raw/" in line}

    def read(self, digest: str) -> bytes:
        """The body; TamperedError when the pack does not hold it."""
        path = self._paths.get(digest.removeprefix("sha256:"))
        if path is None:
            raise TamperedError(f"the pack does not hold {digest}")
        return path.read_bytes()

    def digests(self) -> Iterator[str]:
        """Digests of all bodies in the pack."""
        yield from (f"sha256:{digest}" for digest in sorted(self._paths))


def _compare(root: Path) -> tuple[list[str], bool | None]:
    """What judging the raw evidence again gives otherwise, and whether every file renders to the same bytes."""
    data = root / "data"
    integrity = data / layout.INTEGRITY
    about = json.loads((integrity / "pack.json").read_bytes())
    vault = Vault.open(integrity / "vault", objects=PackObjects(root))
    settings = _settings(integrity / "inputs" / "soc2ev.yaml")
    given = controls.folder_of(integrity / "inputs" / "controls")
    with assess(vault, settings, _period(about), given) as again:
        wrong = list(_results(integrity, again))
        if about["tool"] != pack.TOOL:
            return wrong, None
        changed = list(_rendered(root, again, vault))
    return wrong + changed, not changed


def _results(integrity: Path, again: Assessment) -> Iterator[str]:
    fresh: Mapping[str, Iterable[bytes]] = {
        "findings.json": export.encoded(findings_text(again.findings, again.period)),
        "checklist.json": [export.as_json(readiness_json(again.readiness, again.period.name))],
    }
    for name, parts in fresh.items():
        if not _same(integrity / "results" / name, parts):
            yield f"result {name}: judging the raw evidence again gives something else"


def _same(file: Path, parts: Iterable[bytes]) -> bool:
    """Whether the file holds these parts, one after the other, and nothing more."""
    with file.open("rb") as stream:
        return all(stream.read(len(part)) == part for part in parts) and not stream.read(1)


def _rendered(root: Path, again: Assessment, vault: Vault) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as scratch:
        fresh = pack.write(again, vault, Path(scratch) / "pack").path / "data"
        here = {path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()}
        there = {path.relative_to(root / "data").as_posix() for path in (root / "data").rglob("*") if path.is_file()}
        for name in sorted(here ^ there):
            yield f"data/{name}: {'missing' if name in here else 'not a file that this evidence gives'}"
        for name in sorted(here & there):
            if (fresh / name).read_bytes() != (root / "data" / name).read_bytes():
                yield f"data/{name}: rendering the evidence again gives other bytes"


def _settings(file: Path) -> config.Settings:
    text = file.read_bytes()
    document = yamlfile.parse(text, file.name)
    return config.Settings(config=document.validate(config.Config), file=file, text=text)


def _period(about: Mapping[str, Json]) -> Period:
    given = about["period"]
    return Period(datetime.fromisoformat(given["start"]), datetime.fromisoformat(given["end"]), given["name"])


class _folder:  # noqa: N801  used as a context manager, like tempfile's own
    """The pack as a folder: itself, or a zip of it unpacked into a temporary place within bounds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Path:
        if self._path.is_dir():
            return self._path
        self._scratch = tempfile.TemporaryDirectory()
        root = Path(self._scratch.name) / "pack"
        _unpack(self._path, root)
        return root

    def __exit__(self, *_: object) -> None:
        if self._scratch:
            self._scratch.cleanup()


def _unpack(archive: Path, root: Path) -> None:
    """Write the members below `root` by their names inside the pack; names that would leave it are refused."""
    with zipfile.ZipFile(archive) as opened:
        members = [member for member in opened.infolist() if not member.is_dir()]
        if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _MOST_BYTES:
            raise PackError(f"{archive.name} is larger than a pack may be")
        for member in members:
            top, _, rest = member.filename.partition("/")
            target = root / (rest or top)
            if not target.resolve().is_relative_to(root.resolve()) or "\\" in member.filename:
                raise PackError(f"{archive.name} holds a file that would leave the pack")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(opened.read(member))
