"""Files of this machine: JSON as it is, and configurations of nginx, of which the parse is stored without secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError
from soc2ev.sources.logs.keeping import NAME, lay_down
from soc2ev.sources.logs.sieve import MASK
from soc2ev.sources.logs.transports import Question, Reply

if TYPE_CHECKING:
    from soc2ev.fetch import Fetch
    from soc2ev.model import Json

_SECRET = re.compile(r"authori[sz]ation|token|secret|passw|api[_-]?key|apikey|cookie|credential|private", re.IGNORECASE)
_PLAIN = ("log_format", "access_log", "error_log", "limit_req", "limit_req_zone", "limit_req_dry_run", "include")
"""Directives whose arguments are needed; what they hold are names of variables, files and zones."""
_NO_VALUE = re.compile(r"(\$\w+|on|off|[\d.]+[a-z]{0,2}|/[\w./-]*|)")
_TABLES, _ROWS = ("map", "geo", "split_clients"), ("default", "hostnames", "include", "volatile")
_USER = re.compile(r"(://)[^/@\s]*@")
_LONG = re.compile(r"[A-Za-z0-9+_=/.-]{32,}")
_INSTALL = "pip install 'soc2ev[nginx]'"


class Files:
    """Files relative to a folder, that of the configuration."""

    parallel = False

    def __init__(self, fetch: Fetch, stream: str, folder: Path) -> None:
        self._fetch, self._stream, self._folder = fetch, stream, folder

    def ask(self, question: Question) -> Reply:
        """The file as one page; a failure is told in the reply."""
        reply, path = Reply(), (self._folder / question.place).absolute()
        try:
            if question.request.format == "nginx":
                value = without_secrets(parsed(path))
                asked = {"method": "parse", "path": path.name, **question.asked}
                answer = lay_down(self._fetch, value, stream=self._stream, request=asked)
            else:
                answer = self._fetch.file(path, source=NAME, stream=self._stream, request=question.asked)
                value = self._fetch.json(answer)
            reply.add(answer.item.digest, answer.body, value)
        except (CollectError, ConfigError) as problem:
            return reply.fail("", f"{problem.message}; {problem.hint}")
        return reply

    def close(self) -> None:
        """Nothing is held open."""


def parsed(path: Path) -> Json:
    """
    The configuration as crossplane reads it, with all that it includes.

    ConfigError when crossplane is not installed, CollectError when a part cannot be read: then nobody knows what is on.
    """
    try:
        import crossplane
    except ImportError:
        raise ConfigError("crossplane is not installed; nginx needs it", hint=_INSTALL) from None
    if not path.is_file():
        raise CollectError(f"{path} is no file", hint="check `path:` of the entry")
    # It takes paths of includes relative to the folder of the first file, as nginx does.
    found = crossplane.parse(str(path), catch_errors=True, comments=False)
    if found.get("status") != "ok":
        first: Json = next((one for one in found.get("errors", ()) if one), {})
        says = f"line {first.get('line')}: {first.get('error')}"[:300]
        raise CollectError(f"{path} cannot be read as nginx's configuration: {says}", hint="`nginx -t` says more")
    return found


def without_secrets(found: Json) -> Json:
    """The parse, with the values masked of directives that look as if they held a secret."""
    files = [{**one, "parsed": [_masked(part) for part in one.get("parsed", ())]} for one in found.get("config", ())]
    return {"status": found["status"], "errors": found.get("errors", []), "config": files}


def _masked(directive: Json, table: bool = False) -> Json:  # noqa: FBT001, FBT002  whether it is a row of a secret table
    name, args = directive["directive"], [_USER.sub(rf"\1{MASK}@", arg) for arg in directive.get("args", ())]
    named = bool(_SECRET.search(" ".join([name, *args])))
    if table:
        # A row of `map`: what it compares with stands where directives have their name.
        name, args = name if name in _ROWS else MASK, [MASK for _ in args]
    elif name not in _PLAIN:
        # The value stands last; before it stands what it is for.
        args = [
            MASK if not _NO_VALUE.fullmatch(arg) and (_LONG.fullmatch(arg) or (named and at == len(args) - 1)) else arg
            for at, arg in enumerate(args)
        ]
    made = {**directive, "directive": name, "args": args}
    if "block" in directive:
        made["block"] = [_masked(part, name in _TABLES and named) for part in directive["block"]]
    return made
