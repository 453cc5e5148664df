"""One attempt to carry out an export: verify, ask the ERP, write if need be, all before the lease is over."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import TypeVar
from uuid import UUID

import structlog

from schemas.commitment import ErpDocument
from schemas.snapshot import Snapshot
from services.exporter import metrics
from services.exporter.connections import Connection
from services.exporter.connectors.types import Exists, FindAnswer, Transient, Unknown, WriteAnswer, WriteRequest
from services.exporter.rules.export import Export
from services.exporter.rules.failures import altered, duplicate
from services.exporter.rules.outcome import AttemptOutcome, NotSent
from services.exporter.rules.probe import Create, Update, after_probe, outcome_without_write
from services.pipeline.crash import crash_at

AnsweredT = TypeVar("AnsweredT", FindAnswer, WriteAnswer)
Clock = Callable[[], datetime]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export under our lease, with what is needed to carry it out; `known` is the commitment's document."""

    token: UUID
    until: datetime
    export: Export
    known: ErpDocument | None
    text: str


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What an attempt came to; `is_reached` tells whether the ERP answered its last call, None without a call."""

    outcome: AttemptOutcome
    is_reached: bool | None = None


class Attempt:
    """Carries out one job on its connection."""

    def __init__(self, connection: Connection, job: ExportJob, clock: Clock) -> None:
        self._connection = connection
        self._connector = connection.connector
        self._job = job
        self._clock = clock
        self._is_reached: bool | None = None

    async def run(self) -> AttemptResult:
        """Carry the export out; each call has its own deadline, and none begins that the lease would not outlive."""
        return AttemptResult(await self._outcome(), self._is_reached)

    async def _outcome(self) -> AttemptOutcome:
        export = self._job.export
        snapshot = Snapshot.from_text(self._job.text)
        if snapshot.content_hash != export.content_hash:
            return outcome_without_write(export, altered())
        if not self._is_call_in_time():
            return NotSent()
        self._observe_start()
        request = _write_request(export, snapshot)
        if export.is_untried and self._job.known is None and self._connector.enforces_reference:
            return await self._write(Create(), request)
        found = await self._timed(self._connector.find(request.reference))
        step = after_probe(export, self._job.known, found, self._clock())
        return await self._write(step, request) if isinstance(step, (Create, Update)) else step

    async def _write(self, step: Create | Update, request: WriteRequest) -> AttemptOutcome:
        if not self._is_call_in_time():
            return NotSent()
        crash_at("exporter.before_call")
        if isinstance(step, Update):
            written = await self._timed(self._connector.update(step.document_id, request))
        else:
            written = await self._timed(self._connector.create(request))
        crash_at("exporter.after_call")
        if not isinstance(written, Exists):
            return written
        return duplicate(request.reference) if isinstance(step, Update) else await self._write_into(written, request)

    async def _write_into(self, exists: Exists, request: WriteRequest) -> AttemptOutcome:
        """Go on from the document that the ERP showed when it refused a second one."""
        step = after_probe(self._job.export, self._job.known, (exists.document,), self._clock())
        if isinstance(step, Create):
            return duplicate(request.reference)
        return await self._write(step, request) if isinstance(step, Update) else step

    async def _timed(self, call: Awaitable[AnsweredT]) -> AnsweredT:
        started = perf_counter()
        answer = await call
        name = type(answer).__name__.lower() if not isinstance(answer, tuple) else "found"
        metrics.EXPORT_SECONDS.labels(self._connection.name, name).observe(perf_counter() - started)
        self._is_reached = not isinstance(answer, Unknown) and not (
            isinstance(answer, Transient) and not answer.is_reached
        )
        return answer

    def _is_call_in_time(self) -> bool:
        """Whether a call that begins now is over before somebody else may take the export."""
        deadline = timedelta(seconds=self._connection.settings.timeout_seconds)
        is_in_time = self._clock() + deadline < self._job.until
        if not is_in_time:
            log.warning("export.lease_nearly_over", connection=self._connection.name)
        return is_in_time

    def _observe_start(self) -> None:
        if self._job.export.is_untried:
            waited = self._clock() - self._job.export.accepted_at
            metrics.EXPORT_START_SECONDS.labels(self._connection.name).observe(max(waited.total_seconds(), 0.0))


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
