"""Checks a commitment before it is accepted; each problem is a finding in words."""

from collections.abc import Collection, Iterable, Iterator
from types import MappingProxyType

from schemas.commitment import Commitment, Person
from schemas.erp_limits import broken_limits, long_memo
from schemas.events import DirectoryPerson, ErpConnection, LimitsProfile
from schemas.fields import ToolLevel
from services.approval.rules.amounts import amount_findings
from services.approval.rules.controls import Authority, control_findings
from services.approval.rules.finding import Finding
from services.approval.rules.first_approval import FirstApproval
from services.approval.rules.numbers import Namesake, mended_by, number_findings
from services.approval.rules.references import Known, reference_findings
from services.approval.rules.unusual import Others, unusual_findings

REFUSED_BEFORE = "refused before"
"""The rule that what the ERP refused of an earlier revision, or of another commitment, is not so any more."""

UNREACHABLE = "ERP"
"""The rule that some connection takes the commitment."""


_NO_OTHERS = Others()


def findings(
    commitment: Commitment,
    sent_by: Person,
    *,
    sender: DirectoryPerson | None = None,
    erp: ErpConnection | None = None,
    namesake: Namesake | None = None,
    refused_before: str = "",
    others: Others = _NO_OTHERS,
    why_unreachable: str = "",
    in_erp: Known = MappingProxyType({}),
    authority: Authority | None = None,
    first: FirstApproval | None = None,
    senders: Collection[str] = (),
) -> tuple[Finding, ...]:
    """All findings on `commitment` as `sent_by` submitted it.

    `sender` is that person in the directory and `erp` the target connection, None if not known. `namesake` is another
    commitment whose number, or document number, the ERP could not tell from this one's; `others` are its vendor's.
    `refused_before` says why the ERP refused an earlier revision or another commitment, if that was not corrected.
    `why_unreachable` says why no connection takes it: a warning, as one may be on its way. `in_erp` are those names of
    `entries_to_look_up` that the ERP has. `authority` is what whoever looks may accept, None if nothing; `first` is the
    approval of the first of two approvers, if it stands; `senders` are the ids of those who sent any revision.
    """
    return (
        *amount_findings(commitment, erp),
        *_sender(commitment, sent_by, sender),
        *number_findings(commitment.number, erp, namesake),
        *_limits(commitment, erp),
        *reference_findings(commitment, erp, in_erp),
        *_lines(commitment, erp),
        *unusual_findings(commitment, others),
        *([Finding(REFUSED_BEFORE, refused_before, is_blocking=False)] if refused_before else []),
        *([Finding(UNREACHABLE, why_unreachable, is_blocking=False)] if why_unreachable else []),
        *(control_findings(commitment, sent_by, authority, first, senders) if authority else ()),
    )


def unlisted_sender(sent_by: Person) -> Finding:
    """What is not known of a sender whom the directory does not list."""
    text = f"The directory does not list {sent_by.name}, so it is not known whether they may send it."
    return Finding("sender", text, is_blocking=False, is_known=False)


def findings_on_repeat(commitment: Commitment, erp: ErpConnection | None) -> tuple[Finding, ...]:
    """What the ERP refuses of a commitment that was accepted before: its limits may have changed since."""
    broken = broken_limits(commitment, erp.limits, erp.title) if erp else ()
    return tuple(
        Finding(
            each.rule,
            f"{each.text} The project has to {each.remedy} and re-send it.",
            mended_by=mended_by(each.rule, erp),
        )
        for each in broken
        if not each.is_cut
    )


def not_mended(findings: Iterable[Finding], erp_code: str | None) -> tuple[Finding, ...]:
    """Those of `findings` that still hold where an approver asks for the document number `erp_code`."""
    return tuple(each for each in findings if not (erp_code and each.mended_by == "erp_code"))


def unknown_limits(erp: ErpConnection | None) -> tuple[str, ...]:
    """The limits that every ERP may have and that are not known of `erp`."""
    limits = erp.limits if erp else LimitsProfile()
    known = {
        "number": limits.number_characters,
        "title": limits.title_characters,
        "vendor name": limits.vendor_name_characters,
    }
    return tuple(name for name, limit in known.items() if limit is None)


def note_findings(
    note: str | None, commitment_id: str, revision: int, erp: ErpConnection | None
) -> tuple[Finding, ...]:
    """Whether an approver's `note` fits the ERP's memo, which begins with what identifies the revision there."""
    wrong = long_memo(note, commitment_id, revision, erp.limits, erp.title) if erp else ""
    return (Finding("note", wrong),) if wrong else ()


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
    """What the ERP refuses, or cuts in silence; of a number that is cut, `number_findings` says more."""
    for broken in broken_limits(commitment, erp.limits, erp.title) if erp else ():
        if not broken.is_cut:
            mended = mended_by(broken.rule, erp)
            instead = "Give a document number, or reject it" if mended else "Reject it"
            text = f"{broken.text} {instead}; the project has to {broken.remedy} and re-send it."
            yield Finding(broken.rule, text, mended_by=mended)
        elif broken.rule != "number":
            yield Finding(broken.rule, f"{broken.text} Accepting it accepts this.", is_blocking=False)


def _lines(commitment: Commitment, erp: ErpConnection | None) -> Iterator[Finding]:
    """That it has no lines; an ERP that needs some says so as a limit."""
    if not commitment.lines and not (erp and erp.limits.needs_lines):
        text = f"{commitment.number} has no lines, so the document would say only what it costs in all."
        yield Finding("lines", text, is_blocking=False)
