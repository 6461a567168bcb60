"""
Pull requests and the checks of commits, put together from the tables of one collection.

What was cut off stays marked as missing; a list is empty only when it was seen to be empty.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import Account, Check, Commit, Event, PullRequest, Review, Tests, WorkflowRun
from soc2ev.tables.facts.makers import is_merge, merges_base
from soc2ev.tables.hosted import rebased
from soc2ev.tables.hosted.comparisons import Comparisons
from soc2ev.tables.hosted.receipts import Receipt

if TYPE_CHECKING:
    from datetime import datetime

    from soc2ev.model import Json
    from soc2ev.tables.engine import Engine

_APP = re.compile(r"([0-9]{1,18})\+([^@\s]+\[bot\])@users\.noreply\.github\.com")
FORCED = "HeadRefForcePushedEvent"
_PARTS = ("reviews", "commits", "files", "events")
Row = Mapping[str, "Json"]


class Requests:
    """The pull requests of one repository from one run."""

    def __init__(self, engine: Engine, repository: str, run: str) -> None:
        self._engine, self._repository, self._run = engine, repository, run
        self._compared: Comparisons | None = None
        self._bots: dict[str, int] | None = None
        self._landed: dict[str, dict[str, int]] | None = None

    def rows(self, table: str, where: str = "true") -> Iterator[Row]:
        """The rows of a table that belong to the repository and the run."""
        repository, run = _literal(self._repository), _literal(self._run)
        sql = f'select * from "{table}" where repository = {repository} and run = {run} and {where} order by all'  # noqa: S608
        return self._engine.stream(sql)

    def tests(self, shas: Collection[str]) -> dict[str, Tests]:
        """The checks of those commits, from every question about them; a commit that nobody asked about is absent."""
        chosen = f"sha in {listed(shas)}"
        checks: dict[str, dict[str, Check]] = defaultdict(dict)
        held: Counter[tuple[str, str, int]] = Counter()
        apps = self._apps()
        for row in self.rows("github_checks", chosen):
            checks[row["sha"]][row["id"]] = _check(row, apps)
            held[row["sha"], row["part"], row["number"]] += 1
        asked: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows("github_tested_commits", chosen):
            # The pages of one question together hold what each of them counts, or one was not what it said.
            enough = held[row["sha"], row["part"], row["number"]] >= (row["checks"] or 0)
            asked[row["sha"]].append({**row, "whole": row["whole"] and enough})
        runs: dict[str, list[WorkflowRun]] = defaultdict(list)
        for row in self.rows("github_workflow_runs", chosen):
            ended = row["updated_at"] if row["status"] == "completed" else None
            runs[row["sha"]].append(WorkflowRun(row["name"] or "", row["conclusion"], ended))
        return {sha: _tests(sha, found, checks[sha], runs[sha]) for sha, found in asked.items()}

    def _apps(self) -> dict[str, int]:
        """The number of each App, by the login of its bot."""
        if self._bots is None:
            told = [(row["slug"], row["id"]) for row in self.rows("github_apps")]
            seen = {(row["app"], row["app_id"]) for row in self.rows("github_checks", "kind = 'check'") if row["app"]}
            self._bots = {f"{slug}[bot]".lower(): number for slug, number in [*told, *seen]}
        return self._bots

    def get(self, numbers: Collection[int]) -> dict[int, PullRequest]:
        """The pull requests of those numbers that were collected, without their constituents."""
        chosen = f"number in ({', '.join(map(str, sorted(numbers)))})" if numbers else "false"
        commits = self._grouped("github_pull_request_commits", chosen)
        reviews = self._grouped("github_reviews", chosen)
        events = self._grouped("github_events", chosen)
        gone = self._grouped("github_replaced_commits", chosen)
        files = self._grouped("github_files", chosen)
        assignees = {row["number"]: row for row in self.rows("github_assignees", chosen)}
        edited = (row for row in self.rows("github_body_edits", chosen) if row["whole"])
        edits = {row["number"]: tuple(row["texts"] or ()) for row in edited}
        landed = {row["number"]: row for row in self.rows("github_landed_commits", chosen)}
        whole = {(row["number"], row["part"]) for row in self.rows("github_completions", chosen)}
        replaced = [
            row["before"] for rows in events.values() for row in rows if row["kind"] == FORCED and row["before"]
        ]
        seen = self._receipts([*(row["sha"] for rows in commits.values() for row in rows), *replaced])
        landings, proofs = self._landings(), self._proofs()
        within = self._within(commits, landings)
        found = {}
        for row in self.rows("github_pull_requests", chosen):
            number = row["number"]
            missing = {part for part in (row["missing"] or "").split(",") if part and (number, part) not in whole}
            into = landings.get(row["head_ref"], {}) if not row["cross_repository"] else {}
            made = _request(
                row,
                commits[number],
                reviews[number],
                events[number],
                gone[number],
                files[number],
                missing,
                seen,
                proofs,
                {sha: within[its] for sha, its in into.items() if its != number and its in within},
            )
            landing = commit(landed[number]) if number in landed else None
            told = _assigned(assignees.get(number))
            found[number] = replace(made, landed=landing, assignees=told, edits=edits.get(number))
        return found

    def _landings(self) -> Mapping[str, Mapping[str, int]]:
        """By branch, the commits that merges of requests made there, with the request's number; read once."""
        if self._landed is None:
            self._landed = defaultdict(dict)
            for row in self.rows("github_merged_index", "merge_sha is not null and base_ref is not null"):
                self._landed[row["base_ref"]][row["merge_sha"]] = row["number"]
        return self._landed

    def _within(
        self, commits: Mapping[int, list[Row]], landings: Mapping[str, Mapping[str, int]]
    ) -> dict[int, rebased.Landed]:
        """The requests, into whatever branch, whose merge is among those commits; by their numbers."""
        own = {row["sha"] for rows in commits.values() for row in rows}
        found = {number: sha for into in landings.values() for sha, number in into.items() if sha in own}
        chosen = f"number in ({', '.join(map(str, sorted(found)))})" if found else "false"
        held = self._grouped("github_pull_request_commits", chosen)
        told = {row["number"]: row for row in self.rows("github_pull_requests", chosen)}
        return {number: _landed(sha, told.get(number), held[number]) for number, sha in found.items()}

    def _proofs(self) -> Comparisons:
        """The comparisons of this run, which are few, read once."""
        if self._compared is None:
            self._compared = Comparisons(self.rows("github_compared", "whole"), self.rows("github_comparisons"))
        return self._compared

    def evidence(self, numbers: Iterable[int], shas: Collection[str]) -> dict[int | str, set[str]]:
        """Digests of the bodies that told about those pull requests and those commits' checks."""
        found: dict[int | str, set[str]] = defaultdict(set)
        chosen = f"number in ({', '.join(map(str, sorted(set(numbers))))})" if numbers else "false"
        for row in self.rows("github_pull_requests", chosen):
            found[row["number"]].add(row["evidence"])
        for row in self.rows("github_tested_commits", f"sha in {listed(shas)}"):
            found[row["sha"]].add(row["evidence"])
        return found

    def _grouped(self, table: str, chosen: str) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        for row in self.rows(table, chosen):
            found[row["number"]].append(row)
        return found

    def _receipts(self, shas: Collection[str]) -> dict[str, Receipt]:
        """What the server's records tell about when it first held each commit, and who pushed it."""
        found: dict[str, Receipt] = defaultdict(Receipt)
        for row in self.rows("github_ref_updates", f"after in {listed(shas)}"):
            if row["kind"] not in ("pr_merge", "merge_queue_merge"):
                found[row["after"]].exactly(row["at"], account(row, "actor"), row["before"])
        for row in self.rows("github_checks", f"kind = 'check' and sha in {listed(shas)}"):
            pushed = row["event"] in ("push", "pull_request", "pull_request_target")
            found[row["sha"]].at_most(row["received_at"], account(row, "pusher"), close=pushed)
        for row in self.rows("github_pushes", f"sha in {listed(shas)}"):
            who, pushed = account(row, "pusher"), bool(row["pushed"])
            found[row["sha"]].at_most(row["received_at"], who, row["before"], close=pushed)
        return found


def _assigned(row: Row | None) -> tuple[Account, ...] | None:
    """Whom a request is assigned to; None when nobody asked, or not all are known."""
    if row is None or not row["whole"]:
        return None
    return tuple(
        Account(login, int(number), "User") for login, number in zip(row["logins"] or (), row["ids"] or (), strict=True)
    )


def account(row: Row, name: str) -> Account | None:
    """The account in those columns; None when GitHub named none."""
    if row[f"{name}_id"] is None and row[name] is None:
        return None
    return Account(row[name], row[f"{name}_id"], row[f"{name}_type"])


def commit(row: Row) -> Commit:
    """A commit from a row of a table with commit columns."""
    return Commit(
        sha=row["sha"],
        parents=tuple(row["parents"] or ()),
        message=row["message"] or "",
        author=account(row, "author") or _app(row["author_email"]),
        author_name=row["author_name"],
        author_email=row["author_email"],
        committer=account(row, "committer") or _app(row["committer_email"]),
        committer_name=row["committer_name"],
        committer_email=row["committer_email"],
        authored_at=row["authored_at"],
        committed_at=row["committed_at"],
        via_web=row["via_web"],
        signed_by_github=row["signed_by_github"],
    )


def _app(email: str | None) -> Account | None:
    """The App that an address of GitHub's own names with its number: GitHub links addresses with people alone."""
    found = _APP.fullmatch((email or "").strip().lower())
    return Account(found[2], int(found[1]), "Bot") if found else None


def _request(
    row: Row,
    commits: list[Row],
    reviews: list[Row],
    events: list[Row],
    gone: list[Row],
    files: list[Row],
    missing: set[str],
    seen: dict[str, Receipt],
    proofs: Comparisons,
    landings: Mapping[str, rebased.Landed],
) -> PullRequest:
    made = [commit(one) for one in sorted(commits, key=lambda one: one["position"])]
    copies = rebased.made(made, landings.values(), {sha: one for sha, one in seen.items() if one.pushers})
    buttoned = frozenset(one.sha for one in made if one.sha in landings and one.signed_by_github)
    forced = [one for one in events if one["kind"] == FORCED]
    for one in filter(itemgetter("after"), forced):
        seen[one["after"]].exactly(one["at"], None)
    before = [one["before"] for one in forced if one["before"]]
    lost = {"replaced"} if {one["sha"] for one in gone} != {one["before"] for one in forced} else set()
    received = _received([*(one.sha for one in made), *before], seen, reviews)
    clean = proofs.clean_merges(made, row["head_sha"])
    pushers, updaters = _pushed_by(made, buttoned | copies, seen, clean, row["base_ref"])
    return PullRequest(
        number=row["number"],
        title=row["title"] or "",
        body=row["body"] or "",
        author=account(row, "author"),
        created_at=row["created_at"],
        merged_at=row["merged_at"],
        edited_at=row["edited_at"],
        merger=account(row, "merger"),
        enabler=account(row, "enabler"),
        merge_sha=row["merge_sha"],
        base_ref=row["base_ref"],
        base_sha=row["base_sha"],
        head_ref=row["head_ref"],
        head_sha=row["head_sha"],
        cross_repository=row["cross_repository"],
        additions=row["additions"],
        deletions=row["deletions"],
        changed_files=row["changed_files"],
        labels=tuple(row["labels"] or ()),
        issues=tuple(row["issues"] or ()),
        commits=tuple(made),
        reviews=tuple(_review(one) for one in _in_time(reviews, "submitted_at")),
        events=tuple(_event(one) for one in _in_time(events, "at")),
        files=tuple(sorted({one["path"] for one in files})),
        missing=frozenset(missing | lost),
        received=received,
        clean_merges=clean,
        equal_patches=proofs.equal_patches(row["base_sha"], before, row["head_sha"]),
        other_patches=proofs.other_patches(row["base_sha"], before, row["head_sha"]),
        buttoned=buttoned,
        replaced=tuple(_replaced(gone, row["head_sha"])),
        rebased=copies,
        pushers=_with_forcers(pushers, [account(one, "actor") for one in forced]),
        updaters=updaters,
    )


def _replaced(gone: Iterable[Row], head: str | None) -> Iterator[Commit]:
    """What force pushes replaced, but what was built on the head and taken back: nothing of it came before the head."""
    for one in sorted(gone, key=lambda one: str(one["sha"])):
        if head not in (one["parents"] or ()):
            yield commit(one)


def _received(held: Iterable[str], seen: Mapping[str, Receipt], reviews: Iterable[Row]) -> dict[str, datetime]:
    """By commit when the server first held it, as far as records tell."""
    given = [one["submitted_at"] for one in reviews if one["state"] == "APPROVED" and one["submitted_at"]]
    return {sha: at for sha in dict.fromkeys(held) if sha in seen and (at := seen[sha].time(given))}


def _base_merges(made: Sequence[Commit], clean: Collection[str], base: str | None) -> tuple[set[str], set[str]]:
    """Merges of the base into the branch: those that are proven to add nothing, and others that the platform made."""
    own = {one.sha for one in made}
    proven = {one.sha for one in made if one.sha in clean and is_merge(one, own)}
    return proven, {one.sha for one in made if merges_base(one, own, base)} - proven


def _pushed_by(
    made: Sequence[Commit],
    let_in: Collection[str],
    seen: Mapping[str, Receipt],
    clean: Collection[str],
    base: str | None,
) -> tuple[dict[int | str, Account], tuple[Account, ...]]:
    """Everybody who pushed more than a merge of the base; and who had the platform merge it, perhaps with conflicts."""
    # Whoever pressed the button of a request that had been merged into the branch let it in, and made nothing.
    pushed = [one for one in made if one.sha in seen and one.sha not in let_in]
    proven, by_platform = _base_merges(made, clean, base)
    updated = {one.sha: seen[one.sha].updaters(one) for one in pushed if one.sha in proven | by_platform}
    told = (seen[one.sha].pushers.items() - updated.get(one.sha, {}).items() for one in pushed)
    pushers = {key: who for one in told for key, who in sorted(one, key=lambda each: str(each[0]))}
    found = {key: who for sha in updated.keys() & by_platform for key, who in updated[sha].items()}
    return pushers, tuple(found[key] for key in sorted(found, key=str))


def _with_forcers(
    pushers: Mapping[int | str, Account], forcers: Sequence[Account | None]
) -> tuple[Account | None, ...]:
    """All of them, each once; None at the end for forcers that are gone."""
    found = {**pushers, **{who.number: who for who in forcers if who and who.number is not None}}
    return (*found.values(), *([None] if None in forcers else []))


def _landed(sha: str, row: Row | None, commits: list[Row]) -> rebased.Landed:
    """A request that was merged into another one's branch; without commits when not all of them were obtained."""
    whole = row is not None and "commits" not in (row["missing"] or "").split(",")
    held = [commit(one) for one in sorted(commits, key=lambda one: one["position"])] if whole else []
    return rebased.Landed(sha, row["merged_at"] if row else None, account(row, "merger") if row else None, tuple(held))


def _in_time(rows: Iterable[Row], name: str) -> list[Row]:
    """Oldest first; what has no time comes first, so that it decides nothing over what has one."""
    return sorted(rows, key=lambda row: (row[name] is not None, row[name] or 0, row["id"]))


def _review(row: Row) -> Review:
    who = account(row, "reviewer")
    return Review(row["id"], who, row["state"] or "", row["submitted_at"], row["commit_sha"], row["can_push"])


def _event(row: Row) -> Event:
    return Event(
        kind=row["kind"],
        at=row["at"],
        actor=account(row, "actor"),
        name=row["name"],
        before=row["before"],
        after=row["after"],
        review=row["review"],
        state=row["state"],
        text=row["text"],
    )


def _check(row: Row, apps: Mapping[str, int]) -> Check:
    return Check(
        kind=row["kind"],
        name=row["name"],
        app_id=row["app_id"] if row["kind"] == "check" else apps.get((row["creator"] or "").lower()),
        status=row["status"],
        conclusion=row["conclusion"],
        started_at=row["started_at"],
        completed_at=_not_before(row["completed_at"], row["received_at"]),
        required=row["required"],
        creator=account(row, "creator"),
    )


def _not_before(claimed: datetime | None, received: datetime | None) -> datetime | None:
    """An App states when its check ended, and GitHub when it made the suite: nothing in it can have ended before."""
    return max(claimed, received) if claimed and received else claimed


def _tests(sha: str, asked: list[Row], checks: Mapping[str, Check], runs: Iterable[WorkflowRun]) -> Tests:
    # Earlier attempts complete what a rollup shows of check runs; they say nothing about statuses.
    whole = any(row["whole"] for row in asked if row["part"] not in ("attempts", "statuses"))
    reason = None if whole else next((row["reason"] for row in asked if row["reason"]), "not all checks were obtained")
    ever = any(row["whole"] and row["part"] == "statuses" for row in asked)
    return Tests(sha, tuple(checks.values()), whole, reason, all_statuses=ever, runs=tuple(runs))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Collection[str]) -> str:
    """The texts as an SQL list, quoted; a list that matches nothing when there are none."""
    return f"({', '.join(_literal(text) for text in sorted(set(texts)))})" if texts else "('')"
