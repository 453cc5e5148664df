"""Checks an order once more, just before it is sent: the ERP's limits may have changed, or have been unknown."""

from datetime import UTC

from schemas.commitment import Commitment
from schemas.erp_limits import broken_limits, long_memo, wrong_document_number
from schemas.events import LimitsProfile
from schemas.fields import Owner
from services.exporter.rules.export import Export
from services.exporter.rules.outcome import WrongTerms
from services.pipeline.formats import enumeration

TOLERANCE_DAYS = 1
"""The approver's day, by which the desk checks the accounting date, may be another one than that of UTC."""

MAX_NAMED_LIMITS = 3
_OF_NUMBER = ("number", "number characters")
BROKEN_LIMITS = "limits"
"""The code of a failure because the commitment itself breaks limits of the ERP."""


def wrong_terms(export: Export, commitment: Commitment, limits: LimitsProfile, erp: str) -> WrongTerms | None:
    """What `erp` does not take of an order: one of the approver's terms, or the commitment; None if it takes all.

    An accounting date is measured from the day of the order, so that one that waits does not become wrong.
    """
    return (
        _accounting_date(export, limits, erp)
        or _erp_code(export, limits, erp)
        or _note(export, limits, erp)
        or _commitment(export, commitment, limits, erp)
    )


def _accounting_date(export: Export, limits: LimitsProfile, erp: str) -> WrongTerms | None:
    day = export.accounting_date
    first, last = limits.accounting_dates(export.accepted_at.astimezone(UTC).date(), TOLERANCE_DAYS)
    if day is None or first <= day <= last:
        return None
    return WrongTerms(
        "accounting_date",
        f"{erp} takes accounting dates from {first} to {last}; {day} is not one of them. Nothing was written.",
    )


def _erp_code(export: Export, limits: LimitsProfile, erp: str) -> WrongTerms | None:
    code = export.erp_code or ""
    if wrong := wrong_document_number(code, limits, erp):
        return WrongTerms("erp_code", f"{wrong}. Nothing was written.")
    if not code.isprintable():
        return WrongTerms("erp_code", "The document number contains a character that cannot be read.")
    return None


def _note(export: Export, limits: LimitsProfile, erp: str) -> WrongTerms | None:
    wrong = long_memo(export.note, export.commitment_id, export.revision, limits, erp, export.reopened)
    return WrongTerms("note", f"{wrong} Nothing was written.") if wrong else None


def _commitment(export: Export, commitment: Commitment, limits: LimitsProfile, erp: str) -> WrongTerms | None:
    """The limits that it breaks; what the ERP cuts in silence was accepted so.

    Its own number does not matter where the approver has given the document another one.
    """
    given = _OF_NUMBER if export.erp_code else ()
    broken = [each for each in broken_limits(commitment, limits, erp) if not each.is_cut and each.rule not in given]
    if not broken:
        return None
    named, more = broken[:MAX_NAMED_LIMITS], len(broken) - MAX_NAMED_LIMITS
    others = f" {more} more limits are broken." if more > 1 else " One more limit is broken." if more == 1 else ""
    remedy = enumeration(dict.fromkeys(each.remedy for each in named))
    return WrongTerms(
        BROKEN_LIMITS,
        f"{' '.join(each.text for each in named)}{others} Nothing was written.",
        Owner.PROJECT_MANAGER,
        f"An approver rejects it with this message; the project has to {remedy}, and re-send it.",
        remedy,
    )
