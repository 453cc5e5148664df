"""An error that a connector raises is an outcome: nothing is retried for ever, and nothing is written twice."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.fields import FailureClass
from services.exporter.connectors.types import FindAnswer, FoundDocument, Landed, Refused, WriteAnswer, WriteRequest
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess
from tests.integration.exporter.losing_connector import LosingConnector
from tests.unit.exporter.builders import accepted_event


class BrokenConnector:
    """Raises an error, either when it is asked or when it writes; counts its writes."""

    enforces_reference = False

    def __init__(self, *, finds: bool) -> None:
        self.finds = finds
        self.writes = 0

    async def find(self, reference: str) -> FindAnswer:
        if self.finds:
            return ()
        raise KeyError(reference)

    async def create(self, request: WriteRequest) -> WriteAnswer:
        self.writes += 1
        raise KeyError(request.reference)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        del document_id
        return await self.create(request)

    async def close(self) -> None:
        pass


class NonsenseConnector(BrokenConnector):
    """Answers a write with something that is no answer."""

    def __init__(self, answer: Any) -> None:
        super().__init__(finds=True)
        self.answer = answer

    async def create(self, request: WriteRequest) -> WriteAnswer:
        del request
        return self.answer  # type: ignore[no-any-return]


async def test_a_connector_that_raises_before_a_write_is_retried_up_to_the_limit_and_logged_once(
    exporter: ExporterProcess,
) -> None:
    process = exporter.with_connector(BrokenConnector(finds=False))
    await process.consume(accepted_event())
    attempts = 0
    with capture_logs() as logged:
        for _ in range(200):
            attempts += await process.work_once()
            process.clock.advance(60)

    (failed,) = [event.data for event in await process.published() if event.data.topic == "export.failed"]
    assert (failed.attempts, failed.failure.code, failed.failure.owner) == (10, "connector_broken", "erp_admin")
    assert attempts == 10
    assert [line["event"] for line in logged if "exception" in line or "exc_info" in line] == ["export.attempt_failed"]


async def test_a_connector_that_raises_in_a_write_leaves_the_export_in_doubt(exporter: ExporterProcess) -> None:
    connector = BrokenConnector(finds=True)
    process = exporter.with_connector(connector)
    await process.consume(accepted_event())

    for _ in range(SETTLE_SECONDS):
        await process.work_once()
        process.clock.advance(1)

    assert connector.writes == 1
    assert await process.export_states() == ["in_doubt"]


@pytest.mark.parametrize("answer", [None, (), Landed(())])
async def test_a_connector_that_answers_a_write_with_nonsense_leaves_the_export_in_doubt(
    exporter: ExporterProcess, answer: Any
) -> None:
    process = exporter.with_connector(NonsenseConnector(answer))
    await process.consume(accepted_event())

    await process.work_once()

    assert await process.export_states() == ["in_doubt"]


async def test_a_connector_that_raises_while_it_is_asked_about_a_doubt_is_asked_again_ever_more_rarely(
    exporter: ExporterProcess,
) -> None:
    connector = BrokenConnector(finds=True)
    process = exporter.with_connector(connector)
    await process.consume(accepted_event())
    await process.work_once()
    connector.finds = False

    asked = 0
    for _ in range(600):
        process.clock.advance(1)
        asked += await process.work_once()

    assert await process.export_states() == ["in_doubt"]
    assert asked < 15


@pytest.mark.parametrize("kind", ["raises", "loses"])
async def test_a_write_whose_outcome_is_never_known_is_repeated_up_to_the_limit_only(
    exporter: ExporterProcess, kind: str
) -> None:
    connector: Any = BrokenConnector(finds=True)
    if kind == "loses":
        connector = LosingConnector(exporter.connections.by_name["main"].connector, times=10_000)
    process = exporter.with_connector(connector)
    await process.consume(accepted_event())

    for _ in range(600):
        await process.work_once()
        process.clock.advance(60)

    assert connector.writes == 10
    (failed,) = [event.data for event in await process.published() if event.data.topic == "export.failed"]
    assert (failed.attempts, failed.failure.code, failed.failure.failure_class) == (10, "given_up", "retry_later")
    assert failed.failure.message.endswith("an error of its own." if kind == "raises" else "The ERP did not answer.")


async def test_a_process_that_dies_in_every_write_repeats_it_up_to_the_limit_only(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    leases = 0

    for _ in range(600):
        if leases > 10:
            await exporter.work_once()
        else:
            leases += len(await exporter.claim())
        exporter.clock.advance(60)

    assert await exporter.export_states() == ["failed"]
    assert {entry.method for entry in exporter.erp.journal.entries} == {"GET"}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Landed((FoundDocument("", "PO-7"),)), "in_doubt"),
        (Landed((FoundDocument("PO 7", "x" * 1_000, "/po/7"),)), "succeeded"),
        (Refused(FailureClass.FIX_DATA, "\x00 no \ud800" + "x" * 100_000, "x" * 1_000), "failed"),
    ],
)
async def test_an_answer_with_odd_members_is_recorded(exporter: ExporterProcess, answer: Any, state: str) -> None:
    process = exporter.with_connector(NonsenseConnector(answer))
    await process.consume(accepted_event())

    await process.work_once()

    assert await process.export_states() == [state]
