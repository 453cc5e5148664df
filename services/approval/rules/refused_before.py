"""Warns of what the ERP refused of an earlier revision and that is still so in the one that waits."""

import re

from schemas.commitment import Commitment
from schemas.events import Change, ErpConnection
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.differences import differences
from services.approval.rules.refusal import Refusal


def open_refusal(facts: CommitmentFacts, erp: ErpConnection | None) -> Refusal | None:
    """The refusal of an earlier revision by `erp`, where the commitment goes; None once a revision is there since."""
    refusal = facts.refusal
    if refusal is None or erp is None or refusal.connection not in erp.names:
        return None
    is_written_since = any(written.revision >= refusal.revision for written in facts.documents)
    return None if is_written_since or refusal.revision >= facts.submitted_revision else refusal


def refused_before(refusal: Refusal, erp: ErpConnection, refused: Commitment | None, content: Commitment) -> str:
    """What `erp` said of the revision with the content `refused`; empty if `content` seems to correct that.

    What the words name decides: a member that they name, or whose old value they quote, and that is another one now.
    """
    if refused is not None and any(_is_named(change, refusal.message) for change in differences(refused, content)):
        return ""
    return f"{erp.title} refused revision {refusal.revision} for this: {refusal.message}"


def _is_named(change: Change, message: str) -> bool:
    said = set(_words(message))
    is_quoted = bool(change.before) and f" {change.before.lower()} " in f" {' '.join(_words(message))} "
    return is_quoted or said.issuperset(_words(change.field))


def _words(text: str) -> list[str]:
    """The words of `text` in lower case, without the marks around them."""
    return [word for word in (each.strip(".,:;()\"'") for each in re.split(r"\s+", text.lower())) if word]
