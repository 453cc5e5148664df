"""Checks a commitment before it is accepted; each problem is a finding in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from schemas.commitment import Commitment, Person
from schemas.erp_limits import broken_limits, long_memo
from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import ToolLevel
from services.approval.rules.amounts import amount_findings
from services.approval.rules.erp import erp_title
from services.approval.rules.finding import Finding
from services.approval.rules.references import Known, reference_findings

UNREACHABLE = "ERP"
"""The rule that some connection takes the commitment."""


@dataclass(frozen=True, slots=True)
class Namesake:
    """Another commitment of the company, whose number the ERP cannot tell from that of the one that is checked."""

    number: str
    title: str
    project: str


def findings(
    commitment: Commitment,
    sent_by: Person,
    *,
    sender: DirectoryPerson | None = None,
    erp: ErpConnection | None = None,
    number_taken_by: str | None = None,
    namesake: Namesake | None = None,
    why_unreachable: str = "",
    in_erp: Known = MappingProxyType({}),
) -> tuple[Finding, ...]:
    """All findings on `commitment` as `sent_by` submitted it.

    `sender` is that person in the directory and `erp` the target connection, None if not known. `number_taken_by` is
    the number of another commitment that the ERP could not tell from this one's, once `kept_number` has cut it;
    `namesake` is another commitment that it could not tell by number although this one's is not cut. `why_unreachable`
    says why no connection takes it: a warning, as one may be on its way. `in_erp` are those names that the ERP has, of
    those in `entries_to_look_up`.
    """
    return (
        *amount_findings(commitment, erp),
        *_sender(commitment, sent_by, sender),
        *_number(commitment, erp, number_taken_by, namesake),
        *_limits(commitment, erp),
        *reference_findings(commitment, erp, in_erp),
        *([Finding(UNREACHABLE, why_unreachable, is_blocking=False)] if why_unreachable else []),
    )


def findings_on_repeat(commitment: Commitment, erp: ErpConnection | None) -> tuple[Finding, ...]:
    """What the ERP refuses of a commitment that was accepted before: its limits may have changed since."""
    broken = broken_limits(commitment, erp.limits, erp.title) if erp else ()
    return tuple(
        Finding(each.rule, f"{each.text} The project has to {each.remedy} and re-send it.")
        for each in broken
        if not each.is_cut
    )


def note_findings(
    note: str | None, commitment_id: str, revision: int, erp: ErpConnection | None
) -> tuple[Finding, ...]:
    """Whether an approver's `note` fits the ERP's memo, which begins with what identifies the revision there."""
    wrong = long_memo(note, commitment_id, revision, erp.limits, erp.title) if erp else ""
    return (Finding("note", wrong),) if wrong else ()


def kept_number(commitment: Commitment, erp: ErpConnection | None) -> str:
    """The number as the ERP keeps it: cut if the ERP truncates."""
    if erp and erp.limits.truncates_number:
        return commitment.number[: erp.limits.number_characters]
    return commitment.number


def is_number_cut(commitment: Commitment, erp: ErpConnection | None) -> bool:
    """Whether the ERP would take any number that begins as this one does for the same."""
    limits = erp.limits if erp else None
    is_full = limits and limits.number_characters and len(commitment.number) >= limits.number_characters
    return bool(limits and limits.truncates_number and is_full)


def _sender(commitment: Commitment, sent_by: Person, sender: DirectoryPerson | None) -> Iterator[Finding]:
    level = sender and sender.commitments_tool.get(commitment.project.id)
    if level and level is not ToolLevel.ADMIN:
        yield Finding(
            "sender",
            f"{commitment.number} cannot be accepted: {sent_by.name} may not send commitments of "
            f"{commitment.project.name}; that needs Admin on its Commitments tool.",
        )
    elif sender and not level and "commitments_tool" in sender.not_understood:
        text = f"The directory does not say in a form that is understood whether {sent_by.name} may send commitments of"
        yield Finding("sender", f"{text} {commitment.project.name}.", is_blocking=False)


def _limits(commitment: Commitment, erp: ErpConnection | None) -> Iterator[Finding]:
    """What the ERP refuses, or cuts in silence; of a number that is cut, `_number` knows what it would collide with."""
    for broken in broken_limits(commitment, erp.limits, erp.title) if erp else ():
        if not broken.is_cut:
            text = f"{broken.text} Reject it; the project has to {broken.remedy} and re-send it."
            yield Finding(broken.rule, text)
        elif broken.rule != "number":
            yield Finding(broken.rule, f"{broken.text} Accepting it accepts this.", is_blocking=False)


def _number(
    commitment: Commitment, erp: ErpConnection | None, taken_by: str | None, namesake: Namesake | None
) -> Iterator[Finding]:
    number, kept = commitment.number, kept_number(commitment, erp)
    limit = erp.limits.number_characters if erp else None
    if erp and kept != number:
        collision = f", already used by {taken_by}" if taken_by else ""
        text = f"{erp.title} keeps {limit} characters. {number} would become {kept}{collision}."
        yield Finding("number", text, is_blocking=taken_by is not None)
    elif namesake and not (limit and len(number) > limit):
        other = f"{namesake.title} of {namesake.project}"
        is_cut = f", {namesake.number}, once {erp_title(erp)} has cut it" if namesake.number != number else ""
        text = f"{number} is also the number of {other}{is_cut}. Accounting would have two documents with one number."
        yield Finding("number", text, is_blocking=False)
