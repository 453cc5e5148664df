"""All exports of one commitment, as values: one for each accepted revision, and at most one of them under a lease."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Failure
from services.exporter.rules.marker import marker_of


class ExportState(StrEnum):
    """Where an export stands."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    IN_DOUBT = "in_doubt"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """Not carried out, because a later revision already stands in the ERP."""


@dataclass(frozen=True, slots=True)
class Export:
    """The order to write one revision to the ERP, and what has become of it.

    `ordered_round` is the newest round that an approver ordered; `round` the one that is carried out, or was last.
    Until `quiet_until`, finding nothing in the ERP proves nothing. `due_at` is None while nothing is to be done.
    """

    commitment_id: str
    company_id: str
    project_id: str
    revision: int
    round: int
    ordered_round: int
    content_hash: str
    decided_by: Person
    summary: Summary
    accepted_at: datetime
    state_since: datetime
    state: ExportState = ExportState.PENDING
    due_at: datetime | None = None
    connection: str | None = None
    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None
    attempts: int = 0
    probes: int = 0
    quiet_until: datetime | None = None
    document: ErpDocument | None = None
    failure: Failure | None = None
    traceparent: str | None = None

    @property
    def marker(self) -> str:
        """What the ERP's document carries once this very content stands in it."""
        return marker_of(self.commitment_id, self.revision, self.content_hash)

    @property
    def is_untried(self) -> bool:
        """Whether nothing of this order can be in the ERP: no call began in this round, and none was lost."""
        return self.attempts == 0 and self.quiet_until is None

    def moved_to(self, state: ExportState, now: datetime, due_at: datetime | None = None) -> "Export":
        """Return this export in `state`, since `now` if it was in another."""
        since = self.state_since if state is self.state else now
        return replace(self, state=state, state_since=since, due_at=due_at)


@dataclass(frozen=True, slots=True)
class ExportLease:
    """The right of one worker to carry out one revision; a call that began under it is over before `until`."""

    token: UUID
    revision: int
    until: datetime


@dataclass(frozen=True, slots=True)
class ApprovedSnapshot:
    """The text of the commitment that a round of a revision ordered, verbatim; written once."""

    commitment_id: str
    company_id: str
    revision: int
    round: int
    text: str


@dataclass(frozen=True, slots=True)
class CommitmentExports:
    """Every export of one commitment, by revision; `resolved` holds documents that approvers vouched for."""

    commitment_id: str
    company_id: str | None = None
    by_revision: Mapping[int, Export] = field(default_factory=dict)
    resolved: Mapping[int, ErpDocument] = field(default_factory=dict)
    lease: ExportLease | None = None

    def with_export(self, export: Export) -> "CommitmentExports":
        """These exports with `export` in the place of its revision."""
        return replace(self, company_id=export.company_id, by_revision={**self.by_revision, export.revision: export})

    @property
    def idle(self) -> tuple[Export, ...]:
        """The exports that no worker holds, lowest revision first."""
        held = self.lease.revision if self.lease else None
        return tuple(self.by_revision[revision] for revision in sorted(self.by_revision) if revision != held)

    @property
    def newest_success(self) -> Export | None:
        """The highest revision that is in the ERP."""
        succeeded = [export for export in self.by_revision.values() if export.state is ExportState.SUCCEEDED]
        return max(succeeded, key=lambda export: export.revision, default=None)

    @property
    def document(self) -> ErpDocument | None:
        """The commitment's document in the ERP, as far as we know."""
        return self.newest_success.document if self.newest_success else None

    @property
    def current(self) -> Export | None:
        """The one export to work on: the one held or open, else the lowest pending revision."""
        if self.lease:
            return self.by_revision[self.lease.revision]
        opened = [export for export in self.idle if export.state in (ExportState.IN_FLIGHT, ExportState.IN_DOUBT)]
        pending = [export for export in self.idle if export.state is ExportState.PENDING]
        return next(iter(opened + pending), None)

    @property
    def due_at(self) -> datetime | None:
        """When somebody has to look at this commitment again: a lease's end counts."""
        if self.lease:
            return self.lease.until
        return self.current.due_at if self.current else None

    @property
    def connection(self) -> str | None:
        """The connection that the current export goes to."""
        return self.connection_for(self.current) if self.current else None

    def connection_for(self, export: Export) -> str | None:
        """The connection of `export`: fixed once the commitment has a document, else where its company is routed."""
        return self.document.connection if self.document else export.connection
