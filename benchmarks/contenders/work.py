"""The work that every other contender does for an event: validate, dedupe, upsert its row, tell the new status."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID, uuid4

from pydantic import BaseModel

SOURCE_TOPIC = "commitment.sent"
STATUS_TOPIC = "commitment.status"

TABLES = """
create table seen(event_id uuid primary key, at timestamptz not null default now());
create table commitment(
    id text primary key, company_id text not null, project_id text not null, revision int not null,
    status text not null, payload jsonb not null, updated_at timestamptz not null default now()
);
create index on commitment(company_id, status);
"""
REMEMBER = "insert into seen(event_id) values (:event_id) on conflict do nothing"
UPSERT = """
insert into commitment(id, company_id, project_id, revision, status, payload)
values (:id, :company_id, :project_id, :revision, 'ready', cast(:payload as jsonb))
on conflict (id) do update
set revision = excluded.revision, status = 'ready', payload = excluded.payload, updated_at = now()
where commitment.revision < excluded.revision
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender works: Kafka's address, a database with TABLES, and a consumer group of its own."""

    kafka: str
    database: str
    group: str

    @classmethod
    def from_environment(cls) -> Self:
        """Return what `environment` of the parent process said."""
        return cls(os.environ["BENCH_KAFKA"], os.environ["BENCH_DATABASE"], os.environ["BENCH_GROUP"])

    def environment(self) -> dict[str, str]:
        """Return the variables that a contender's process reads."""
        return {"BENCH_KAFKA": self.kafka, "BENCH_DATABASE": self.database, "BENCH_GROUP": self.group}

    def database_url(self, driver: str) -> str:
        """Return SQLAlchemy's URL of the database for `driver`."""
        return self.database.replace("postgresql://", f"postgresql+{driver}://")


class Person(BaseModel):
    """A person of the company."""

    id: str
    name: str
    email: str


class Vendor(BaseModel):
    """Whom the commitment is with."""

    id: str
    name: str
    erp_code: str | None = None


class Project(BaseModel):
    """The project that the commitment belongs to."""

    id: str
    number: str
    name: str
    erp_job_code: str | None = None


class Line(BaseModel):
    """One line of the schedule of values."""

    position: int
    cost_code: str
    cost_type: str
    description: str
    quantity: Decimal
    unit: str
    unit_cost: Decimal
    amount: Decimal


class Commitment(BaseModel):
    """A subcontract or purchase order."""

    id: str
    number: str
    title: str
    kind: str
    status: str
    currency: str
    total: Decimal
    project: Project
    vendor: Vendor
    creator: Person
    lines: list[Line]


class Submission(BaseModel):
    """A revision of a commitment that was sent to accounting."""

    company_id: str
    project_id: str
    commitment: Commitment
    revision: int
    sent_by: Person
    note: str | None = None


class SentEvent(BaseModel):
    """The CloudEvent on SOURCE_TOPIC."""

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    data: Submission


def remembered(event: SentEvent) -> dict[str, Any]:
    """Return the parameters of REMEMBER."""
    return {"event_id": event.id}


def upserted(event: SentEvent, value: bytes) -> dict[str, Any]:
    """Return the parameters of UPSERT."""
    return {
        "id": event.subject,
        "company_id": event.data.company_id,
        "project_id": event.data.project_id,
        "revision": event.data.revision,
        "payload": value.decode(),
    }


def status_event(commitment_id: str, company_id: str, revision: int) -> dict[str, Any]:
    """Return the CloudEvent that tells a commitment's status."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "benchmarks",
        "type": "commitment.status.v1",
        "subject": commitment_id,
        "time": datetime.now(UTC).isoformat(),
        "data": {"company_id": company_id, "commitment_id": commitment_id, "revision": revision, "status": "ready"},
    }


def encoded_status(event: SentEvent) -> bytes:
    """Return the status event that follows from `event`, as JSON."""
    return json.dumps(status_event(event.subject, event.data.company_id, event.data.revision)).encode()
