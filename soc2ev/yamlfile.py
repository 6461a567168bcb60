"""
A strict reader for the YAML that people write: configuration, registers, controls, questions.

YAML 1.1 as PyYAML reads it turns `no` into False, `010` into 8, `12:30` into 750 and a repeated key silently into
its last value. Here only `true`, `false`, `null`, plain decimal numbers and text exist, repeated keys and aliases
are refused, and every value keeps the place where it stands, so that a complaint can name file:line:column.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from soc2ev.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from yaml import MappingNode, Node

_MAX_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 60
_MAX_COMPLAINTS = 50
_INTEGER_DIGITS = 18

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}

Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound="BaseModel")


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says (`data`), with the place of every value."""

    name: str
    data: Any
    _places: dict[Path_, tuple[int, int]]

    def place(self, path: Sequence[str | int] = ()) -> str:
        """`file:line:column` of the value at the path, or of the nearest value around it."""
        known = tuple(path)
        while known and known not in self._places:
            known = known[:-1]
        line, column = self._places.get(known, (1, 1))
        return f"{self.name}:{line}:{column}"

    def validate(self, model: type[Model]) -> Model:
        """The data as that model; ConfigError with one line for each complaint otherwise."""
        from pydantic import ValidationError

        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise ConfigError("\n".join(self._complaints(error, model))) from None

    def _complaints(self, error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
        complaints = error.errors(include_url=False)
        for found in complaints[:_MAX_COMPLAINTS]:
            path = tuple(part for part in found["loc"] if not _is_tag(part))
            says = found["msg"].removeprefix("Value error, ")
            where = ".".join(str(part) for part in path) or "file"
            if found["type"] == "extra_forbidden":
                says = f"unknown key{_suggestion(path, model)}"
            elif found["type"] == "missing":
                says = "missing"
            yield f"{self.place(path)}: {where}: {says}"
        if len(complaints) > _MAX_COMPLAINTS:
            yield f"{self.name}: and {len(complaints) - _MAX_COMPLAINTS} more"


def read(path: Path, name: str | None = None) -> Document:
    """The document in that file. ConfigError when it cannot be read or is not strict YAML."""
    return parse(content(path, name), name or str(path))


def content(path: Path, name: str | None = None) -> bytes:
    """The bytes of that file; ConfigError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{name or path}: {problem.strerror or problem}") from None


def parse(text: bytes, name: str) -> Document:
    """The document in those bytes; `name` stands in messages."""
    import yaml

    if len(text) > _MAX_BYTES:
        raise ConfigError(f"{name}: larger than {_MAX_BYTES} bytes")
    try:
        decoded = text.decode("utf-8-sig")
        # The pure Python loader: the C one has no depth limit of its own and overflows the stack.
        _refuse_depth(decoded, name)
        node = yaml.compose(decoded, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{name}: not UTF-8 at byte {problem.start}") from None
    except yaml.reader.ReaderError as problem:
        raise ConfigError(f"{_at(decoded, name, problem.position)}: {problem.reason}") from None
    except yaml.MarkedYAMLError as problem:
        mark: Any = problem.problem_mark or problem.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ConfigError(f"{place}: {problem.problem or problem.context}") from None
    except (yaml.YAMLError, ValueError) as problem:
        # PyYAML passes on what chr() says to an escape beyond Unicode's end.
        raise ConfigError(f"{name}: {problem}") from None
    places: dict[Path_, tuple[int, int]] = {}
    data = None if node is None else _Builder(name, places).build(node)
    return Document(name, data, places)


def dump(value: Any) -> str:
    """The value as YAML text that `parse` reads back; keys in the given order."""
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)).rstrip()


def suggest(word: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'?` when a known word is close, else nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _at(text: str, name: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"{name}:{line}:{position - text.rfind(chr(10), 0, position)}"


def _refuse_depth(text: str, name: str) -> None:
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark: Any = event.start_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}"
        depth += {"MappingStartEvent": 1, "SequenceStartEvent": 1}.get(type(event).__name__, 0)
        depth -= {"MappingEndEvent": 1, "SequenceEndEvent": 1}.get(type(event).__name__, 0)
        if depth > _MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            says = "anchors and aliases are not used here" if depth <= _MAX_DEPTH else "nested too deeply"
            raise ConfigError(f"{place}: {says}")
        # Even `!!str 12` is refused: a tag would be an order to read something as another type than it has here.
        if tag := getattr(event, "tag", None):
            raise ConfigError(f"{place}: tags such as {tag} are not used here")


@dataclass(slots=True)
class _Builder:
    """Python values from YAML nodes, and the place of each."""

    name: str
    places: dict[Path_, tuple[int, int]]

    def build(self, node: Node, path: Path_ = ()) -> Any:
        import yaml

        self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, at)) for at, child in enumerate(node.value)]
        self._refuse_unwritable(node)
        return _scalar(str(node.value), quoted=getattr(node, "style", None) in ("'", '"', "|", ">"))

    def _mapping(self, node: MappingNode, path: Path_) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self._refuse(key_node, "a key is text")
            self._refuse_unwritable(key_node)
            if key in built:
                self._refuse(key_node, f"the key {key!r} stands here twice")
            built[key] = self.build(value_node, (*path, key))
            # A complaint about an entry points at its key; the value may stand lines below it.
            self.places[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        return built

    def _refuse_unwritable(self, node: Node) -> None:
        """Escapes can name what no file, name or message can hold: half a surrogate pair, or NUL."""
        if any(part == "\0" or "\ud800" <= part <= "\udfff" for part in node.value):
            self._refuse(node, "the text holds a character that cannot be written")

    def _refuse(self, node: Node, says: str) -> NoReturn:
        mark = node.start_mark
        raise ConfigError(f"{self.name}:{mark.line + 1}:{mark.column + 1}: {says}")


def _scalar(text: str, *, quoted: bool) -> str | int | float | bool | None:
    if quoted:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        # What no 64-bit integer holds is an id, and stays text.
        return int(text) if len(text) <= _INTEGER_DIGITS else text
    # A version such as 1.10, or more digits than a float keeps, would not come back as it was written.
    if _FLOAT.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def _is_tag(part: str | int) -> bool:
    """Whether pydantic, not the file, put this part into the path of a complaint (union members, functions)."""
    return (
        isinstance(part, str) and re.fullmatch(r"(list|literal|function-\w+|constrained-\w+)\[.*\]", part) is not None
    )


def _suggestion(path: Sequence[str | int], model: type[BaseModel]) -> str:
    return suggest(str(path[-1]), sorted(_all_names(model))) if path else ""


@lru_cache(maxsize=64)
def _all_names(model: type[BaseModel]) -> frozenset[str]:
    """Every key that the model or a model inside it knows: a suggestion may come from anywhere in the file."""
    names: set[str] = set()
    for definition in (schema := model.model_json_schema()).get("$defs", {}).values():
        names.update(definition.get("properties", {}))
    return frozenset(names | set(schema.get("properties", {})))
