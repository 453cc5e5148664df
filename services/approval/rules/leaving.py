"""Judges whether a commitment has to leave the ERP of its document, which is no longer configured."""

from collections.abc import Sequence

from schemas.events import ErpConnection
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.conflicts import is_configured_again
from services.approval.rules.guards import is_erp_left, missing_document


def objection_to_leaving(facts: CommitmentFacts, company_erps: Sequence[ErpConnection]) -> str:
    """Why the commitment need not leave the ERP of its document, in words; empty if that is not configured any more."""
    current = current_status(facts)
    document = missing_document(current) if current else None
    if current is None or document is None or not is_erp_left(current):
        return ""
    is_back = any(document.connection in erp.names for erp in company_erps)
    return is_configured_again(current, document.connection) if is_back else ""
