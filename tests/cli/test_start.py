"""First steps: help, init, doctor, status, explain, schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from soc2ev import config
from tests.conftest import Run, Workplace

_HEAVY = ("duckdb", "openpyxl", "jinja2", "requests", "pydantic", "yaml", "cryptography", "rich", "pathspec")


def _python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)


def test_help_imports_nothing_heavy() -> None:
    """`soc2ev --help` answers without the packages that commands need."""
    code = "import sys; sys.argv = ['soc2ev', '--help']\nfrom soc2ev.__main__ import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\n"
    code += f"print('HEAVY', sorted(set({_HEAVY!r}) & set(sys.modules)))"
    done = _python("-c", code)
    assert "HEAVY []" == done.stdout.strip().splitlines()[-1]
    assert "collect" in done.stdout


def test_version_is_answered_before_anything_is_imported() -> None:
    """`soc2ev --version` imports not even typer."""
    code = "import sys; sys.argv = ['soc2ev', '--version']\nfrom soc2ev.__main__ import main\nmain()\n"
    code += "print('typer' in sys.modules)"
    version, typer_there = _python("-c", code).stdout.split("\n")[:2]
    assert version.startswith("soc2ev ")
    assert "False" == typer_there


def test_init_then_the_whole_road_works_without_editing(soc2ev: Run, workplace: Workplace) -> None:
    """What `init` writes is a configuration that collects, checks and answers as it stands."""
    (workplace.path / "soc2ev.yaml").unlink()
    done = soc2ev("init", "--organisation", 'Quote "Co"', "--timezone", "Europe/Berlin", cwd=workplace.path)
    assert 0 == done.code
    assert "API" in done.err
    settings = config.load(workplace.path / "soc2ev.yaml")
    assert 'Quote "Co"' == settings.config.organisation
    assert "Europe/Berlin" == settings.config.timezone
    assert ["main"] == settings.config.scope[0].branches
    assert (workplace.path / "registers" / "log-sources.yaml").is_file()
    assert 0 == soc2ev("registers", "lint", cwd=workplace.path).code
    assert 0 == soc2ev("doctor", cwd=workplace.path).code
    assert 0 == soc2ev("collect", "--period", "2026-10", cwd=workplace.path).code
    assert 0 == soc2ev("check", "--period", "2026-10", cwd=workplace.path).code
    answers = json.loads(soc2ev("checklist", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    assert "yes" not in {one["answer"] for one in answers["questions"]}


def test_init_overwrites_nothing(soc2ev: Run, workplace: Workplace) -> None:
    """A second `init` refuses and leaves the file as it was."""
    before = (workplace.path / "soc2ev.yaml").read_bytes()
    done = soc2ev("init", cwd=workplace.path)
    assert 2 == done.code
    assert before == (workplace.path / "soc2ev.yaml").read_bytes()


def test_init_outside_a_repository(soc2ev: Run, tmp_path: Path) -> None:
    """Without a repository there is still a valid configuration, with none in it."""
    assert 0 == soc2ev("init", cwd=tmp_path).code
    assert [] == config.load(tmp_path / "soc2ev.yaml").config.sources.git


@pytest.mark.parametrize("words", [("check",), ("collect",), ("checklist",), ("doctor",), ("pack",), ("status",)])
def test_without_a_configuration_commands_say_how_to_get_one(
    soc2ev: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Exit 2, a message and a hint; never a traceback."""
    done = soc2ev(*words, cwd=tmp_path)
    assert 2 == done.code
    assert "no soc2ev.yaml" in done.err
    assert "soc2ev init" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("where", ["before", "after"])
def test_config_option_stands_before_or_after_the_command(
    soc2ev: Run, workplace: Workplace, tmp_path: Path, where: str
) -> None:
    """`soc2ev --config F check` and `soc2ev check --config F` are the same."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    named = ("--config", str(workplace.path / "soc2ev.yaml"))
    words = (*named, "status") if where == "before" else ("status", *named)
    done = soc2ev(*words, cwd=tmp_path)
    assert 0 == done.code
    assert "2026-10" in done.out


def test_the_environment_names_the_configuration(
    soc2ev: Run, workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SOC2EV_CONFIG is used when no option names a file."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    monkeypatch.setenv("SOC2EV_CONFIG", str(workplace.path / "soc2ev.yaml"))
    assert 0 == soc2ev("status", cwd=tmp_path).code


def test_a_mistake_in_the_configuration_is_placed(soc2ev: Run, workplace: Workplace) -> None:
    """file:line:column and a suggestion, exit 2."""
    text = (workplace.path / "soc2ev.yaml").read_text(encoding="utf-8")
    (workplace.path / "soc2ev.yaml").write_text(text + "polcy: {}\n", encoding="utf-8")
    done = soc2ev("collect", cwd=workplace.path)
    assert 2 == done.code
    assert "soc2ev.yaml:6:1: polcy: unknown key; did you mean 'policy'?" in done.err


@pytest.mark.parametrize(
    "period", ["2026-13", "october", "2026-10-31..2026-10-01", "2026-Q5", "2026-02-30..2026-03-01"]
)
def test_periods_that_do_not_exist(soc2ev: Run, workplace: Workplace, period: str) -> None:
    """Exit 2 and the forms that exist."""
    done = soc2ev("collect", "--period", period, cwd=workplace.path)
    assert 2 == done.code
    assert period in done.err


def test_doctor_exits_4_when_a_repository_is_missing(soc2ev: Run, workplace: Workplace) -> None:
    """What cannot be reached is named before a collection is tried."""
    text = (workplace.path / "soc2ev.yaml").read_text(encoding="utf-8")
    (workplace.path / "soc2ev.yaml").write_text(text.replace("path: .", "path: nowhere"), encoding="utf-8")
    done = soc2ev("doctor", cwd=workplace.path)
    assert 4 == done.code
    assert "nowhere" in done.out


def test_status_tells_open_months_from_closed_ones(soc2ev: Run, workplace: Workplace) -> None:
    """A period collected before its end is a warning."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    soc2ev("collect", "--period", "2100", cwd=workplace.path)
    rows = json.loads(soc2ev("status", "--format", "json", cwd=workplace.path).out)
    assert {"2026-10": "complete", "2100": "warning"} == {row["period"]: row["state"] for row in rows}


def test_explain_knows_exit_codes_and_suggests(soc2ev: Run, tmp_path: Path) -> None:
    """Words and numbers of ours are explained; others get a suggestion."""
    assert "incomplete" in soc2ev("explain", "5", cwd=tmp_path).out
    unknown = soc2ev("explain", "waver", cwd=tmp_path)
    assert 2 == unknown.code
    assert "waiver" in unknown.err


def test_schema_is_json(soc2ev: Run, tmp_path: Path) -> None:
    """`schema` prints a JSON Schema that knows the keys, and writes the same to a file."""
    printed = json.loads(soc2ev("schema", cwd=tmp_path).out)
    assert {"version", "organisation", "policy"} <= set(printed["properties"])
    soc2ev("schema", "--output", str(tmp_path / "s.json"), cwd=tmp_path)
    assert printed == json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))


def test_an_ascii_terminal_loses_nothing_but_looks(workplace: Workplace) -> None:
    """With an ASCII encoding every command still ends well."""
    environment = {
        "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
    }
    for words in (
        ("collect", "--period", "2026-10"),
        ("check", "--period", "2026-10"),
        ("checklist", "--period", "2026-10"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "soc2ev", *words],
            cwd=workplace.path,
            env=environment,
            capture_output=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        assert done.stdout.isascii()


def test_no_colour_without_a_terminal(soc2ev: Run, workplace: Workplace) -> None:
    """Piped output holds no escape sequence."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    done = soc2ev("check", "--period", "2026-10", cwd=workplace.path)
    assert "\x1b" not in done.out + done.err


def test_every_command_has_an_example_in_its_help() -> None:
    """`--help` of each command ends with something that can be typed."""
    from typer.main import get_command

    from soc2ev.cli import app

    def walk(command: object, name: str) -> list[tuple[str, str]]:
        inside = getattr(command, "commands", None)
        if not inside:
            return [(name, getattr(command, "help", "") or "")]
        return [found for part, inner in sorted(inside.items()) for found in walk(inner, f"{name} {part}".strip())]

    found = walk(get_command(app), "")
    assert len(found) > 20
    assert [] == [name for name, text in found if "Example" not in text]
