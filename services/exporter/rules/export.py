"""All exports of one commitment: one for each accepted revision, and at most one of them leased to a worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Failure
from schemas.fields import Code, FailureClass, Owner, Record, Text
from services.exporter.rules.approvers_words import AcceptedDrift, Evidence, Replaced
from services.exporter.rules.marker import marker_of


class ExportState(StrEnum):
    """The states of an export."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    IN_DOUBT = "in_doubt"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """Not exported any more, because a later revision is in the ERP."""


class Doubt(Record):
    """Why an export is in doubt: what is known of its last write.

    If the ERP answered that write completely, the other members say how the export fails if nothing landed.
    """

    message: Text
    failure_class: FailureClass | None = None
    code: Code | None = None
    owner: Owner | None = None
    next_step: Text | None = None
    has_failed: bool = False
    """Whether the export had failed, and a look has found its document since."""


@dataclass(frozen=True, slots=True)
class Export:
    """The export of one accepted revision, and its progress."""

    commitment_id: str
    company_id: str
    project_id: str
    revision: int
    round: int
    """The round that is being exported, or was last."""

    ordered_round: int
    """The highest round that an approver has ordered."""

    content_hash: str
    decided_by: Person
    summary: Summary
    accepted_at: datetime
    state_since: datetime
    state: ExportState = ExportState.PENDING
    due_at: datetime | None = None
    """When the next attempt or probe is due; None when none is."""

    connection: str | None = None
    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None
    attempts: int = 0
    probes: int = 0
    quiet_until: datetime | None = None
    """After a lost answer: until then, the ERP may still store the document, so finding nothing proves nothing."""

    doubt: Doubt | None = None
    document: ErpDocument | None = None
    failure: Failure | None = None
    is_closed: bool = False
    """Whether a failed export is nobody's open item any more: it was rejected, or a later revision was accepted."""

    traceparent: str | None = None
    reopened: int = 0
    """How often the revision was reopened after it had been in the ERP: as of `round`."""

    ordered_reopened: int = 0
    """The same as of `ordered_round`."""

    refused_evidence: int = 0
    """How many documents that approvers named since it was last reopened are not this commitment's in the ERP."""

    message_set_id: str | None = None
    """By what a polled ERP can be asked for its last write; None once the answer to that is known."""

    sent_at: datetime | None = None
    """When that write was handed to the ERP's client."""

    @property
    def marker(self) -> str:
        """The marker that the ERP's document has once it holds exactly this content."""
        return marker_of(self.commitment_id, self.revision, self.content_hash, self.reopened)

    @property
    def written(self) -> tuple[int, int]:
        """(revision, reopened) of what was last written to `document`."""
        return self.revision, self.reopened if self.state is ExportState.SUCCEEDED else self.reopened - 1

    @property
    def is_untried(self) -> bool:
        """Whether nothing of it can be in the ERP: no call was made in this round, and no earlier answer was lost."""
        return self.attempts == 0 and self.quiet_until is None

    @property
    def is_doubted_again(self) -> bool:
        """Whether it had failed, which people know, unlike this doubt: a look has found its document since."""
        return self.state is ExportState.IN_DOUBT and self.doubt is not None and self.doubt.has_failed

    @property
    def is_done(self) -> bool:
        """Whether no further round can change it, unless it is reopened: this revision or a later one is in the ERP."""
        return self.state in (ExportState.SUCCEEDED, ExportState.SUPERSEDED)

    @property
    def is_reopening(self) -> bool:
        """Whether it is to be written again although it is in the ERP."""
        return self.ordered_reopened > self.reopened

    def moved_to(self, state: ExportState, now: datetime, due_at: datetime | None = None) -> "Export":
        """Return this export in `state`; `state_since` changes only if the state does."""
        since = self.state_since if state is self.state else now
        return replace(self, state=state, state_since=since, due_at=due_at)


@dataclass(frozen=True, slots=True)
class ExportLease:
    """A worker's exclusive right to export one revision; every call made under it ends before `until`."""

    token: UUID
    revision: int
    until: datetime


@dataclass(frozen=True, slots=True)
class ApprovedSnapshot:
    """The text of the commitment, verbatim, as approved for one round of one revision; written once."""

    commitment_id: str
    company_id: str
    revision: int
    round: int
    text: str
    read_partition: int | None = field(default=None, compare=False)
    """Where the order was read, with `read_offset`."""

    read_offset: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CommitmentExports:
    """Every export of one commitment, by revision; `resolved` holds the last evidence of approvers for each revision.

    `rejected` is the highest revision and round that an approver has rejected. `replaced` only grows.
    """

    commitment_id: str
    company_id: str | None = None
    by_revision: Mapping[int, Export] = field(default_factory=dict)
    resolved: Mapping[int, Evidence] = field(default_factory=dict)
    lease: ExportLease | None = None
    rejected: tuple[int, int] | None = None
    replaced: frozenset[Replaced] = frozenset()
    accepted_drift: AcceptedDrift | None = None

    def with_export(self, export: Export) -> "CommitmentExports":
        """Return these exports with `export` added, or in place of its revision's previous one."""
        return replace(self, company_id=export.company_id, by_revision={**self.by_revision, export.revision: export})

    @property
    def unleased(self) -> tuple[Export, ...]:
        """The exports that no worker has leased, lowest revision first."""
        leased = self.lease.revision if self.lease else None
        return tuple(self.by_revision[revision] for revision in sorted(self.by_revision) if revision != leased)

    def is_overruled(self, export: Export) -> bool:
        """Whether the order to export was rejected later: it must not be written any more."""
        return self.rejected is not None and (export.revision, export.ordered_round) <= self.rejected

    @property
    def newest_success(self) -> Export | None:
        """The highest revision that is in the ERP."""
        succeeded = [export for export in self.by_revision.values() if export.state is ExportState.SUCCEEDED]
        return max(succeeded, key=lambda export: export.revision, default=None)

    @property
    def newest_written(self) -> Export | None:
        """The highest revision that has a document in the ERP, also while it is being written again."""
        written = [export for export in self.by_revision.values() if export.document]
        return max(written, key=lambda export: export.revision, default=None)

    @property
    def document(self) -> ErpDocument | None:
        """The commitment's document in the ERP, as far as we know; None if it is to be created anew."""
        return None if self._given_up else self.last_document

    @property
    def last_document(self) -> ErpDocument | None:
        """The document that was last written, even if its ERP no longer has it; None once that ERP is left."""
        is_left = any(each.is_left for each in self._given_up)
        return self.newest_written.document if self.newest_written and not is_left else None

    @property
    def _given_up(self) -> tuple[Replaced, ...]:
        """What approvers said of the document that was last written: it is no longer the commitment's."""
        last = self.newest_written
        if last is None or last.document is None:
            return ()
        return tuple(each for each in self.replaced if each.covers(last.written, last.document))

    def evidence_for(self, export: Export) -> Evidence | None:
        """The document that an approver named for `export` and that the ERP has to confirm; None if there is none."""
        evidence = self.resolved.get(export.revision)
        if evidence is None or export.is_done or evidence.is_withdrawn or evidence.reopened != export.reopened:
            return None
        return evidence if evidence.number > export.refused_evidence else None

    @property
    def current(self) -> Export | None:
        """The one export to work on: the leased one, else the one in doubt, else the lowest pending revision."""
        if self.lease:
            return self.by_revision[self.lease.revision]
        started = [export for export in self.unleased if export.state in (ExportState.IN_FLIGHT, ExportState.IN_DOUBT)]
        pending = [export for export in self.unleased if export.state is ExportState.PENDING]
        return next(iter(started + pending), None)

    @property
    def due_at(self) -> datetime | None:
        """When a worker has to take up this commitment: at the end of a lease, the holder may have died."""
        if self.lease:
            return self.lease.until
        return self.current.due_at if self.current else None

    @property
    def used_connections(self) -> frozenset[str]:
        """The names of the connections that its exports went to, or are to go to."""
        return frozenset(each.connection for each in self.by_revision.values() if each.connection)

    @property
    def connection(self) -> str | None:
        """The connection that the current export goes to."""
        return self.connection_for(self.current) if self.current else None

    def connection_for(self, export: Export) -> str | None:
        """The connection of `export`: the document's, once there is one; before, the one its company is routed to.

        A document that no longer exists counts too: only its own ERP can tell whether it is there after all. One in an
        ERP that the company has left does not.
        """
        return self.last_document.connection if self.last_document else export.connection
