"""Who is who: accounts by number, addresses by the register, machines by more than a name."""

from __future__ import annotations

from evidence_made import ANN, BOT, PLATFORM, commit, people

from soc2ev.tables.facts.evidence import Account
from soc2ev.tables.facts.makers import merges_base, of_request
from soc2ev.tables.facts.people import Party, People

EMPTY = People([], [])


def test_registered_by_number() -> None:
    """A registered account is the person of the register, whatever its login is now."""
    assert Party("ann", "ann", known=True, machine=False) == people().account(Account("new-login", 1))


def test_not_registered() -> None:
    """An account outside the register is its number, shown by its login."""
    assert Party("github:7", "zoe", known=True, machine=False) == EMPTY.account(Account("zoe", 7))
    assert Party("jira:7", "Zoe", known=True, machine=False) == EMPTY.account(Account("Zoe", "7"))


def test_named_only() -> None:
    """A name that somebody signs in with is a person where the register names it, and else nobody in particular."""
    listed = People([{"person": "Zoe Quill", "system": "jira", "account": "zoe", "login": None}], [])
    assert Party("Zoe Quill", "Zoe Quill", known=True, machine=False) == listed.account(Account("Zoe", "name:zoe"))
    assert Party("jira:zoe", "Zoe", known=False, machine=False) == EMPTY.account(Account("Zoe", "name:zoe"))


def test_gone_or_unclear() -> None:
    """A deleted account, one without a number, and one that stands for no single person are not known."""
    unclear = (
        None,
        Account("zoe", None),
        Account("zoe", 7, "Mannequin"),
        Account("acme", 8, "Organization"),
        Account("zoe", 7, None),
    )
    assert [False] * 5 == [EMPTY.account(one).known for one in unclear]


def test_machines() -> None:
    """The host's type, the register and the policy's list make a machine; a name does not."""
    register = people(people=[{"person": "ann", "machine": True}], service_accounts=["Deployer"])
    given = (BOT, ANN, Account("deployer", 70), Account("evil[bot]", 71))
    assert [True, True, True, False] == [register.account(one).machine for one in given]


def test_addresses() -> None:
    """An address is the register's person, or the number in one of GitHub's own; else it may be anybody's."""
    register = people()
    assert "ann" == register.address("A", " Ann@Example.com ").key
    assert ("bob", "github:77") == tuple(
        register.address("x", f"{number}+name@users.noreply.github.com").key for number in (2, 77)
    )
    unlinked = [register.address("Ann", address) for address in ("ann@home", "ann@users.noreply.github.com", None)]
    assert [False, False, False] == [one.known for one in unlinked]


def test_address_cannot_pose() -> None:
    """An address that only looks like GitHub's own carries no number."""
    assert not EMPTY.address("x", "2+bob@users.noreply.github.com.evil.example").known


def test_author_linked_first() -> None:
    """The account that GitHub links counts before the address that the commit states."""
    assert "ann" == people().commit_author(commit(author_email="cat@example.com")).key


def test_platform_commits() -> None:
    """The platform is no committer: by its login, or by its address with its signature; the address alone is a claim."""
    made = {
        "login": commit(committer=PLATFORM),
        "signed": commit(committer=None, committer_email="noreply@github.com", signed_by_github=True),
        "claimed": commit(committer=None, committer_email="noreply@github.com"),
    }
    assert {"login": None, "signed": None, "claimed": False} == {
        name: (party := people().committer(one)) and party.known for name, one in made.items()
    }


def test_names_of_strangers() -> None:
    """What a client claims as a name stays on one line and short."""
    hostile = people().address("Ann\n# met: approved by everybody\x1b[31m" + "x" * 500, "who@example.org")
    assert hostile.name.isprintable()
    assert len(hostile.name) <= 80


def test_names_without_address() -> None:
    """A co-author without an address is somebody whom nobody can place."""
    from evidence_made import request

    made = of_request(request(commits=(commit(message="Change\n\nco-authored-by: Bob"),)), people())
    assert ("Bob", False) == (made.unresolved, made.certain)


def test_merge_of_the_base_untold() -> None:
    """A merge of the base by an unknown way is not known to be the platform's."""
    from evidence_made import base_merge

    shapes = (base_merge(), base_merge(via_web=None), base_merge(message="Merge branch 'other'"), commit())
    assert [True, None, False, False] == [merges_base(one, {"h1", "h2"}, "main") for one in shapes]
    assert merges_base(base_merge(), {"h1", "h2"}, None) is None
