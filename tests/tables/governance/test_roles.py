"""Which role somebody had when they deployed or released."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_TESTED, Story
from tests.tables.test_modes import collect, founded, judge

CONTROLS = ("deployment-traceable", "releases-documented")


class Acted(Story):
    """A repository that is collected as often as one likes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        founded(self)

    def at(self, month: int, day: int) -> None:
        """Let time pass until then."""
        self.world.now = datetime(2026, month, day, tzinfo=UTC)

    def act(self) -> None:
        """Bob deploys and releases by hand on the tenth of October."""
        self.at(10, 10)
        self.api.deploy(self.api.head(), self.bob)
        self.api.release("v1", self.bob, body="What is new, and why.")

    def read(self, month: int, day: int, role: str | None) -> None:
        """A collection on that day, when the account has that role."""
        self.at(month, day)
        self.api.push(self.bob, {"src/later.py": f"{month}-{day}"})
        if role is None:
            self.api.it.collaborators.pop(self.bob.login)
        else:
            self.api.it.collaborators[self.bob.login] = role
        self.found = collect(self.folder, self, "mode: merge", "2026-10")

    def told(self) -> list[tuple[str, str]]:
        """Outcome and reason of C of the deployment, and of the release."""
        seen = [judge(self.folder, self.found, "2026-10", self, name) for name in CONTROLS]
        outcomes = [max(one.finding.population.items, key=lambda item: item.at).outcomes["C"] for one in seen]
        return [(one.outcome.value, one.reason) for one in outcomes]


@pytest.fixture
def acted(tmp_path: Path) -> Acted:
    """The story in the test's folder."""
    return Acted(tmp_path)


@pytest.mark.parametrize(
    ("role", "outcome"),
    [
        ("write", MET),
        ("maintain", MET),
        ("admin", MET),
        ("triage", DEVIATION),
        ("ops on write", MET),
        ("qa on triage", DEVIATION),
    ],
)
def test_the_only_reading_counts(role: str, outcome: str, acted: Acted) -> None:
    """Whenever it was made: it is what there is, and it says when it was. Roles of a company's own build on others."""
    acted.act()
    acted.read(11, 2, role)
    told = acted.told()
    assert [outcome, outcome] == [found for found, _ in told]
    said = f"bob had the role {role.partition(' on ')[0]} when that was read 2026-11-02"
    assert all(reason.startswith(said) for _, reason in told)


def test_who_has_left_had_some_role(acted: Acted) -> None:
    """Which one it was in October nobody knows in November."""
    acted.act()
    acted.read(11, 2, None)
    assert [NOT_TESTED, NOT_TESTED] == [outcome for outcome, _ in acted.told()]


@pytest.mark.parametrize(("first", "later", "outcome"), [("read", "write", DEVIATION), ("write", "read", MET)])
@pytest.mark.parametrize("day", [(10, 20), (11, 1)])
def test_the_first_reading_after_it_is_the_nearest(
    day: tuple[int, int], first: str, later: str, outcome: str, acted: Acted
) -> None:
    """Who is promoted in November could not write in October, and who leaves could."""
    acted.act()
    acted.read(*day, first)
    acted.read(11, 15, later)
    assert [outcome, outcome] == [told for told, _ in acted.told()]


@pytest.mark.parametrize(("month", "outcome"), [(10, NOT_TESTED), (8, MET)])
def test_a_reading_shortly_before_it_contradicts(month: int, outcome: str, acted: Acted) -> None:
    """Between two readings that differ nobody knows the role; one of long ago says nothing."""
    acted.read(month, 5, "read")
    acted.act()
    acted.read(11, 1, "write")
    assert [outcome, outcome] == [told for told, _ in acted.told()]


def test_what_stood_on_both_sides(acted: Acted) -> None:
    """Both readings are told."""
    acted.read(10, 5, "write")
    acted.act()
    acted.read(11, 1, "admin")
    (outcome, reason), _ = acted.told()
    assert MET == outcome
    assert "write when that was read 2026-10-05" in reason
    assert "admin when that was read 2026-11-01" in reason
