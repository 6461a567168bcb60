"""The whole road through the front door: collect, check, checklist, pack, verify."""

from __future__ import annotations

import json

from tests.conftest import Run, Workplace


def test_a_first_collection_gives_the_population_that_git_has(soc2ev: Run, workplace: Workplace) -> None:
    """Every first-parent commit of the month is an item, and the commits add up to git's own count."""
    assert 0 == soc2ev("collect", "--period", "2026-10", cwd=workplace.path).code
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    start = workplace.git("rev-list", "-1", "--first-parent", "--before=2026-09-30T23:59:59Z", "main")
    end = workplace.git("rev-list", "-1", "--first-parent", "--before=2026-10-31T23:59:59Z", "main")
    expected = set(workplace.git("rev-list", "--first-parent", f"{start}..{end}").split())
    assert {f"acme/api@{sha}" for sha in expected} == {item["id"] for item in change["items"]}
    brought = sorted(sha for item in change["items"] for sha in item["facts"]["commits"])
    assert sorted(workplace.git("rev-list", f"{start}..{end}").split()) == brought
    assert 3 == change["population"]["size"]
    assert change["population"]["complete"]
    assert not change["population"]["provisional"]


def test_nothing_that_git_cannot_know_is_met(soc2ev: Run, workplace: Workplace) -> None:
    """With git alone attributes A to H are not tested, each with a reason and evidence."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert "incomplete" == change["conclusion"]
    for item in change["items"]:
        assert list("ABCDEFGHI") == list(item["outcomes"])
        assert "not applicable" == item["outcomes"].pop("I")["outcome"]
        for result in item["outcomes"].values():
            assert "not tested" == result["outcome"]
            assert result["reason"]
            assert result["evidence"]


def test_facts_of_a_change(soc2ev: Run, workplace: Workplace) -> None:
    """Pull request, tickets, makers and claims are read from the messages and labelled as claims."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    by_request = {item["facts"]["pull_request"]: item["facts"] for item in change["items"]}
    assert {None, 12, 13} == set(by_request)
    assert "direct_push" == by_request[None]["integration"]
    assert "pr_merge" == by_request[12]["integration"]
    assert ["Bo <bo@example.com>"] == by_request[12]["claimed_reviewers"]
    assert [] == by_request[12]["approvers"]
    assert ["API-3"] == by_request[13]["tickets"]
    assert 3 == len(by_request[13]["commits"])
    assert "MERGE_COMMIT" in by_request[13]["flags"]
    assert ["Ann Berg <ann@example.com>"] == by_request[13]["makers"]


def test_an_open_period_is_provisional(soc2ev: Run, workplace: Workplace) -> None:
    """A month that has not ended is collected, said to be provisional, and never complete."""
    year = "2100"
    collected = soc2ev("collect", "--period", year, cwd=workplace.path)
    assert 0 == collected.code
    assert "provisional" in collected.err
    document = json.loads(soc2ev("check", "--period", year, "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert change["population"]["provisional"]
    assert not change["population"]["complete"]
    assert "incomplete" == change["conclusion"]


def test_an_empty_closed_period_is_no_occurrence(soc2ev: Run, workplace: Workplace) -> None:
    """A month in which git shows no commit is proven empty by the recorded query."""
    soc2ev("collect", "--period", "2026-08", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-08", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert "no occurrence" == change["conclusion"]
    assert 0 == change["population"]["size"]
    commits = [one for one in change["population"]["coverage"] if one["stream"].endswith(":commits")]
    assert [0] == [one["expected"] for one in commits]


def test_a_month_that_nobody_collected_is_incomplete(soc2ev: Run, workplace: Workplace) -> None:
    """Nothing collected is not nothing happened."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-07", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert "incomplete" == change["conclusion"]
    reasons = [one["reason"] for one in change["population"]["coverage"] if not one["complete"]]
    assert any("nothing was collected" in reason for reason in reasons)


def test_months_add_up_to_a_quarter(soc2ev: Run, workplace: Workplace) -> None:
    """Collections of single months answer for the quarter that they tile, and a missing month is named."""
    for month in ("2026-08", "2026-09"):
        soc2ev("collect", "--period", month, cwd=workplace.path)
    checked = soc2ev("check", "--period", "2026-Q3", "--format", "json", cwd=workplace.path)
    change = next(
        one for one in json.loads(checked.out)["findings"] if one["control"] == "change-authorised-tested-approved"
    )
    assert "incomplete" == change["conclusion"]
    assert any("2026-07-01" in (one["reason"] or "") for one in change["population"]["coverage"])
    soc2ev("collect", "--period", "2026-07", cwd=workplace.path)
    checked = soc2ev("check", "--period", "2026-Q3", "--format", "json", cwd=workplace.path)
    change = next(
        one for one in json.loads(checked.out)["findings"] if one["control"] == "change-authorised-tested-approved"
    )
    assert change["population"]["complete"]
    assert 1 == change["population"]["size"]


def test_path_rules_leave_changes_out_and_name_them(soc2ev: Run, workplace: Workplace) -> None:
    """Commits outside by path rules are listed with their reason, and everything still adds up."""
    workplace.configure('scope: [{repository: acme/api, branches: [main], paths: {exclude: ["docs/**"]}}]\n')
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    outside = [one for entry in change["population"]["coverage"] for one in entry.get("outside", ())]
    inside = [sha for item in change["items"] for sha in item["facts"]["commits"]]
    assert 2 == change["population"]["size"]
    assert 3 == len(outside)
    assert all("path rules" in one["reason"] for one in outside)
    expected = next(one["expected"] for one in change["population"]["coverage"] if one["stream"].endswith(":commits"))
    assert expected == len(inside) + len(outside)


def test_a_commit_pushed_late_belongs_to_the_month_in_which_it_arrived(soc2ev: Run, workplace: Workplace) -> None:
    """Heads that an earlier collection saw decide, whatever date a later commit claims."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    late = workplace.commit("API-9: claims October", at="2026-10-20T10:00:00Z")
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    soc2ev("collect", "--period", "2026-11", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    october = {item["id"] for finding in document["findings"] for item in finding["items"]}
    assert f"acme/api@{late}" not in october
    document = json.loads(soc2ev("check", "--period", "2026-11", "--format", "json", cwd=workplace.path).out)
    november = {item["id"] for finding in document["findings"] for item in finding["items"]}
    assert f"acme/api@{late}" in november


def test_a_rewritten_branch_is_a_deviation(soc2ev: Run, workplace: Workplace) -> None:
    """When the tip of the last collection is gone, the history control deviates."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    workplace.git("reset", "-q", "--hard", "HEAD~2")
    workplace.commit("API-8: instead", at="2026-11-03T10:00:00Z")
    soc2ev("collect", "--period", "2026-11", cwd=workplace.path)
    checked = soc2ev("check", "--period", "2026-11", "--fail-on", "deviations", cwd=workplace.path)
    assert 3 == checked.code
    assert "which lacks it: the branch was rewritten" in " ".join(checked.out.split())


def test_collecting_again_does_not_undo_a_rewriting(soc2ev: Run, workplace: Workplace) -> None:
    """The deviation stays whichever run answers, and the month's pack proves it from its own bodies."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    workplace.git("reset", "-q", "--hard", "HEAD~2")
    workplace.commit("API-8: instead", at="2026-11-03T10:00:00Z")
    for _ in range(2):
        soc2ev("collect", "--period", "2026-11", cwd=workplace.path)
    assert 3 == soc2ev("check", "--period", "2026-11", "--fail-on", "deviations", cwd=workplace.path).code
    packed = soc2ev("pack", "--period", "2026-11", "--format", "json", cwd=workplace.path)
    verified = soc2ev("verify", json.loads(packed.out)["pack"], "--format", "json", cwd=workplace.path)
    assert (0, True) == (verified.code, json.loads(verified.out)["findings_reproduced"])


def test_several_production_branches_name_theirs_in_the_item(soc2ev: Run, workplace: Workplace) -> None:
    """With two production refs an item's id holds the branch."""
    workplace.git("branch", "release", "main~1")
    workplace.configure("scope: [{repository: acme/api, branches: [main, release]}]\n")
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert {"acme/api:main", "acme/api:release"} == {item["id"].partition("@")[0] for item in change["items"]}


def test_gates(soc2ev: Run, workplace: Workplace) -> None:
    """Without a gate a check is fine; asked to fail on incomplete it exits 5."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 0 == soc2ev("check", "--period", "2026-10", cwd=workplace.path).code
    assert 5 == soc2ev("check", "--period", "2026-10", "--fail-on", "incomplete", cwd=workplace.path).code
    assert 0 == soc2ev("check", "--period", "2026-10", "--fail-on", "deviations", cwd=workplace.path).code
    assert 3 == soc2ev("checklist", "--period", "2026-10", "--min-score", "90", cwd=workplace.path).code


def test_a_missing_branch_is_said_and_exits_5(soc2ev: Run, workplace: Workplace) -> None:
    """A branch that does not exist leaves the population incomplete."""
    workplace.configure("scope: [{repository: acme/api, branches: [mian]}]\n")
    collected = soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 5 == collected.code
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert "incomplete" == change["conclusion"]


def test_a_second_collection_changes_nothing(soc2ev: Run, workplace: Workplace) -> None:
    """Collected again, the same month gives the same items."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    first = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    second = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    assert [[item["id"] for item in one["items"]] for one in first["findings"]] == [
        [item["id"] for item in one["items"]] for one in second["findings"]
    ]


def test_checklist_json_follows_the_contract(soc2ev: Run, workplace: Workplace) -> None:
    """Every contract question is there with an allowed answer and a reason."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    document = json.loads(soc2ev("checklist", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    assert "soc2ev.checklist/1" == document["schema"]
    assert 0 <= document["score"] <= 100
    ids = {one["id"] for one in document["questions"]}
    assert {"pull-requests-approved", "log-source-inventory", "production-change-defined"} <= ids
    for question in document["questions"]:
        assert question["answer"] in ("yes", "no", "partly", "not known", "not applicable")
        assert question["reason"]
        assert question["checklist"]
    assert document["next"]


def test_without_a_vault_the_message_says_what_to_do(soc2ev: Run, workplace: Workplace) -> None:
    """`check` before `collect` names the next command and no traceback."""
    checked = soc2ev("check", "--period", "2026-10", cwd=workplace.path)
    assert 1 == checked.code
    assert "soc2ev collect" in checked.err
    assert "Traceback" not in checked.err


def test_a_repository_of_the_scope_that_nothing_collects_is_said(soc2ev: Run, workplace: Workplace) -> None:
    """A misspelt or forgotten repository leaves the population incomplete; it never vanishes."""
    workplace.configure("scope: [{repository: acme/api}, {repository: acme/wbe}]\n")
    collected = soc2ev("collect", "--period", "2026-08", cwd=workplace.path)
    assert 5 == collected.code
    document = json.loads(soc2ev("check", "--period", "2026-08", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert "incomplete" == change["conclusion"]
    assert any("acme/wbe" in (one["reason"] or "") for one in change["population"]["coverage"])


def test_a_quiet_month_proves_nothing_about_approvals(soc2ev: Run, workplace: Workplace) -> None:
    """Without changes there is nothing that could have been approved: not applicable, never met."""
    soc2ev("collect", "--period", "2026-08", cwd=workplace.path)
    document = json.loads(soc2ev("check", "--period", "2026-08", "--format", "json", cwd=workplace.path).out)
    kept = next(one for one in document["findings"] if one["control"] == "change-evidence-kept")
    assert ["not applicable"] == [item["outcomes"]["B"]["outcome"] for item in kept["items"]]


def test_what_this_version_cannot_collect_is_incomplete(soc2ev: Run, workplace: Workplace) -> None:
    """A source that is configured and not built yet is said, exit 5, instead of being passed over."""
    text = (workplace.path / "soc2ev.yaml").read_text(encoding="utf-8")
    imports = "  imports: [{format: prowler-ocsf, path: findings.json}]\n"
    (workplace.path / "soc2ev.yaml").write_text(text.replace("sources:\n", f"sources:\n{imports}"), encoding="utf-8")
    collected = soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 5 == collected.code
    assert "sources.imports" in collected.out


def test_a_changed_copy_of_a_shipped_control_is_said(soc2ev: Run, workplace: Workplace) -> None:
    """Who weakens a control under its own id reads so on every check; an unchanged copy is the shipped one."""
    folder = workplace.path / "controls"
    folder.mkdir()
    shipped = soc2ev("controls", "show", "production-history-kept", cwd=workplace.path).out
    (folder / "production-history-kept.yaml").write_text(shipped, encoding="utf-8")
    workplace.configure("controls: [./controls]\n")
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert "warning" not in soc2ev("check", "--period", "2026-10", cwd=workplace.path).err
    changed = shipped.replace("sql: kept", "sql: coalesce(kept, true)")
    (folder / "production-history-kept.yaml").write_text(changed, encoding="utf-8")
    assert "not the shipped control" in soc2ev("check", "--period", "2026-10", cwd=workplace.path).err


def test_a_mode_that_git_cannot_count_by_is_incomplete(soc2ev: Run, workplace: Workplace) -> None:
    """Deployments and releases are records of a server: counted at the merge, and said to be something else."""
    workplace.configure("scope: [{repository: acme/api, mode: deploy}]\n")
    collected = soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 5 == collected.code
    assert "mode deploy" in collected.out


def test_what_a_collection_doubts_is_on_the_screen(soc2ev: Run, workplace: Workplace) -> None:
    """Boundaries read from committer dates, and dates that run backwards below one, are said by collect and check."""
    workplace.git("reset", "-q", "--hard", "HEAD~1")
    workplace.commit("API-5: dated before its parents", at="2026-09-25T10:00:00Z")
    workplace.commit("API-6: november", at="2026-11-03T10:00:00Z")
    collected = soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    checked = soc2ev("check", "--period", "2026-10", cwd=workplace.path)
    for result in (collected, checked):
        assert "estimate: where the period begins or ends on main" in result.err
        assert "doubt: " in result.err
