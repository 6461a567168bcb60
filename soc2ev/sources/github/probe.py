"""
What the credential of a GitHub may see of each repository in scope: one small question for each capability.

The answers are stored like all others; no coverage is stated for them, so that they never stand for a collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github.access import NEEDS
from soc2ev.sources.github.claims import Repository, explain
from soc2ev.sources.github.governance import is_unprotected
from soc2ev.sources.github.host import Host
from soc2ev.sources.github.scope import Found
from soc2ev.sources.sight import NO, UNKNOWN, YES, Sight, refused, wanted

if TYPE_CHECKING:
    from soc2ev.config import Settings
    from soc2ev.fetch import Answer, Fetch

_STREAM = "settings:capabilities"
_ONE: Mapping[str, str] = {"per_page": "1"}
_ALWAYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "activity": ("/activity", _ONE),
    "pull requests": ("/pulls", {"state": "closed", **_ONE}),
    "actions runs": ("/actions/runs", _ONE),
    "deployments": ("/deployments", _ONE),
    "environments": ("/environments", _ONE),
    "rule suites": ("/rulesets/rule-suites", {"time_period": "day", **_ONE}),
    "collaborators": ("/collaborators", _ONE),
    "workflow permissions": ("/actions/permissions/workflow", {}),
}
"""Path and parameters of the questions that any repository can be asked."""
_OF_TIP: Mapping[str, str] = {
    "commits": "/commits?sha={tip}",
    "checks": "/commits/{tip}/check-runs",
    "statuses": "/commits/{tip}/status",
}
"""Questions about the tip of the default branch."""
_EXPIRES = "github-authentication-token-expiration"
_PREFIXES = {
    "ghs_": "installation token",
    "github_pat_": "fine-grained token",
    "ghp_": "classic token",
    "gho_": "OAuth token",
    "ghu_": "App user token",
}
_READING = ("read:", "user:email")


@dataclass
class Probed:
    """What one GitHub showed."""

    url: str
    token: str
    """The kind of the credential, never the credential."""
    sights: list[Sight] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def probe(fetch: Fetch, settings: Settings, now: datetime) -> list[Probed]:
    """
    What each configured GitHub shows of the repositories in scope.

    A repository that no host shows has one sight, that of `repositories`. ConfigError when a credential is missing.
    """
    found = Found(settings)
    hosts = [Host(fetch, source) for source in settings.config.sources.github]
    for host in hosts:
        found.ask(host)
    made = {id(host): Probed(host.url, _kind(host)) for host in hosts}
    tasks = [partial(_Probe(host, one).run) for host, one in found.repositories.values()]
    for (host, _), (sights, headers) in zip(found.repositories.values(), fetch.together(tasks), strict=True):
        probed = made[id(host)]
        probed.sights += sights
        _describe(probed, headers, now)
    for name, problem in found.missing.items():
        missing = Sight("github", name, "repositories", NO, explain(problem), NEEDS["repositories"])
        made[id(hosts[0])].sights.append(missing)
    for reason in found.settle().reasons:
        if not any(reason.startswith(f"{name}:") for name in found.missing):
            made[id(hosts[0])].warnings.append(reason)
    return list(made.values())


class _Probe:
    """The questions about one repository."""

    def __init__(self, host: Host, repository: Repository) -> None:
        self.host, self.repository = host, repository
        self.headers: Mapping[str, str] = {}

    def run(self) -> tuple[list[Sight], Mapping[str, str]]:
        """Its sights, and the headers of an answer, which tell of the token."""
        sights = [Sight("github", self.repository.name, "repositories", YES)]
        sights += [self._see(name, path, params) for name, (path, params) in _ALWAYS.items()]
        sights += self._tip()
        for branch in self.repository.branches[:1]:
            sights += self._rules(quote(branch, safe=""))
        order = list(NEEDS)
        return sorted(sights, key=lambda sight: order.index(sight.capability)), self.headers

    def _tip(self) -> Iterator[Sight]:
        for name, path in _OF_TIP.items():
            if self.repository.tip is None:
                yield self._sight(name, UNKNOWN, "the repository has no commit to ask about")
                continue
            path_, _, query = path.format(tip=self.repository.tip).partition("?")
            params = dict([query.split("=")]) if query else {}
            yield self._see(name, path_, {**params, **_ONE})

    def _rules(self, branch: str) -> Iterator[Sight]:
        rules: list[Json] = []

        def keep(told: Json) -> bool:
            rules.extend(told)
            return True

        yield self._see("rules", f"/rules/branches/{branch}", _ONE, keep)
        told: list[Json] = []
        yield self._see("protection", f"/branches/{branch}/protection", {}, partial(_shown, told), accept=(404,))
        yield self._audit_log(told)
        if not rules:
            for capability in ("bypass actors", "ruleset history"):
                yield self._sight(capability, UNKNOWN, "no ruleset binds the branch")
            return
        yield self._see(
            "bypass actors", f"/rulesets/{rules[0]['ruleset_id']}", {}, lambda told: "bypass_actors" in told
        )
        yield self._history(rules)

    def _audit_log(self, protection: Sequence[Json]) -> Sight:
        """The ledger of overrides of classic protection, where there is one to override."""
        if not any("message" not in one for one in protection):
            return self._sight("audit log", UNKNOWN, "no classic protection of the branch is visible")
        owner = self.repository.current.partition("/")[0]
        return self._see("audit log", f"/orgs/{owner}/audit-log", _ONE, below="")

    def _history(self, rules: Sequence[Json]) -> Sight:
        """Of a ruleset of the repository itself: that of its owner's rulesets is not the repository's to show."""
        own = [rule["ruleset_id"] for rule in rules if rule.get("ruleset_source_type") == "Repository"]
        if not own:
            return self._sight("ruleset history", UNKNOWN, "no ruleset of the repository itself binds the branch")
        return self._see("ruleset history", f"/rulesets/{own[0]}/history", _ONE)

    def _see(
        self,
        capability: str,
        path: str,
        params: Mapping[str, str],
        shows: Callable[[Json], bool] = lambda _: True,
        *,
        accept: tuple[int, ...] = (),
        below: str | None = None,
    ) -> Sight:
        """
        The sight of one question; `shows` tells from the answer whether it was shown.

        The path stands below that of the repository unless `below` says otherwise.
        """
        try:
            answer = self._get(f"{self.repository.path if below is None else below}{path}", params, accept)
            seen = shows(self.host.fetch.json(answer))
        except CollectError as problem:
            if not refused(problem):
                return self._sight(capability, UNKNOWN, explain(problem))
            return self._sight(capability, NO, explain(problem), wanted(problem))
        except (AttributeError, KeyError, TypeError, IndexError) as problem:
            return self._sight(capability, UNKNOWN, f"the answer is not understood: {problem!r}")
        return self._sight(capability, YES) if seen else self._sight(capability, NO, "GitHub left it out of the answer")

    def _get(self, path: str, params: Mapping[str, str], accept: tuple[int, ...]) -> Answer:
        answer = self.host.get(
            path,
            params=params,
            stream=self.repository.stream(_STREAM),
            asked={"repository": self.repository.name, "role": "doctor"},
            accept=accept,
        )
        self.headers = answer.headers
        return answer

    def _sight(self, capability: str, visible: str, reason: str = "", needs: str = "") -> Sight:
        needs = (needs or NEEDS[capability]) if visible == NO else ""
        return Sight("github", self.repository.name, capability, visible, reason[:500], needs)


def _shown(kept: list[Json], told: Json) -> bool:
    """Whether an answer shows the protection of a branch, or that it has none; the answer is kept."""
    kept.append(told)
    return "message" not in told or is_unprotected(told)


def _kind(host: Host) -> str:
    """What kind of credential it is, by its beginning; the headers of its answers may know better."""
    if host.settings.app is not None:
        return "GitHub App installation"
    token = host.credential().secrets[0]
    return next((kind for prefix, kind in _PREFIXES.items() if token.startswith(prefix)), "token")


def _describe(probed: Probed, headers: Mapping[str, str], now: datetime) -> None:
    """Add what the headers of an answer tell of the token: its kind, whether it can write, when it ends."""
    if "x-oauth-scopes" in headers:
        probed.token = "classic token"  # noqa: S105  its kind
        scopes = [one.strip() for one in headers["x-oauth-scopes"].split(",") if one.strip()]
        writing = [one for one in scopes if not one.startswith(_READING)]
        if writing:
            _warn(probed, f"the token can write ({', '.join(writing)}); a GitHub App with read permissions is enough")
    ends = _instant(headers.get(_EXPIRES, ""))
    if ends is not None:
        days = (ends - now).days
        _warn(probed, f"the token ends on {ends:%Y-%m-%d}, in {days} days: later months need another one")


def _warn(probed: Probed, text: str) -> None:
    if text not in probed.warnings:
        probed.warnings.append(text)


def _instant(text: str) -> datetime | None:
    """An instant as that header writes it, such as `2026-12-01 10:00:00 UTC`; None for anything else."""
    try:
        found = datetime.strptime(text.strip().removesuffix(" UTC"), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  the zone is next
        return found.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        found = datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    return found.astimezone(UTC)
