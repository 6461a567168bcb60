"""
What settings of PostgreSQL say about its audit log. Pure.

https://github.com/pgaudit/pgaudit/blob/main/README.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from soc2ev.model import Json

_EVENTS = {
    "role": "permission.changed",
    "ddl": "admin.action",
    "read": "sensitive.read",
    "write": "data.write",
    "function": "function.called",
    "misc": "misc",
}
_CLASSES = frozenset({*_EVENTS, "misc_set"})
_NAMES = ("pgaudit.log", "pgaudit.role")
_OWN = ("user", "database user")
"""Sources of a setting (view pg_settings) that hold for the role that asks, and for no other."""
_WAYS = {
    "super": "superuser",
    "runs_programs": "pg_execute_server_program",
    "writes_files": "pg_write_server_files",
    "reads_files": "pg_read_server_files",
    "monitors": "pg_monitor",
}
"""By column of the question about roles: the membership that it stands for."""
_Values = dict[str, str | None]
"""The two settings by name; None is not known."""


def pgaudit_events(settings: Json) -> list[str]:
    """Kinds of events that the classes of `pgaudit.log` and `log_connections` switch on, from rows of pg_settings."""
    values = {row.get("name"): row.get("setting") for row in settings or () if isinstance(row, dict)}
    chosen = _classes(str(values.get("pgaudit.log") or ""))
    found = [_EVENTS[name] for name in _EVENTS if name in chosen]
    # log_connections became a list of aspects in PostgreSQL 18.
    connections = str(values.get("log_connections") or "off").lower()
    return [*(["auth.success", "auth.failure"] if connections not in ("off", "", "false") else []), *found]


def parameter_readers(readers: Json, grants: Json) -> list[Json]:
    """
    Who may read the server's log or stop it: `principal`, `can_read`, `can_stop`, `via`.

    `readers` are roles with what they may by membership, `grants` those to whom a setting was granted; None for a
    server that knows no such grants.
    """
    granted: dict[str, list[str]] = {}
    for one in grants or ():
        granted.setdefault(str(one["name"]), []).append(f"{one['privilege']} ON PARAMETER {one['parameter']}")
    found = []
    for role in readers or ():
        ways = [says for key, says in _WAYS.items() if role.get(key)] if role.get("login") else []
        ways += granted.get(str(role.get("name")), ())
        if ways:
            stops = bool(role.get("super") or role.get("writes_files") or role.get("runs_programs"))
            # A program of the server's user reads its files and overwrites them.
            reads = bool(role.get("super") or role.get("reads_files") or role.get("runs_programs"))
            stops = stops or str(role.get("name")) in granted
            via = ways[0] if role.get("super") else ", ".join(ways)
            found.append({"principal": role.get("name"), "can_read": reads, "can_stop": stops, "via": via})
    return found


_LEVELS = (
    *(f"debug{number}" for number in (5, 4, 3, 2, 1)),
    *("info", "notice", "warning", "error", "log", "fatal", "panic"),
)
"""Levels of the server's log, as log_min_messages ranks them: `log` is above `error`."""


def pgaudit_written(settings: Json) -> bool | None:
    """
    Whether what pgaudit says gets into the server's log: its level is not below log_min_messages.

    None when a level is not shown, or is one that a role has set for itself.
    https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-MIN-MESSAGES
    """
    rows = {row.get("name"): row for row in settings or () if isinstance(row, dict)}
    least, own = rows.get("log_min_messages") or {}, rows.get("pgaudit.log_level") or {"setting": "log"}
    if {least.get("source"), own.get("source")} & set(_OWN):
        return None
    ranks = [_LEVELS.index(found) for row in (least, own) if (found := str(row.get("setting")).lower()) in _LEVELS]
    return ranks[1] >= ranks[0] if len(ranks) == 2 else None  # noqa: PLR2004  both


def pgaudit_scope(settings: Json, overrides: Json) -> Json:
    """
    Whether pgaudit is told to log in this database (`enabled`), and for whom it is not (`exclusions`).

    `settings` are rows of pg_settings as one session sees them, `overrides` those of pg_db_role_setting. What is set
    for a role goes before the database, and that before the server: a session whose own role has a setting does not
    show what holds for the others, which is then unknown.
    """
    rows = [row for row in overrides or () if isinstance(row, dict)]
    base = _base([row for row in settings or () if isinstance(row, dict)], rows)
    everyone = _active(base)
    roles = {name: _active(values) for name, values in _of_roles(base, rows)}
    some = [name for name, active in roles.items() if active]
    if everyone:
        left = [f"role {name}" for name, active in roles.items() if active is False]
        return {"enabled": True, "exclusions": [*_taken_out(base), *left, *_databases(base, rows)]}
    if some:
        return {"enabled": True, "exclusions": [f"roles other than {', '.join(some)}"] if everyone is False else []}
    return {"enabled": everyone, "exclusions": []}


def _base(settings: list[Json], overrides: list[Json]) -> _Values:
    """What holds for a role without settings of its own."""
    found: _Values = {}
    for name in _NAMES:
        said: Json = next((one for one in settings if one.get("name") == name), {})
        found[name] = None if said.get("source") in _OWN else str(said.get("setting") or "")
    for row in sorted(overrides, key=lambda one: one.get("database") is not None):
        if row.get("here") and row.get("role") is None:
            found |= _given(row)
    return found


def _of_roles(base: _Values, overrides: list[Json]) -> Iterator[tuple[str, _Values]]:
    found: dict[str, _Values] = {}
    for row in sorted(overrides, key=lambda one: one.get("database") is not None):
        if row.get("here") and row.get("role") is not None and (given := _given(row)):
            found[str(row["role"])] = {**found.get(str(row["role"]), base), **given}
    yield from found.items()


def _taken_out(base: _Values) -> list[str]:
    """The classes that the setting names only to leave them out."""
    text = base["pgaudit.log"] or ""
    named = [part.strip().lower().removeprefix("-") for part in text.split(",") if part.strip().startswith("-")]
    return [f"class {name}" for name in dict.fromkeys(named) if name in _CLASSES - _classes(text)]


def _databases(base: _Values, overrides: list[Json]) -> list[str]:
    """Other databases of the server in which nobody is logged."""
    rows = [row for row in overrides if not row.get("here") and row.get("role") is None]
    return [f"database {row.get('database')}" for row in rows if _active({**base, **_given(row)}) is False]


def _given(row: Mapping[str, Json]) -> _Values:
    pairs = [str(one).partition("=")[::2] for one in row.get("settings") or ()]
    return {name: value for name, value in pairs if name in _NAMES}


def _active(values: _Values) -> bool | None:
    """A class is chosen, or a role whose grants say which objects are logged."""
    if _classes(values["pgaudit.log"] or "") or values["pgaudit.role"]:
        return True
    return None if None in values.values() else False


def _classes(text: str) -> set[str]:
    """The classes that are left after each part in its turn: `all, -misc`."""
    chosen: set[str] = set()
    for part in (one.strip().lower() for one in text.split(",")):
        name = part.removeprefix("-")
        meant = _CLASSES if name == "all" else _CLASSES & {name}
        chosen = chosen - meant if part.startswith("-") else chosen | meant
    return chosen
