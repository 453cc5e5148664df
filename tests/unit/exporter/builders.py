"""Builds the events, documents and exports that the exporter's tests start from."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from schemas.commitment import ErpDocument, Person, summarise
from schemas.envelope import Event, new_event
from schemas.events import DecisionAccepted, DecisionRejected, DecisionResolved
from schemas.snapshot import Snapshot
from services.exporter.connectors.types import FoundDocument
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.event_handlers import DecidedExports, accepted, rejected
from services.exporter.rules.export import CommitmentExports
from services.exporter.rules.outcome import AttemptOutcome
from services.exporter.rules.policy import RetryPolicy
from services.exporter.rules.settling import begin_attempt, settle_attempt

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SOON = timedelta(seconds=1)
LEASE = timedelta(seconds=60)
POLICY = RetryPolicy(settle_seconds=30, max_attempts=3)
APPROVER = Person(id="p-ada", name="Ada Approver", email="ada@example.com")
SECOND = Person(id="p-eli", name="Eli Second", email="eli@example.com")
MANAGER = Person(id="p-max", name="Max Manager", email="max@example.com")


def commitment_json(commitment_id: str = "c-1", title: str = "Concrete, level 2") -> dict[str, Any]:
    """Return a subcontract as upstream sends it."""
    return {
        "id": commitment_id,
        "number": "SC-014",
        "title": title,
        "kind": "subcontract",
        "url": "https://projects.example.com/commitments/14",
        "currency": "USD",
        "total": "480250.00",
        "retainage_percent": "10.0",
        "project": {"id": "pr-1", "name": "Harbour Hall", "erp_job_code": "J-100"},
        "vendor": {"id": "v-1", "name": "Strong Concrete", "erp_code": "V-9"},
        "creator": MANAGER.model_dump(),
        "lines": [
            {
                "position": 1,
                "cost_code": "03-300",
                "description": "Slab",
                "quantity": "12.5",
                "unit": "m3",
                "unit_cost": "38420.00",
                "amount": "480250.00",
            }
        ],
    }


def accepted_event(
    revision: int = 1,
    round: int = 1,  # noqa: A002 - the contract's word
    *,
    commitment_id: str = "c-1",
    company_id: str = "co-1",
    title: str = "Concrete, level 2",
    content_hash: str | None = None,
    time: datetime = NOW,
    **asked: Any,
) -> Event[DecisionAccepted]:
    """Return an approver's acceptance; `asked` is what else they asked for."""
    snapshot = Snapshot.of(commitment_json(commitment_id, title))
    data = DecisionAccepted(
        company_id=company_id,
        project_id="pr-1",
        commitment_id=commitment_id,
        revision=revision,
        round=round,
        content_hash=content_hash or snapshot.content_hash,
        commitment=snapshot,
        decided_by=APPROVER,
        sent_by=MANAGER,
        **asked,
    )
    return new_event(data, source="countersign/approval", time=time)


def rejected_event(
    revision: int = 1,
    round: int = 1,  # noqa: A002 - the contract's word
    *,
    company_id: str = "co-1",
    commitment_id: str = "c-1",
    **unlinked: Any,
) -> Event[DecisionRejected]:
    """Return an approver's rejection; round 0 if the revision was never exported."""
    data = DecisionRejected(
        company_id=company_id,
        project_id="pr-1",
        commitment_id=commitment_id,
        revision=revision,
        round=round,
        reason="Wrong cost code.",
        decided_by=APPROVER,
        summary=summarise(Snapshot.of(commitment_json(commitment_id)).commitment, MANAGER),
        **unlinked,
    )
    return new_event(data, source="countersign/approval", time=NOW)


def resolved_event(
    revision: int = 1,
    document_id: str = "d-9",
    *,
    company_id: str = "co-1",
    commitment_id: str = "c-1",
    number: str | None = "PO-9",
    evidence: int = 1,
    in_round: int = 1,
    confirmed_by: Person | None = None,
    withdrawn_by: Person | None = None,
) -> Event[DecisionResolved]:
    """Return an approver's evidence that the revision is in the ERP."""
    data = DecisionResolved(
        company_id=company_id,
        project_id="pr-1",
        commitment_id=commitment_id,
        revision=revision,
        round=in_round,
        document=ErpDocument(connection="main", id=document_id, number=number),
        decided_by=APPROVER,
        evidence=evidence,
        confirmed_by=confirmed_by,
        withdrawn_by=withdrawn_by,
    )
    return new_event(data, source="countersign/approval", time=NOW)


def exports_after(
    *events: Event[DecisionAccepted] | Event[DecisionRejected], connection: str | None = "main"
) -> CommitmentExports:
    """Return the exports of commitment c-1 after `events`, by default after the acceptance of revision 1."""
    exports = CommitmentExports("c-1")
    for event in events or (accepted_event(),):
        if isinstance(event.data, DecisionAccepted):
            exports = accepted(exports, event, NOW, connection).state
        else:
            exports = rejected(exports, event, NOW).state
    return exports


def after_attempt(
    exports: CommitmentExports,
    outcome: AttemptOutcome,
    now: datetime = NOW,
    policy: RetryPolicy = POLICY,
    circuit: Circuit = Circuit(),  # noqa: B008 - it never changes
) -> DecidedExports:
    """Attempt the current export with `outcome`, and return what was decided; `circuit` is that after the attempt."""
    token = uuid4()
    begun = begin_attempt(exports, token, now + LEASE, policy, now)
    decided = settle_attempt(begun, token, outcome, policy, now, circuit)
    assert decided is not None
    return decided


def lease_token(number: int = 1) -> UUID:
    """Return the same token for the same number."""
    return UUID(int=number)


def found_document(marker: str | None = None, document_id: str = "d-1") -> FoundDocument:
    """Return a document as the ERP lists it."""
    return FoundDocument(document_id, f"PO-{document_id}", None, marker)


def leased(exports: CommitmentExports, number: int = 1, now: datetime = NOW) -> CommitmentExports:
    """Return the exports with the current one leased, under the token with this number."""
    return begin_attempt(exports, lease_token(number), now + LEASE, POLICY, now)
