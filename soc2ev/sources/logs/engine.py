"""Asks what a manifest asks, in its order, each list to its end; a failure costs only what depends on it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from soc2ev.sources.logs.answers import Answers, Outcome, State
from soc2ev.sources.logs.expressions import Expression
from soc2ev.sources.logs.facts import unique
from soc2ev.sources.logs.holding import misfit
from soc2ev.sources.logs.manifest import Manifest, Request
from soc2ev.sources.logs.paging import merged
from soc2ev.sources.logs.paths import at
from soc2ev.sources.logs.transports import Question, Reply, Transport

if TYPE_CHECKING:
    from soc2ev.fetch import Fetch
    from soc2ev.model import Json

_TEMPLATE = re.compile(r"\$\{([^}]*)\}")
_REGION = re.compile(r"[a-z0-9-]*")
_MOST = 20_000
"""Elements of one for_each; what is beyond is not asked about, and stated."""
_SILENT = "not asked: nothing answered before"


@dataclass
class Run:
    """One run of a manifest against one system."""

    fetch: Fetch
    manifest: Manifest
    transport: Transport
    answers: Answers
    texts: dict[str, str] = field(default_factory=dict)
    """Every stored answer by digest."""
    silent: bool = False
    """Nothing has answered so far, and one question was tried: others would only wait as long."""

    def ask(self) -> Answers:
        """The outcomes of all requests."""
        for request in self.manifest.requests:
            self.answers.add(request.id, self._outcomes(request))
        return self.answers

    def _outcomes(self, request: Request) -> list[Outcome]:
        if request.for_each is None:
            return [self._one(request, None)]
        expression = Expression(request.for_each)
        doubts = self.answers.doubts(sorted(expression.needs), {})
        if not doubts:
            try:
                found = expression.value(self.answers.surroundings({}, {}), self.answers.now)
                return self._each(request, unique(found))
            except ValueError as problem:
                doubts = [str(problem)]
        return [Outcome(request.id, State.UNKNOWN, reason=f"not asked: {'; '.join(doubts)}"[:500])]

    def _each(self, request: Request, elements: list[Json]) -> list[Outcome]:
        tasks = [partial(self._one, request, element) for element in elements[:_MOST]]
        together = self.transport.parallel
        made = self.fetch.together(tasks, in_turn=True) if together else [task() for task in tasks]
        if len(elements) > _MOST:
            made.append(Outcome(request.id, State.UNKNOWN, reason=f"only {_MOST} of {len(elements)} were asked about"))
        return made

    def _one(self, request: Request, about: Json) -> Outcome:
        if self.silent:
            return Outcome(request.id, State.UNKNOWN, about=about, reason=_SILENT)
        surroundings = self.answers.surroundings({"item": about}, {})
        try:
            question = Question(
                request,
                filled(request, surroundings, self.answers.now),
                _valued(request.params, surroundings, self.answers.now),
                _valued(request.body, surroundings, self.answers.now),
                about,
                _region(request, surroundings, self.answers.now),
            )
        except ValueError as problem:
            return Outcome(request.id, State.UNKNOWN, about=about, reason=f"not asked: {problem}")
        reply = self.transport.ask(question)
        self.silent = self.silent or (reply.silent and not self.texts)
        self.texts.update(reply.texts)
        return _outcome(request, about, reply)


def _outcome(request: Request, about: Json, reply: Reply) -> Outcome:
    """What a reply means, by the manifest's lists of codes; an error that they do not name leaves facts unknown."""
    bodies = tuple(reply.order)
    if reply.code:
        if _absent(request, reply):
            return Outcome(request.id, State.ABSENT, about=about, reason=reply.reason)
        reason = request.unknown_on.get(reply.code, "")
        says = f"{reason} ({reply.reason})" if reason else reply.reason
        if reply.pages:
            says = f"the list broke off after {len(reply.pages)} pages: {says}"
        return Outcome(request.id, State.UNKNOWN, about=about, reason=says, denied=reply.denied)
    try:
        value = merged(reply.pages, request.paginate)
    except ValueError as problem:
        return Outcome(request.id, State.UNKNOWN, about=about, reason=f"the answer is not understood: {problem}")
    if request.shows and not all(_shown(page, request.shows) for page in reply.pages):
        says = f"the answer has no {' and no '.join(request.shows)}: it is not what the system answers"
        return Outcome(request.id, State.UNKNOWN, about=about, reason=says)
    if any(isinstance(page, dict) and page.get("error") for page in reply.pages):
        return Outcome(request.id, State.UNKNOWN, about=about, reason="the answer is an error, sent with 200")
    if unlike := next(filter(None, (misfit(page, request.holds) for page in reply.pages)), None):
        return Outcome(request.id, State.UNKNOWN, about=about, reason=f"the answer is not understood: {unlike}")
    if reply.cut:
        says = f"the list goes on after {len(bodies)} pages; more is not asked for"
        return Outcome(request.id, State.CUT, about=about, value=value, reason=says, bodies=bodies)
    return Outcome(request.id, State.OK, about=about, value=value, bodies=bodies)


def _absent(request: Request, reply: Reply) -> bool:
    """Whether the refusal says that it is not configured: by its code, and where one is declared by its whole body."""
    if reply.pages or reply.code not in {str(code) for code in request.absent_on}:
        return False
    if request.absent_says is None:
        return True
    try:
        return _spelled(json.loads(reply.said)) == _spelled(request.absent_says)
    except (ValueError, RecursionError):
        return False


def _spelled(value: Json) -> str:
    """As text, in which true is not 1."""
    return json.dumps(value, sort_keys=True)


def _shown(page: Json, paths: Iterable[str]) -> bool:
    return any(_there(page, path) for path in paths)


def _there(page: Json, path: str) -> bool:
    if path == "[]":
        return isinstance(page, list)
    return (isinstance(page, dict) and bool(page)) if path == "*" else at(page, path) is not None


def filled(request: Request, surroundings: Mapping[str, Json], now: str) -> str:
    """The path with `${...}` filled, escaped for an address; operations and statements as they are. ValueError."""
    if not request.path:
        return request.op or request.sql or request.call

    def one(match: re.Match[str]) -> str:
        value = Expression(match[1]).value(surroundings, now)
        if not isinstance(value, str | int) or isinstance(value, bool) or value in ("", ".", ".."):
            raise ValueError(f"{match[0]} is not known")
        # The path of a file comes from the user's own configuration and is taken whole.
        return str(value) if match[0] == request.path else quote(str(value), safe="")

    return _TEMPLATE.sub(one, request.path)


def _region(request: Request, surroundings: Mapping[str, Json], now: str) -> str | None:
    """The region to ask in; None for the entry's own. ValueError for what is none: it becomes part of an address."""
    found = _valued(request.region, surroundings, now)
    if found is not None and (not isinstance(found, str) or not _REGION.fullmatch(found)):
        raise ValueError(f"{found!r} is no region")
    return found or None


def _valued(value: Json, surroundings: Mapping[str, Json], now: str) -> Json:
    """Parameters with their expressions evaluated."""
    if isinstance(value, Mapping):
        return {name: _valued(part, surroundings, now) for name, part in value.items()}
    if isinstance(value, list):
        return [_valued(part, surroundings, now) for part in value]
    if isinstance(value, str) and value.startswith("="):
        return Expression(value[1:]).value(surroundings, now)
    return value


def problems(answers: Answers) -> Iterator[str]:
    """Each failure once, in words, with how often it came."""
    found: dict[tuple[str, str], list[Json]] = {}
    for one in answers.failures:
        found.setdefault((one.request, one.reason), []).append(one.about)
    for (name, reason), about in found.items():
        some = [json.dumps(one) if not isinstance(one, str) else one for one in about if one is not None]
        of = f" ({', '.join(some[:3])}{f' and {len(some) - 3} more' if len(some) > 3 else ''})" if some else ""  # noqa: PLR2004
        yield f"{name}{of}: {reason}"
