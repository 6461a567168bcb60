"""
People, not logins: which accounts and addresses belong to one person, and which to machines.

A GitHub account is its number and a Jira account its id; names and logins are given away again. An address counts for
an account only when the register says so, when GitHub links it, or when it is one of GitHub's own addresses, which
carry the number:
https://docs.github.com/en/account-and-profile/reference/email-addresses-reference
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from soc2ev.model import Json
from soc2ev.tables.facts.evidence import Account, Commit
from soc2ev.tables.facts.fact import shown

LIST_IT = "the register of people has to say whose it is"
_NOREPLY = re.compile(r"([0-9]{1,18})\+([^@\s]+)@users\.noreply\.github\.com")
_PLATFORM_ADDRESS = "noreply@github.com"
_PLATFORM_LOGIN = "web-flow"
_WORD = re.compile(r"[^\W_]+")
_ROLES = frozenset(("admin", "adm", "administrator", "admins", "root", "privileged", "elevated", "sudo", "superuser"))
"""What names of somebody's second account say of it."""
_PERSONAL = frozenset({"User", "EnterpriseUserAccount"})
_HOSTS = ("github:", "jira:")
_NAMED = "name:"
"""Begins the id of an account of which Jira told no more than the name that somebody signs in with."""


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a machine behind an account or an address."""

    key: str
    """The register's person; else `github:<number>`, `jira:<id>`, or a key of its own for what nobody can place."""
    name: str
    """The register's name; else the login; else what a client claimed."""
    known: bool
    """False: it may be anybody, also one of the people that are known."""
    machine: bool

    @property
    def listed(self) -> bool:
        """Whether the register knows it: then it is another person's than all others that it knows."""
        return self.known and not self.key.startswith(_HOSTS)

    def may_be(self, other: Party) -> bool:
        """
        Whether it is an account that nobody listed and bears the other's name, as somebody's second account does.

        Case, punctuation and words such as `admin` do not count.
        """
        if self.listed or not self.known or self.key == other.key:
            return False
        mine, theirs = _words(self.name), _words(other.name)
        own = mine - _ROLES
        return own == theirs - _ROLES if own == mine else bool(own) and own <= theirs


class People:
    """
    Who is who, from the register of people.

    `accounts` are rows of the register's table of that name (person, system, account, login), `people` those of its
    people (person, machine), `service_accounts` logins that the policy calls machines.
    """

    def __init__(
        self,
        accounts: Iterable[Mapping[str, Json]],
        people: Iterable[Mapping[str, Json]],
        service_accounts: Collection[str] = (),
        addresses: Mapping[str, Account] = MappingProxyType({}),
    ) -> None:
        """`addresses` are accounts that the host itself links with addresses, by the address in lower case."""
        rows = list(accounts)
        self._owners = {(row["system"], _key(row["system"], row["account"])): str(row["person"]) for row in rows}
        self._machines = {row["person"] for row in people if row.get("machine")}
        self._services = {login.lower() for login in service_accounts}
        self._addresses = addresses
        self._systems = {(row["person"], row["system"]) for row in rows}

    def account(self, account: Account | None) -> Party:
        """Who is behind an account; one that is gone, or that names no single person, is not known."""
        if account is None:
            return Party("gone", "an account that is gone", known=False, machine=False)
        if account.number is None:
            return Party(f"login:{account.login}", shown(account.login) or "an unnamed account", False, False)  # noqa: FBT003
        system, number = "github" if isinstance(account.number, int) else "jira", str(account.number)
        machine = account.kind == "Bot" or (account.login or "").lower() in self._services
        named = number.removeprefix(_NAMED)
        personal = machine or (account.kind in _PERSONAL and named == number)
        return self._party(system, named, account.login, machine=machine, known=personal)

    def commit_author(self, commit: Commit) -> Party:
        """Who wrote a commit: the account that GitHub links, else whom the address belongs to."""
        if commit.author:
            return self.account(commit.author)
        return self.address(commit.author_name, commit.author_email)

    def committer(self, commit: Commit) -> Party | None:
        """Who committed it; None when the platform did, as for a squash or a commit made in the browser."""
        login = commit.committer.login if commit.committer else None
        if login == _PLATFORM_LOGIN or (commit.committer_email == _PLATFORM_ADDRESS and commit.signed_by_github):
            return None
        if commit.committer:
            return self.account(commit.committer)
        return self.address(commit.committer_name, commit.committer_email)

    def address(self, name: str | None, email: str | None) -> Party:
        """Whom an address belongs to; one that nobody links may be anybody's."""
        written = (email or "").strip().lower()
        if person := self._owners.get(("email", written)):
            return self._person(person, machine=False)
        if found := _NOREPLY.fullmatch(written):
            return self._party("github", str(int(found[1])), found[2], machine=found[2] in self._services, known=True)
        if linked := self._addresses.get(written):
            return self.account(linked)
        claimed = shown(name) or shown(email) or "somebody"
        return Party(f"email:{written or claimed}", claimed, known=False, machine=False)

    def has_account(self, party: Party, system: str) -> bool:
        """Whether the register names an account of that person in that system: github, jira."""
        return (party.key, system) in self._systems

    def _party(self, system: str, number: str, login: str | None, *, machine: bool, known: bool) -> Party:
        if person := self._owners.get((system, number)):
            return self._person(person, machine=machine)
        return Party(f"{system}:{number}", shown(login) or f"{system}:{shown(number)}", known, machine)

    def _person(self, person: str, *, machine: bool) -> Party:
        return Party(person, shown(person), known=True, machine=machine or person in self._machines)


def _words(name: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(name)}


def _key(system: str, account: Json) -> str:
    return str(account).lower() if system == "email" else str(account)
