"""Every way in which the fake GitHub fails, against a reader that does what a source does: the right rows or an error."""

import pytest

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import Credential, PageTooLargeError
from tests.fakes.github import faults
from tests.fakes.github.scenarios import Story
from tests.fakes.github.server import GitHub

PULLS = """query($first:Int!,$after:String){repository(owner:"acme",name:"api"){pullRequests(first:$first,after:$after){
totalCount pageInfo{hasNextPage endCursor} nodes{number}}}}"""
WHOLE = [1, 2, 3, 4, 5, 6]
DENIED = {"status_401", "status_403"}
REFUSED = {"status_404", "status_410", "status_451", "redirect"}
FOR_GRAPHQL = {"secondary_graphql", "primary_graphql", "partial", "resource_limits"}
SHIFTED = {"duplicated_page", "inserted_row", "removed_row"}
ENDLESS = {"repeated_cursor", "endless"}
LARGE = {"status_502", "status_504", "timeout", "partial", "resource_limits"}
PASSING = set(faults.ALL) - DENIED - REFUSED - SHIFTED - ENDLESS - {"elsewhere"}


@pytest.fixture(scope="module")
def story():
    made = Story()
    for number in range(6):
        made.clean(title=f"ABC-{number} Part")
    return made


@pytest.fixture(autouse=True)
def _impatient(monkeypatch, clock, story):
    """A read timeout that a test can wait for, and a clock ten minutes before the fake's limits are reset."""
    monkeypatch.setattr("soc2ev.fetch.web._READ_SECONDS", 0.15)
    clock.at = story.world.now.replace(microsecond=0)


@pytest.fixture(autouse=True)
def _reset(monkeypatch):
    """The fake resets its limits after an hour, longer than a run waits: bring the end nearer."""
    monkeypatch.setattr("soc2ev.fetch.governor._MAX_WAIT", 3_601)


def made(name, **where):
    return faults.ALL[name](**where, **({"seconds": 3.0} if name == "timeout" else {}))


PLAIN = {"Accept-Encoding": "identity"}
"""The fake can shift the rows of a page only when it does not pack them."""


def by_graphql(fetch, host, story):
    """The numbers, by pages that become smaller; CollectError when they are not as many as promised."""
    found, after, first, asked = [], None, 2, set()
    while True:
        try:
            answer = fetch.graphql(
                host.graphql_url,
                origin=host.web,
                source="github",
                stream="github:acme/api:pulls",
                query=PULLS,
                variables={"first": first, "after": after},
                auth=Credential.bearer(story.secret),
                headers=PLAIN,
                count=lambda data: len(data["repository"]["pullRequests"]["nodes"]),
            )
        except PageTooLargeError:
            if first == 1:
                raise
            first //= 2
            continue
        if answer.errors:
            raise CollectError(answer.errors[0].message)
        page = answer.data["repository"]["pullRequests"]
        found += [node["number"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        if after in asked or len(asked) > 20:
            raise CollectError("the cursor repeats or the list has no end")
        asked.add(after)
    return reconciled(found, page["totalCount"])


def by_rest(fetch, host, story):
    """The numbers, by Link; CollectError when they are not as many as are known to be."""
    found = []
    for answer in fetch.pages(
        f"{host.url}/repos/acme/api/pulls",
        origin=host.url,
        source="github",
        stream="github:acme/api:pulls",
        params={"state": "all", "per_page": "2", "sort": "created", "direction": "asc"},
        auth=Credential.bearer(story.secret),
        headers=PLAIN,
    ):
        found += [row["number"] for row in fetch.json(answer)]
    return reconciled(found, 6)


def reconciled(found, promised):
    if len(set(found)) != len(found) or len(found) != promised:
        raise CollectError(f"{len(set(found))} of {promised} rows arrived")
    return found


READERS = {"graphql": (by_graphql, "POST /graphql"), "rest": (by_rest, "GET /repo*/pulls")}
CASES = [
    (reader, name)
    for reader in READERS
    for name in faults.ALL
    if not (reader == "rest" and name in FOR_GRAPHQL) and not (reader == "graphql" and name == "elsewhere")
]


@pytest.mark.parametrize(("reader", "name"), CASES)
def test_a_fault_at_the_second_page(desk, fetch, story, reader, name):
    """What may pass is asked again and ends in the right rows; what may not ends in the right error; all is stored."""
    read, on = READERS[reader]
    with GitHub(story.world, [made(name, on=on, at=2)]) as host:
        if name in PASSING:
            assert WHOLE == sorted(read(fetch, host, story))
        else:
            with pytest.raises(AccessError if name in DENIED else CollectError) as caught:
                read(fetch, host, story)
            assert (name in DENIED) == isinstance(caught.value, AccessError)
        arrived = [seen for seen in host.requests if seen.path.endswith(("/graphql", "/pulls"))]
    assert len(arrived) == len(desk.stored("github:acme/api:pulls"))
    bad = [text for text in desk.unusable("github:acme/api:pulls") if text]
    assert (0 if name in SHIFTED | ENDLESS | {"elsewhere"} else 1) <= len(bad)


@pytest.mark.parametrize(("reader", "name"), [case for case in CASES if case[1] in PASSING - SHIFTED])
def test_a_fault_that_does_not_pass(desk, fetch, story, reader, name):
    """Tries are bounded, the error is loud, and no row of a bad answer is counted."""
    read, on = READERS[reader]
    with GitHub(story.world, [made(name, on=on, times=None)]) as host:
        with pytest.raises(CollectError) as caught:
            read(fetch, host, story)
        asked = len(host.requests)
    large = reader == "graphql" and name in LARGE
    assert large == isinstance(caught.value, PageTooLargeError)
    assert asked <= 8
    assert [None] * asked == [item.count for item in desk.stored("github:acme/api:pulls")]
    assert all(desk.unusable("github:acme/api:pulls"))


def test_without_a_fault(desk, fetch, story):
    """The readers of these tests are right when nothing fails."""
    with GitHub(story.world) as host:
        assert WHOLE == by_rest(fetch, host, story)
        assert WHOLE == sorted(by_graphql(fetch, host, story))
    assert [""] * 6 == desk.unusable("github:acme/api:pulls")
