"""
The evidence pack: a folder that an auditor can read, check and re-perform without us.

`write` renders it from an assessment and the vault behind it; the same evidence, configuration and version give
the same bytes. `reperform.verify` checks one and judges its raw evidence again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev import __version__
from soc2ev.checklist import as_json as readiness_json
from soc2ev.controls.report import instant
from soc2ev.controls.report import text as findings_text
from soc2ev.errors import PackError
from soc2ev.pack import export, index, layout, pages, population, verify
from soc2ev.pack.bag import Bag
from soc2ev.pack.content import LIMITS, Content, EvidenceFile
from soc2ev.pack.summary import asked
from soc2ev.templates import folder

if TYPE_CHECKING:
    from soc2ev.checklist.assessment import Assessment
    from soc2ev.model import Json
    from soc2ev.vault import Signer, Vault

SCHEMA = "soc2ev.pack/1"
TOOL = f"soc2ev {__version__}"
_TABLES = (
    "changes",
    "change_commits",
    "change_parts",
    "contained_changes",
    "collections",
    "superseded_collections",
    "late_changes",
    "git_sightings",
    "releases",
    "registers",
    "register_changes",
    "register_attachments",
    "waivers",
    "sign_offs",
)
_LATE = 'select * from late_changes order by item, stream, "table", key, field, first_collected_at, run, kind'


@dataclass(frozen=True, slots=True)
class Written:
    """A finished pack, and the earlier one that was kept because somebody had changed it."""

    path: Path
    files: int
    kept: Path | None


def write(assessment: Assessment, vault: Vault, target: Path, signer: Signer | None = None) -> Written:
    """
    Render the assessment and the evidence behind it as the pack `target`.

    PackError when the journal is not sealed by a checkpoint, or the disk does not take it; then nothing stands at
    `target` that did not stand there before.
    """
    head = vault.head()
    if head.checkpoint != head.size:
        raise PackError(
            "the newest lines of the vault have no checkpoint",
            hint="an interrupted run left them; run `soc2ev collect`",
        )
    content = _content(assessment, vault)
    bag = Bag(target)
    try:
        files = 0
        for path, body in _payload(content, vault):
            bag.payload(path, body)
            files += 1
        bag.tag("verify.py", Path(verify.__file__).read_bytes())
        bag.tag("00_README.txt", _readme(content).encode())
        digest = bag.manifest(_info(content, signer), content.prepared_at)
        text = verify.statement(digest, head.root)
        note = f"{text}\n{signer.sign(text)}" if signer else None
        kept = bag.close(note)
    except BaseException:
        bag.abandon()
        raise
    return Written(target, files, kept)


def name(assessment: Assessment) -> str:
    """The pack's folder name: `<organisation>-soc2-<period>`."""
    return f"{layout.slug(assessment.settings.config.organisation).lower()}-soc2-{layout.slug(assessment.period.name)}"


def _content(assessment: Assessment, vault: Vault) -> Content:
    head = vault.head()
    findings = assessment.findings
    return Content(
        assessment=assessment,
        prepared_at=assessment.evidence_until or head.recorded_at or datetime(1970, 1, 1, tzinfo=UTC),
        tool=TOOL,
        configuration=f"sha256:{hashlib.sha256(assessment.settings.text).hexdigest()}",
        checkpoint=f"{head.size} lines, root {head.root}",
        signed_by=tuple(head.signed_by),
        evidence=tuple(_evidence(assessment, vault)),
        workbooks=tuple((one, layout.workbook(one.control, assessment.period, "xlsx")) for one in findings),
        late_changes=assessment.tables.select(_LATE),
    )


def _evidence(assessment: Assessment, vault: Vault) -> Iterator[EvidenceFile]:
    """Every answer behind the assessment; a body that came twice has one place, where it came first."""
    registers: Mapping[str, Mapping[str, Json]] = {
        row["evidence"]: row for row in assessment.tables.select("select * from registers order by evidence, record")
    }
    criteria = _criteria(assessment)
    places: dict[str, str] = {}
    for item in vault.items():
        if (item.run, item.stream) not in assessment.tables.behind:
            continue
        register = registers.get(item.digest, {})
        place = places.setdefault(item.digest, layout.raw(item, register.get("kind")))
        yield EvidenceFile(
            path=place,
            item=item,
            title=str(register.get("title") or register.get("record") or asked(item, short=True)),
            owner=str(register.get("owner") or ""),
            criteria=tuple(register.get("criteria") or criteria.get(item.source, ())),
            tickets=tuple(register.get("tickets") or ()),
            status=str(register.get("status") or "collected"),
        )


def _criteria(assessment: Assessment) -> dict[str, tuple[str, ...]]:
    """Criteria that a source's evidence serves: those of the controls whose coverage it is."""
    found: dict[str, set[str]] = defaultdict(set)
    for finding in assessment.findings:
        for entry in finding.population.coverage:
            found[entry.stream.partition(":")[0]].update(finding.control.criteria)
    return {source: tuple(sorted(given)) for source, given in found.items()}


File = tuple[str, bytes | Iterable[bytes]]
"""A path below the payload folder, and the bytes of the file, whole or in parts."""


def _payload(content: Content, vault: Vault) -> Iterator[File]:
    assessment = content.assessment
    yield layout.START, pages.start_here(content).encode()
    yield layout.INDEX, index.render(content)
    for finding, path in content.workbooks:
        yield path, population.render(content, finding)
        yield path.removesuffix("xlsx") + "csv", export.population_csv(finding)
        yield path.removesuffix("xlsx") + "json", export.encoded(findings_text([finding], assessment.period))
    if late := content.late_changes:
        yield (
            layout.late_changes(assessment.period),
            export.table_csv(late.columns, (list(row.values()) for row in late)),
        )
    for path, digest in {one.path: one.item.digest for one in content.evidence}.items():
        yield path, vault.read(digest)
    yield from _integrity(content, vault)


def _integrity(content: Content, vault: Vault) -> Iterator[File]:
    """What makes the pack re-performable: results, tables, inputs, the journal."""
    assessment, here = content.assessment, layout.INTEGRITY
    for name_, body in vault.files():
        yield f"{here}/vault/{name_}", body
    yield f"{here}/inputs/soc2ev.yaml", assessment.settings.text
    for finding in assessment.findings:
        yield f"{here}/inputs/controls/{finding.control.id}.yaml", finding.control.text.encode()
    yield f"{here}/results/findings.json", export.encoded(findings_text(assessment.findings, assessment.period))
    yield f"{here}/results/checklist.json", export.as_json(readiness_json(assessment.readiness, assessment.period.name))
    for table in _TABLES:
        rows = assessment.tables.select(f'select * from "{table}" order by all')  # noqa: S608
        yield f"{here}/tables/{table}.csv", export.table_csv(rows.columns, (list(row.values()) for row in rows))
    yield f"{here}/evidence-index.csv", _evidence_index(content)
    yield f"{here}/pack.json", export.as_json(_about(content))


def _evidence_index(content: Content) -> Iterator[bytes]:
    head = ("path", "sha256", "stream", "source", "asked", "collected_at_utc", "bytes", "rows", "run", "line")
    rows = (
        (
            one.path, one.item.digest, one.item.stream, one.item.source, asked(one.item), one.item.received_at,
            one.item.size, one.item.count, one.item.run, one.item.seq,
        )
        for one in content.evidence
    )  # fmt: skip
    return export.table_csv(head, rows)


def _about(content: Content) -> dict[str, Json]:
    assessment = content.assessment
    period = assessment.period
    return {
        "schema": SCHEMA,
        "organisation": assessment.settings.config.organisation,
        "period": {"name": period.name, "start": instant(period.start), "end": instant(period.end)},
        "timezone": assessment.settings.config.timezone,
        "tool": content.tool,
        "prepared_at": instant(content.prepared_at),
        "configuration": content.configuration,
        "controls": {finding.control.id: finding.control.digest for finding in assessment.findings},
        "checkpoint": content.checkpoint,
        "signed_by": list(content.signed_by),
        "limits": list(LIMITS),
    }


def _info(content: Content, signer: Signer | None) -> dict[str, str]:
    assessment = content.assessment
    return {
        "Source-Organization": assessment.settings.config.organisation,
        "External-Description": f"SOC 2 evidence pack for {assessment.period.name}",
        "External-Identifier": name(assessment),
        "Bag-Software-Agent": content.tool,
        "Soc2ev-Signed-By": signer.verifier.name if signer else "nobody",
    }


def _readme(content: Content) -> str:
    text = (folder("pack") / "README.txt").read_text(encoding="utf-8")
    return text.format(
        organisation=" ".join(content.assessment.settings.config.organisation.split()),
        period=content.assessment.period.name,
        tool=content.tool,
        limits="\n".join(f"  - {line}" for line in LIMITS),
    )
