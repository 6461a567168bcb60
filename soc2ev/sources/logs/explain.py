"""What a manifest would do, in words, without doing it: for whoever grants the rights, and for auditors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.sources.logs.tables import ALERTS, FIELDS, LISTS

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.sources.logs.auth import Auth
    from soc2ev.sources.logs.manifest import Manifest, Read, Request

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z*]+")
TEMPLATE = """\
# A log source of your own. `soc2ev sources lint` checks it, `soc2ev sources test {name}` asks once.
# The language is described in docs/adding-a-source.md.
id: {name}
title: {name}
category: application
transport: http
base_url: ${{config.url}}
docs: https://example.com/api
verified: "write here which version you looked at, and when"
config:
  url: {{says: "address of the system"}}
  token: {{secret: true, says: "a token that may only read"}}
auth: {{type: bearer, secret: token}}
requires: [write here the least right that the token needs]
requests:
  - {{id: settings, path: /api/settings}}
sources:
  - record:
      title: {name}
      enabled: =settings.logging.enabled
      retention_days: =days(settings.logging.retention)
      retention_basis: configured
"""


def as_json(read: Read) -> dict[str, Json]:
    """Calls, settings, rights, and what is kept and masked."""
    manifest = read.manifest
    return {
        "connector": manifest.id,
        "title": manifest.title,
        "category": manifest.category,
        "transport": manifest.transport,
        "manifest": read.name,
        "shipped": read.shipped,
        "docs": manifest.docs,
        "verified": manifest.verified,
        "settings": {name: one.model_dump() for name, one in manifest.config.items()},
        "requires": list(manifest.requires),
        "policy": policy(manifest),
        "uses": list(manifest.uses),
        "tokens": [_token(one) for one in _grants(manifest)],
        "calls": [_call(request) for request in manifest.requests],
        "history_requires": list(manifest.history.requires) if manifest.history else [],
        "history": [_call(request) for request in manifest.history.requests] if manifest.history else [],
        "facts": sorted({name for source in manifest.sources for name in source.record}),
    }


def _grants(manifest: Manifest) -> Iterator[Auth]:
    auth = manifest.auth
    for one in (auth, auth.instead if auth else None):
        if one is not None and one.token_url:
            yield one


_BY = {
    "basic": "its secret by HTTP Basic",
    "body": "its secret in the form",
    "private_key_jwt": "an assertion that its private key signs",
}


def _token(auth: Auth) -> dict[str, Json]:
    return {
        "asks": f"POST {auth.token_url}",
        "grant": "client_credentials",
        "settings": list(auth.wants),
        "proves": _BY[auth.client],
        "scope": auth.scope or None,
        "audience": auth.audience or None,
        "keeps": "that a token was obtained, its scopes and when it ends; never the token",
    }


def _call(request: Request) -> dict[str, Json]:
    paging = request.paginate
    return {
        "id": request.id,
        "asks": request.asks,
        "params": request.params,
        "for_each": request.for_each,
        "region": request.region,
        "pages": f"{paging.type}, {paging.most} at most" if paging and paging.type != "none" else None,
        "keeps": list(request.keep) or "the whole answer",
        "masks": [rule.path for rule in request.redact],
    }


def policy(manifest: Manifest) -> Json:
    """The least policy of IAM; None for what is no AWS."""
    actions = [one for one in manifest.requires if _ACTION.fullmatch(one)]
    if manifest.transport != "aws" or not actions:
        return None
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def in_words(read: Read) -> Iterator[str]:
    """The same as lines of text."""
    told = as_json(read)
    yield f"{told['title']} ({told['connector']}, {told['transport']}; manifest {told['manifest']})"
    yield f"Described at {told['docs']}; seen with {told['verified']}"
    yield "\nAn entry of sources.logs takes:"
    for name, one in told["settings"].items():
        kind = "a secret: {env: NAME}" if one["secret"] else "optional" if one["optional"] else "needed"
        yield f"  {name}: {one['says'] or kind}{f' ({kind})' if one['says'] else ''}"
    if told["transport"] == "python":
        yield f"  It runs your own {read.manifest.id}.py beside the manifest; that this only reads is your word."
    if told["transport"] == "aws":
        yield "  region: the region; credentials as the AWS CLI finds them (AWS_PROFILE, AWS_ROLE_ARN ...)"
        yield "  profile: one of the AWS CLI's profiles, such as a role in another account (optional)"
    for one in told["tokens"]:
        yield f"\nWith {' and '.join(one['settings'])} it first asks for a token, and for a new one before that ends:"
        named = "".join(f", {name} {one[name]}" for name in ("scope", "audience") if one[name])
        yield f"  {one['asks']} ({one['grant']}, {one['proves']}{named})"
        yield f"    keeps {one['keeps']}"
    yield "\nIt asks, and nothing else:"
    yield from _calls(told["calls"])
    if told["history"]:
        yield "\nWith alerts: true it asks as well, about the alerts of the period:"
        yield from _calls(told["history"])
        yield f"  which needs {'; '.join(told['history_requires']) or 'no further right'}"
    yield "\nThe least right for that:"
    yield from (f"  {one}" for one in told["requires"])
    if told["policy"]:
        yield json.dumps(told["policy"], indent=2)
    left = [name for name in (*FIELDS, *LISTS) if name not in (*told["facts"], "within", "same", ALERTS)]
    yield f"\nIt tells: {', '.join(told['facts'])}"
    yield f"It cannot tell: {', '.join(left)}"


def _calls(calls: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    for call in calls:
        each = f", for each of {call['for_each']}" if call["for_each"] else ""
        place = f", in the region {call['region'].removeprefix('=')} or else the entry's" if call["region"] else ""
        pages = f", by pages ({call['pages']})" if call["pages"] else ""
        yield f"  {call['id']}: {call['asks']}{each}{place}{pages}"
        keeps = call["keeps"] if isinstance(call["keeps"], str) else ", ".join(call["keeps"])
        yield f"    keeps {keeps}{'; masks ' + ', '.join(call['masks']) if call['masks'] else ''}"
