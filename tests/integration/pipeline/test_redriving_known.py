"""After an upgrade a service redrives by itself what an earlier version did not know: once, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from schemas.events import CommitmentRetrieved
from services.pipeline.aggregate import Aggregate
from services.pipeline.dead_letters import DeadLetter, DeadLetters
from services.pipeline.fold import On
from services.pipeline.lease import Lease
from services.pipeline.records import Partition, Record
from services.pipeline.redriving import LEASE_SECONDS
from services.pipeline.redriving_known import BECAUSE, KnownTypes
from tests.integration.pipeline.counting_service import (
    CountingService,
    RetrieveCountStore,
    retrieve_event,
    retrieved,
)
from tests.waiting import eventually

TOPIC = Partition("commitment.retrieved", 3)
FROM_THE_FUTURE = b"commitment.retrieved.v9"


def letter(offset: int, key: str, value: bytes, reason: str = "unknown_type") -> DeadLetter:
    return DeadLetter(
        Record(TOPIC, offset, key.encode(), value, (), datetime.now(UTC)),
        reason,
        "type 'commitment.retrieved.v1' does not travel",
    )


async def keep(service: CountingService, *letters: DeadLetter) -> None:
    async with service.database.begin() as db:
        await DeadLetters(service.tables.kernel).add(db, letters)


async def found(service: CountingService, offset: int) -> DeadLetter:
    async with service.database.begin() as db:
        kept = await DeadLetters(service.tables.kernel).find(db, TOPIC, offset)
    assert kept is not None
    return kept


def known_types(service: CountingService) -> KnownTypes:
    store = RetrieveCountStore(service.tables)
    aggregates = (Aggregate("retrieve_count", (On(CommitmentRetrieved, retrieved),), store),)
    return KnownTypes(service.name, service.database, service.tables.kernel, aggregates)


def redriven(service: CountingService, outcome: str) -> float | None:
    return REGISTRY.get_sample_value("dead_letters_redriven_total", {"service": service.name, "outcome": outcome})


@pytest.mark.usefixtures("begins_at_the_end")
async def test_a_service_that_starts_takes_up_what_it_knows_and_says_who_and_why(
    service: CountingService, unique_suffix: str
) -> None:
    future = retrieve_event(unique_suffix, 3).replace(b"commitment.retrieved.v1", FROM_THE_FUTURE)
    of_another_type = replace(letter(3, unique_suffix, future), why="type 'commitment.retrieved.v9' does not travel")
    await keep(
        service,
        letter(1, unique_suffix, retrieve_event(unique_suffix, 1)),
        letter(2, unique_suffix, retrieve_event(unique_suffix, 2), reason="schema"),
        of_another_type,
    )

    async def is_taken() -> bool:
        return (await found(service, 1)).settled is not None

    with capture_logs() as logs:
        async with service.running():
            await eventually(is_taken)
            await eventually(lambda: redriven(service, "redriven") == 1)

    settled = (await found(service, 1)).settled
    assert settled is not None
    assert (settled.by.split()[0], settled.because) == ("countersign", BECAUSE)
    assert [(await found(service, offset)).settled for offset in (2, 3)] == [None, None]
    assert (await service.counts(unique_suffix))[unique_suffix].highest == 1
    assert [line for line in logs if line["event"] == "dead_letters.redriven_by_itself"] == [
        {"event": "dead_letters.redriven_by_itself", "log_level": "info", "redriven": 1}
    ]


async def test_one_that_fails_for_another_reason_is_tried_once_and_stays_with_that_reason(
    service: CountingService, unique_suffix: str
) -> None:
    await keep(service, letter(1, unique_suffix, retrieve_event(unique_suffix, 1).replace(b"company_id", b"company")))
    known = known_types(service)
    with capture_logs() as logs:
        await known.redrive_known()
        await known.redrive_known()
    assert (await found(service, 1)).reason == "schema"
    assert [line["failed_again"] for line in logs if line["event"] == "dead_letters.redriven_by_itself"] == [1]
    assert redriven(service, "failed_again") == 1


async def test_it_waits_while_somebody_else_redrives(service: CountingService, unique_suffix: str) -> None:
    await keep(service, letter(1, unique_suffix, retrieve_event(unique_suffix, 1)))
    other = Lease(service.database, service.tables.kernel, "redrive", "another process", LEASE_SECONDS)
    assert await other.hold()
    with capture_logs() as logs:
        pause_seconds = await known_types(service)._look()
    assert (pause_seconds, logs[-1]["event"]) == (60.0, "dead_letters.known_types_wait")
    assert (await found(service, 1)).settled is None
    await other.release()
    assert await known_types(service)._look() == 600.0
    assert (await found(service, 1)).settled is not None


async def test_letters_are_taken_in_the_order_of_their_offsets_up_to_the_limit_of_one_look(
    service: CountingService, unique_suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pipeline.redriving_known.MAX_LETTERS", 150)
    letters = [letter(offset, unique_suffix, retrieve_event(unique_suffix, offset)) for offset in range(1, 201)]
    await keep(service, *letters[::-1])
    with capture_logs() as logs:
        assert await known_types(service)._look() == 60.0
    assert (await service.counts(unique_suffix))[unique_suffix].count == 150  # each revision was higher than the last
    assert [(await found(service, offset)).settled is None for offset in (150, 151)] == [False, True]
    assert [line["redriven"] for line in logs if line["event"] == "dead_letters.redriven_by_itself"] == [150]
    assert await known_types(service)._look() == 600.0
    assert (await service.counts(unique_suffix))[unique_suffix].count == 200


async def test_types_beyond_the_limit_of_one_look_are_looked_at_in_the_next(
    service: CountingService, unique_suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pipeline.redriving_known.MAX_KINDS", 2)
    future = retrieve_event(unique_suffix, 1).replace(b"commitment.retrieved.v1", FROM_THE_FUTURE)
    unknown = [replace(letter(each, unique_suffix, future), why=f"type '{each}' does not travel") for each in (1, 2, 3)]
    await keep(service, *unknown, letter(4, unique_suffix, retrieve_event(unique_suffix, 1)))
    known = known_types(service)
    assert [await known._look(), (await found(service, 4)).settled] == [60.0, None]
    assert await known._look() == 60.0
    assert (await found(service, 4)).settled is not None
    assert await known._look() == 600.0
