"""
Everything that soc2ev refuses, as one tree.

    Soc2evError                  exit 1   the tool could not do its work
    ├── ConfigError              exit 2   configuration, command line or a register is wrong (file:line:column)
    │   └── ControlError         exit 2   a control or question file is wrong
    ├── CollectError             exit 5   something asked for was not obtained
    │   └── AccessError          exit 4   ... because access is missing
    ├── VaultError               exit 1   the vault cannot be used (locked, full, not a vault)
    │   └── TamperedError        exit 6   stored evidence is not what was stored
    └── PackError                exit 1   a pack cannot be written or read

Only the command line catches them; any other exception is a bug and shows a traceback.
"""

from __future__ import annotations

from typing import ClassVar


class Soc2evError(Exception):
    """
    Something a user can understand and act on.

    `message` says what happened and what was kept, `hint` says what to do next (empty when nothing helps).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(Soc2evError):
    """The configuration, a register or an option cannot be used; `message` starts with file:line:column."""

    exit_code = 2


class ControlError(ConfigError):
    """A control or question is incomplete or wrong; nothing was judged with it."""


class CollectError(Soc2evError):
    """A source could not deliver what it was asked for; what had arrived is stored."""

    exit_code = 5


class AccessError(CollectError):
    """A source refused us; the message names the missing permission."""

    exit_code = 4


class VaultError(Soc2evError):
    """The vault cannot be written or read now; nothing acknowledged was lost."""


class TamperedError(VaultError):
    """Stored bytes do not match what was recorded when they were stored."""

    exit_code = 6


class PackError(Soc2evError):
    """A pack could not be written or is no pack."""
