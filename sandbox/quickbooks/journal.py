"""A record of every request that QuickBooks got and what it did, which backups of a company file do not change."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_MARKER = re.compile(r"(?P<reference>[^\s/<>\[\]()]+)/[0-9]+/[0-9a-f]{16,64}\b")
"""Commitment, revision and the hash of the content, wherever a purchase order has them."""


class Did(StrEnum):
    """What a request did in the company file."""

    ASKED = "asked"
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    RECALLED = "recalled"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, or a set whose response was recalled, or that could not be read."""

    at: datetime
    company: str
    request: str
    did: Did
    reference: str | None = None
    txn_id: str | None = None
    ref_number: str | None = None
    message_set_id: str | None = None
    code: str = "0"
    message: str = ""


class Journal:
    """The entries in the order in which they took effect; `violations` are things that no connector should do."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.violations: list[str] = []

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        self.entries.append(entry)

    def created(self) -> Counter[str]:
        """How many purchase orders were created for each commitment; for those without a marker, by their number."""
        made = [each for each in self.entries if each.did is Did.CREATED]
        return Counter(each.reference or each.ref_number or "" for each in made)


def reference_in(text: str) -> str | None:
    """Return the commitment whose marker a text has; None if it has none."""
    found = _MARKER.search(text)
    return found["reference"] if found else None
