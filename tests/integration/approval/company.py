"""The events of one company: its people, its ERP and its commitments."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.commitment import ErpDocument, summarise
from schemas.envelope import Event, new_event
from schemas.events import (
    DOCUMENT_GONE,
    UNKNOWN_CONNECTION,
    Change,
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    DecisionAccepted,
    DecisionRejected,
    DirectoryPerson,
    ErpConnection,
    EventData,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    Failure,
    LimitsProfile,
    MailSettled,
)
from schemas.fields import FailureClass, MailOutcome, Owner, ToolLevel
from schemas.snapshot import Snapshot

COMPANY = "company-204"
OTHER_COMPANY = "company-900"
PROJECT = "project-310"
ERP = "quickbooks-main"
START = datetime(2026, 11, 16, 15, 2, tzinfo=UTC)


def directory_person(person_id: str, name: str, **members: Any) -> DirectoryPerson:
    """A person of the company's directory; without `members` they have no level on ERP Integrations."""
    defaults: dict[str, Any] = {
        "company_id": COMPANY,
        "version": 1,
        "email": f"{name.lower().replace(' ', '.')}@harbor-builders.example",
        "time_zone": "America/Chicago",
        "erp_tool": ToolLevel.NONE,
    }
    return DirectoryPerson(person_id=person_id, name=name, **{**defaults, **members})


DANA = directory_person("person-5", "Dana Ruiz", erp_tool=ToolLevel.STANDARD, can_push_to_accounting=True)
LEE = directory_person("person-6", "Lee Park", erp_tool=ToolLevel.ADMIN, can_push_to_accounting=True)
KIM = directory_person("person-41", "Kim Osei", erp_tool=ToolLevel.READ_ONLY)
PAT = directory_person("person-42", "Pat Moreau", erp_tool=ToolLevel.STANDARD)
SAM = directory_person("person-17", "Sam Lee", commitments_tool={PROJECT: ToolLevel.ADMIN})
ANA = directory_person("person-23", "Ana Gil", commitments_tool={PROJECT: ToolLevel.STANDARD})
EVE = directory_person(
    "person-77", "Eve Stone", company_id=OTHER_COMPANY, erp_tool=ToolLevel.ADMIN, can_push_to_accounting=True
)
PEOPLE = (DANA, LEE, KIM, PAT, SAM, ANA, EVE)

QUICKBOOKS = ErpConnection(
    name=ERP,
    version=1,
    kind="http",
    title="QuickBooks",
    companies=(COMPANY,),
    limits=LimitsProfile(
        number_characters=11,
        title_characters=31,
        truncates_number=True,
        takes_erp_code=True,
        takes_accounting_date=True,
    ),
)


def content(commitment_id: str, number: str, **members: Any) -> dict[str, Any]:
    """A commitment as the project's tool sends it: two lines, USD 480,250.00."""
    received = {
        "id": commitment_id,
        "number": number,
        "title": "Concrete works",
        "kind": "subcontract",
        "status": "Approved",
        "url": f"https://pm.example/commitments/{commitment_id}",
        "currency": "USD",
        "total": "480250.00",
        "project": {"id": PROJECT, "name": "Riverside Tower"},
        "vendor": {"id": "vendor-88", "name": "Acme Concrete"},
        "creator": ANA.as_person.model_dump(),
        "lines": [
            line(1, "03-100", "Formwork, slabs and core walls", "400000.00"),
            line(2, "03-300", "Cast-in-place concrete", "80250.00"),
        ],
    }
    return received | members


def line(position: int, cost_code: str, description: str, amount: str) -> dict[str, Any]:
    return {
        "position": position,
        "cost_code": cost_code,
        "description": description,
        "quantity": "1",
        "unit": "ls",
        "unit_cost": amount,
        "amount": amount,
    }


def sent(received: dict[str, Any], *, note: str | None = None) -> CommitmentSent:
    return CommitmentSent(**_submission(received, 1, note))


def resent(received: dict[str, Any], revision: int = 2, *, note: str | None = None) -> CommitmentResent:
    return CommitmentResent(**_submission(received, revision, note))


def _submission(received: dict[str, Any], revision: int, note: str | None) -> dict[str, Any]:
    return {
        "company_id": COMPANY,
        "project_id": PROJECT,
        "commitment": Snapshot.of(received),
        "revision": revision,
        "sent_by": SAM.as_person,
        "note": note,
    }


def about(received: dict[str, Any], revision: int = 1) -> dict[str, Any]:
    return {"company_id": COMPANY, "project_id": PROJECT, "commitment_id": received["id"], "revision": revision}


def retrieved(received: dict[str, Any], revision: int = 1) -> CommitmentRetrieved:
    return CommitmentRetrieved(**about(received, revision), retrieved_by=SAM.as_person)


def accepted(received: dict[str, Any], revision: int = 1, export_round: int = 1) -> DecisionAccepted:
    snapshot = Snapshot.of(received)
    return DecisionAccepted(
        **about(received, revision),
        round=export_round,
        content_hash=snapshot.content_hash,
        commitment=snapshot,
        decided_by=DANA.as_person,
        sent_by=SAM.as_person,
    )


def succeeded(
    received: dict[str, Any], revision: int = 1, url: str | None = "https://erp.example/po/17"
) -> ExportSucceeded:
    document = ErpDocument(connection=ERP, id=f"erp-{received['id']}", number=received["number"], url=url)
    return ExportSucceeded(**about(received, revision), round=1, erp_document=document)


def drifted(received: dict[str, Any], version: int = 1, differences: tuple[Change, ...] = ()) -> ExportDrifted:
    """The document of revision 1 is missing in the ERP, or holds other values there."""
    return ExportDrifted(
        **about(received, 1),
        version=version,
        document=succeeded(received).erp_document,
        compared_at=START,
        is_missing=not differences,
        differences=differences,
    )


def failed(received: dict[str, Any], failure_class: FailureClass, message: str, **members: Any) -> ExportFailed:
    owner = {
        FailureClass.RETRY_LATER: Owner.APPROVER,
        FailureClass.WAIT_FOR_DEPENDENCY: Owner.APPROVER,
        FailureClass.FIX_DATA: Owner.PROJECT_MANAGER,
        FailureClass.FIX_SETUP: Owner.ERP_ADMIN,
    }[failure_class]
    failure = Failure(
        failure_class=failure_class,
        code=members.pop("code", "3070"),
        message=message,
        owner=owner,
        next_step=members.pop("next_step", "Reject it, so that Sam Lee can correct it."),
        in_erp=False,
    )
    summary = summarise(Snapshot.of(received).commitment, SAM.as_person, ERP)
    return ExportFailed(
        **about(received), round=1, failure=failure, attempts=3, decided_by=DANA.as_person, summary=summary
    )


def rejected(received: dict[str, Any], revision: int = 1, export_round: int = 0) -> DecisionRejected:
    return DecisionRejected(
        **about(received, revision),
        round=export_round,
        reason="Use 03-310.",
        decided_by=DANA.as_person,
        summary=summarise(Snapshot.of(received).commitment, SAM.as_person, ERP),
    )


def gone(received: dict[str, Any], revision: int = 2) -> ExportFailed:
    """The failure of an update because the ERP no longer has the document that `succeeded` named."""
    known = succeeded(received).erp_document
    failure = Failure(
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        code=DOCUMENT_GONE,
        message=f"The ERP no longer has {known.number}, the document of this commitment.",
        owner=Owner.APPROVER,
        next_step=f"If {known.number} was deleted on purpose, choose Create anew; otherwise restore it.",
        in_erp=False,
        document=known,
    )
    return failed(received, FailureClass.WAIT_FOR_DEPENDENCY, "").model_copy(
        update={**about(received, revision), "failure": failure}
    )


def erp_left(received: dict[str, Any], revision: int = 2) -> ExportFailed:
    """The failure of an update because the ERP of the document that `succeeded` named is no longer configured."""
    known = succeeded(received).erp_document
    failure = Failure(
        failure_class=FailureClass.FIX_SETUP,
        code=UNKNOWN_CONNECTION,
        message=f"{known.number} is in {known.connection}, which is no longer configured.",
        owner=Owner.ERP_ADMIN,
        next_step="If it was only renamed, say formerly; otherwise choose Create anew.",
        in_erp=True,
        document=known,
    )
    return failed(received, FailureClass.FIX_SETUP, "").model_copy(
        update={**about(received, revision), "failure": failure}
    )


def in_doubt(received: dict[str, Any], next_probe: datetime | None = None) -> ExportInDoubt:
    return ExportInDoubt(
        **about(received),
        round=1,
        since=START + timedelta(hours=1),
        asked="QuickBooks was asked for this order and did not answer.",
        probes=4,
        next_probe=next_probe,
        connection=ERP,
    )


def mailed(received: dict[str, Any], recipient: DirectoryPerson) -> MailSettled:
    return MailSettled(
        company_id=COMPANY,
        event_id="6f6f1f0a",
        kind="rejected",
        recipient=recipient.as_person,
        recipient_id=recipient.person_id,
        commitment_id=received["id"],
        outcome=MailOutcome.SENT,
        settled_at=START,
    )


def event(data: EventData, at: datetime = START) -> Event[EventData]:
    return new_event(data, source="https://pm.example", time=at)
