"""
Whom an alert of Prometheus reaches: its labels through Alertmanager's tree of routes, to receivers and their targets.

A label that the rule itself does not set may still come with the series, so a matcher on it may or may not match: then
every way is followed, and where the ways end differently, nobody knows.
https://prometheus.io/docs/alerting/latest/configuration/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.model import Json
from soc2ev.sources.logs.facts_times import Mute, mute_of
from soc2ev.sources.logs.matchers import matches, of_route
from soc2ev.sources.logs.sending import Labels, Sending, sending
from soc2ev.sources.logs.silences import UNREAD, hiding

NONE = "none"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


@dataclass(frozen=True, slots=True)
class _End:
    """A route at which an alert may end; `sure` when nothing is unknown on the way."""

    receiver: str
    sure: bool
    route: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class _Way:
    """The receivers at which an alert may end, whom it reaches on every way, and until when all of them are muted."""

    receivers: list[str]
    reaches: str | None
    muted_until: str | None


def listed(config: str | None, now: str) -> list[Json]:
    """
    The routes of a configuration, each with the matchers on the way to it, its receiver, whom that reaches, and until
    when the route is muted. One that is muted for good reaches nobody.
    """
    found = _parsed(config)
    targets = _targets(found)
    told: list[Json] = []
    for matchers, receiver, route in _walk(found.get("route") or {}, [], ""):
        mute = mute_of(route, found, now)
        row = {"rule": " and ".join(matchers) or "default route", "receiver": receiver}
        told.append({**row, "reaches": _unless(mute, targets.get(receiver)), "muted_until": mute.until})
    return told


def _walk(
    route: Mapping[str, Json], above: list[str], receiver: str
) -> Iterator[tuple[list[str], str, Mapping[str, Json]]]:
    own = str(route.get("receiver") or receiver)
    here = [*above, *(f"{name}{sign}{value!r}" for name, sign, value in of_route(route))]
    yield here, own, route
    for child in route.get("routes") or ():
        yield from _walk(child, here, own)


def routed(groups: Json, active: Json, peers: Json, now: str, config: str | None = None) -> list[Json]:
    """
    The alerting rules of Prometheus' groups with receiver, reaches, muted_until, and why that may not be all.

    `active` are the Alertmanagers that it sends to, `peers` those whose configuration was read in the same run, and
    `config` is Prometheus' own configuration. No active one: alerts reach nobody. One whose configuration was not
    read: not known, unless another one reaches somebody. A Prometheus that has just started has not looked for any yet:
    then those count that its configuration names.
    """
    found = sending(config)
    rules = [
        (group, rule) for group in groups or () for rule in group.get("rules") or () if rule.get("type") == "alerting"
    ]
    used = active or [{"url": url} for url in found.targets]
    unknown = active is None or (not used and found.found)
    known = None if unknown else [_peer_of(one, peers or []) for one in used]
    return [{"group": group.get("name"), **rule, **_way(rule, known, now, found)} for group, rule in rules]


def _way(rule: Mapping[str, Json], known: list[Json | None] | None, now: str, found: Sending) -> dict[str, Json]:
    labels, leaves = found.sent(rule)
    if known == [] or leaves is False:
        return {"receiver": None, "reaches": NONE, "muted_until": None, "doubt": None}
    read = [peer for peer in known or () if peer is not None]
    # Alertmanagers of one cluster share their configuration; of several, each gets every alert.
    ways = [_through(peer, labels, now) for peer in read]
    receivers = dict.fromkeys(name for way in ways for name in way.receivers)
    reached = [_heard(peer, labels, way.reaches) for peer, way in zip(read, ways, strict=True)]
    people = dict.fromkeys(name for name in reached if name and name != NONE) if leaves else {}
    unsure = leaves is None or known is None or len(read) < len(known) or None in reached
    hidden = [hiding(peer.get("silences", ()), labels, now) for peer in read]
    muted = [one.until for one in hidden if one.until]
    muted += _soonest([way.muted_until for way in ways if way.reaches != NONE])
    return {
        "receiver": ", ".join(receivers) or None,
        "reaches": ", ".join(people) or (None if unsure else NONE),
        "muted_until": max(muted, default=None),
        "doubt": next((one.doubt for one in hidden if one.doubt), None) if read else UNREAD,
    }


def _through(peer: Json, labels: Labels, now: str) -> _Way:
    config = _parsed(((peer.get("status") or {}).get("config") or {}).get("original"))
    targets = _targets(config)
    ends = [
        (end, mute, _unless(mute, targets.get(end.receiver)))
        for end in _ends(config.get("route") or {}, labels, "", sure=True)
        for mute in (mute_of(end.route, config, now),)
    ]
    names = list(dict.fromkeys(end.receiver for end, _, _ in ends))
    certain = [(mute, name) for end, mute, name in ends if end.sure and name and name != NONE]
    if certain:
        people = dict.fromkeys(name for _, name in certain)
        return _Way(names, ", ".join(people), min(_soonest([mute.until for mute, _ in certain]), default=None))
    possible = {name for _, _, name in ends}
    until = min(_soonest([mute.until for _, mute, name in ends if name != NONE]), default=None)
    return _Way(names, possible.pop() if len(possible) == 1 else None, until)


def _heard(peer: Json, labels: Labels, reaches: str | None) -> str | None:
    """
    Whom the alerts of a rule reach now, of which other alerts may inhibit all.

    Those who get the others hear of the cause, and nobody can tell whether they would hear of this one: None. When
    nobody gets the others either, `none`. Without an answer about the alerts, None where an inhibit rule may apply.
    https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings
    """
    if reaches in (NONE, None):
        return reaches
    config = _parsed(((peer.get("status") or {}).get("config") or {}).get("original"))
    alerts = peer.get("alerts")
    if alerts is None:
        targets = [of_route(_target_of(one)) for one in config.get("inhibit_rules") or ()]
        return None if "alerts" in peer and any(matches(one, labels) is not False for one in targets) else reaches
    own = [alert for alert in alerts if _is_of(alert, labels)]
    hiding = [_ids(alert, "inhibitedBy") for alert in own]
    if not own or not all(hiding):
        return reaches
    told = _targets(config)
    sources = [one for one in alerts if any(one.get("fingerprint") in names for names in hiding)]
    heard = [told.get(str(to.get("name"))) for one in sources if not _quiet(one) for to in one.get("receivers") or ()]
    return NONE if sources and all(name == NONE for name in heard) else None


def _target_of(rule: Mapping[str, Json]) -> dict[str, Json]:
    names = {"target_matchers": "matchers", "target_match": "match", "target_match_re": "match_re"}
    return {own: rule[name] for name, own in names.items() if rule.get(name)}


def _ids(alert: Mapping[str, Json], why: str) -> list[str]:
    return [str(one) for one in (alert.get("status") or {}).get(why) or ()]


def _quiet(alert: Mapping[str, Json]) -> bool:
    return bool(_ids(alert, "silencedBy") or _ids(alert, "inhibitedBy"))


def _is_of(alert: Mapping[str, Json], labels: Labels) -> bool:
    """Whether an alert has the labels that the rule gives, as far as they are known."""
    found = alert.get("labels") or {}
    return all(value is None or str(found.get(name, "")) == value for name, value in labels.given.items())


def _unless(mute: Mute, reaches: str | None) -> str | None:
    """Whom a route reaches that is muted so: none when it is for good, None when that is not known."""
    return NONE if mute.always or reaches == NONE else None if mute.now is None else reaches


def _soonest(ends: list[str | None]) -> list[str]:
    """The end after which one of these is no longer muted; nothing when one is not muted now."""
    known = [end for end in ends if end is not None]
    return [min(known)] if known and len(known) == len(ends) else []


def _ends(route: Mapping[str, Json], labels: Labels, above: str, *, sure: bool) -> Iterator[_End]:
    """Where an alert that came to this route ends: the first child that matches, and those after it on `continue`."""
    own, caught = str(route.get("receiver") or above), False
    for child in route.get("routes") or ():
        taken = matches(of_route(child), labels)
        if taken is False:
            continue
        yield from _ends(child, labels, own, sure=sure and taken is True)
        caught = caught or taken is True
        if child.get("continue") is not True:
            if taken is True:
                return
            # It may have ended here already.
            sure = False
    if not caught:
        # A muted route ends the way all the same: https://prometheus.io/docs/alerting/latest/configuration/#route
        yield _End(own, sure, route)


def _targets(config: Mapping[str, Json]) -> dict[str, str]:
    """Whom each receiver reaches; `none` for one without any integration."""
    return {str(one.get("name")): _reached(one) for one in config.get("receivers") or () if isinstance(one, dict)}


def _reached(receiver: Mapping[str, Json]) -> str:
    """Addresses of mail and channels of chat by their names; of pagers and webhooks the receiver's own name."""
    found: list[str] = []
    for kind, entries in receiver.items():
        if kind.endswith("_configs") and isinstance(entries, list):
            found += [
                str(entry.get("to") or entry.get("channel") or receiver.get("name")) for entry in entries if entry
            ]
    return ", ".join(dict.fromkeys(found)) or NONE


def _peer_of(active: Json, peers: list[Json]) -> Json | None:
    """The Alertmanager behind the address that Prometheus sends to, by host and port; None when it was not read."""
    wanted = _place(str(active.get("url")))
    return next((peer for peer in peers if _place(str(peer.get("url"))) == wanted and peer.get("status")), None)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return "localhost" if host in _LOOPBACK else host, parts.port or (443 if parts.scheme == "https" else 80)


def _parsed(config: str | None) -> dict[str, Json]:
    if config is None:
        return {}
    try:
        found = yamlfile.parse(config.encode(), "Alertmanager's configuration").data
    except ConfigError as problem:
        raise TypeError(problem.message) from None
    if not isinstance(found, dict) or "route" not in found:
        raise TypeError("Alertmanager's configuration has no route")
    return found
