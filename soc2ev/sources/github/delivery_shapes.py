"""What GitHub's JSON about deployments, their gates and releases says, as columns; see `shapes`."""

from __future__ import annotations

from soc2ev.model import Json
from soc2ev.sources.github.shapes import Columns, account


def deployment(value: Json) -> Columns:
    """A deployment; `whole` is whether all its statuses arrived with it."""
    statuses = value["statuses"]
    return {
        "id": value["databaseId"],
        "environment": value["originalEnvironment"] or value["environment"],
        "sha": value["commitOid"],
        "ref": (value.get("ref") or {}).get("name"),
        "task": value["task"],
        **account("creator", value.get("creator")),
        "created_at": value["createdAt"],
        "url": None,
        "whole": statuses["totalCount"] == len(statuses["nodes"]),
    }


def deployment_status(value: Json) -> Columns:
    """What became of a deployment."""
    return {
        "id": value["id"],
        "state": value["state"],
        "at": value["createdAt"],
        **account("creator", value.get("creator")),
        "log_url": value["logUrl"],
    }


def gate_answer(value: Json) -> Columns:
    """An answer at a gate, as GraphQL or REST tell it."""
    places = value["environments"]
    if not (found := [one["name"] for one in (places["nodes"] if isinstance(places, dict) else places)]):
        raise ValueError("an answer at the gate of no environment")
    user = {"__typename": "User", **value["user"]} if value.get("user") else None
    said = {"state": value["state"].upper(), "environments": found, "comment": value["comment"]}
    return account("approver", user) | said


def release(value: Json) -> Columns:
    """A release."""
    return {
        "id": value["id"],
        "tag": value["tagName"],
        "sha": (value.get("tagCommit") or {}).get("oid"),
        "name": value["name"],
        "notes": value["description"],
        **account("author", value.get("author")),
        "published_at": value["publishedAt"],
        "draft": value["isDraft"],
        "prerelease": value["isPrerelease"],
        "immutable": None,
        "url": value["url"],
    }
