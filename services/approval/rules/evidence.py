"""Judges the document that an approver names as evidence: one of their company's ERPs, and no other commitment's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from schemas.commitment import ErpDocument
from schemas.events import ErpConnection
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.documents import DocumentName, names_of
from services.approval.rules.erp import connection_name, connection_names

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


def names_in_erp(document: ErpDocument, company_erps: Sequence[ErpConnection]) -> frozenset[DocumentName]:
    """All names of `document`, under each name that its connection has or had."""
    return under_all_names(names_of(document), company_erps)


def under_all_names(names: Collection[DocumentName], company_erps: Sequence[ErpConnection]) -> frozenset[DocumentName]:
    """`names`, under each name that their connections have or had: it is the same ERP."""
    return frozenset(
        replace(each, connection=name) for each in names for name in connection_names(each.connection, company_erps)
    )


def objection(
    facts: CommitmentFacts, named: ErpDocument, company_connections: Collection[str], holder: Holder | None
) -> str:
    """Why `named` cannot be the document of `facts`, in words; empty if it can.

    The connection that the export went to is always accepted, also if it has stopped serving the company since.
    """
    if named.connection not in company_connections and named.connection != connection_name(facts):
        return f"{named.connection} is no ERP connection of your company. {_NOT_RECORDED}"
    if holder:
        return f"{named.name} is already the document of {holder.name}. {_NOT_RECORDED}"
    return ""
