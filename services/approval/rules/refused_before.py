"""Warns of what the ERP refused before, of an earlier revision or another commitment, and that still waits so."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas.commitment import Commitment
from schemas.events import Change, ErpConnection
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.differences import differences
from services.approval.rules.refusal import Refusal

SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class OtherRefusal:
    """What an ERP refused of another commitment, which failed or was rejected and is not in the ERP since."""

    commitment_id: str
    number: str
    vendor: str
    connection: str
    message: str
    words: frozenset[str] = field(init=False)
    """The words of the message, in lower case."""

    def __post_init__(self) -> None:
        """Read the words once for all that they are compared with."""
        object.__setattr__(self, "words", frozenset(_words(self.message)))


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


def refused_of_another(
    refusals: Iterable[OtherRefusal], commitment_id: str, erp: ErpConnection | None, content: Commitment
) -> str:
    """What `erp` said of another commitment about something that `content` has as well; empty without any.

    The words of the refusal decide: they name a code or the vendor of `content`, or speak of a vendor who is the same.
    """
    others = [each for each in refusals if erp and each.connection in erp.names and each.commitment_id != commitment_id]
    names = [(kind, name, _words(name)) for kind, name in _names(content)] if others else []
    for refusal in others:
        if erp and (what := _shared(refusal, content, names)):
            return f"{erp.title} refused {refusal.number}, which has {what} too: {refusal.message}"
    return ""


def _shared(refusal: OtherRefusal, content: Commitment, names: Iterable[tuple[str, str, list[str]]]) -> str:
    """What of `content`, which has `names`, the refusal is about, in words; empty if nothing is."""
    for kind, name, words in names:
        if refusal.words.issuperset(words) and _are_together(words, refusal.message):
            return f"{kind} {name}"
    is_about_vendor = refusal.vendor == content.vendor.name and not refusal.words.isdisjoint(("vendor", "supplier"))
    return f"the vendor {content.vendor.name}" if is_about_vendor else ""


def _names(content: Commitment) -> Iterator[tuple[str, str]]:
    """What an ERP may refuse by its name; names of one or two characters would be found in any text."""
    vendor = content.vendor
    named = [("the vendor", vendor.name), ("vendor code", vendor.erp_code), ("job", content.project.erp_job_code)]
    for line in content.lines:
        named += [("cost code", line.cost_code), ("tax code", line.tax_code)]
    yield from ((kind, name) for kind, name in dict.fromkeys(named) if name and len(name) >= SHORTEST_NAME)


def _are_together(words: list[str], message: str) -> bool:
    return f" {' '.join(words)} " in f" {' '.join(_words(message))} "


def _is_named(change: Change, message: str) -> bool:
    said = set(_words(message))
    is_quoted = bool(change.before) and _are_together([change.before.lower()], message)
    return is_quoted or said.issuperset(_words(change.field))


def _words(text: str) -> list[str]:
    """The words of `text` in lower case, without the marks around them."""
    return [word for word in (each.strip(".,:;()\"'") for each in re.split(r"\s+", text.lower())) if word]
