"""Submissions to measure with: realistic subcontracts, each of a commitment of its own."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent
from schemas.snapshot import Snapshot
from services.pipeline.broker import EventProducer
from services.pipeline.settings import KafkaSettings

TOPIC = CommitmentSent.topic
LINES = 5
_BATCH = 5_000
_PERSON = {"id": "p-sam", "name": "Sam Lee", "email": "sam.lee@rivera.example"}


def submission(commitment_id: str) -> bytes:
    """Return the `commitment.sent` event of one subcontract with five lines, about 2.3 kB."""
    data = CommitmentSent.model_validate(
        {
            "company_id": "c-rivera",
            "project_id": "pr-riverside",
            "commitment": Snapshot.of(_commitment(commitment_id)),
            "revision": 1,
            "sent_by": _PERSON,
            "note": "As agreed on site.",
        }
    )
    return encode(new_event(data, source="benchmarks", time=datetime.now(UTC)))


async def preload(settings: KafkaSettings, ids: Sequence[str]) -> None:
    """Put one submission for each of `ids` on the topic."""
    producer = EventProducer(settings, "benchmarks")
    for chunk in _chunks(ids, _BATCH):
        errors = await producer.send([(TOPIC, each, submission(each)) for each in chunk])
        assert not any(errors), errors
    await asyncio.to_thread(producer.close)


def _chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _commitment(commitment_id: str) -> dict[str, Any]:
    lines = [
        {
            "position": position,
            "cost_code": f"03-3{position:02}",
            "cost_type": "S",
            "description": f"Concrete works, level {position}",
            "quantity": "120.5",
            "unit": "m3",
            "unit_cost": "797.10",
            "amount": "96050.55",
        }
        for position in range(1, LINES + 1)
    ]
    return {
        "id": commitment_id,
        "number": f"SC-{commitment_id[-6:]}",
        "title": "Concrete works",
        "kind": "subcontract",
        "status": "Approved",
        "url": f"https://pm.example/commitments/{commitment_id}",
        "currency": "USD",
        "total": "480252.75",
        "retainage_percent": "10.0",
        "project": {"id": "pr-riverside", "number": "2026-014", "name": "Riverside Tower"},
        "vendor": {"id": "v-acme", "name": "Acme Concrete", "erp_code": "ACME"},
        "creator": {"id": "p-ana", "name": "Ana Gil", "email": "ana.gil@rivera.example"},
        "lines": lines,
    }
