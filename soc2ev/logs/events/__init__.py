"""
Which canonical events a record tells of, as rules in YAML say: those shipped here and those in `.soc2ev/events`.

That an event was not seen says that it was not observed in what was read, never that it is not logged.
"""

from soc2ev.logs.events.kinds import CANONICAL, KINDS, LIFECYCLE
from soc2ev.logs.events.match import Matcher
from soc2ev.logs.events.pack import Pack, Rule, Test, packs, parse

__all__ = ["CANONICAL", "KINDS", "LIFECYCLE", "Matcher", "Pack", "Rule", "Test", "packs", "parse"]
