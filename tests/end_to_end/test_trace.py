"""One trace from the sender's event to the document in the ERP and the mails, over four processes."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from sandbox.story.actors import Actors
from sandbox.world import World, WorldOptions, running_world
from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent
from schemas.examples.cast import ANA, CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer
from tests.trace_collector import Collector, Told, collecting
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

COMMITMENT = CONCRETE_1.model_copy(update={"id": "traced-1", "number": "SC-T1"})
SENT = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
UNSAMPLED = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
SUBMISSION = "approval: process commitment.sent"
LIMIT_SECONDS = 60
METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def trace_of(traceparent: str) -> str:
    return traceparent.split("-")[1]


@dataclass(frozen=True)
class Played:
    """What was told of the trace, and the exporter's metrics afterwards."""

    collector: Collector
    metrics: str

    @property
    def spans(self) -> list[Told]:
        return self.collector.of(trace_of(SENT))

    def parents_of(self, span: Told) -> list[str]:
        """Return the titles of the spans above `span`, nearest first."""
        by_id = {each.id: each for each in self.spans}
        above = []
        while span.parent in by_id:
            span = by_id[span.parent]
            above.append(span.title)
        return above


async def send(world: World, commitment_id: str, traceparent: str) -> None:
    commitment = COMMITMENT.model_copy(update={"id": commitment_id, "number": commitment_id})
    data = CommitmentSent(**submitted(commitment, 1))
    event = new_event(data, source="upstream", time=datetime.now(UTC), traceparent=traceparent)
    producer = EventProducer(world.kafka_settings, "tests")
    try:
        assert await producer.send([(data.topic, data.subject, encode(event))]) == [None]
    finally:
        await asyncio.to_thread(producer.close)


async def answered(actors: Actors, view: str, commitment_id: str) -> dict[str, object]:
    row: dict[str, object] = {}

    async def is_there() -> bool:
        row.update(await actors.row(view, commitment_id) or {})
        return bool(row)

    await eventually(is_there, LIMIT_SECONDS)
    return row


async def failed_once(world: World) -> None:
    """A commitment is sent, accepted, refused by the ERP, told of by mail, retried, and exported."""
    world.erp.refuse_once(COMMITMENT.id, "Cost code 03-300 is closed.")
    await send(world, COMMITMENT.id, SENT)
    async with Actors(world) as actors:
        await actors.accept(await answered(actors, "ready", COMMITMENT.id))
        await actors.retry(await answered(actors, "failed", COMMITMENT.id))
        await answered(actors, "synced", COMMITMENT.id)
        await eventually(lambda: bool(actors.mails(ANA.email, "Export failed")), LIMIT_SECONDS)


async def play(folder: Path, collector: Collector) -> Played:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    async with running_world(folder, WorldOptions(variables=variables)) as world:
        await send(world, "unsampled-1", UNSAMPLED)
        await failed_once(world)
        async with httpx2.AsyncClient(trust_env=False, headers=METRICS) as client:
            metrics = (await client.get(f"{world.services['exporter'].url}/metrics")).text
    return Played(collector, metrics)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """What was told once all services had ended, which send their last spans."""
    with collecting() as collector:
        return asyncio.run(play(tmp_path_factory.mktemp("world"), collector))


def test_the_trace_leads_from_the_sender_to_the_erp(played: Played) -> None:
    """The retry is another decision of the same trace."""
    calls = [each for each in played.spans if each.title == "exporter: call ERP"]

    by_answer = {each.attributes["countersign.answer"]: played.parents_of(each) for each in calls}

    decided = ["exporter: process decision.accepted", "approval: decide accept", SUBMISSION]
    assert by_answer["refused"] == decided
    assert by_answer["landed"] == [decided[0], "approval: decide retry", decided[2]]
    assert {each.is_failed for each in calls if each.attributes["countersign.answer"] == "refused"} == {True}
    assert {each.attributes["countersign.connection"] for each in calls} == {"small-erp"}


def test_the_trace_leads_to_the_mails(played: Played) -> None:
    mails = [each for each in played.spans if each.title == "notifier: send mail"]

    assert {each.attributes["countersign.mail"] for each in mails} == {"export_failed"}
    assert {tuple(played.parents_of(each)) for each in mails} == {
        (
            "notifier: process export.failed",
            "exporter: process decision.accepted",
            "approval: decide accept",
            SUBMISSION,
        )
    }


def test_everything_belongs_to_the_trace_of_the_sender(played: Played) -> None:
    """The span of the submission is below the sender's own, and the requests of the approver are linked to it."""
    (submission,) = [each for each in played.spans if each.title == SUBMISSION]
    assert submission.parent == SENT.split("-")[2]
    others = [each for each in played.collector.spans if each.trace != trace_of(SENT)]
    assert {each.kind for each in others if each.attributes.get("countersign.subject") == COMMITMENT.id} == set()
    requests = {each.trace: each.name for each in others if each.kind == "server"}
    decisions = [each for each in played.spans if each.name.startswith("decide")]
    assert [requests[each.linked[0]] for each in decisions] == [
        "POST /api/v1/commitments/{commitment_id}/accept",
        "POST /api/v1/commitments/{commitment_id}/retry",
    ]


def test_what_the_outbox_publishes_is_in_the_trace(played: Played) -> None:
    published = {each.title for each in played.spans if each.kind == "producer"}

    assert published >= {
        "approval: publish commitment.status",
        "approval: publish decision.accepted",
        "exporter: publish export.failed",
        "exporter: publish export.succeeded",
        "notifier: publish mail.settled",
    }


def test_a_trace_that_its_sender_does_not_keep_is_not_kept_here(played: Played) -> None:
    assert played.collector.of(trace_of(UNSAMPLED)) == []


def test_a_slow_export_is_found_by_the_exemplar_of_the_latency(played: Played) -> None:
    latencies = [line for line in played.metrics.splitlines() if line.startswith("erp_export_latency_seconds_bucket")]

    assert any(f'# {{trace_id="{trace_of(SENT)}"}}' in line for line in latencies)


def test_spans_tell_of_no_contents_and_addresses(played: Played) -> None:
    told = " ".join(f"{span.name} {dict(span.attributes)}" for span in played.collector.spans)

    assert COMMITMENT.id in told
    for secret in (COMMITMENT.title, COMMITMENT.vendor.name, "Cost code 03-300", ANA.email, ANA.name):
        assert secret not in told
