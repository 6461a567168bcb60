"""
Ticket keys in text, as Jira writes them, told from what only looks like one.

Jira's own default: a project key is two to ten capitals, digits or underscores, beginning with a letter; then a dash
and a number. SHA-256, CVE-2024 and ISO-27001 have the same form.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_KEY = r"([A-Z][A-Z0-9_]{1,9})-([1-9][0-9]{0,6})"
# Where the projects are not known, parts of paths, branches and longer words are not taken for keys.
_ANY = re.compile(rf"(?:(?<=/browse/)|(?<![A-Za-z0-9_/.-])){_KEY}(?![A-Za-z0-9_-]|\.\d)")
_OF_PROJECT = re.compile(rf"(?<![A-Za-z0-9_-]){_KEY}(?![A-Za-z0-9_]|\.\d)")
# Names of standards, formats, processors and advisories.
_LOOK_ALIKES = frozenset(
    """
    AES AMD AP ARM ASCII BASE BCP CC CIS COVID CP CRC CVE CWE DSA EC ECMA EN FIPS GB GHSA GPL GPT HTTP IEC IEEE IPV ISO
    JDK JEP JSR KB LATIN LGPL MD MPL NIST OSV PEP PKCS POSIX PR PSR PYSEC RC RFC RHEL RHSA RSA RUSTSEC S3 SHA SHA1 SHA2
    SHA3 SOC SP SPDX SSE SSL TLS UCS USB UTC UTF WCAG WINDOWS X X86 XEP
    """.split()  # noqa: SIM905  a line for each word would tell nobody more
)


def find(text: str, projects: Collection[str] = ()) -> set[str]:
    """
    The keys in the text.

    With `projects` only keys of those projects count, in branch names too. Without, whatever has the form of a key and
    is no known look-alike.
    """
    allowed = {project.upper() for project in projects}
    return {
        f"{match[1]}-{match[2]}"
        for match in (_OF_PROJECT if allowed else _ANY).finditer(text)
        if (match[1] in allowed if allowed else match[1] not in _LOOK_ALIKES)
    }
