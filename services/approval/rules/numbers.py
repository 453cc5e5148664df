"""Whether the number under which a commitment goes to its ERP is free there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.commitment import id_of_number
from schemas.events import ErpConnection
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.documents import DocumentName
from services.approval.rules.erp import erp_title
from services.approval.rules.finding import Finding


@dataclass(frozen=True, slots=True)
class Namesake:
    """Another commitment of the company, whose number the ERP cannot tell from that of the one that is checked."""

    number: str
    title: str
    project: str
    is_waiting: bool = False
    """Whether it waits for an answer and has no document, so that only one of the two is to be accepted."""

    is_by_document: bool = False
    """Whether only its document has that number in the ERP, or was asked for under it."""


def kept_number(number: str, erp: ErpConnection | None) -> str:
    """The number as the ERP keeps it: cut if the ERP truncates."""
    return number[: erp.limits.number_characters] if erp and erp.limits.truncates_number else number


def is_number_cut(number: str, erp: ErpConnection | None) -> bool:
    """Whether the ERP would take any number that begins as this one does for the same."""
    limits = erp.limits if erp else None
    is_full = limits and limits.number_characters and len(number) >= limits.number_characters
    return bool(limits and limits.truncates_number and is_full)


def number_findings(number: str, erp: ErpConnection | None, namesake: Namesake | None) -> Iterator[Finding]:
    """Whether `namesake` has the number of a commitment as `erp` keeps it; it blocks only where the ERP cuts it."""
    kept = kept_number(number, erp)
    limit = erp.limits.number_characters if erp else None
    if erp and kept != number:
        becomes = f"{erp.title} keeps {limit} characters. {number} would become {kept}"
        if namesake and namesake.is_waiting:
            twin = f"{namesake.number} waits too and would get the same number: accept one only."
            yield Finding("number", f"{becomes}. {twin}", is_blocking=False)
        elif namesake:
            text = f"{becomes}, already used by {namesake.number}."
            yield Finding("number", text, mended_by=mended_by("number", erp))
        else:
            yield Finding("number", f"{becomes}.", is_blocking=False)
    elif namesake and not (limit and len(number) > limit):
        yield Finding("number", _same_number(number, namesake, erp_title(erp)), is_blocking=False)


def code_findings(code: str, number: str, erp: ErpConnection | None, namesake: Namesake | None) -> Iterator[Finding]:
    """Whether `namesake` has the document number `code`, which is asked for instead of `number`.

    The commitment's own number is no other one: what is to be said of it is said by `number_findings`.
    """
    if namesake is None or code == number:
        return
    if namesake.is_waiting:
        yield Finding("number", _same_number(code, namesake, erp_title(erp)), is_blocking=False)
        return
    taken = _whose(code, namesake, erp_title(erp))
    text = f"The document number {code} is already used: it is {taken}."
    yield Finding("number", text, mended_by=mended_by("number", erp))


def repeat_findings(number: str, erp: ErpConnection | None, namesake: Namesake | None) -> tuple[Finding, ...]:
    """Why a commitment that was accepted before cannot go to `erp` under its number any more."""
    return tuple(each for each in number_findings(number, erp, namesake) if each.is_blocking)


def mended_by(rule: str, erp: ErpConnection | None) -> str:
    """The member of an acceptance that mends what `rule` found: the document's number, where `erp` takes one."""
    is_of_number = rule in ("number", "number characters")
    return "erp_code" if is_of_number and erp and erp.limits.takes_erp_code else ""


def number_names(number: str, connections: Iterable[str]) -> frozenset[DocumentName]:
    """The names under which another commitment would have `number` in one of `connections`, now or soon."""
    key = id_of_number(number)
    return frozenset({DocumentName(each, "number", key) for each in connections} | {ordered_name(number)})


def ordered_number(facts: CommitmentFacts) -> str | None:
    """The document number that an export under way asks for; None if there is none, or it asks for none."""
    ruling, approved = facts.ruling, facts.approved
    return approved.erp_code if ruling and approved and ruling.is_open else None


def ordered_name(number: str) -> DocumentName:
    """The name of a document that is being created under `number`; which connection that goes to is not known yet."""
    return DocumentName("", "ordered", id_of_number(number))


def has_number(facts: CommitmentFacts, number: str) -> bool:
    """Whether a document of the commitment has `number`, or is being created under it; an id is no number."""
    known = [each.document.number for each in facts.standing] + [ordered_number(facts)]
    return id_of_number(number) in {id_of_number(each) for each in known if each}


def _same_number(number: str, namesake: Namesake, erp: str) -> str:
    """That another commitment has the same number, in the same project or another one."""
    whose = f"{number} is also {_whose(number, namesake, erp)}"
    if namesake.is_waiting:
        return f"{whose}, which waits too: accept one only."
    return f"{whose}. Accounting would have two documents with one number."


def _whose(number: str, namesake: Namesake, erp: str) -> str:
    """Whose number it is, such as "the number of Structural steel of Harbor Bridge"."""
    other = f"{namesake.title} of {namesake.project}"
    if namesake.is_by_document:
        return f"the document number of {namesake.number}, {other}"
    is_cut = f", {namesake.number}, once {erp} has cut it" if namesake.number != number else ""
    return f"the number of {other}{is_cut}"
