"""Judges whether a commitment has to leave the ERP of its document, which is no longer configured."""

from collections.abc import Sequence

from schemas.events import ErpConnection
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.conflicts import is_configured_again
from services.approval.rules.guards import is_erp_left, missing_document


def connection_that_is_back(current: CurrentStatus, company_erps: Sequence[ErpConnection]) -> str:
    """The connection that the commitment was to leave, if it is configured again under any name; else empty."""
    document = missing_document(current) if is_erp_left(current) else None
    is_back = document is not None and any(document.connection in erp.names for erp in company_erps)
    return document.connection if document and is_back else ""


def objection_to_leaving(facts: CommitmentFacts, company_erps: Sequence[ErpConnection]) -> str:
    """Why the commitment need not leave the ERP of its document, in words; empty if that is not configured any more."""
    current = current_status(facts)
    back = connection_that_is_back(current, company_erps) if current else ""
    return is_configured_again(current, back) if current and back else ""
