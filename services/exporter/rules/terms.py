"""Checks what the approver asked for, just before it is sent, against what the ERP takes."""

from datetime import UTC

from schemas.events import LimitsProfile
from services.exporter.rules.export import Export
from services.exporter.rules.outcome import WrongTerms

TOLERANCE_DAYS = 1
"""The approver's day, by which the desk checks the accounting date, may be another one than that of UTC."""


def wrong_terms(export: Export, limits: LimitsProfile, erp: str) -> WrongTerms | None:
    """The first of the approver's terms that `erp` does not take; None if it takes them all.

    An accounting date is measured from the day of the order, so that one that waits does not become wrong.
    """
    return _accounting_date(export, limits, erp) or _erp_code(export, limits, erp)


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
    code, limit = export.erp_code or "", limits.number_characters
    if limit and len(code) > limit:
        words = f"{erp} takes {limit} characters in the document number; {code} has {len(code)}."
        return WrongTerms("erp_code", f"{words} Nothing was written.")
    if not code.isprintable():
        return WrongTerms("erp_code", "The document number contains a character that cannot be read.")
    return None
