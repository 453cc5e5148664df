"""The chain of decisions on one commitment: each names the hash of the one before, so that none is changed unseen."""

import hashlib
from datetime import datetime
from typing import Any

from schemas.events import (
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionLink,
    DecisionRejected,
    DecisionResolved,
)
from schemas.snapshot import canonical

Decision = DecisionFirstApproved | DecisionAccepted | DecisionRejected | DecisionResolved | DecisionDriftAccepted

START = "0" * 64
"""What the first decision has as the hash of the one before."""


def linked(decision: Decision, last: tuple[int, str] | None, decided_at: datetime) -> Decision:
    """`decision` as the next one after `last`, which is (position, hash); None before the first one."""
    position, previous = last or (0, START)
    place = DecisionLink(position=position + 1, previous=previous, decided_at=decided_at, hash=START)
    placed = decision.model_copy(update={"link": place})
    hashed = link_hash(previous, decision_form(placed))
    return placed.model_copy(update={"link": place.model_copy(update={"hash": hashed})})


def decision_form(decision: Decision) -> bytes:
    """The RFC 8785 form of what the chain protects; the same before and after `decision` has travelled as an event.

    Members with their default value are left out: a later release, with more of them, finds the same form.
    """
    left_out: dict[str, Any] = {"commitment": True, "link": {"hash"}}
    data = decision.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out)
    return canonical({"type": f"{decision.topic}.v1", "data": data})


def link_hash(previous: str, form: bytes) -> str:
    """The hash of a decision whose form is `form`, after one with the hash `previous`."""
    return hashlib.sha256(previous.encode() + b"\n" + form).hexdigest()
