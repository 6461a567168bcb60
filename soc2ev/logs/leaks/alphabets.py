"""Translations of bytes into classes, for searches that ask what kind of character stands where."""

from __future__ import annotations

import string

LETTERS_AND_DIGITS = string.ascii_letters + string.digits


def classes(**members: str) -> bytes:
    """A translation that turns the members of each class into the class's letter and everything else into a space."""
    table = bytearray(b" " * 256)
    for letter, chars in members.items():
        for char in chars:
            table[ord(char)] = ord(letter)
    return bytes(table)


def words() -> bytes:
    """A translation that keeps letters (in small ones), `_` and `-`, and turns everything else into a space."""
    table = bytearray(b" " * 256)
    for char in string.ascii_lowercase + "_-":
        table[ord(char)] = table[ord(char.upper())] = ord(char)
    return bytes(table)
