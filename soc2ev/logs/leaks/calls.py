"""
Passwords that functions take by their place, as stack traces and dumps print calls.

PDO, mysqli and JDBC's DriverManager have them third: behind the source and the user of PDO::__construct and
DriverManager.getConnection, behind the host and the user of mysqli_connect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.kinds import Hit

_QUOTE = r"\\*[\"']"
_GIVEN = rf"{_QUOTE}[^\"'\n\\]{{0,200}}{_QUOTE},\s{{0,3}}"
_CALL = re.compile(
    r"(?:\bPDO(?:->|::)__construct|\bnew PDO|\bmysqli?_p?connect|\bmysqli(?:->|::)(?:__construct|real_connect)|"
    rf"\bnew mysqli|\bgetConnection)\(\s?{_GIVEN}{_GIVEN}{_QUOTE}(?P<v>[^\"'\n\\]{{3,100}})"
)
_PAIR = re.compile(rf"\bauth=\(\s?{_QUOTE}[^\"'\n\\]{{1,64}}{_QUOTE},\s{{0,3}}{_QUOTE}(?P<v>[^\"'\n\\]{{3,100}})")
"""A name and its password as requests and httpx take them."""
_CALLED = ("__construct(", "new PDO(", "connect(", "new mysqli(", "getConnection(")


def hits(text: str) -> Iterator[Hit]:
    """The passwords in such calls."""
    if "(" not in text:
        return
    found = list(_CALL.finditer(text)) if any(name in text for name in _CALLED) else []
    for match in (*found, *_PAIR.finditer(text)) if "auth=(" in text else found:
        if masks.is_password(match["v"], prose=False, numeric=True):
            yield Hit("password", match.start("v"), match.end("v"), match["v"])
