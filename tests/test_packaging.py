"""The wheel, alone in a clean environment: it carries everything that the commands need."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without asking any index."""
    out = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(_ROOT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_carries_data(wheel: Path) -> None:
    """Templates, controls, questions and SQL travel with the code; tests do not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for source, target in (
        ("templates", "soc2ev/_templates"),
        ("soc2ev/controls", "soc2ev/controls"),
        ("soc2ev/tables", "soc2ev/tables"),
    ):
        for path in (_ROOT / source).rglob("*"):
            if path.suffix in (".yaml", ".sql", ".j2", ".txt", ".template"):
                assert f"{target}/{path.relative_to(_ROOT / source).as_posix()}" in names
    assert not [name for name in names if name.startswith("tests/")]
    assert "soc2ev/py.typed" in names


def test_the_wheel_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Installed beside nothing but its dependencies, `--help`, `controls test` and `demo` work."""
    home = tmp_path / "clean"
    venv.create(home, with_pip=False, symlinks=True)
    site = next((home / "lib").glob("python3.*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Dependencies come from the environment of the tests; the project itself must not.
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(dependencies) + "\n", encoding="utf-8")
    code = "import soc2ev, sys; sys.exit(0 if 'clean' in soc2ev.__file__ else soc2ev.__file__)"
    python = str(home / "bin" / "python")
    assert 0 == subprocess.run([python, "-c", code], cwd=tmp_path, check=False).returncode
    for words in (
        ["--help"],
        ["controls", "test", "production-history-kept"],
        ["demo", "--output", str(tmp_path / "company")],
    ):
        done = subprocess.run(
            [python, "-m", "soc2ev", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stderr
    assert (tmp_path / "company" / "packs").is_dir()


def test_every_dependency_is_declared() -> None:
    """What the package imports from outside is among its dependencies."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [entry for listed in project["optional-dependencies"].values() for entry in listed]
    declared = {re.split(r"[\[<>=]", entry)[0].lower() for entry in [*project["dependencies"], *extras]}
    imported = set()
    for path in (_ROOT / "soc2ev").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(str(node.module).split(".")[0])
    names = {"yaml": "pyyaml", "botocore": "boto3"}
    outside = {
        name for name in imported if name not in sys.stdlib_module_names and name not in ("soc2ev", "__future__")
    }
    assert {names.get(name, name) for name in outside} <= declared
