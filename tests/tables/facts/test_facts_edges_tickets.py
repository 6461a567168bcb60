"""Edge cases of change evidence 40 to 55: tickets, machines, emergencies and documents as they stood at the merge."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from evidence_made import (
    ANN,
    ANN_JIRA,
    BODY,
    BOT,
    CAT,
    MERGED,
    PAT_JIRA,
    REGISTER,
    ago,
    change,
    check,
    commit,
    deployment,
    deployments,
    event,
    judged,
    letters,
    linked,
    moved,
    people,
    policy,
    pushed,
    request,
    review,
    ticket,
)

from soc2ev.tables.facts.evidence import (
    Account,
    Bypass,
    Change,
    Ticket,
    TicketApproval,
    TicketEvent,
    TicketLink,
    Tickets,
)
from soc2ev.tables.facts.evidence import Tests as ChecksOf
from soc2ev.tables.hosted import mentions

SM = policy(ticket={"mode": "service_management"})
EXISTS = policy(ticket={"mode": "exists"})
PRE_APPROVED = policy(
    bots={"standard_change": [{"authors": ["dependabot[bot]"], "paths": ["*.lock"], "document": "SC-7"}]}
)


def of(held: Ticket | None, **facts: object) -> Change:
    """A clean change with that ticket, or with other tickets."""
    return change(tickets=linked(held, **facts))


def a(given: Change, *rules: object) -> str:
    return letters(judged(given, *rules))["A"]


def test_created_after() -> None:
    """Edge 40: a ticket made after the merge is filled in afterwards, even where its history is not whole."""
    found = judged(of(ticket(created_at=ago(-5), whole=False)))
    assert ("deviation", True) == (letters(found)["A"], "TICKET_BACKFILLED" in found.flags)


def test_approved_after() -> None:
    """Edge 40: an approval that came after the merge is a deviation, whatever the ticket says now."""
    found = judged(of(ticket(events=(moved("Approved", -30),))))
    assert ("deviation", True) == (letters(found)["A"], "TICKET_APPROVED_LATE" in found.flags)
    assert "ABC-1 was Open at the merge" in found.row["ticket_reason"]


def test_left_again_after() -> None:
    """Edge 40: a ticket that was approved at the merge and is done now was approved."""
    events = (moved("Approved", 100), moved("Done", -100, before="Approved"))
    assert "met" == a(of(ticket(status="Done", events=events)))


def test_left_again_before() -> None:
    """Edge 40: a ticket whose approval was taken back before the merge is a deviation."""
    events = (moved("Approved", 100), moved("Open", 50, before="Approved"))
    assert "deviation" == a(of(ticket(status="Open", events=events)))


def test_approved_by_developer() -> None:
    """Edge 40: an approval by a maker counts only where the policy says so."""
    held = of(ticket(events=(moved("Approved", 100, ANN_JIRA),)))
    assert ("deviation", "met") == (a(held), a(held, policy(ticket={"approval_by_maker_counts": True})))


def test_approved_by_automation() -> None:
    """Edge 40: a status that automation set is nobody's approval."""
    found = judged(of(ticket(events=(moved("Approved", 100, Account("Automation", "auto-1", "Bot")),))))
    assert ("deviation", True) == (letters(found)["A"], "TICKET_APPROVED_BY_AUTOMATION" in found.flags)


def test_approved_by_nobody_known() -> None:
    """Edge 40: an approver who is gone, or whom the register connects to no account of GitHub, is not tested."""
    stranger = Account("Zoe", "zoe-j")
    loose = people(accounts=[row for row in REGISTER["accounts"] if row["system"] != "jira"])
    outcomes = [a(of(ticket(events=(moved("Approved", 100, by),))), policy(), loose) for by in (None, stranger)]
    assert ["not tested", "not tested"] == outcomes


def test_approver_outside_the_register() -> None:
    """Edge 40: an approver whom the register does not name differs from makers whose accounts it names in both systems."""
    assert "met" == a(of(ticket(events=(moved("Approved", 100, Account("Zoe", "zoe-j")),))))


@pytest.mark.parametrize("name", ["Ann", "Ann (admin)", "ANN-adm"])
def test_an_approver_who_bears_a_makers_name(name: str) -> None:
    """It may be a second account of hers; of one that the register gives to somebody else it is known."""
    given = of(ticket(events=(moved("Approved", 100, Account(name, "other-j")),)))
    told = people(accounts=[*REGISTER["accounts"], {"person": "Ann Zoe", "system": "jira", "account": "other-j"}])
    assert ["not tested", "met"] == [a(given), a(given, policy(), told)]


def test_approval_between_approved_statuses() -> None:
    """Edge 40: a maker who moves an approved ticket on to another approved status approves nothing."""
    rules = policy(ticket={"approved_statuses": ["approved", "Ready"]})
    events = (moved("Approved", 100), moved("Ready", 50, ANN_JIRA, before="Approved"))
    assert "met" == a(of(ticket(status="Ready", events=events)), rules)


def test_created_as_approved() -> None:
    """Edge 40: a ticket that was created as approved was approved by its reporter."""
    by_pat, by_ann = (of(ticket(events=(), reporter=who)) for who in (PAT_JIRA, ANN_JIRA))
    assert ("met", "deviation") == (a(by_pat), a(by_ann))


def test_history_cut() -> None:
    """Edge 40: without the whole history the status at the merge is not known."""
    assert ["not tested"] * 2 == [a(of(ticket(whole=False)), rules) for rules in (policy(), EXISTS)]


def test_not_there() -> None:
    """Edge 40: a ticket that does not exist or may not be read is never met: missing deviates, unasked is not tested."""
    for reason, outcome in (("missing: ABC-1 does not exist, or ...", "deviation"), ("not asked for", "not tested")):
        links = (TicketLink("ABC-1", "title", None, reason),)
        assert outcome == a(change(tickets=Tickets(links, configured=True, visible=True)))


def test_no_ticket() -> None:
    """Edge 40: no key at all is a deviation where all commits were seen; a system that did not answer leaves it open."""
    none = Tickets((), configured=True, visible=True)
    cut = request(missing=frozenset({"commits"}))
    outcomes = [
        a(change(tickets=none)),
        a(change(cut, tickets=none)),
        a(change(tickets=replace(none, visible=False))),
        a(change(tickets=replace(none, configured=False))),
    ]
    assert ["deviation", "not tested", "not tested", "not tested"] == outcomes


def test_lower_case_branch() -> None:
    """Edge 40: a key in lower case in the branch was named before the merge."""
    made = request(title="Export", head_ref="feature/abc-1-export", edited_at=ago(5))
    assert "met" == a(change(made, tickets=linked(source="branch")))


def test_moved_ticket() -> None:
    """Edge 40: a ticket that has another key now is found by the one that the change names."""
    assert "met" == a(of(ticket(key="NEW-7")))


def test_wrong_type() -> None:
    """Edge 41: an epic is no request for one change where the policy names types; the type at the merge counts."""
    rules = policy(ticket={"types": ["Story"]})
    was = TicketEvent(ago(-50), PAT_JIRA, "issuetype", "Epic", "Story")
    changed = ticket(events=(moved("Approved", 1440), was))
    outcomes = [a(of(one), rules) for one in (ticket(), ticket(type="Epic"), ticket(type=None), changed)]
    assert ["met", "deviation", "not tested", "deviation"] == outcomes


def approval(
    decision: str = "approved", minutes: float | None = 100, *by: tuple[Account | None, str]
) -> TicketApproval:
    at = None if minutes is None else ago(minutes)
    return TicketApproval("CAB", decision, at, by or ((PAT_JIRA, "approved"), (ANN_JIRA, "pending")))


@pytest.mark.parametrize(
    ("approvals", "outcome"),
    [
        ((approval(),), "met"),
        ((approval("declined", 200), approval()), "met"),
        ((approval("declined", 50), approval()), "deviation"),
        ((approval("pending", None),), "deviation"),
        ((approval("approved", -10),), "deviation"),
        ((approval("approved", None),), "not tested"),
        ((approval("withdrawn"),), "not tested"),
        ((approval("approved", 100, (ANN_JIRA, "approved"), (PAT_JIRA, "approved")),), "deviation"),
        ((approval("approved", 100, (None, "approved")),), "not tested"),
        ((approval("approved", 100, (PAT_JIRA, "pending")),), "not tested"),
        ((), "deviation"),
        (None, "not tested"),
    ],
)
def test_service_management(approvals: tuple[TicketApproval, ...] | None, outcome: str) -> None:
    """Edge 42: the last decision before the merge counts, with everybody who made it; declined and asked again may pass."""
    assert outcome == a(of(ticket(approvals=approvals)), SM)


def test_exists() -> None:
    """In mode exists a ticket must have existed, not rejected at the merge."""
    rejected = ticket(status="Declined", events=(moved("Declined", 20),))
    later = ticket(status="Declined", events=(moved("Declined", -20),))
    assert ["met", "deviation", "met"] == [a(of(one), EXISTS) for one in (ticket(), rejected, later)]


def test_other_tickets() -> None:
    """Edge 41: a further ticket must not have been rejected at the merge; one that was not read leaves A open."""
    outcomes = []
    for other in (ticket(key="ABC-2"), ticket(key="ABC-2", status="Rejected", events=()), None):
        links = (TicketLink("ABC-1", "title", ticket()), TicketLink("ABC-2", "commit message", other, "not asked for"))
        outcomes.append(a(change(tickets=Tickets(links, configured=True, visible=True))))
    assert ["met", "deviation", "not tested"] == outcomes


def test_ambiguous() -> None:
    """A title and a branch that name different tickets are flagged."""
    links = (TicketLink("ABC-1", "title", ticket()), TicketLink("ABC-2", "branch", ticket(key="ABC-2")))
    assert "TICKET_AMBIGUOUS" in judged(change(tickets=Tickets(links, configured=True, visible=True))).flags


def bumped(**facts: object) -> Change:
    """A machine's change of a lock file, without review."""
    values = {
        "author": BOT,
        "commits": (commit(by=BOT, signed_by_github=True),),
        "pushers": (BOT,),
        "reviews": (),
        "files": ("web/yarn.lock",),
    }
    none = Tickets((), configured=True, visible=True)
    return change(request(**(values | facts)), tickets=none)


def test_standard_change() -> None:
    """Edge 43: a pre-approval stands for the ticket and the review; the reason names its document."""
    found = judged(bumped(), PRE_APPROVED)
    assert {"A": "met", "C": "not applicable", "D": "met", "E": "met"} == {
        letter: outcome for letter, outcome in letters(found).items() if letter in "ACDE"
    }
    assert "SC-7" in found.row["ticket_reason"]


def test_standard_change_gated() -> None:
    """Edge 43: a pre-approved change passes the gate of its environment like any other."""
    made = replace(bumped(), deployments=deployments(deployment(gate=()), gated=True))
    assert "deviation" == letters(judged(made, PRE_APPROVED))["D"]


def test_standard_change_files() -> None:
    """Edge 43: other files take it out of the pre-approval; files that were cut off leave everything open."""
    other = letters(judged(bumped(files=("web/yarn.lock", "src/app.py")), PRE_APPROVED))
    cut = letters(judged(bumped(missing=frozenset({"files"})), PRE_APPROVED))
    assert ("deviation", "not tested", "not tested") == (other["C"], cut["C"], cut["A"])


def test_standard_change_forged() -> None:
    """Edge 43: the author of a commit is a claim: without signature or record of the push it is not the machine's."""
    claimed = bumped(commits=(commit(by=BOT),), pushers=())
    pushed_by = bumped(pushers=(BOT, ANN))
    outcomes = [letters(judged(one, PRE_APPROVED))["C"] for one in (claimed, pushed_by)]
    assert ["not tested", "deviation"] == outcomes


def test_standard_change_untested() -> None:
    """Edge 43: a pre-approved change whose checks failed deviates in E, and one whose checks nobody saw is open."""
    for tests, outcome in (((check("FAILURE"),), "deviation"), ((check(),), "met")):
        made = replace(bumped(), tested=(ChecksOf("h1", tests, whole=True),))
        assert outcome == letters(judged(made, PRE_APPROVED))["E"]
    assert "not tested" == letters(judged(replace(bumped(), tested=()), PRE_APPROVED))["E"]


def test_standard_change_without_ledger() -> None:
    """Edge 43: a pre-approved change without review shows no emergency; whether rules were bypassed stays open."""
    found = judged(replace(bumped(), bypass=Bypass(visible=False, bypassed=False)), PRE_APPROVED)
    assert (False, "not tested") == (found.row["emergency"], letters(found)["E"])


def test_standard_change_by_name_alone() -> None:
    """Edge 43: a person's account of the right name is no machine."""
    person = Account("dependabot[bot]", 51)
    made = bumped(author=person, commits=(commit(by=person, signed_by_github=True),), pushers=(person,))
    assert "deviation" == letters(judged(made, PRE_APPROVED))["C"]


def test_pushed_by_machine() -> None:
    """Edge 43: a listed machine that pushes past requests is no bypass yet: which files it touched is not known."""
    made = pushed(actor=BOT, commits=(commit("m1", by=BOT, signed_by_github=True),))
    found = judged(made, PRE_APPROVED)
    assert (None, "not tested") == (found.row["emergency"], letters(found)["C"])


def test_revert() -> None:
    """Edge 44: a revert that nobody reviewed deviates like any change."""
    assert "deviation" == letters(judged(change(request(reviews=()), reverts=("abc",))))["C"]


def emergency(*later: object, **facts: object) -> Change:
    """A change labelled an emergency before its merge on a Wednesday, and reviewed afterwards or not."""
    values = {
        "reviews": later,
        "labels": ("Emergency",),
        "events": (event("LabeledEvent", 50, ANN, name="Emergency"),),
    }
    return change(request(**(values | facts)))


def days(count: float) -> float:
    return -24 * 60 * count


def test_declared_late() -> None:
    """Edge 46: a label that came after the merge declares nothing, and the bypass stays undocumented."""
    late = request(labels=("emergency",), events=(event("LabeledEvent", -60, ANN, name="emergency"),))
    found = judged(change(late, bypass=Bypass(visible=True, bypassed=True)))
    assert "deviation" == letters(found)["F"]
    assert {"DECLARED_LATE", "UNDOCUMENTED_BYPASS"} <= set(found.flags)


def test_label_history() -> None:
    """Edge 46: a label counts when it was there at the merge: set at the opening, not taken off before."""
    on, off = (event(kind, 40, ANN, name="hotfix") for kind in ("LabeledEvent", "UnlabeledEvent"))
    cases = [
        (request(labels=("hotfix",)), True),
        (request(events=(on, replace(off, at=ago(30)))), False),
        (request(events=(on, replace(off, at=ago(-30)))), True),
        (request(events=(replace(off, at=ago(-30)),)), True),
        (request(missing=frozenset({"events"})), None),
    ]
    assert [value for _, value in cases] == [judged(one).row["emergency"] for one, _ in cases]


def test_declared_by_branch_or_ticket() -> None:
    """A branch or a ticket type of the policy declares an emergency too; a type that was set later does not."""
    typed = ticket(type="Emergency", events=(moved("Approved", 1440),))
    later = replace(typed, events=(*typed.events, TicketEvent(ago(-5), PAT_JIRA, "issuetype", "Story", "Emergency")))
    found = [judged(one) for one in (change(request(head_ref="hotfix/now")), of(typed), of(later))]
    assert [True, True, False] == [one.row["emergency"] for one in found]
    assert "DECLARED_LATE" in found[2].flags


def test_declared_and_ordinary() -> None:
    """A declared emergency that was reviewed and tested like any other change is handled, and C stays met."""
    found = letters(judged(emergency(review())))
    assert ("met", "met", "met") == (found["C"], found["D"], found["F"])


@pytest.mark.parametrize(
    ("later", "outcome", "flag"),
    [
        ((review(minutes=days(2)),), "met", "POST_REVIEW"),
        ((review(minutes=days(2.6)),), "deviation", "POST_REVIEW_LATE"),
        ((), "deviation", "POST_REVIEW_MISSING"),
        ((review(ANN, days(1)),), "deviation", "POST_REVIEW_MISSING"),
        ((review(BOT, days(1)),), "deviation", "POST_REVIEW_MISSING"),
        ((review(CAT, days(1), can_push=False),), "deviation", "POST_REVIEW_MISSING"),
        ((review(CAT, days(1), can_push=None),), "met", "POST_REVIEW"),
        ((review(None, days(1)),), "not tested", ""),
        ((review(minutes=days(1)), review(minutes=days(1.5), state="CHANGES_REQUESTED")), "deviation", ""),
        ((review(minutes=days(1), state="CHANGES_REQUESTED"), review(minutes=days(1.5))), "met", "POST_REVIEW"),
        ((review(minutes=days(1), state="DISMISSED"),), "deviation", "POST_REVIEW_MISSING"),
    ],
)
def test_reviewed_afterwards(later: tuple[object, ...], outcome: str, flag: str) -> None:
    """Edge 46: an emergency needs a review by somebody independent within two business days of the merge."""
    found = judged(emergency(*later))
    assert outcome == letters(found)["F"]
    assert not flag or flag in found.flags


def test_unhandled_emergency_applies() -> None:
    """Edge 46: where the procedure was not followed, C and D are asked for as usual."""
    found = letters(judged(emergency()))
    assert ("deviation", "deviation", "deviation") == (found["C"], found["D"], found["E"])


def test_reviews_afterwards_cut_off() -> None:
    """Edge 46: no review afterwards among reviews that were cut off is not tested."""
    assert "not tested" == letters(judged(emergency(missing=frozenset({"reviews"}))))["F"]


def test_deadline_running() -> None:
    """Edge 46: while the deadline runs, a missing review is not tested."""
    running = replace(emergency(), collected_at=datetime(2026, 10, 9, 23, 59, tzinfo=MERGED.tzinfo))
    over = replace(emergency(), collected_at=datetime(2026, 10, 10, tzinfo=MERGED.tzinfo))
    unknown = replace(emergency(), collected_at=None)
    assert ["not tested", "deviation", "not tested"] == [letters(judged(one))["F"] for one in (running, over, unknown)]


def test_emergency_without_reason() -> None:
    """An emergency that nobody explained is not handled."""
    silent = replace(emergency(review(minutes=-60), body=""), tickets=Tickets((), configured=True, visible=True))
    assert "deviation" == letters(judged(silent))["F"]
    assert "met" == letters(judged(emergency(review(minutes=-60), body="")))["F"]


def test_emergency_reason_edited() -> None:
    """An explanation that was edited after the merge is not tested; one edited before counts."""
    none = Tickets((), configured=True, visible=True)
    outcomes = [
        letters(judged(replace(emergency(review(minutes=-60), edited_at=ago(minutes)), tickets=none)))["F"]
        for minutes in (-5, 5)
    ]
    assert ["not tested", "met"] == outcomes


def test_declaration_not_known() -> None:
    """A bypass whose labels were not obtained may have been declared: F is not tested."""
    cut = request(missing=frozenset({"events"}))
    found = judged(change(cut, bypass=Bypass(visible=True, bypassed=True)))
    assert (True, "not tested", "not tested") == (found.row["emergency"], letters(found)["F"], letters(found)["E"])


def test_emergency_pushed() -> None:
    """A push that its ticket declared an emergency still lacks a review afterwards."""
    typed = linked(ticket(type="Emergency"), source="commit message")
    made = pushed(tickets=typed, commits=(commit("m1", by=CAT, message="ABC-1 Stop the outage"),))
    found = judged(made)
    assert ("deviation", True) == (letters(found)["F"], "POST_REVIEW_MISSING" in found.flags)


def test_title_edited_later() -> None:
    """Edge 55: a key that was put into the title after the merge names no ticket."""
    renamed = event("RenamedTitleEvent", -60, ANN, before="Quick fix", after="ABC-1 Quick fix")
    found = judged(request(events=(renamed,)))
    assert ("deviation", True) == (letters(found)["A"], "TICKET_NAMED_LATE" in found.flags)


def test_title_edited_before() -> None:
    """Edge 55: a key that was put into the title before the merge, or stands in a commit too, does."""
    before = event("RenamedTitleEvent", 60, ANN, before="Quick fix", after="ABC-1 Quick fix")
    after = replace(before, at=ago(-60))
    told = request(events=(after,), commits=(commit(message="ABC-1 Quick fix"),))
    assert ["met", "met"] == [letters(judged(one))["A"] for one in (request(events=(before,)), told)]


def test_body_edited_later() -> None:
    """Edge 55: what stands only in a description that was edited after the merge is not tested, ticket and plan alike."""
    made = request(title="Export", body=f"ABC-1\n{BODY}", edited_at=ago(-60))
    found = judged(change(made, tickets=linked(source="body")))
    assert ("not tested", "not tested") == (letters(found)["A"], letters(found)["G"])
    assert "BODY_EDITED_AFTER_MERGE" in found.flags


def test_a_description_that_was_wiped_may_have_named_a_ticket() -> None:
    """Edge 55: without any key now the change named none, unless an edit after the merge may have taken it out."""
    none = Tickets((), configured=True, visible=True)
    made = request(title="Export", body="", head_ref="export")
    outcomes = [
        a(change(replace(made, edited_at=ago(minutes), lost_keys=lost), tickets=none))
        for minutes, lost in ((-5, None), (-5, True), (-5, False), (5, None))
    ]
    assert ["not tested", "not tested", "deviation", "deviation"] == outcomes


def test_an_emergency_of_which_it_is_not_known_whether_it_was_handled() -> None:
    """Its procedure may have taken the place of the review before the merge."""
    none = Tickets((), configured=True, visible=True)
    edited = replace(emergency(review(minutes=-60), edited_at=ago(-5), lost_keys=False), tickets=none)
    found = letters(judged(edited))
    assert ("not tested", "not tested") == (found["F"], found["C"])


def test_a_push_that_a_request_may_hold() -> None:
    """Where not all pull requests were listed, nothing says that it went past them; a force push always did."""
    none = Tickets((), configured=True, visible=True)
    made = replace(pushed(tickets=none), requests_known=False)
    found = judged(made)
    assert {"not tested"} == {letters(found)[one] for one in "ACEG"}
    assert found.row["emergency"] is None
    assert "deviation" == letters(judged(replace(made, requests_known=True)))["C"]
    assert "deviation" == letters(judged(replace(made, integration="force_push")))["C"]


def test_plan_in_ticket() -> None:
    """Edge 55: a plan in the ticket counts, as the ticket's description stood at the merge."""
    plan = "Rollback: deploy the release before this one"
    told = ticket(description=plan)
    edit = TicketEvent(ago(-5), PAT_JIRA, "description", "", plan)
    late = ticket(description=plan, events=(moved("Approved", 1440), edit))
    bare = request(body="Adds the export of invoices.")
    outcomes = [letters(judged(change(bare, tickets=linked(one))))["G"] for one in (told, late, ticket(whole=False))]
    assert ["met", "deviation", "not tested"] == outcomes


def test_high_risk() -> None:
    """A high-risk change answers seven questions; kinds that are not known leave G open."""
    subjects = ("Authentication", "Authorization", "Transactions", "Uptime", "Monitoring", "Customer data")
    answers = "\n".join(f"{subject}: not touched" for subject in subjects)
    silent = change(high_risk=("permission_model",))
    told = change(request(body=f"{BODY}\n## Risk\n{answers}"), high_risk=("permission_model",))
    untold = change(high_risk=None)
    outcomes = [letters(judged(one))["G"] for one in (silent, told, untold)]
    assert ["deviation", "met", "not tested"] == outcomes
    assert "an answer about" not in judged(silent).row["documentation_reason"].partition("It has no")[0]


def test_push_documented() -> None:
    """A push is described by its commit message."""
    words = "Fix\n\nThe export failed for empty invoices.\n\nRollback: revert this commit and deploy.\n"
    outcomes = [letters(judged(pushed(commits=(commit("m1", by=CAT, message=m),))))["G"] for m in ("Fix", words)]
    assert ["deviation", "met"] == outcomes


def test_far_future() -> None:
    """A change of a period long ago is judged by its own times only."""
    assert letters(judged(change())) == letters(judged(change(collected_at=MERGED + timedelta(days=3650))))


def test_approver_is_bob() -> None:
    """Accounts that no register knows are told apart by their numbers."""
    assert "met" == letters(judged(request(), who=people(accounts=[], people=[])))["C"]


def test_second_pre_approval() -> None:
    """Edge 43: any of the policy's pre-approvals may cover a change."""
    entries = [
        {"authors": ["renovate[bot]"], "paths": ["*.lock"]},
        {"authors": ["dependabot[bot]"], "paths": ["*.lock"]},
    ]
    found = judged(bumped(), policy(bots={"standard_change": entries}))
    assert "not applicable" == letters(found)["C"]


def test_approver_with_both_accounts() -> None:
    """Edge 40: an approver whose account of GitHub the register names is told from makers of whom it knows less."""
    rows = [row for row in REGISTER["accounts"] if (row["person"], row["system"]) != ("ann", "jira")]
    without_pat = [row for row in rows if row["person"] != "pat"]
    outcomes = [a(change(), policy(), people(accounts=held)) for held in (rows, without_pat)]
    assert ["met", "not tested"] == outcomes


def test_body_not_edited() -> None:
    """Edge 55: a key in a description that nobody edited since was named; with commits missing a late title stays open."""
    body = change(request(title="Export", body=f"ABC-1\n{BODY}", edited_at=ago(5)), tickets=linked(source="body"))
    renamed = event("RenamedTitleEvent", -60, ANN, before="Quick fix", after="ABC-1 Quick fix")
    cut = change(request(events=(renamed,), missing=frozenset({"commits"})))
    assert ("met", "not tested") == (a(body), a(cut))


def test_named_elsewhere() -> None:
    """Edge 55: a key from a place that is not looked at here is not known to have been named in time."""
    assert "not tested" == a(change(request(title="Export"), tickets=linked(source="commit message")))


def test_no_ticket_of_unseen_request() -> None:
    """Edge 40: a merge whose pull request was not obtained may have named a ticket."""
    assert "not tested" == a(replace(change(tickets=Tickets((), configured=True, visible=True)), requests=()))


def test_other_label() -> None:
    """Edge 46: another label declares nothing; a branch that nobody told may have."""
    other = request(labels=("docs",), events=(event("LabeledEvent", 50, ANN, name="docs"),))
    assert [False, None] == [judged(one).row["emergency"] for one in (other, request(head_ref=None))]


def test_a_description_that_was_edited_since_may_have_named_another_ticket() -> None:
    """Edge 55: its lines come before the title, and what they said at the merge is not known; a failure stays one."""
    edited = request(edited_at=ago(-5))
    found = judged(change(edited))
    assert "not tested" == letters(found)["A"]
    assert "BODY_EDITED_AFTER_MERGE" in found.flags
    assert "deviation" == a(change(edited, tickets=linked(ticket(events=(), status="Open"))))
    assert ["met", "not tested"] == [a(change(replace(edited, lost_keys=lost))) for lost in (False, True)]


def test_what_a_description_had_named_before() -> None:
    """Edge 55: edits tell it, as whole texts or as what changed; keys of other projects are none."""
    texts = ("Ticket: ABC-9", "- Ticket: ABC-9\n+ See XYZ-4", "Ticket: ABC-1")
    found = [mentions.lost(request(body="Ticket: ABC-1", edits=told), ["ABC"]) for told in (None, texts[2:], texts, ())]
    assert [None, False, True, False] == found


def test_a_title_counts_as_it_stood_at_the_merge() -> None:
    """Edge 55: what it names only since comes last, and what it named then still counts."""

    def renamed(before: str, after: str) -> list[tuple[str, str]]:
        moved_on = (event("RenamedTitleEvent", -30, ANN, before=before, after=after),)
        return mentions.keys([request(title=after, body="", head_ref="x", events=moved_on)], (), ["ABC"])

    assert [("ABC-1", "title")] == renamed("ABC-1 Export", "Export")
    assert [("ABC-1", "title"), ("ABC-2", "title")] == renamed("ABC-1 Export", "ABC-2 Export")
    assert [("ABC-2", "title")] == renamed("Export", "ABC-2 Export")
