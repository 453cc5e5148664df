"""The ERP that a commitment goes to, and what people call it and its documents."""

from collections.abc import Sequence

from schemas.commitment import Commitment
from schemas.events import ErpConnection
from schemas.routing import Routed, destination, reasons
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.facts import Stage, Submitted

UNNAMED_ERP = "the ERP"


def connection_name(facts: CommitmentFacts) -> str | None:
    """The connection that holds the commitment's document, or that its last export went to; None before that.

    One that no longer has the document counts as well: a new one is created there.
    """
    if document := facts.document or facts.last_document:
        return document.connection
    return facts.ruling.connection if facts.ruling else None


def called(facts: CommitmentFacts) -> str | None:
    """What people call the ERP of `connection_name`: its title where an event has told it, else that name."""
    name = connection_name(facts)
    return (facts.ruling.erp if name and facts.ruling else None) or name


def target_erp(
    facts: CommitmentFacts, company_erps: Sequence[ErpConnection], content: Commitment | None = None
) -> ErpConnection | None:
    """The connection among its company's that the commitment goes to; None if there is none.

    A document or an export in doubt binds it to one connection; otherwise it follows the conditions of the connections,
    which are in the order of their priority. `content` is what would be exported; by default what the status is about.
    """
    if _is_bound(facts):
        name = connection_name(facts)
        return next((erp for erp in company_erps if name in erp.names), None)
    routed = _routed(facts, content)
    return destination(routed, company_erps) if routed else next(iter(company_erps), None)


def bound_connection(facts: CommitmentFacts) -> str | None:
    """The connection that the commitment goes to whatever the conditions are; None if those decide."""
    return connection_name(facts) if _is_bound(facts) else None


def target_reason(
    facts: CommitmentFacts, company_erps: Sequence[ErpConnection], content: Commitment | None = None
) -> str:
    """Why the commitment goes to its ERP, where its company has several; empty if there is no choice, or no ERP."""
    erp, routed = target_erp(facts, company_erps, content), _routed(facts, content)
    if erp is None or routed is None or len(company_erps) == 1:
        return ""
    if _is_bound(facts):
        return "its document is there" if facts.last_document else "it may be there already"
    return ", ".join(reasons(routed, erp)) or "no other one takes it"


def why_unreachable(facts: CommitmentFacts, company_erps: Sequence[ErpConnection], content: Commitment) -> str:
    """Why the export of `content` is certain to fail as the connections are, in words; empty if it is not.

    While no connection is known, nothing is certain of what has no document yet.
    """
    if target_erp(facts, company_erps, content) is not None:
        return ""
    if document := facts.last_document:
        where = f"{document.connection} is not configured, and {document.name} is there"
        return f"{where}: the export of {content.number} will fail until it is."
    if not company_erps:
        return ""
    return f"No ERP connection takes {content.number}: the export will fail until one does."


def next_erp(
    facts: CommitmentFacts, company_erps: Sequence[ErpConnection], content: Commitment | None = None
) -> ErpConnection | None:
    """The connection that takes the commitment once it has left its ERP; None if none does."""
    routed = _routed(facts, content)
    return destination(routed, company_erps) if routed else None


def _is_bound(facts: CommitmentFacts) -> bool:
    return facts.last_document is not None or (facts.ruling is not None and facts.ruling.stage is Stage.IN_DOUBT)


def _routed(facts: CommitmentFacts, content: Commitment | None = None) -> Routed | None:
    """What decides where the commitment goes; None if nothing was submitted."""
    if content is not None:
        return Routed.of(facts.company_id or "", content)
    current = current_status(facts)
    return _as_submitted(facts, current.submitted) if current else None


def _as_submitted(facts: CommitmentFacts, sent: Submitted) -> Routed:
    return Routed(
        facts.company_id or "", sent.project_id, sent.project_number, sent.summary.currency, sent.summary.kind
    )


def connection_names(connection: str, erps: Sequence[ErpConnection]) -> tuple[str, ...]:
    """All names of the connection that is called `connection`, or was; only that one if none of `erps` is it."""
    return next((erp.names for erp in erps if connection in erp.names), (connection,))


def erp_title(erp: ErpConnection | None) -> str:
    """What people call `erp`."""
    return erp.title if erp else UNNAMED_ERP


def is_held_back(erp: ErpConnection) -> bool:
    """Whether calls are held back: the ERP does not answer, or has asked to be left alone."""
    return erp.circuit_open_since is not None or erp.paused_until is not None
