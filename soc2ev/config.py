"""
`soc2ev.yaml`: what is in scope, where evidence comes from, what the company's policy is.

Unknown keys, wrong types, repeated keys and missing environment variables stop with file:line:column. A token
is never written in the file: it comes from the environment, a file or a command. `schema()` is the JSON Schema
for editors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.period import zone

FILE_NAME = "soc2ev.yaml"


class Strict(BaseModel):
    """A part of the file: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=False)


def _known_zone(name: str) -> str:
    try:
        zone(name)
    except ConfigError as problem:
        raise ValueError(f"{problem.message}; {problem.hint}") from None
    return name


def _https_or_loopback(url: str) -> str:
    """Evidence and tokens never travel in the clear; loopback stays on this machine."""
    if re.fullmatch(r"https://[^/@\s\\?#]+(/\S*)?", url):
        return url
    if re.fullmatch(r"http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?(/\S*)?", url):
        return url
    raise ValueError("an https:// address without user or password (http:// for loopback hosts only)")


def _nameable(name: str) -> str:
    """The name stands in file names, in the vault and on every page."""
    if not name.strip() or not name.isprintable():
        raise ValueError("a name in printable characters")
    return name


Url = Annotated[str, AfterValidator(_https_or_loopback)]
Zone = Annotated[str, AfterValidator(_known_zone)]


class Secret(Strict):
    """Where a token comes from: exactly one of an environment variable, a file, a command."""

    env: str | None = None
    file: str | None = None
    command: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _never_literal(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError("a token is never written here: use {env: NAME}, {file: PATH} or {command: TEXT}")  # noqa: TRY004
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Secret:
        if sum(part is not None for part in (self.env, self.file, self.command)) != 1:
            raise ValueError("give exactly one of env, file, command")
        return self


class Paths(Strict):
    """Which files make a commit a production change; a change is outside only when all its files are."""

    include: list[str] = ["**"]
    exclude: list[str] = []


class Scope(Strict):
    """What a production change is."""

    repository: str = Field(min_length=1)
    """Full name or glob (`acme/*`); for plain git the name given under `sources.git`."""
    branches: list[str] = []
    """Production refs; empty means the repository's default branch."""
    environments: list[str] = ["production"]
    mode: Literal["merge", "deploy", "release"] = "merge"
    paths: Paths = Paths()

    @field_validator("branches", mode="after")
    @classmethod
    def _by_name(cls, value: list[str]) -> list[str]:
        # git allows none of these in the name of a branch. A pattern would not see branches that were deleted since.
        if patterns := [name for name in value if set(name) & set("*?[")]:
            raise ValueError(f"name each production branch, {patterns[0]!r} is a pattern and may miss deleted branches")
        return value


class GitSource(Strict):
    """A repository on this machine; no token, no network."""

    path: str = "."
    repository: str = Field(min_length=1)


class GithubApp(Strict):
    """A GitHub App installation."""

    id: int
    installation: int
    private_key: Secret


class GithubSource(Strict):
    """GitHub, cloud or Enterprise Server."""

    url: Url = "https://api.github.com"
    graphql_url: Url | None = None
    token: Secret | None = None
    app: GithubApp | None = None


class JiraSource(Strict):
    """Jira, Cloud or Data Center."""

    url: Url
    user: Secret | None = None
    token: Secret
    projects: list[str] = []


class LogSource(BaseModel):
    """A system that keeps logs; which further keys it takes, its connector's manifest says."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    connector: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    url: str | None = None
    path: str | None = None
    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    profile: str | None = Field(default=None, pattern=r"^\S+$")
    """AWS: a profile of the AWS CLI's configuration; each may be another account."""
    alerts: bool = False
    """Also the alerts of the period and what became of them, where the connector can tell."""
    token: Secret | None = None
    password: Secret | None = None

    @model_validator(mode="after")
    def _extra_keys(self) -> LogSource:
        """Every mapping among the connector's own keys is a secret, and a secret is never written out."""
        for name, value in (self.model_extra or {}).items():
            if isinstance(value, dict):
                _refuse_no_secret(name, value)
            elif re.search(r"token|secret|passw|api_?key", name):
                raise ValueError(
                    f"{name} is never written here: use {{env: NAME}}, {{file: PATH}} or {{command: TEXT}}"
                )
        return self

    @property
    def named(self) -> str:
        """Its name; the connector's where it has none."""
        return self.name or self.connector

    def given(self) -> dict[str, Any]:
        """What is given beside connector and name; secrets as the mappings that they are written as."""
        return self.model_dump(exclude={"connector", "name", "alerts"}, exclude_none=True)

    def secret(self, name: str) -> Secret | None:
        """Where the secret of that name comes from; None when none is given."""
        found = self.given().get(name)
        return Secret.model_validate(found) if isinstance(found, dict) else None


def _refuse_no_secret(name: str, value: dict[str, Any]) -> None:
    """ValueError, which never shows the value, unless it says where a secret comes from."""
    if (
        len(value) != 1
        or not {"env", "file", "command"} & set(value)
        or not isinstance(next(iter(value.values())), str)
    ):
        raise ValueError(f"{name}: give exactly one of env, file, command")


class FileSource(Strict):
    """A log sample or export on this machine."""

    path: str
    format: str
    source: str


class ImportSource(Strict):
    """Findings of another tool."""

    format: str
    path: str


class Sources(Strict):
    """Where evidence comes from."""

    github: list[GithubSource] = []
    jira: list[JiraSource] = []
    git: list[GitSource] = []
    logs: list[LogSource] = []
    files: list[FileSource] = []
    imports: list[ImportSource] = []

    @field_validator("logs", mode="after")
    @classmethod
    def _told_apart(cls, value: list[LogSource]) -> list[LogSource]:
        names = [(one.connector, one.named) for one in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two entries of {name[0]} are called {name[1]}: give each a name")
        return value


class TicketPolicy(Strict):
    """When a ticket authorises a change."""

    mode: Literal["status", "service_management", "exists", "none"] = "status"
    approved_statuses: list[str] = ["Approved"]
    approval_by_maker_counts: bool = False
    types: list[str] = []


class CheckPolicy(Strict):
    """Which checks have to pass, and which conclusions pass."""

    required: Literal["from-rules"] | list[str] = "from-rules"
    accept: list[Literal["success", "neutral", "skipped"]] = ["success", "neutral", "skipped"]


class ApprovalPolicy(Strict):
    """Which approvals count."""

    ignore_clean_base_merges: bool = True
    accept_equal_patch: bool = True
    writers_only: bool = True


class EmergencyPolicy(Strict):
    """How an emergency is declared, and how soon it is reviewed."""

    labels: list[str] = ["emergency", "hotfix"]
    branches: list[str] = ["hotfix/*"]
    ticket_types: list[str] = ["Emergency"]
    review_within_business_days: int = Field(default=2, ge=0)


class WatchPolicy(Strict):
    """How production is watched after a deployment."""

    required: bool = False
    within_hours: int = Field(default=24, ge=1, le=24 * 30)
    checks: list[str] = []
    """Names or globs of checks and statuses on the deployed commit that look at production, such as `smoke*`."""
    incident_types: list[str] = ["Incident"]
    """Types of the tickets that tell of trouble."""


class BotPolicy(Strict):
    """Machines that make changes."""

    standard_change: list[dict[str, Any]] = []
    service_accounts: list[str] = []


class Policy(Strict):
    """What the company decided; controls read it."""

    required_approvals: int = Field(default=1, ge=0)
    ticket: TicketPolicy = TicketPolicy()
    checks: CheckPolicy = CheckPolicy()
    approval: ApprovalPolicy = ApprovalPolicy()
    emergency: EmergencyPolicy = EmergencyPolicy()
    bots: BotPolicy = BotPolicy()
    watch: WatchPolicy = WatchPolicy()
    team: Literal["normal", "small", "solo"] = "normal"


class Config(Strict):
    """The whole file."""

    version: Literal[1]
    organisation: Annotated[str, AfterValidator(_nameable)] = Field(min_length=1, max_length=120)
    timezone: Zone = "UTC"
    vault: str = "./evidence"
    scope: list[Scope] = []
    sources: Sources = Sources()
    registers: str | None = "./registers"
    policy: Policy = Policy()
    controls: list[str] = ["builtin"]

    @field_validator("version", mode="before")
    @classmethod
    def _a_number(cls, value: Any) -> Any:
        # True == 1 == 1.0 for the comparison that a literal makes.
        if type(value) is not int:
            raise ValueError("write version: 1")
        return value

    def variables(self) -> set[str]:
        """Names of the environment variables that secrets come from."""
        return _variables(self.model_dump())

    def unmatched(self) -> list[str]:
        """Repositories and globs of the scope that no source is asked for: misspelt, or left out."""
        hosted = bool(self.sources.github)
        names = [source.repository for source in self.sources.git]
        asked = dict.fromkeys(entry.repository for entry in self.scope)
        left = [pattern for pattern in asked if not any(fnmatchcase(name, pattern) for name in names)]
        return [pattern for pattern in left if not (hosted and "/" in pattern)]


def _variables(value: Any) -> set[str]:
    """The names below every `env:`, wherever a connector's entry has one."""
    if isinstance(value, Mapping):
        own = {value["env"]} if isinstance(value.get("env"), str) else set()
        return own.union(*(_variables(part) for part in value.values()))
    return set().union(*map(_variables, value)) if isinstance(value, list | tuple) else set()


class Settings(BaseModel):
    """A configuration, where it was read from and the folder that its paths are relative to."""

    model_config = ConfigDict(frozen=True)

    config: Config
    file: Path
    text: bytes
    """The file as read: its digest binds a pack to the configuration that made it."""

    def path(self, relative: str) -> Path:
        """A path of the file, resolved against the file's folder."""
        return (self.file.parent / relative).resolve()


def load(file: Path) -> Settings:
    """The settings in that file; ConfigError with file:line:column for each complaint."""
    text = yamlfile.content(file, _shown(file))
    document = yamlfile.parse(text, _shown(file))
    if not isinstance(document.data, dict):
        raise ConfigError(f"{document.name}:1:1: expected a mapping with version: 1 and organisation: ...")
    return Settings(config=document.validate(Config), file=file.resolve(), text=text)


def find(start: Path) -> Path:
    """The nearest `soc2ev.yaml` in `start` or a folder above it; ConfigError when there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise ConfigError(
        f"no {FILE_NAME} in {start.resolve()} or a folder above it",
        hint="`soc2ev init` writes one for the repository you stand in; `soc2ev demo` shows the tool without any",
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    made = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "soc2ev.yaml"}


def _shown(file: Path) -> str:
    """The path as a person would write it: relative to the working folder when it lies below."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
