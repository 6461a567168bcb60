"""One small pack's content, made by hand, that shows every outcome; each text goes through `say`, so that a test can change it."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from soc2ev import config
from soc2ev.checklist import Action, Answered, Question, Readiness
from soc2ev.checklist.assessment import Assessment
from soc2ev.checklist.questions import Reference
from soc2ev.model import (
    Answer,
    Attribute,
    Control,
    Coverage,
    EvidenceItem,
    Finding,
    Item,
    Outcome,
    Pattern,
    Population,
    Result,
    Waiver,
    conclude,
)
from soc2ev.pack import layout
from soc2ev.pack.content import Content, EvidenceFile
from soc2ev.period import Period

OCTOBER = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), "2026-10")
CLOSED = datetime(2026, 11, 2, 4, 17, tzinfo=UTC)
EARLY = datetime(2026, 10, 20, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32


@dataclass(frozen=True)
class Tables:
    """Only what the writers of a pack ask of the tables."""

    entries: tuple[Coverage, ...]

    def coverage(self) -> tuple[Coverage, ...]:
        return self.entries


def content(say=lambda name, text: text, size=1):
    """The content; `size` repeats the population of changes."""
    coverage = _coverage(say)
    finding = _finding(say, coverage, size)
    settings = config.Settings(config=_config(say), file=Path("soc2ev.yaml"), text=b"version: 1\n")
    period = replace(OCTOBER, name=say("Period.name", OCTOBER.name))
    assessment = Assessment(settings, period, Tables(coverage), (finding,), _readiness(say))
    return Content(
        assessment=assessment,
        prepared_at=CLOSED,
        tool=say("Content.tool", "soc2ev 1.2.3"),
        configuration=say("Content.configuration", "sha256:cafe"),
        checkpoint=say("Content.checkpoint", "12 lines, root beef"),
        signed_by=(say("Content.signed_by", "ann-2026"),),
        evidence=_evidence(say),
        workbooks=((finding, layout.workbook(control(), OCTOBER, "xlsx")),),
    )


def control(say=lambda name, text: text):
    """A control with the attributes A and B."""
    first = Attribute(
        letter=say("Attribute.letter", "A"),
        key=say("Attribute.key", "reviewed"),
        asks=say("Attribute.asks", "Was it reviewed?"),
        sql=say("Attribute.sql", "reviewed"),
        applies_when=say("Attribute.applies_when", "kind = 'change'"),
    )
    return Control(
        id=say("Control.id", "changes-reviewed"),
        title=say("Control.title", "Changes are reviewed"),
        statement=say("Control.statement", "Somebody else reviews each change."),
        why=say("Control.why", "Four eyes see more."),
        criteria=(say("Control.criteria", "CC8.1"),),
        area="change-management",
        owner=say("Control.owner", "engineering"),
        frequency=say("Control.frequency", "per change"),
        needs=("changes",),
        population=say("Control.population", "select * from changes"),
        attributes=(first, Attribute("B-tested", "tested", "Was it tested?", "tested")),
        remediation=say("Control.remediation", "Require a review."),
        examples=(),
        origin=say("Control.origin", "builtin"),
        digest=say("Control.digest", "sha256:c0de"),
        not_covered=say("Control.not_covered", "Consoles."),
    )


def _finding(say, coverage, size):
    items = tuple(one for at in range(size) for one in _items(say, f"{at:05d}" if at else ""))
    changes = control(say)
    stream = coverage[0].stream
    outside = {stream: ({"commit": say("outside.commit", "d0c5"), "reason": say("outside.reason", "only docs")},)}
    by = {"month": {say("Pattern.by", "2026-10"): 2}}
    return Finding(
        control=changes,
        period=OCTOBER,
        population=Population(items, coverage, outside),
        conclusion=conclude(items, complete=False),
        pattern=Pattern(0.5, (say("Pattern.markers", "rate: 50% of 4 items tested"),), by),
    )


def _items(say, ending):
    letter = say("Attribute.letter", "A")
    waiver = Waiver(
        id=say("Waiver.id", "W-1"),
        control="changes-reviewed",
        items=("*",),
        attributes=(),
        reason=say("Waiver.reason", "accepted until the rewrite"),
        approver=say("Waiver.approver", "Dana Roth"),
        approved_on=date(2026, 9, 1),
        expires_on=date(2026, 12, 31),
    )
    facts = {
        "repository": "acme/api",
        "ref": "main",
        "commits": ["c1", "c2"],
        "makers": [say("Item.facts", "bob")],
        "pull_request": 412,
        say("fact name", "made_up"): None,
    }
    results = {
        "met": Result(Outcome.MET, "", (DIGEST,)),
        "deviating": Result(
            Outcome.DEVIATION, say("Result.reason", "Nobody approved it."), (say("Result.evidence", DIGEST),)
        ),
        "waived": Result(Outcome.DEVIATION, "Nobody approved it then.", ()),
        "untested": Result(Outcome.NOT_TESTED, say("Result.reason (not tested)", "Plain git holds no reviews."), ()),
    }
    tested = Result(Outcome.NOT_APPLICABLE, "No code changed.", ())
    for name, result in results.items():
        yield Item(
            id=f"{say('Item.id', 'acme/api@')}{name}{ending}",
            title=say("Item.title", f"Fix the {name} one"),
            url=say("Item.url", f"https://code.example/{name}") if name != "met" else None,
            at=datetime(2026, 10, 4, 10, 11, 12, 345678, tzinfo=UTC),
            facts=facts,
            outcomes={letter: result, "B-tested": tested},
            waiver=waiver if name == "waived" else None,
        )


def _coverage(say):
    scope = {"repository": "acme/api", "ref": "main", "branch": say("Coverage.scope", "main")}
    stream, run = say("Coverage.stream", "git:acme/api:main") + ":commits", say("Coverage.run", "run-1")
    details = {"corroboration": say("Coverage.details", "git's own counts; no second source")}
    reason = say("Coverage.reason", "the server closed the connection")
    return (
        Coverage(stream, OCTOBER, 9, 9, complete=True, scope=scope, details=details, run=run, collected_at=CLOSED),
        Coverage("registers:files", OCTOBER, 3, 2, complete=False, reason=reason, run="run-2", collected_at=CLOSED),
        Coverage("registers:history", OCTOBER, None, 2, complete=True, run="run-3", collected_at=EARLY),
    )


def _evidence(say):
    item = EvidenceItem(
        digest=say("EvidenceItem.digest", DIGEST),
        source=say("EvidenceItem.source", "git"),
        stream=say("Coverage.stream", "git:acme/api:main") + ":commits",
        request={"method": "run", "argv": ["git", "-c", "core.pager=cat", "log", say("EvidenceItem.request", "main")]},
        response={"exit": 0, "stderr": say("EvidenceItem.response", "warning: none")},
        received_at=CLOSED,
        size=1234,
        count=9,
        run=say("Coverage.run", "run-1"),
        seq=7,
    )
    file = EvidenceFile(
        path=say("EvidenceFile.path", "03_Change-Management/raw/git-commits_000007.txt"),
        item=item,
        title=say("EvidenceFile.title", "git log main"),
        owner=say("EvidenceFile.owner", "Eli Moss"),
        criteria=(say("EvidenceFile.criteria", "CC8.1"),),
        tickets=(say("EvidenceFile.tickets", "API-7"),),
        status=say("EvidenceFile.status", "collected"),
    )
    return (file,)


def _readiness(say):
    question = Question(
        id=say("Question.id", "changes-approved"),
        checklist=say("Question.checklist", "change-management"),
        question=say("Question.question", "Is every change approved?"),
        criteria=(say("Question.criteria", "CC8.1"),),
        answered_by=(Reference(say("Reference.control", "changes-reviewed"), ("A",), ()),),
        sign_off=False,
        would_answer="Collect reviews.",
        warning=say("Question.warning", "Changes go out unseen."),
    )
    answers = tuple(
        Answered(
            question, answer, say("Answered.reason", f"Because {answer}."), (), say("Answered.next", "Ask for reviews.")
        )
        for answer in Answer
    )
    return Readiness(
        42,
        answers,
        (Action(say("Action.text", "Require reviews."), (say("Action.questions", "changes-approved"),), 7),),
    )


def _config(say):
    """Copied past validation: a pack is safe even where the configuration's own checks would not be."""
    scope = config.Scope(repository="acme/api").model_copy(
        update={"repository": say("Scope.repository", "acme/api"), "branches": [say("Scope.branches", "main")]}
    )
    plain = config.Config(version=1, organisation="Example Co")
    return plain.model_copy(update={"organisation": say("Config.organisation", "Example Co"), "scope": [scope]})
