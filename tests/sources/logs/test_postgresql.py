"""A real PostgreSQL with pgaudit: what is loaded, what it is told to log, and who may see it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from soc2ev.errors import ConfigError
from soc2ev.sources.logs.facts_postgres import parameter_readers, pgaudit_written
from soc2ev.sources.logs.postgres import connection_of
from tests.sources.logs.conftest import binary, free_port, running
from tests.sources.logs.runs import SECRET

_CONF = """
listen_addresses = '127.0.0.1'
shared_preload_libraries = 'pgaudit'
pgaudit.log = 'ddl, role'
pgaudit.log_parameter = on
logging_collector = on
log_connections = on
fsync = off
"""


@pytest.fixture(scope="module")
def postgres():
    """A server with the roles watcher (pg_monitor), blind (nothing) and the superuser; its port."""
    initdb, server = binary("initdb"), binary("postgres")
    # Not tmp_path: the server runs as another user, who cannot look into folders of root's.
    folder = Path(tempfile.mkdtemp(prefix="soc2ev-postgres-", dir="/tmp"))
    as_user = _as_postgres(folder)
    try:
        secret = folder / "password"
        secret.write_text(SECRET)
        secret.chmod(0o644)
        data, port = folder / "data", free_port()
        argv = [
            initdb,
            "-D",
            str(data),
            "-U",
            "boss",
            "-A",
            "scram-sha-256",
            "--pwfile",
            str(secret),
            "-N",
            "--locale=C",
        ]
        subprocess.run(argv, check=True, capture_output=True, cwd=folder, **as_user)
        with (data / "postgresql.conf").open("a") as file:
            file.write(f"{_CONF}port = {port}\nunix_socket_directories = '{folder}'\n")
        log = folder / "log"
        log.touch()
        with running([server, "-D", str(data)], lambda: _ready(port), log, cwd=folder, **as_user):
            _fill(port)
            yield port
    finally:
        shutil.rmtree(folder)


def _as_postgres(folder: Path) -> dict[str, object]:
    """How the server is started: not as root, which it refuses."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _connect(port):
    return psycopg.connect(
        host="127.0.0.1", port=port, user="boss", password=SECRET, dbname="postgres", connect_timeout=3
    )


def _ready(port):
    try:
        _connect(port).close()
    except psycopg.OperationalError:
        return False
    return True


def _fill(port):
    with _connect(port) as connection:
        connection.execute("CREATE EXTENSION pgaudit")
        for name in ("watcher", "blind"):
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
        connection.execute("GRANT pg_monitor TO watcher")


def entry(port, user, **more):
    url = f"postgresql://127.0.0.1:{port}/postgres"
    return {"connector": "postgresql", "url": url, "user": user, "password": {"env": "PASSWORD"}, **more}


def test_pgaudit_that_is_loaded_and_set_is_on(team, postgres):
    """Preloaded with classes: on, with the kinds of those classes; values of parameters are not masked."""
    found = team.collect(entry(postgres, "watcher", name="orders"))
    row = found.sources["postgresql:orders"]
    assert "" == row["reasons"]
    assert (True, True) == (row["enabled"], row["delivering"])
    assert "none: values of parameters are logged" == row["masking"]
    assert {"admin.action", "permission.changed", "auth.success", "auth.failure"} == {
        one["event"] for one in found.of(row["key"], "collected_log_events")
    }
    assert {("boss", True, True), ("watcher", False, False)} == {
        (one["principal"], one["can_read"], one["can_stop"]) for one in found.of(row["key"], "collected_log_readers")
    }
    assert (True, None) == (found.claim.complete, found.claim.reason)


@pytest.fixture
def told(postgres):
    """Runs a statement as the superuser, and the one that takes it back after the test."""
    undone = []

    def tell(statement, undo):
        undone.append(undo)
        with _connect(postgres) as connection:
            connection.execute(statement)

    yield tell
    with _connect(postgres) as connection:
        for undo in reversed(undone):
            connection.execute(undo)


@pytest.mark.parametrize("classes", ["none", "all, -all"])
def test_pgaudit_without_classes_is_off(team, postgres, told, classes):
    """Loaded and told to log nothing in this database: off."""
    told(f"ALTER DATABASE postgres SET pgaudit.log = '{classes}'", "ALTER DATABASE postgres RESET pgaudit.log")
    row = team.collect(entry(postgres, "watcher")).sources["postgresql:postgresql"]
    assert (False, []) == (row["enabled"], row["exclusions"])


def test_what_is_set_for_the_asking_role_says_nothing_about_others(team, postgres, told):
    """The session shows its own role's setting instead of the server's: then nobody knows what holds for the others."""
    told("ALTER ROLE watcher SET pgaudit.log = 'none'", "ALTER ROLE watcher RESET pgaudit.log")
    assert team.collect(entry(postgres, "watcher")).sources["postgresql:postgresql"]["enabled"] is None


def test_roles_and_databases_that_are_not_audited_are_named(team, postgres, told):
    """A setting for a role or another database goes before the server's own."""
    told("ALTER ROLE blind SET pgaudit.log = 'none'", "ALTER ROLE blind RESET pgaudit.log")
    told("ALTER DATABASE template1 SET pgaudit.log = 'none'", "ALTER DATABASE template1 RESET pgaudit.log")
    row = team.collect(entry(postgres, "watcher")).sources["postgresql:postgresql"]
    assert (True, ["role blind", "database template1"]) == (row["enabled"], row["exclusions"])


def test_classes_that_are_taken_out_are_named(team, postgres, told):
    """What the setting names only to leave it out; a class that comes back later is not left out."""
    told(
        "ALTER DATABASE postgres SET pgaudit.log = 'all, -role, -misc, misc'",
        "ALTER DATABASE postgres RESET pgaudit.log",
    )
    row = team.collect(entry(postgres, "watcher")).sources["postgresql:postgresql"]
    assert (True, ["class role"]) == (row["enabled"], row["exclusions"])


def test_what_the_servers_log_leaves_out_does_not_arrive(team, postgres, told):
    """Above its own level the server writes nothing: pgaudit is on, and not delivering."""
    told("ALTER DATABASE postgres SET log_min_messages = 'panic'", "ALTER DATABASE postgres RESET log_min_messages")
    row = team.collect(entry(postgres, "watcher")).sources["postgresql:postgresql"]
    assert (True, False) == (row["enabled"], row["delivering"])
    assert "log_min_messages" in row["last_error"]


@pytest.mark.parametrize(
    ("least", "own", "written"),
    [
        ("warning", "log", True),
        ("error", "log", True),
        ("fatal", "log", False),
        ("warning", "notice", False),
        ("notice", "notice", True),
        ("debug5", "debug1", True),
        ("warning", None, True),
        (None, "log", None),
    ],
)
def test_levels_are_ranked_as_the_servers_log_ranks_them(least, own, written):
    """There `log` stands above `error` and below `fatal`; pgaudit's own default is `log`."""
    given = {"log_min_messages": least, "pgaudit.log_level": own}
    rows = [{"name": name, "setting": value, "source": "default"} for name, value in given.items() if value]
    assert written is pgaudit_written(rows)
    assert pgaudit_written([{**row, "source": "user"} for row in rows]) is None


def test_each_destination_is_a_sink(team, postgres, told):
    """The server's log may go to syslog and into files at once."""
    both = [{"type": "syslog", "target": "syslog"}, {"type": "file", "target": "log"}]
    with _connect(postgres) as connection:
        connection.autocommit = True
        connection.execute("ALTER SYSTEM SET log_destination = 'syslog, csvlog'")
        connection.execute("SELECT pg_reload_conf()")
    try:
        sinks = _settled_sinks(team, postgres, len(both))
    finally:
        with _connect(postgres) as connection:
            connection.autocommit = True
            connection.execute("ALTER SYSTEM RESET log_destination")
            connection.execute("SELECT pg_reload_conf()")
    assert both == [{name: one[name] for name in ("type", "target")} for one in sinks]


def _settled_sinks(team, postgres, count):
    """The sinks, once the server has read its configuration again."""
    for _ in range(20):
        sinks = team.collect(entry(postgres, "watcher")).of("postgresql:postgresql", "collected_log_sinks")
        if len(sinks) == count:
            break
        time.sleep(0.1)
    return sinks


def test_pgaudit_for_one_role_leaves_out_all_others(team, postgres, told):
    """Set for a role only: it logs, and whom it leaves out is told."""
    told("ALTER DATABASE postgres SET pgaudit.log = 'none'", "ALTER DATABASE postgres RESET pgaudit.log")
    told("ALTER ROLE blind SET pgaudit.log = 'write'", "ALTER ROLE blind RESET pgaudit.log")
    row = team.collect(entry(postgres, "watcher")).sources["postgresql:postgresql"]
    assert (True, ["roles other than blind"]) == (row["enabled"], row["exclusions"])


def test_who_runs_programs_or_writes_files_of_the_server_can_stop_logging(team, postgres, told):
    """Rights of the server's user, and membership in a superuser, are rights over the log."""
    for name, group in (
        ("runner", "pg_execute_server_program"),
        ("writer", "pg_write_server_files"),
        ("deputy", "boss"),
    ):
        told(f"CREATE ROLE {name} LOGIN IN ROLE {group}", f"DROP ROLE {name}")
    found = team.collect(entry(postgres, "watcher"))
    readers = {one["principal"]: (one["can_read"], one["can_stop"]) for one in found.rows["collected_log_readers"]}
    assert {"runner": (True, True), "writer": (False, True), "deputy": (True, True)} == {
        name: readers.get(name) for name in ("runner", "writer", "deputy")
    }


def test_who_was_granted_a_setting_of_the_log_can_stop_logging(team, postgres, told):
    """PostgreSQL 15: SET and ALTER SYSTEM on a parameter, by membership too; other parameters give nothing."""
    for statement, undo in (
        ("CREATE ROLE tuners", "DROP ROLE tuners"),
        ("CREATE ROLE setter LOGIN", "DROP ROLE setter"),
        ("CREATE ROLE member LOGIN IN ROLE tuners", "DROP ROLE member"),
        ("CREATE ROLE harmless LOGIN", "DROP ROLE harmless"),
        ("GRANT SET ON PARAMETER pgaudit.log TO setter", "REVOKE SET ON PARAMETER pgaudit.log FROM setter"),
        ("GRANT ALTER SYSTEM ON PARAMETER log_destination TO tuners", "REVOKE ALTER SYSTEM ON PARAMETER log_destination FROM tuners"),
        # Only a session could use it, and none may change this one.
        ("GRANT SET ON PARAMETER logging_collector TO harmless", "REVOKE SET ON PARAMETER logging_collector FROM harmless"),
        ("GRANT ALTER SYSTEM ON PARAMETER work_mem TO harmless", "REVOKE ALTER SYSTEM ON PARAMETER work_mem FROM harmless"),
    ):  # fmt: skip
        told(statement, undo)
    found = team.collect(entry(postgres, "watcher"))
    readers = {
        one["principal"]: (one["can_read"], one["can_stop"], one["via"]) for one in found.rows["collected_log_readers"]
    }
    assert {
        "boss": (True, True, "superuser"),
        "watcher": (False, False, "pg_monitor"),
        "setter": (False, True, "SET ON PARAMETER pgaudit.log"),
        "member": (False, True, "ALTER SYSTEM ON PARAMETER log_destination"),
    } == readers
    assert (True, None) == (found.claim.complete, found.claim.reason)


def test_a_server_that_knows_no_such_grants_has_none():
    """Before PostgreSQL 15 the catalog is absent: roles are told by what they may by membership."""
    role = {"name": "a", "login": True, "super": False, "reads_files": True, "runs_programs": False}
    told = [{"principal": "a", "can_read": True, "can_stop": False, "via": "pg_read_server_files"}]
    assert told == parameter_readers([role, {**role, "name": "b", "login": False}], None)


def test_a_role_that_is_not_shown_all_settings_knows_nothing(team, postgres):
    """PostgreSQL leaves out what a role may not see: nobody knows whether pgaudit is on, and access is missing."""
    found = team.collect(entry(postgres, "blind"))
    row = found.sources["postgresql:postgresql"]
    assert row["enabled"] is None
    assert "enabled" in row["unknown"]
    assert (False, "missing") == (found.claim.complete, found.claim.scope.get("access"))


def test_a_wrong_password_is_missing_access_and_is_nowhere(team, postgres):
    """Refused at the door: access is missing, facts are unknown, and the password is in no body or request."""
    wrong = {**team.environment, "PASSWORD": f"{SECRET}-wrong"}
    team.environment = wrong
    found = team.collect(entry(postgres, "watcher"))
    assert "missing" == found.claim.scope["access"]
    assert found.sources["postgresql:postgresql"]["enabled"] is None
    assert [] == [item.request for item, body in found.stored if SECRET in f"{item.request}{body!r}"]


def test_the_session_cannot_write(postgres):
    """Even a superuser's session refuses to write: the transaction is read-only."""
    from soc2ev.sources.logs.postgres import Postgres

    made = Postgres(None, "s", f"postgresql://127.0.0.1:{postgres}/postgres", {"user": "boss"}, SECRET)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        made._rows("CREATE TABLE t (a int)", {})
    made.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://a:secret@db/x", "password"),
        ("mysql://db/x", "postgresql"),
        ("postgresql://db/x?sslmode=disable", "sslmode"),
    ],
)
def test_an_address_with_a_password_or_parameters_is_refused(url, says):
    """What would hold a secret or switch TLS off stops before anything is sent."""
    with pytest.raises(ConfigError) as refused:
        connection_of(url, {})
    assert says in refused.value.message
    assert "secret" not in refused.value.message


def test_tls_is_verified_for_every_other_host():
    """Only loopback hosts go without TLS."""
    assert "verify-full" == connection_of("postgresql://db.example.com/x", {})["sslmode"]
    assert "sslmode" not in connection_of("postgresql://127.0.0.1/x", {})
