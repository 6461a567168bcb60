"""Lists by `Link` headers."""

import json

import pytest

from soc2ev.errors import CollectError
from soc2ev.fetch.links import next_page
from tests.fetch.serving import SECRET, reply

HERE = "https://api.example/repos/a/b/pulls?page=1"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ('<https://api.example/repos/a/b/pulls?page=2>; rel="next"', "https://api.example/repos/a/b/pulls?page=2"),
        ("<?page=2>; rel=next", "https://api.example/repos/a/b/pulls?page=2"),
        ('<?page=9>; rel="last", <?page=2>; rel="NEXT prefetch"', "https://api.example/repos/a/b/pulls?page=2"),
        ('<?a=1,2;3>; title="a, b; <c>"; rel=next ,', "https://api.example/repos/a/b/pulls?a=1,2;3"),
        ('<?page=2>; title="a \\" b";rel="next"', "https://api.example/repos/a/b/pulls?page=2"),
        ('<?page=2> ; rel = "next"', "https://api.example/repos/a/b/pulls?page=2"),
        ('<?page=9>; rel=last; rel="next"', None),
        ("<?page=9>", None),
        ("<?page=9>; rel", None),
        ('<?page=9>; anchor="rel=next"', None),
        (
            "<https://api.example/repositories/7/pulls?page=2>; rel=next",
            "https://api.example/repositories/7/pulls?page=2",
        ),
    ],
)
def test_the_next_page_of_a_header(header, expected):
    """Quoted and bare parameters, several relations, several links, relative addresses; the first `rel` counts."""
    assert expected == next_page(header, HERE)


@pytest.mark.parametrize(
    "header",
    [
        "<http://api.example/repos/a/b/pulls?page=2>; rel=next",
        "<https://api.example:444/repos/a/b/pulls?page=2>; rel=next",
        "<https://evil.test/repos/a/b/pulls?page=2>; rel=next",
        "<https://ann@api.example/repos/a/b/pulls?page=2>; rel=next",
        "<https://api.example/user/keys?page=2>; rel=next",
        "<?page=2>; rel=next, <?page=3>; rel=next",
        "?page=2; rel=next",
        '<?page=2>; rel="next',
        "<?page=2; rel=next",
    ],
)
def test_a_next_page_that_cannot_be_one(header):
    """Another origin, another list, two of them, or a header that nobody can read: an error, not an end."""
    with pytest.raises(CollectError, match="the next page"):
        next_page(header, HERE)


def listed(server, pages, link="/x?page={}"):
    """Serve so many pages of one row each."""

    def answer(asked):
        number = int(asked.path.partition("page=")[2] or 1)
        more = {"Link": f'<{link.format(number + 1)}>; rel="next"'} if number < pages else {}
        return 200, more, json.dumps([{"id": number}]).encode()

    server.answer = answer


def test_pages_come_in_order_with_their_numbers(desk, fetch, server, get):
    """Each page is stored with its number and count; parameters are those of the link from the second on."""
    listed(server, 3)
    found = get(
        fetch, method="pages", params={"state": "all"}, request={"what": "x"}, count=lambda body: body.count(b"id")
    )
    assert [[{"id": number}] for number in (1, 2, 3)] == [fetch.json(page) for page in found]
    assert ["/x?state=all", "/x?page=2", "/x?page=3"] == [asked.path for asked in server.asked]
    assert [(number, "x", 1) for number in (1, 2, 3)] == [
        (item.request["page"], item.request["what"], item.count) for item in desk.stored()
    ]


def test_a_cursor_that_repeats_is_an_error(desk, fetch, server, get):
    """A list that leads back to itself never looks complete; the pages so far are stored."""
    rows = iter(range(9))
    server.answer = lambda _: reply([next(rows)], Link="</x?page=2>; rel=next")
    with pytest.raises(CollectError, match="read before"):
        list(get(fetch, method="pages"))
    assert 2 == len(desk.stored())


def test_a_page_that_comes_again_is_an_error(fetch, server, get):
    """The same rows under another address are an endless list, or a page lost behind a copy."""
    numbers = iter(range(2, 9))
    server.answer = lambda _: reply([{"id": 1}], Link=f"</x?page={next(numbers)}>; rel=next")
    with pytest.raises(CollectError, match="same rows on page 2"):
        list(get(fetch, method="pages"))


def test_empty_pages_may_follow_one_another(fetch, server, get):
    """A filter may leave pages without rows in between."""
    server.answer = [
        reply([], Link="</x?page=2>; rel=next"),
        reply([], Link="</x?page=3>; rel=next"),
        reply([{"id": 1}]),
    ]
    assert 3 == len(list(get(fetch, method="pages")))


def test_empty_pages_of_another_shape_are_known_by_their_count(fetch, server, get):
    """A page that is an object is empty when its rows are counted as none."""
    server.answer = [
        reply({"rows": []}, Link="</x?page=2>; rel=next"),
        reply({"rows": []}, Link="</x?page=3>; rel=next"),
        reply({"rows": [1]}),
    ]
    found = get(fetch, method="pages", count=lambda body: len(json.loads(body)["rows"]))
    assert [0, 0, 1] == [page.item.count for page in found]


def test_a_list_has_an_end(fetch, server, get, monkeypatch):
    """More pages than anybody has are an error."""
    monkeypatch.setattr("soc2ev.fetch.pages._MAX_PAGES", 3)
    listed(server, 4)
    seen = []
    with pytest.raises(CollectError, match="more than 3 pages"):
        seen += get(fetch, method="pages")
    assert 3 == len(server.asked)


def test_a_link_elsewhere_is_not_followed(desk, fetch, server, get):
    """Credentials stay; the page that named it is stored."""
    server.answer = [reply([1], Link="<http://127.0.0.2:9/x?page=2>; rel=next")]
    with pytest.raises(CollectError, match="leads away") as caught:
        list(get(fetch, method="pages"))
    assert (1, 1) == (len(server.asked), len(desk.stored()))
    assert SECRET not in caught.value.message


def test_a_path_may_change_as_github_changes_it(fetch, server, get):
    """Lists by name continue by number."""
    listed(server, 3, link="/repositories/7/x?page={}")
    assert 3 == len(list(get(fetch, "/repos/a/x", method="pages")))


def test_an_html_page_within_a_list_is_asked_again(desk, fetch, server, get):
    """JSON is promised on every page."""
    server.answer = [
        reply([1], Link="</x?page=2>; rel=next"),
        (200, {"Content-Type": "text/html"}, b"<html>"),
        reply([2]),
    ]
    assert [[1], [2]] == [fetch.json(page) for page in get(fetch, method="pages")]
    assert [False, True, False] == [bool(text) for text in desk.unusable()]


def test_pages_are_asked_for_when_they_are_wanted(fetch, server, get):
    """Nothing is asked before the first page is taken, and no further page than the last one taken."""
    listed(server, 3)
    pages = get(fetch, method="pages")
    assert 0 == len(server.asked)
    next(pages)
    assert 1 == len(server.asked)
