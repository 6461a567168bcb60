"""The stage of every scenario, and the register in which scenarios are found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.github import tokens
from tests.fakes.github import world as w
from tests.fakes.github.builder import Company, Repo
from tests.fakes.github.change import Change
from tests.fakes.github.faults import Fault

MET, DEVIATION, NOT_TESTED, NOT_APPLICABLE = "met", "deviation", "not tested", "not applicable"
SECRET = "classic-secret"
"""The token of the administrator, which every scenario lets in."""


class Story(Company):
    """
    `acme/api` with rules that ask for one approval and the check `test`.

    Ann and Bob write, Cat administers, Dan may only read. `token` is what the collector should use.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ann, self.bob = self.person("ann"), self.person("bob")
        self.api: Repo = self.repository("api")
        self.cat, self.dan = self.person("cat"), self.person("dan")
        self.api.it.collaborators |= {"cat": "admin", "dan": "read"}
        self.rules = self.api.ruleset()
        self.secret = self.token(tokens.classic(SECRET, "cat"))
        self.faults: list[Fault] = []
        """What the server should be given besides the world."""

    def open(self, by: w.Account | None = None, title: str = "ABC-1 Change", **facts: Any) -> Change:
        """A pull request by Ann, unless somebody else opens it."""
        return self.api.open(by or self.ann, title, **facts)

    def reviewed(self, by: w.Account | None = None, title: str = "ABC-1 Change", **facts: Any) -> Change:
        """A pull request whose head is green and approved by Bob."""
        made = self.open(by, title, **facts)
        made.check()
        made.approve(self.bob)
        return made

    def clean(
        self, by: w.Account | None = None, title: str = "ABC-1 Change", how: str = "squash", **facts: Any
    ) -> Change:
        """A pull request that did everything right, merged by Bob and deployed by the pipeline."""
        made = self.reviewed(by, title, **facts)
        made.merge(self.bob, how)
        self.deploy()
        return made

    def deploy(self, sha: str = "", **facts: Any) -> w.Deployment:
        """The pipeline deploys the tip of the default branch, or another commit."""
        return self.api.deploy(sha or self.api.head(), self.bot("github-actions[bot]"), **facts)


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    A named world with what a collector should conclude about the change in question.

    `expects` holds the letters that the case decides, under the default policy (one independent approval, required
    checks, strict staleness); `flags` name what is remarkable.
    """

    name: str
    about: str
    build: Callable[[], Story]
    expects: Mapping[str, str]
    flags: tuple[str, ...]


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, *flags: str, **expects: str) -> Callable[[Callable[[Story], None]], Callable[[Story], None]]:
    """Register what happens to a fresh stage under that name; the function's docstring is what the case is about."""

    def register(tell: Callable[[Story], None]) -> Callable[[Story], None]:
        def build() -> Story:
            story = Story()
            tell(story)
            story.tick(days=1)
            return story

        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called {name}")
        SCENARIOS[name] = Scenario(name, " ".join((tell.__doc__ or "").split()), build, expects, flags)
        return tell

    return register
