"""A company with an approver and commitments, as the topics tell of them; ids differ from test to test."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.commitment import Person, Summary
from schemas.envelope import encode, new_event
from schemas.events import CommitmentStatus, DigestPreference, DirectoryPerson, EventData
from schemas.fields import Kind, Ribbon, Status, ToolLevel

SINCE = datetime(2026, 11, 16, 15, 2, tzinfo=UTC)
SAM = Person(id="u-sam", name="Sam Lee", email="sam.lee@pm.example")
Message = tuple[str, str, bytes | None]


@dataclass(frozen=True, slots=True)
class Company:
    """Tells what upstream and approval would tell of one company."""

    suffix: str

    @property
    def id(self) -> str:
        return f"company-{self.suffix}"

    def key(self, name: str) -> str:
        return f"{name}-{self.suffix}"

    def status(self, name: str, version: int, **given: Any) -> CommitmentStatus:
        told: dict[str, Any] = {
            "company_id": self.id,
            "project_id": "p-1",
            "commitment_id": self.key(name),
            "revision": 1,
            "version": version,
            "status": Status.READY,
            "ribbon": Ribbon.BLUE,
            "editable": False,
            "message": "It waits for an approver.",
            "since": SINCE,
            "summary": Summary(
                number=name,
                title="Concrete works",
                kind=Kind.SUBCONTRACT,
                project="Riverside Tower",
                vendor="Acme Concrete",
                currency="USD",
                total="480250.00",
                creator=SAM,
                sent_by=SAM,
                url="https://pm.example/commitments/1",
            ),
        }
        return CommitmentStatus(**(told | given))

    def person(self, name: str, version: int, **given: Any) -> DirectoryPerson:
        told: dict[str, Any] = {
            "company_id": self.id,
            "person_id": self.key(name),
            "version": version,
            "name": name.title(),
            "email": f"{name}@desk.example",
            "time_zone": "America/Chicago",
            "erp_tool": ToolLevel.STANDARD,
            "can_push_to_accounting": True,
        }
        return DirectoryPerson(**(told | given))

    def preference(self, name: str, version: int, *, subscribed: bool) -> DigestPreference:
        return DigestPreference(company_id=self.id, person_id=self.key(name), version=version, subscribed=subscribed)


def message(data: EventData) -> Message:
    return data.topic, data.subject, encode(new_event(data, source="countersign/approval", time=SINCE))
