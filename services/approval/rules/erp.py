"""The ERP that a commitment goes to, and what people call it and its documents."""

from collections.abc import Sequence

from schemas.commitment import ErpDocument
from schemas.events import ErpConnection
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.facts import Stage

UNNAMED_ERP = "the ERP"


def connection_name(facts: CommitmentFacts) -> str | None:
    """The connection that holds the commitment's document, or that its last export went to; None before that.

    One that no longer has the document counts as well: a new one is created there.
    """
    if document := facts.document or facts.last_document:
        return document.connection
    return facts.ruling.connection if facts.ruling else None


def target_erp(facts: CommitmentFacts, company_erps: Sequence[ErpConnection]) -> ErpConnection | None:
    """The connection among its company's that the commitment goes to; None if there is none.

    A document or an export in doubt binds it to one connection; otherwise it follows its company to another.
    """
    name = connection_name(facts)
    named = next((erp for erp in company_erps if erp.name == name), None)
    is_bound = bool(facts.documents) or (facts.ruling is not None and facts.ruling.stage is Stage.IN_DOUBT)
    return named if named or is_bound else next(iter(company_erps), None)


def erp_title(erp: ErpConnection | None) -> str:
    """What people call `erp`."""
    return erp.title if erp else UNNAMED_ERP


def document_name(document: ErpDocument) -> str:
    """What an accountant calls `document`."""
    return document.number or document.id
