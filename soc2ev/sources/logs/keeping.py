"""The way of answers that another library fetched into the vault: laid down in a file, and read through `fetch`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev.sources.logs.record import canonical

if TYPE_CHECKING:
    from soc2ev.fetch import Answer, Fetch
    from soc2ev.model import Json

NAME = "logs"


def lay_down(
    fetch: Fetch,
    value: Json,
    *,
    stream: str,
    request: Mapping[str, Json],
    count: Callable[[bytes], int] | None = None,
) -> Answer:
    """
    Store the value as its one canonical JSON text; CollectError when it is larger than 64 MiB or cannot be counted.

    `request` says what was asked, without secrets; the file is one that nobody else can read, and is gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="soc2ev-") as folder:
        file = Path(folder) / "answer.json"
        file.write_bytes(canonical(value))
        return fetch.file(file, source=NAME, stream=stream, request={"path": None, **request}, count=count)
