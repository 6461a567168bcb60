"""
B: whether the required checks ran on the content that was merged, and had passed when it was merged.

What was required is the policy's list, or what rules asked for that are known to have been in force. The last attempt
that had ended at the merge decides; one that ended later is no ground for a merge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from soc2ev.config import Policy
from soc2ev.tables.facts import rulebook
from soc2ev.tables.facts.evidence import Change, Check, Tests, WorkflowRun
from soc2ev.tables.facts.fact import Fact, listed, moment, no, short, shown, together, unknown, yes
from soc2ev.tables.facts.rulebook import Demand

_UNFINISHED = frozenset({"pending", "expected"})
_HOST_ACCEPTS = frozenset({"success", "neutral", "skipped"})
_USUALLY_KEPT = 90
_BOTH = "whether the branch asked for both is not known."
"""
GitHub requires a check and a status of one name both, and does not say whether also where an App is named:
https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks
"""
EXPIRED, PARTIAL, AFTER = "CI_EVIDENCE_EXPIRED", "EVIDENCE_PARTIAL", "CHECK_AFTER_MERGE"
RUNS_ALONE, MISSING = "WORKFLOW_RUNS_ALONE", "CHECK_MISSING"


def judge(change: Change, policy: Policy) -> Fact:
    """Attribute B of the change: every commit that had to be tested passed."""
    if change.integration == "pr_merge" and not change.requests:
        return unknown("The pull request that landed it was not obtained, so which commit was tested is not known.")
    flags = {"TESTED_IN_QUEUE"} if change.integration == "queue_merge" else set()
    answers = [_commit(change, policy, sha, at) for sha, at in _commits(change)]
    if change.unseen_requests and change.integration == "pr_merge":
        answers.append(unknown(f"{change.unseen_requests} of its pull requests were not obtained."))
    return together(answers, flags)


def required_failed(change: Change) -> bool | None:
    """Whether a check that a known rule asked for had failed, not ended or never run at the merge."""
    answers = [
        _of_queue(change, _unless_running(_answer(change, demand, found, at, _HOST_ACCEPTS), demand, found, at))
        for sha, at in _commits(change)
        for demand in rulebook.checks(change)
        if at and (found := _tests(change, sha)) and not _gone(change, found, at)
    ]
    if any(one.value is False for one in answers):
        return True
    expected = len(rulebook.checks(change)) * sum(1 for _ in _commits(change))
    complete = len(answers) == expected and rulebook.settled(change) and not rulebook.workflows(change)
    return False if complete and all(one.value for one in answers) else None


def _unless_running(answer: Fact, demand: Demand, found: Tests, at: datetime) -> Fact:
    """The host waits for an attempt that had begun and not ended, whatever an earlier one had said."""
    name, app = demand
    mine = [one for one in found.checks if one.kind == "check" and one.name == name and app in (None, one.app_id)]
    begun = [one for one in mine if one.started_at and one.started_at <= at]
    if answer.value and any(one.completed_at is None or one.completed_at > at for one in begun):
        return unknown(f"{answer.reason} It was running again at the merge.")
    return answer


def _commits(change: Change) -> Iterator[tuple[str | None, datetime | None]]:
    """The commits that had to be tested, each with the time at which it landed."""
    if change.integration == "pr_merge":
        yield from ((one.head_sha, one.merged_at) for one in change.requests)
    else:
        yield change.sha, rulebook.landed_at(change)


def _of_queue(change: Change, answer: Fact) -> Fact:
    """A queue merges what has passed: a check that ended later ran again, and its first attempt was not asked for."""
    if change.integration != "queue_merge" or AFTER not in answer.flags:
        return answer
    return unknown(f"{answer.reason} The queue had waited for an earlier attempt, which is not among the evidence.")


def _tests(change: Change, sha: str | None) -> Tests | None:
    return next((one for one in change.tested if one.sha == sha), None)


def _commit(change: Change, policy: Policy, sha: str | None, at: datetime | None) -> Fact:
    found = _tests(change, sha)
    if found is None or at is None:
        missing = "When it landed" if found else f"What checks ran on {short(sha)}"
        return unknown(f"{missing} is not known.", *(() if found else (PARTIAL,)))
    answer = _with_workflows(_required(change, policy, found, at), change, policy)
    answer = _with_runs(_of_queue(change, answer), found)
    return answer if found.whole else together([answer], {PARTIAL})


def _with_workflows(answer: Fact, change: Change, policy: Policy) -> Fact:
    """Nothing tells which checks come from a workflow that a ruleset requires: without a failure B is open."""
    wanted = rulebook.workflows(change) if policy.checks.required == "from-rules" else ()
    if not wanted or (answer.value is False and rulebook.checks(change)):
        return answer
    named = listed(map(shown, wanted))
    said = f"A ruleset asks for the workflow {named}; whether it passed is not told. {answer.reason}"
    return unknown(said, *answer.flags)


def _with_runs(answer: Fact, found: Tests) -> Fact:
    """What is not known, with the workflow runs that were obtained in place of the checks."""
    if answer.value is not None or not found.runs:
        return answer
    told = listed(f"{shown(one.name)} {_ended(one)}" for one in found.runs)
    reason = f"{answer.reason} Workflow runs on {short(found.sha)}: {told}; which checks were theirs is not told."
    return Fact(None, reason, answer.flags | {RUNS_ALONE})


def _ended(run: WorkflowRun) -> str:
    return f"{shown(run.conclusion)} ({moment(run.ended_at)})" if run.ended_at else "had not ended"


def _required(change: Change, policy: Policy, found: Tests, at: datetime) -> Fact:
    named = policy.checks.required
    if named == "from-rules" and not change.rules.visible and not rulebook.checks(change):
        return _as_host_says(change, policy, found, at)
    demands = rulebook.checks(change) if isinstance(named, str) else tuple((name, None) for name in named)
    settled = not isinstance(named, str) or rulebook.settled(change)
    if _gone(change, found, at) and (demands or settled):
        return unknown(_why_gone(change, found, at), EXPIRED)
    if not demands and settled:
        return _nothing_asked(found)
    answers = [_answer(change, demand, found, at, policy.checks.accept) for demand in demands]
    if settled or any(one.value is False for one in answers):
        return together(answers)
    if not change.rules.visible:
        why = shown(change.rules.reason) or "they were not obtained"
        return unknown(f"Not all rules of the branch could be read ({why}), so more checks may have been required.")
    today = _failed(change, found, at, policy)
    when = rulebook.moved(change)
    return unknown(f"Rules were changed {when}, so what was required then is not known{today}.")


def _as_host_says(change: Change, policy: Policy, found: Tests, at: datetime) -> Fact:
    """Without the rules: what the host calls required today can only show a failure."""
    names = dict.fromkeys(one.name for one in found.checks if one.required)
    answers = [_passed((name, None), found, at, policy.checks.accept) for name in names]
    failed = [one for one in answers if one.value is False and not one.flags & {"CHECK_AFTER_MERGE"}]
    if failed:
        return together(failed)
    why = shown(change.rules.reason) or "they were not obtained"
    seen = (
        f"; {listed(map(shown, names))}, required today, had passed"
        if names and all(one.value for one in answers)
        else ""
    )
    return unknown(
        f"Which checks were required is not known, as the rules of the branch could not be read ({why}){seen}."
    )


def _nothing_asked(found: Tests) -> Fact:
    if found.checks:
        ran = listed(dict.fromkeys(shown(one.name) for one in found.checks))
        return unknown(
            f"No rule asked for a check, though some ran ({ran}): name the required ones in policy.checks.required."
        )
    if not found.whole:
        return unknown(
            f"Whether any check ran on {short(found.sha)} is not known: {shown(found.reason) or 'not all were seen'}."
        )
    return no("Nothing asked for tests and none ran.")


def _failed(change: Change, found: Tests, at: datetime, policy: Policy) -> str:
    """What today's rules ask for and had failed then: worth a word, and no proof."""
    today = {demand for rule in change.rules.rules for demand in rule.checks or ()}
    failed = [
        shown(one[0]) for one in sorted(today, key=str) if _passed(one, found, at, policy.checks.accept).value is False
    ]
    return f" ({listed(failed)}, required today, had not passed)" if failed else ""


def _answer(change: Change, demand: Demand, found: Tests, at: datetime, accept: Collection[str]) -> Fact:
    """The same, but for a check that may have run and be deleted since."""
    answer = _passed(demand, found, at, accept)
    if MISSING not in answer.flags or not _is_old(change, found, at):
        return answer
    return unknown(f"The required check {shown(demand[0])} was not found, {_since_then(change, found, at)}.", EXPIRED)


def _passed(demand: Demand, found: Tests, at: datetime, accept: Collection[str]) -> Fact:
    """Whether one required check had passed at that time."""
    name, app = demand
    same = [one for one in found.checks if one.name == name]
    mine = [one for one in same if app is None or one.app_id == app]
    called = f"The required check {shown(name)}"
    if not mine:
        return _absent(demand, found, same, called)
    ended = [(one.completed_at, said) for one in mine if one.completed_at and (said := _conclusion(one))]
    undated = {said for one in mine if not one.completed_at and (said := _conclusion(one))}
    untold = any(map(_untold, mine))
    before = [(when, said not in accept, said) for when, said in ended if when <= at]
    if not before:
        if undated or untold or not found.whole:
            return unknown(f"When {called[4:]} ended is not known.")
        if ended and all(one.kind == "status" for one in mine) and not found.all_statuses:
            # The host tells the newest status alone: an earlier one may have been there at the merge.
            return unknown(f"{called} was reported again after the merge, and what it said before is not known.")
        return no(f"{called} had not ended at the merge ({moment(at)}).", AFTER)
    # Of two attempts that ended in the same second the failed one decides.
    when, failed, said = _worst(mine, at, accept) or max(before)
    skipped = {"SKIPPED_TESTS"} if said == "skipped" else set()
    if any((other not in accept) is not failed for other in undated):
        return unknown(f"Which attempt of {called[4:]} was the last before the merge is not known.", *skipped)
    if failed:
        return no(f"{called} ended as {said} on {short(found.sha)} before the merge ({moment(when)}).", *skipped)
    if untold:
        return unknown(f"How an attempt of {called[4:]} ended is not known.", *skipped)
    if not found.whole:
        why = shown(found.reason) or "not all attempts were seen"
        return unknown(f"{called} ended as {said}, but not all checks were obtained: {why}.", *skipped)
    if beside := _worst([one for one in same if one not in mine and one.kind == "status"], at, accept):
        return unknown(f"{called} ended as {said}, and a status of that name as {beside[2]}: {_BOTH}", *skipped)
    again = {"RERUN_TO_GREEN"} if any(bad for _, bad, _ in before) else set()
    return yes(f"{called} ended as {said} on {short(found.sha)} before the merge ({moment(when)}).", *skipped, *again)


def _worst(mine: list[Check], at: datetime, accept: Collection[str]) -> tuple[datetime, bool, str] | None:
    """The failed last word of one of several reporters of the name: a green word of another does not undo it."""
    last: dict[tuple[str, int | None], tuple[datetime, bool, str]] = {}
    for one in mine:
        if one.completed_at and one.completed_at <= at and (said := _conclusion(one)):
            key, word = (one.kind, one.app_id), (one.completed_at, said not in accept, said)
            last[key] = max(last.get(key, word), word)
    return next((word for word in last.values() if word[1]), None)


def _absent(demand: Demand, found: Tests, same: list[Check], called: str) -> Fact:
    if any(one.app_id is None and not _by_person(one) for one in same):
        return unknown(f"Which App reported {called[4:]} is not known.")
    if not found.whole:
        return unknown(
            f"{called} was not seen, but not all checks were obtained: {shown(found.reason) or 'no reason given'}."
        )
    if same:
        return no(
            f"{called} was reported by somebody else than App {demand[1]}, which must report it.", "CHECK_OF_OTHER_APP"
        )
    return no(f"{called} did not run on {short(found.sha)}.", MISSING)


def _by_person(check: Check) -> bool:
    """Whether it is a status that no App set."""
    return check.kind == "status" and check.creator is not None and check.creator.kind != "Bot"


def _conclusion(check: Check) -> str | None:
    """How it ended, in lower case; None while it runs."""
    if check.kind == "check" and check.status and check.status.upper() != "COMPLETED":
        return None
    said = (check.conclusion or (check.status if check.kind == "status" else None) or "").lower()
    return None if said in _UNFINISHED else said or None


def _untold(check: Check) -> bool:
    """Whether it is said to have ended and not how, which GitHub's own checks never leave out."""
    return check.kind == "check" and (check.status or "").upper() == "COMPLETED" and not check.conclusion


def _gone(change: Change, found: Tests, at: datetime) -> bool:
    """Whether there may have been checks that the host no longer has."""
    if not found.whole or found.checks:
        return False
    return _is_old(change, found, at) or _host_saw_them(change)


def _is_old(change: Change, found: Tests, at: datetime) -> bool:
    """Whether a check of that commit may have ended so long ago that the host has deleted it."""
    kept = timedelta(days=found.kept_days or _USUALLY_KEPT)
    return change.collected_at is None or change.collected_at - min(at, _held(change, found.sha) or at) > kept


def _held(change: Change, sha: str) -> datetime | None:
    """Since when the host may have run checks on the head of a request, long before it was merged perhaps."""
    for request in change.requests:
        if request.head_sha == sha:
            made = next((one.committed_at for one in request.commits if one.sha == sha), None)
            return request.received.get(sha) or made
    return None


def _host_saw_them(change: Change) -> bool:
    """The host's ledger says that the rules were kept, so that the checks they ask for had passed."""
    pushed = change.integration in ("direct_push", "force_push")
    return rulebook.kept(change) is True and bool(rulebook.checks(change)) and not pushed


def _why_gone(change: Change, found: Tests, at: datetime) -> str:
    if change.collected_at is None:
        return "No checks were found, and whether they were deleted is not known, nor when the evidence was collected."
    if not _is_old(change, found, at):
        return "No checks were found, although the host says that its rules were kept: they were deleted since."
    return f"No checks were found, {_since_then(change, found, at)}."


def _since_then(change: Change, found: Tests, at: datetime) -> str:
    held, kept = _held(change, found.sha) or at, found.kept_days or _USUALLY_KEPT
    if change.collected_at is None:
        return "and when the evidence was collected is not known"
    what = "the merge" if held >= at else "its head was pushed"
    return f"{(change.collected_at - min(at, held)).days} days after {what}: checks are kept {kept} days by default"
