"""One attempt to carry out an export: check the content, ask the ERP, and write if needed, all within the lease."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

import structlog

from schemas.commitment import ErpDocument
from schemas.snapshot import Snapshot
from services.exporter import metrics
from services.exporter.approved_content import read_snapshot
from services.exporter.connections import Connection
from services.exporter.connectors.protocol import ReadsDocuments, reader_of
from services.exporter.connectors.types import (
    ErpCopy,
    Exists,
    FindAnswer,
    Gone,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    WriteAnswer,
    WriteRequest,
)
from services.exporter.rules.about import About
from services.exporter.rules.circuit import Heard
from services.exporter.rules.evidence import MAX_READS, after_reading, asked_for, cannot_ask, on_trust
from services.exporter.rules.export import Export, ExportLease
from services.exporter.rules.failures import content_differs, content_unreadable, duplicate_reference, reference_held
from services.exporter.rules.outcome import AttemptOutcome, Broken, NotSent, Overruled, WrongEvidence, WrongTerms
from services.exporter.rules.probe import (
    Create,
    Update,
    after_gone,
    after_probe,
    after_reading_known,
    is_listed,
    outcome_without_write,
    unless_tried_enough,
)
from services.exporter.rules.terms import wrong_terms
from services.pipeline.crash import crash_at
from services.pipeline.lease_clock import ClaimTime
from services.pipeline.logs import FailureLog

_FIND_ANSWERS = (tuple, Refused, Transient)
_READ_ANSWERS = (ErpCopy, Refused, Transient)
_WRITE_ANSWERS = (Landed, Exists, Refused, Transient, Unknown)
AnswerT = TypeVar("AnswerT", FindAnswer, ReadAnswer, WriteAnswer)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ExportJob:
    """A leased export and what is needed to carry it out; `known` is the commitment's document, if it has one.

    `snapshot_text` is None where the approved content is missing. An overruled export is asked for, but not written.
    `replaced` are former documents that are no longer the commitment's, in the ERP that is asked; `last` is the one
    that was last written, also if it is one of these. `evidence` is the one that an approver named.
    """

    lease: ExportLease
    export: Export
    known: ErpDocument | None
    snapshot_text: str | None
    time: ClaimTime
    is_overruled: bool = False
    replaced: tuple[ErpDocument, ...] = ()
    last: ErpDocument | None = None
    evidence: ErpDocument | None = None
    is_confirmed: bool = False
    """Whether a second approver has confirmed the evidence."""

    connection: Connection | None = None
    """The connection as it was configured when the export was leased."""

    @property
    def remaining_seconds(self) -> float:
        """How much of the lease is certainly left."""
        return self.time.remaining_seconds((self.lease.until - self.time.at).total_seconds())


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The outcome of an attempt, how many calls it made, and what the last of them showed of the ERP.

    `connection` is the one that was called, as it was configured then. `shown` is the document that an approver named,
    as the ERP has it.
    """

    outcome: AttemptOutcome
    heard: Heard | None = None
    calls: int = 0
    connection: Connection | None = None
    shown: ErpCopy | None = None


class Attempt:
    """Carries out one job on its connection."""

    def __init__(
        self,
        connection: Connection,
        job: ExportJob,
        failures: FailureLog,
        watch: metrics.CallWatch = metrics.CALL_WATCH,
    ) -> None:
        self._watch = watch
        self._connection = connection
        self._connector = connection.calling
        self._usable = connection.usable
        self._job = job
        self._about = About(job.export.summary.number, connection.settings.title)
        self._failures = failures
        self._heard: Heard | None = None
        self._calls = 0
        self._may_have_written = False
        self._shown: ErpCopy | None = None

    async def run(self) -> AttemptResult:
        """Carry out the export; no call begins unless it must end, by its own deadline, before the lease does."""
        try:
            evidence = self._job.evidence
            outcome = await (self._check_evidence(evidence) if evidence else self._export())
        except Exception as error:  # noqa: BLE001 - a connector is somebody else's code, and its error is an outcome
            outcome = self._after_error(error)
        return AttemptResult(outcome, self._heard, self._calls, self._connection, self._shown)

    def _after_error(self, error: Exception) -> AttemptOutcome:
        """In doubt once a write may have begun; before, nothing has happened."""
        self._failures.defect("export.attempt_failed", error)
        message = "The exporter or its connector failed with an error of its own."
        if self._job.evidence is not None and self._job.export.probes >= MAX_READS:
            return WrongEvidence(f"{self._job.evidence.name} cannot be read. {message}")
        if self._may_have_written:
            return Unknown(message)
        return outcome_without_write(self._job.export, Broken(message))

    async def _export(self) -> AttemptOutcome:
        export = self._job.export
        snapshot = await read_snapshot(self._job.snapshot_text)
        if snapshot is None:
            return outcome_without_write(export, content_unreadable(self._about))
        if snapshot.content_hash != export.content_hash:
            return outcome_without_write(export, content_differs(self._about))
        if not self._has_time_for_a_call():
            return NotSent()
        self._observe_start()
        request = _write_request(export, snapshot)
        if self._may_create_unasked():
            return await self._write(Create(), request)
        found = await self._found(request.reference)
        step = unless_tried_enough(
            export, self._after_probe(found), self._connection.settings.max_attempts, self._about.erp
        )
        return await self._carried_out(step, found, request) if isinstance(step, (Create, Update)) else step

    async def _carried_out(self, step: Create | Update, found: FindAnswer, request: WriteRequest) -> AttemptOutcome:
        """Write as `step` says, unless the document that it names is gone, or another commitment's by now."""
        if isinstance(step, Create):
            return await self._write(step, request)
        if reused := await self._reused(step.document_id, found):
            return after_gone(self._job.export, self._job.known, step.document_id, reused, found, self._about.erp)
        outcome = await self._write(step, request)
        return await self._after_gone(outcome, step, request) if isinstance(outcome, Gone) else outcome

    async def _check_evidence(self, named: ErpDocument) -> AttemptOutcome:
        """Ask the ERP for the document that an approver named; where it cannot show one, two people have to say so."""
        reader = reader_of(self._connector)
        if reader is None:
            return on_trust(named) if self._job.is_confirmed else cannot_ask(named, self._about)
        if not self._has_time_for_a_call():
            return NotSent()
        read = await self._read(reader, asked_for(named))
        job, self._shown = self._job, read if isinstance(read, ErpCopy) else None
        is_there = self._shown is not None and self._has_time_for_a_call()
        found = await self._found(job.export.commitment_id) if is_there else ()
        return after_reading(job.export, named, read, found, is_confirmed=job.is_confirmed, about=self._about)

    def _may_create_unasked(self) -> bool:
        """Whether nothing of the commitment can be in the ERP that the ERP would not refuse to have twice."""
        job = self._job
        return job.export.is_untried and job.known is None and not job.replaced and self._connector.enforces_reference

    async def _found(self, reference: str) -> FindAnswer:
        return await self._observed(self._connector.find(reference), _FIND_ANSWERS, self._usable.found)

    async def _read(self, reader: ReadsDocuments, document_id: str) -> ReadAnswer:
        return await self._observed(reader.read(document_id), _READ_ANSWERS, self._usable.read)

    def _after_probe(self, found: FindAnswer) -> Create | Update | AttemptOutcome:
        job = self._job
        return after_probe(job.export, job.known, found, job.time.now(), job.replaced, self._about.erp)

    async def _reused(self, document_id: str, found: FindAnswer) -> Gone | None:
        """Return why the document with this id, which the ERP does not list as ours, is another commitment's by now.

        A restored ERP gives its ids again. None if it is not, or if the ERP does not show it: it has to refuse then.
        """
        reader = reader_of(self._connector)
        if reader is None or is_listed(found, document_id) or not self._has_time_for_a_call():
            return None
        read = await self._read(reader, document_id)
        return after_reading_known(self._job.export, document_id, read)

    async def _write(self, step: Create | Update, request: WriteRequest) -> AttemptOutcome:
        if obstacle := self._obstacle(request):
            return obstacle
        crash_at("exporter.before_call")
        self._may_have_written = True
        if isinstance(step, Update):
            call = self._connector.update(step.document_id, request)
        else:
            call = self._connector.create(request)
        answer = await self._observed(call, _WRITE_ANSWERS, lambda answer: self._usable.written(answer, self._about))
        crash_at("exporter.after_call")
        if not isinstance(answer, Exists):
            return answer
        if isinstance(step, Update):
            return duplicate_reference(self._about, request.reference)
        return await self._write_to_existing(answer, request)

    def _obstacle(self, request: WriteRequest) -> Overruled | WrongTerms | NotSent | None:
        """Return why nothing may be written now; None if it may."""
        if self._job.is_overruled:
            return Overruled()
        settings = self._connection.settings
        if wrong := wrong_terms(self._job.export, request.commitment, settings.limits, settings.title):
            return wrong
        return None if self._has_time_for_a_call() else NotSent()

    async def _after_gone(self, gone: Gone, step: Update, request: WriteRequest) -> AttemptOutcome:
        """Search for the document that could not be updated, while the lease leaves time for it."""
        if not self._has_time_for_a_call():
            return gone
        job, found = self._job, await self._found(request.reference)
        return after_gone(job.export, job.known, step.document_id, gone, found, self._about.erp)

    async def _write_to_existing(self, exists: Exists, request: WriteRequest) -> AttemptOutcome:
        """Continue with the document that the ERP returned when it refused a second one."""
        step = self._after_probe((exists.document,))
        if isinstance(step, Create):
            return duplicate_reference(self._about, request.reference)
        outcome = await self._write(step, request) if isinstance(step, Update) else step
        if not isinstance(outcome, Gone):
            return outcome
        held_by = exists.document.name
        return reference_held(self._about, request.reference, held_by, outcome.message)

    async def _observed(
        self, call: Awaitable[AnswerT], allowed: tuple[type, ...], usable: Callable[[AnswerT], AnswerT]
    ) -> AnswerT:
        """Return what is `usable` of a call's answer; TypeError for one that the connector's protocol does not know."""
        started = perf_counter()
        self._calls += 1
        answer = await call
        if not isinstance(answer, allowed) or answer == Landed(()):
            raise TypeError(f"the connector answered {type(answer).__name__}")
        label = "found" if isinstance(answer, (tuple, ErpCopy)) else type(answer).__name__.lower()
        self._watch.answered(self._connection.name, label, perf_counter() - started, self._job.export.traceparent)
        answer = usable(answer)
        self._heard = Heard.of(answer)
        return answer

    def _has_time_for_a_call(self) -> bool:
        """Whether a call that begins now ends before another worker may take the export."""
        has_time = self._connection.settings.timeout_seconds < self._job.remaining_seconds
        if not has_time:
            log.warning("export.lease_nearly_over")
        return has_time

    def _observe_start(self) -> None:
        if self._job.export.is_untried:
            seconds = metrics.seconds_between(self._job.export.accepted_at, self._job.time.now())
            self._watch.began(self._connection.name, seconds)


def _write_request(export: Export, snapshot: Snapshot) -> WriteRequest:
    return WriteRequest(
        reference=export.commitment_id,
        marker=export.marker,
        company_id=export.company_id,
        revision=export.revision,
        commitment=snapshot.commitment,
        erp_code=export.erp_code,
        accounting_date=export.accounting_date,
        note=export.note,
        traceparent=export.traceparent,
    )
