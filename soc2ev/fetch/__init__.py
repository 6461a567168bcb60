"""
Asking sources: commands, files, HTTP. Every answer is stored before anything looks at it.

What arrived is in the vault even when it is wrong, cut short or a refusal, and then its response says so.
Credentials go to one configured origin only, never through a redirect, and never into the vault or a message.
"""

from soc2ev.fetch.asking import Answer, Fetch
from soc2ev.fetch.credential import Credential
from soc2ev.fetch.exchange import DeniedError, RefusedError
from soc2ev.fetch.graphql import GraphAnswer, GraphError, PageTooLargeError

__all__ = [
    "Answer",
    "Credential",
    "DeniedError",
    "Fetch",
    "GraphAnswer",
    "GraphError",
    "PageTooLargeError",
    "RefusedError",
]
