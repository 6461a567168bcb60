"""Facts about a person under a key that names them: the value has to have the form of such a fact."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks, numbers
from soc2ev.logs.leaks.keys import last_part, personal_of
from soc2ev.logs.leaks.kinds import Hit

_SHAPES = {
    "ssn": re.compile(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$|^\d{3}[- ]\d{3}[- ]\d{3}$"),
    "birth": re.compile(
        r"^(?:19|20)\d\d[-/.]?\d\d[-/.]?\d\d(?:T[\d:.Z+]*)?$|^\d\d?[-/.]\d\d?[-/.](?:\d\d){1,2}$|"
        r"^\d\d? [A-Z][a-z]{2,8} \d{4}$|^[A-Z][a-z]{2,8} \d\d?, \d{4}$"),
    "number": re.compile(r"^(?=(?:[^\d]*\d){4})[A-Z0-9][A-Z0-9 \-./]{4,19}$", re.IGNORECASE),
    "nir": re.compile(r"^[12] ?\d\d ?(?:0[1-9]|[1-9]\d) ?\d[\dAB] ?\d{3} ?\d{3}(?: ?\d\d)?$"),
    "account": re.compile(r"^\d(?:[ \-]?\d){5,16}$"),
    "phone": re.compile(r"^(?=(?:\D*\d){7,15}\D*$)[+(]?[\d][\d ().\-/+x]{6,24}$"),
    "name": re.compile(r"^(?=.{2,60}$)[A-Z\xc2-\xdf][^\W\d_\s]*[\w'.\-\x80-\xff]*(?: [\w'.\-\x80-\xff]+){0,4}$"),
    "address": re.compile(r"^(?=.{6,160}$)(?=.*\d)(?=.*[A-Za-z]{3}).* .*$"),
}  # fmt: skip
_PASSPORT = re.compile(r"(?=[A-Z0-9]*\d)(?=[A-Z]{0,3}\d|[A-Z][A-Z0-9])[A-Z0-9]{8,9}")
"""Numbers of passports, in some countries mostly of letters (ICAO Doc 9303 part 4 section 4.2.2: nine characters)."""
_NO_ADDRESS = re.compile(r"^[\d.:a-fx\[\]/]+$|\d+\.\d+\.\d+\.\d+|@|^0x|::|^\$\d|^https?:|\w:\d{2,5}$", re.IGNORECASE)


def _is_passport(key: str, value: str) -> bool:
    return "passport" in key.lower() and _PASSPORT.fullmatch(value) is not None


def of_key(key: str, value: str, *, quoted: bool) -> Iterator[Hit]:
    """A fact about a person under a key that names it; the value has to have the form of such a fact."""
    fact = personal_of(key) or personal_of(last_part(key).lower())  # brackets that do not close: `a]first_name`
    if fact is None:
        return
    value = value.rstrip(" ,;") if not quoted else value
    spaced = fact in ("name", "address", "iban")
    plain = value.replace("%20", " ").replace("+", " ") if spaced else value.replace("%2B", "+")
    if masks.is_masked(plain) or plain.lower() in masks.STATES or set(plain) <= set("0-+ ()."):
        return
    if fact == "iban":
        found = numbers.is_iban(plain)
    else:
        found = bool(_SHAPES[fact].match(plain) or (fact == "number" and _is_passport(key, plain))) and not (
            fact == "address" and _NO_ADDRESS.search(plain)
        )
    if found:
        # An account is the same one with and without its blanks.
        yield Hit("personal_data", 0, len(value), re.sub(r"[ \-]", "", plain) if fact == "iban" else value)
