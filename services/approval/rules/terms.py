"""Checks what an approver asks for when accepting: document number, accounting date and note."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from schemas.erp_limits import wrong_document_number
from schemas.events import LimitsProfile

_KEPT_CONTROLS = "\t\n\r"


@dataclass(frozen=True, slots=True)
class WrongTerm:
    """What is wrong with one member of the answer, in words; `member` is also the id of its field on the desk."""

    member: str
    text: str


def wrong_terms(
    limits: LimitsProfile | None,
    erp: str,
    today: date,
    *,
    erp_code: str | None = None,
    accounting_date: date | None = None,
    note: str | None = None,
) -> tuple[WrongTerm, ...]:
    """What `erp` does not take, where it is `today` for the approver; `limits` are None where they are not known."""
    known = limits or LimitsProfile()
    return (
        *_erp_code(erp_code, known, erp),
        *_accounting_date(accounting_date, known, erp, today),
        *_note(note),
    )


def _erp_code(code: str | None, limits: LimitsProfile, erp: str) -> Iterator[WrongTerm]:
    if code is None:
        return
    if not code.isprintable():
        yield WrongTerm("erp_code", "The document number contains a character that cannot be read")
    elif code != code.strip() or not code:
        yield WrongTerm(
            "erp_code", "The document number begins or ends with a space, or is empty; leave it out instead"
        )
    elif wrong := wrong_document_number(code, limits, erp):
        yield WrongTerm("erp_code", wrong)


def _accounting_date(day: date | None, limits: LimitsProfile, erp: str, today: date) -> Iterator[WrongTerm]:
    first, last = limits.accounting_dates(today)
    if day and not first <= day <= last:
        yield WrongTerm("accounting_date", f"{erp} takes accounting dates from {first} to {last}, not {day}")


def _note(note: str | None) -> Iterator[WrongTerm]:
    if any(character < " " and character not in _KEPT_CONTROLS for character in note or ""):
        yield WrongTerm("note", "The note contains a character that cannot be read")
