"""
Numbers that states give to people, in a sentence behind their name: `NINO NX732102C not found`, `CPF 111.444.777-35`.

In a sentence the name alone promises little, so that the number has to have the form that its state prescribes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.kinds import Hit

_NUMBERS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    # Prefixes and suffix: https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110
    (
        ("nino", "insurance", "ni n"),
        "nino|national insurance|ni(?= (?:number|no))",
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]",
    ),
    (("nhs",), "nhs", r"\d{3}[ \-]?\d{3}[ \-]?\d{4}"),
    (("ssn",), "ssn", r"(?!000|666|9)\d{3}[ \-]?(?!00)\d\d[ \-]?(?!0000)\d{4}"),
    (("cpf",), "cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d\d"),
    (("dni", "nif"), "dni|nif", r"\d{8}-?[A-HJ-NP-TV-Z]"),
    (("nie",), "nie", r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]"),
    (("curp",), "curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d"),
    (("fiscale",), "codice fiscale", r"[A-Z]{6}\d\d[A-EHLMPR-T]\d\d[A-Z]\d{3}[A-Z]"),
    (("nir", "nir:"), "nir", r"[12] ?\d\d ?(?:0[1-9]|[1-9]\d) ?\d[\dAB] ?\d{3} ?\d{3}(?: ?\d\d)?"),
    (("sin ", "sin:"), "sin", r"[1-79]\d\d[ \-]\d{3}[ \-]\d{3}"),
    # The fourth letter says what the holder is: https://incometaxindia.gov.in
    (("pan ", "pan:"), "pan", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]"),
    (("pesel",), "pesel", r"\d{11}"),
    (("bsn",), "bsn", r"\d{8,9}"),
    (("personnummer",), "personnummer", r"(?:19|20)?\d{6}[\-+]?\d{4}"),
    (("aadhaar",), "aadhaar", r"[2-9]\d{3}[ \-]?\d{4}[ \-]?\d{4}"),
    (("steuer",), r"steuer-?id(?:nr\.?|entifikationsnummer)?", r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}"),
)
"""Words of which a sentence has one, in small letters; the name; the form."""
WORDS = frozenset(word.strip(" :") for words, _, _ in _NUMBERS for word in words) - {"steuer", "ni n"} | {
    "ni",
    *("steuerid", "steuer-id", "steueridnr", "steuer-idnr", "steueridentifikationsnummer"),
}
"""For the sieve: the words of a line that has such a sentence."""
_BETWEEN = r"(?: (?:number|num|no\.?|id))?(?: (?:is|was|of|for))?[.:#=]?\s?[\"'(#]?"
BEHIND = re.compile(
    rb"(?i:(?:[ +]|%20)(?:number|num|no\.?|id))?(?i:(?:[ +]|%20)(?:is|was|of|for))?(?:[.:#=\\\"' +(]|%[0-9A-F]{2}){1,9}"
    rb"[A-Z]{0,6}-?\d"
)
"""What has to stand behind one of them."""
_BY_WORD = tuple(
    (word, re.compile(rf"(?<![\w.\-/])(?i:{name}){_BETWEEN}(?P<v>{form})(?![\w\-]|[.,]\d)"))
    for words, name, form in _NUMBERS
    for word in words
)


def hits(text: str, low: str) -> Iterator[Hit]:
    """Such numbers with their names; `low` is the text in lower case."""
    for word, pattern in _BY_WORD:
        if word in low:
            for match in pattern.finditer(text):
                if not masks.is_masked(match["v"]) and len(set(match["v"])) > len("00"):
                    yield Hit("personal_data", match.start("v"), match.end("v"), match["v"])
    beside = "account" in low and any(word in low for word in BESIDE)
    for match in _ACCOUNT.finditer(text) if beside else ():
        yield Hit("personal_data", match.start("v"), match.end("v"), match["v"])


BESIDE = ("sortcode", "sort_code", "sort code", "sort-code", "routing", "bsb")
_ACCOUNT = re.compile(
    r"(?i)(?<![a-z])(?:bank_?)?account[_ \-]?(?:number|num|no)(?:\\*[\"'])?\s?"
    r"(?:=>|[:=])\s?(?:\\*[\"'])?(?P<v>\d{6,17})(?![\d.])"
)
"""The number of a bank account, which by itself is any number: what stands beside it tells."""
