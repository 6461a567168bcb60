"""Columns in the forms that the tables of GitHub share."""

from __future__ import annotations

from soc2ev.model import Column


def text(name: str, doc: str) -> Column:
    """A text."""
    return Column(name, "TEXT", doc)


def must(name: str, doc: str, kind: str = "TEXT") -> Column:
    """A column that is never NULL."""
    return Column(name, kind, doc, required=True)


def time(name: str, doc: str) -> Column:
    """An instant."""
    return Column(name, "TIMESTAMP", doc)


def flag(name: str, doc: str) -> Column:
    """Yes, no, or not known."""
    return Column(name, "BOOLEAN", doc)


def number(name: str, doc: str) -> Column:
    """A whole number."""
    return Column(name, "BIGINT", doc)


def account(name: str, doc: str) -> tuple[Column, ...]:
    """An account: login, number and type, all NULL for a deleted one (ghost) or when GitHub links none."""
    return (
        text(name, f"{doc}: login."),
        number(f"{name}_id", f"{doc}: number of the account."),
        text(f"{name}_type", f"{doc}: User, Bot, Mannequin, Organization, EnterpriseUserAccount."),
    )


REPOSITORY = must("repository", "Full name, as the collection asked for it.")
