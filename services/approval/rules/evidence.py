"""Judges the document that an approver names as evidence: one of their company's ERPs, and no other commitment's."""

from collections.abc import Collection
from dataclasses import dataclass

from schemas.commitment import ErpDocument
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.erp import connection_name, document_name

_NOT_RECORDED = "Your answer was not recorded."


@dataclass(frozen=True, slots=True)
class Holder:
    """Another commitment that holds the same document; `number` is None if it belongs to another company."""

    commitment_id: str
    number: str | None

    @property
    def name(self) -> str:
        """What an approver may be told of it."""
        return "another company's commitment" if self.number is None else f"{self.number} ({self.commitment_id})"


def document_in_erp(facts: CommitmentFacts, named: ErpDocument) -> ErpDocument:
    """The document that evidence names, in the ERP that was asked, whatever connection the evidence names."""
    return named.model_copy(update={"connection": connection_name(facts) or named.connection})


def objection(
    facts: CommitmentFacts, named: ErpDocument, company_connections: Collection[str], holder: Holder | None
) -> str:
    """Why `named` cannot be the document of `facts`, in words; empty if it can.

    The connection that the export went to is always accepted, also if it has stopped serving the company since.
    """
    if named.connection not in company_connections and named.connection != connection_name(facts):
        return f"{named.connection} is no ERP connection of your company. {_NOT_RECORDED}"
    if holder:
        return f"{document_name(named)} is already the document of {holder.name}. {_NOT_RECORDED}"
    return ""
