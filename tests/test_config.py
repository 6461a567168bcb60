"""The configuration: what is accepted, and that each mistake names its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from soc2ev import config, errors
from soc2ev.errors import ConfigError

HEAD = "version: 1\norganisation: Example Co\n"
WHOLE = """\
version: 1
organisation: Example Co
timezone: Europe/Berlin            # turns "2026-10" into instants; default UTC
vault: ./evidence
scope:
  - repository: acme/api           # full name or glob
    branches: [main]
    environments: [production]
    mode: merge
    paths: {include: ["**"], exclude: ["docs/**"]}
sources:
  github:
    - url: https://api.github.com
      graphql_url: null
      token: {env: GITHUB_TOKEN}
  jira:
    - url: https://acme.atlassian.net
      user: {env: JIRA_EMAIL}
      token: {env: JIRA_TOKEN}
      projects: [API, WEB]
  git:
    - path: .
      repository: acme/api
  logs: []
  files: []
  imports: []
registers: ./registers
policy:
  required_approvals: 1
  ticket: {mode: status, approved_statuses: [Approved, "Ready for release"], approval_by_maker_counts: false, types: []}
  checks: {required: from-rules, accept: [success, neutral, skipped]}
  approval: {ignore_clean_base_merges: true, accept_equal_patch: true, writers_only: true}
  emergency: {labels: [emergency, hotfix], branches: ["hotfix/*"], ticket_types: [Emergency], review_within_business_days: 2}
  bots: {standard_change: [], service_accounts: []}
  team: normal
controls: [builtin, ./controls]
"""


def load(folder: Path, text: str, head: str = HEAD) -> config.Config:
    file = folder / "soc2ev.yaml"
    file.write_text(head + text, encoding="utf-8")
    return config.load(file).config


def refusal(folder: Path, text: str, head: str = HEAD) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, head)
    assert 2 == caught.value.exit_code
    return caught.value.message.removeprefix(f"{folder}/")


def test_the_documented_file_loads_as_it_stands(tmp_path: Path) -> None:
    """The whole file with every key is accepted, and says what it says."""
    found = load(tmp_path, WHOLE, "")
    assert ("Europe/Berlin", ["main"], ["docs/**"]) == (
        found.timezone,
        found.scope[0].branches,
        found.scope[0].paths.exclude,
    )
    assert ["Approved", "Ready for release"] == found.policy.ticket.approved_statuses
    assert "GITHUB_TOKEN" == (found.sources.github[0].token or config.Secret(env="x")).env
    assert ["builtin", "./controls"] == found.controls


def test_two_lines_are_a_configuration(tmp_path: Path) -> None:
    """Everything but version and organisation has a default."""
    found = load(tmp_path, "")
    assert ("UTC", "./evidence", "./registers", 1, "normal") == (
        found.timezone,
        found.vault,
        found.registers,
        found.policy.required_approvals,
        found.policy.team,
    )
    assert load(tmp_path, "registers: null").registers is None


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A path in the file is resolved against the file's folder, and the bytes of the file are kept."""
    file = tmp_path / "soc2ev.yaml"
    file.write_text(HEAD)
    found = config.load(file)
    assert tmp_path / "evidence" == found.path(found.config.vault)
    assert (HEAD.encode(), file) == (found.text, found.file)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("organistaion: y", "3:1", "organistaion: unknown key; did you mean 'organisation'?"),
        ("scope:\n- repositry: x", "4:3", "did you mean 'repository'?"),
        ("scope:\n- repository: a/b\n  branches: ['release/*']", "5:3", "pattern"),
        ("scope:\n- branches: [x]", "4:3", "scope.0.repository: missing"),
        ("timezone: Mars/Base", "3:1", "unknown time zone 'Mars/Base'"),
        ("vault: 1", "3:1", "vault: Input should be a valid string"),
        ("vault: a\nvault: b", "4:1", "stands here twice"),
        ("registers: [a]", "3:1", "registers"),
        ("policy: {required_approvals: '1'}", "3:10", "valid integer"),
        ("policy: {required_approvals: -1}", "3:10", "greater than or equal to 0"),
        ("policy: {team: big}", "3:10", "'normal', 'small' or 'solo'"),
        ("policy: {ticket: {mode: maybe}}", "3:19", "policy.ticket.mode"),
        ("policy: {ticket: {approval_by_maker_counts: yes}}", "3:19", "valid boolean"),
        ("policy: {checks: {required: some}}", "3:19", "policy.checks.required"),
        ("policy: {checks: {required: [a, 5]}}", "3:33", "policy.checks.required.1"),
        ("policy: {checks: {accept: [failure]}}", "3:28", "policy.checks.accept.0"),
        ("scope: [{repository: a, mode: push}]", "3:25", "scope.0.mode"),
        ("sources: null", "3:1", "sources"),
        ("sources: {git: [{repository: ''}]}", "3:18", "sources.git.0.repository"),
        ("sources: {svn: []}", "3:11", "sources.svn: unknown key"),
        ("controls: builtin", "3:1", "controls: Input should be a valid list"),
    ],
)
def test_each_mistake_names_its_place(tmp_path: Path, text: str, place: str, says: str) -> None:
    """A wrong key, type or value gives file:line:column and what was expected."""
    message = refusal(tmp_path, text)
    assert any(line.startswith(f"soc2ev.yaml:{place}: ") or place in line for line in message.split("\n"))
    assert f"soc2ev.yaml:{place}: " in message
    assert says in message


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("organisation: X\n", "version: missing"),
        ("version: 1\n", "organisation: missing"),
        ("version: 2\norganisation: X\n", "version"),
        ("version: true\norganisation: X\n", "write version: 1"),
        ("version: 1.0\norganisation: X\n", "write version: 1"),
        ("version: '1'\norganisation: X\n", "write version: 1"),
        ("version: 1\norganisation: ''\n", "organisation"),
        ("version: 1\norganisation: ' '\n", "printable"),
        ('version: 1\norganisation: "a\\nb"\n', "printable"),
        (f"version: 1\norganisation: {'x' * 121}\n", "organisation"),
        ("- version: 1\n", "expected a mapping"),
        ("", "expected a mapping"),
    ],
)
def test_version_and_organisation_are_needed(tmp_path: Path, head: str, says: str) -> None:
    """The version is the number 1 and nothing that equals it; the organisation is a name that can be shown."""
    assert says in refusal(tmp_path, "", head)


JIRA = "sources: {jira: [{url: https://acme.example, token: %s}]}"


@pytest.mark.parametrize("literal", ["s3cr3t", "'s3cr3t'", "[s3cr3t]", "12", "true", "null"])
def test_a_token_in_the_file_is_refused_and_not_repeated(tmp_path: Path, literal: str) -> None:
    """A literal token stops with its place, and the message does not carry it on."""
    message = refusal(tmp_path, JIRA % literal)
    assert "soc2ev.yaml:3:46: sources.jira.0.token: a token is never written here" in message
    assert "s3cr3t" not in message


@pytest.mark.parametrize("secret", ["{env: A, file: b}", "{}", "{env: A, command: c}", "{env: null}"])
def test_a_secret_has_exactly_one_origin(tmp_path: Path, secret: str) -> None:
    """Environment, file or command: one of them."""
    assert "give exactly one of env, file, command" in refusal(tmp_path, JIRA % secret)


@pytest.mark.parametrize("secret", ["{env: A}", "{file: b}", '{command: "gh auth token"}'])
def test_each_origin_of_a_secret_is_accepted(tmp_path: Path, secret: str) -> None:
    """Each of the three is enough by itself."""
    assert load(tmp_path, JIRA % secret).sources.jira[0].token


ADDRESS = "sources: {jira: [{url: %s, token: {env: A}}]}"


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.example",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example/",
        "http://user@localhost/",
        "'http://[::2]/'",
        "https://user:password@acme.example/",
        "https://user@acme.example",
        "https://acme.example\\@evil.example/",
        "https://a\\.example/",
        "'https://acme.example?x=1'",
        "https://",
        "https:///x",
        "ftp://acme.example",
        "acme.example",
        '"https://acme.example\\n"',
        '"https://acme.example/ x"',
        '"http://localhost\\n"',
        "''",
    ],
)
def test_an_address_that_leaks_is_refused(tmp_path: Path, url: str) -> None:
    """Plain http, user and password, and what one parser reads otherwise than another are refused."""
    assert "sources.jira.0.url: an https:// address without user or password" in refusal(tmp_path, ADDRESS % url)


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example",
        "https://acme.example:8443/jira/",
        "https://acme.example/a@b",
        "http://localhost:8000",
        "http://127.0.0.1/x",
        "http://127.9.9.9:1/",
        "'http://[::1]:80/x'",
    ],
)
def test_https_and_loopback_are_accepted(tmp_path: Path, url: str) -> None:
    """Https anywhere, http on this machine only."""
    assert url.strip("'") == load(tmp_path, ADDRESS % url).sources.jira[0].url


def test_the_nearest_file_upward_is_found(tmp_path: Path) -> None:
    """The file in the folder itself wins, then those above; without any the hint says what to do."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"no soc2ev\.yaml") as caught:
        config.find(deep)
    assert "soc2ev init" in caught.value.hint
    (tmp_path / "soc2ev.yaml").write_text(HEAD)
    (tmp_path / "a" / "soc2ev.yaml").mkdir()
    assert tmp_path / "soc2ev.yaml" == config.find(deep)
    (deep / "soc2ev.yaml").write_text(HEAD)
    assert deep / "soc2ev.yaml" == config.find(deep)


def test_a_file_in_the_working_folder_is_shown_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name the file as a person would write it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "soc2ev.yaml").write_text("x: 1")
    with pytest.raises(ConfigError, match=r"^soc2ev\.yaml:1:1: "):
        config.load(tmp_path / "soc2ev.yaml")


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    def inside(annotation: Any) -> list[Any]:
        return [annotation, *(deep for part in getattr(annotation, "__args__", ()) for deep in inside(part))]

    found = {model}
    for field in model.model_fields.values():
        for part in inside(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found |= models(part)
    return found


def test_the_schema_knows_every_key() -> None:
    """The JSON Schema describes each part of the file with all its keys, allows no others and resolves its references."""
    schema = config.schema()
    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]
    assert ["version", "organisation"] == schema["required"]
    assert schema["additionalProperties"] is False
    assert {"const": 1}.items() <= schema["properties"]["version"].items()
    parts = {part.__name__: part for part in models(config.Config)}
    for name, part in parts.items():
        described = schema if name == "Config" else schema["$defs"][name]
        assert set(part.model_fields) == set(described["properties"])
        # A log source takes the keys that its connector asks for.
        assert described["additionalProperties"] is (name == "LogSource")
    references = [line for line in str(schema).split("'") if line.startswith("#/$defs/")]
    assert references
    assert {one.removeprefix("#/$defs/") for one in references} == set(schema["$defs"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Soc2evError, 1),
        (errors.ConfigError, 2),
        (errors.ControlError, 2),
        (errors.AccessError, 4),
        (errors.CollectError, 5),
        (errors.VaultError, 1),
        (errors.TamperedError, 6),
        (errors.PackError, 1),
    ],
)
def test_exit_codes_of_the_error_tree(error: type[errors.Soc2evError], code: int) -> None:
    """Each kind of refusal has its documented exit code, a message and a hint."""
    raised = error("what happened", hint="what to do")
    assert (code, "what happened", "what to do", "what happened") == (
        raised.exit_code,
        raised.message,
        raised.hint,
        str(raised),
    )
    assert "" == error("x").hint


def test_a_caller_can_catch_by_kind() -> None:
    """Access is a kind of collection failure, a control error one of configuration, tampering one of the vault."""
    pairs = [("AccessError", "CollectError"), ("ControlError", "ConfigError"), ("TamperedError", "VaultError")]
    assert all(issubclass(getattr(errors, child), getattr(errors, parent)) for child, parent in pairs)
