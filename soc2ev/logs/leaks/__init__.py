"""
What logs leak: secrets and personal data, by kind, place and keyed fingerprint, never the value itself.

`Scanner` reads lines and blocks; `scan_files` reads whole sets of files, on several processors when asked.
"""

from soc2ev.logs.leaks.kinds import KINDS, Kind, Leak
from soc2ev.logs.leaks.many import Progress, scan_files
from soc2ev.logs.leaks.scanner import Scanner

__all__ = ["KINDS", "Kind", "Leak", "Progress", "Scanner", "scan_files"]
