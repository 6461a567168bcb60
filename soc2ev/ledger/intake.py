"""Reading many events from a file: one JSON object a line, every bad one named."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError, VaultError
from soc2ev.ledger.events import Event, doubt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from soc2ev.ledger.log import Log

MOST_NAMED = 50
MAX_LINE = 256 * 1024
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the lines of a file."""

    appended: int
    known: int
    """There before, with the same id and content."""
    bad: int
    """Not appended."""
    complaints: tuple[str, ...]
    """`file:line: why` for the bad ones; at most fifty."""
    doubts: tuple[str, ...]
    """Actions that do not look like resource.sub.verb, each once; at most fifty."""
    first: int | None = None
    """Number of the first appended event; None when none was."""
    last: int | None = None


def read(text: bytes | str) -> Event:
    """The event in a JSON text; ConfigError when there is none."""
    return Event.read(read_json(text))


def read_json(text: bytes | str) -> object:
    """What a JSON text says; ConfigError unless it can be understood in one way only."""
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError:
        raise ConfigError("not an event: nested too deeply") from None
    except ValueError as problem:
        says = getattr(problem, "msg", None) or ("not UTF-8" if isinstance(problem, UnicodeError) else str(problem))
        raise ConfigError(f"not an event: no JSON that can be read ({says:.80})") from None


class Intake:
    """
    One file on its way into a log, read twice: `check` looks at every line, `run` appends.

    What `run` reads was checked: batch by batch it is the same bytes, or the import ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = hashlib.sha256()
        self._digests: list[bytes] = []
        self._skip: set[int] = set()
        self._complaints: dict[int, str] = {}
        self._actions: set[str] = set()
        self._doubts: dict[str, None] = {}

    def check(self) -> int:
        """Read every line once, and say how many are bad; ConfigError when the file cannot be read."""
        with self._open() as file:
            for batch in _batches(file):
                self._digests.append(_digest(batch))
                self._name.update(self._digests[-1])
                for number, raw in batch:
                    self._check(number, raw)
        return len(self._skip)

    def run(self, log: Log, source: dict[str, str] | None, progress: Callable[[int], None]) -> Imported:
        """Append the good lines in order. An event without id gets one of file and line, so that it comes in once."""
        done, ends, name = [0, 0], list[int](), self._name.hexdigest()[:16]
        with self._open() as file:
            for at, batch in enumerate(_batches(file)):
                if at >= len(self._digests) or _digest(batch) != self._digests[at]:
                    raise ConfigError(
                        f"{self._path}: changed while it was imported; {done[0]} events were appended",
                        hint="import it again once nobody writes to it",
                    )
                good = [(number, _named(raw, name, number)) for number, raw in batch if number not in self._skip]
                self._write(log, good, source, done, ends)
                progress(sum(done))
        return self.result(done[0], done[1], ends)

    def result(self, appended: int = 0, known: int = 0, ends: list[int] | None = None) -> Imported:
        """What is known so far."""
        complaints = tuple(f"{self._path}:{number}: {says}" for number, says in sorted(self._complaints.items()))
        first, last = (ends[0], ends[-1]) if ends else (None, None)
        return Imported(appended, known, len(self._skip), complaints, tuple(self._doubts), first, last)

    def _write(
        self, log: Log, batch: list[tuple[int, Event]], source: dict[str, str] | None, done: list[int], ends: list[int]
    ) -> None:
        answers = log.write([[event] for _, event in batch], source)
        for (number, _), answer in zip(batch, answers, strict=True):
            if isinstance(answer, ConfigError):
                self._complain(number, answer.message)
            else:
                done[answer[0].known] += 1
                if not answer[0].known:
                    ends[1:] = [answer[0].seq]

    def _check(self, number: int, raw: bytes) -> None:
        try:
            if len(raw) > MAX_LINE:
                raise ConfigError(f"not an event: longer than {MAX_LINE} bytes")  # noqa: TRY301 - one way for complaints
            action = str(read(raw).fields["action"])
        except ConfigError as problem:
            self._complain(number, problem.message)
            return
        if action not in self._actions and len(self._doubts) < MOST_NAMED:
            self._actions.add(action)
            if says := doubt(action):
                self._doubts[says] = None

    def _complain(self, number: int, says: str) -> None:
        self._skip.add(number)
        if len(self._complaints) < MOST_NAMED:
            self._complaints[number] = says

    def _open(self) -> BinaryIO:
        try:
            if not self._path.is_file():
                raise ConfigError(f"{self._path}: no file", hint="give a file of JSON lines")
            return self._path.open("rb")
        except OSError as problem:
            raise ConfigError(f"{self._path}: {problem.strerror}") from None


def _numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, counted from 1 with the empty ones; a line that is too long comes cut, and once."""
    number, long = 0, False
    try:
        while raw := file.readline(MAX_LINE + 1):
            ended = raw.endswith(b"\n")
            if not long:
                number += 1
                if raw.strip():
                    yield number, raw
            long = not ended
    except OSError as problem:
        raise VaultError(f"{file.name}: {problem.strerror}", hint="what was appended before is kept") from None


def _batches(file: BinaryIO) -> Iterator[list[tuple[int, bytes]]]:
    batch = []
    for one in _numbered(file):
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _digest(batch: list[tuple[int, bytes]]) -> bytes:
    return hashlib.sha256(b"".join(raw for _, raw in batch)).digest()


def _named(raw: bytes, name: str, number: int) -> Event:
    """The event of a line that was checked."""
    fields = {key: value for key, value in json.loads(raw).items() if value is not None}
    fields.setdefault("metadata", {})
    fields.setdefault("id", f"import:{name}:{number}")
    return Event(fields)


def _refuse(text: str) -> object:
    raise ValueError(f"{text} is no number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands there twice")
    return made


_DECODER: json.JSONDecoder = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_unique)
