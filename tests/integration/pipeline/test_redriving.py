"""Dead letters are processed again as the consumer would: once, in order, and with everything that follows."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY

from schemas.events import CommitmentRetrieved
from services.pipeline.aggregate import Aggregate
from services.pipeline.dead_letters import KEPT_WHY_CHARACTERS, READ_BYTES, DeadLetter, DeadLetters, SettledAs
from services.pipeline.errors import CountersignError
from services.pipeline.fold import On
from services.pipeline.lease import Lease
from services.pipeline.records import Partition, Record
from services.pipeline.redriving import LEASE_SECONDS, Chosen, DeadLetterDesk, Handled
from services.pipeline.row_filter import RowFilter
from tests.integration.pipeline.counting_service import (
    FORBIDDEN_REVISION,
    CountingService,
    RetrieveCountStore,
    retrieve_event,
    retrieved,
)
from tests.waiting import eventually

TOPIC = Partition("commitment.retrieved", 3)


class Operator:
    """Settles the dead letters of a counting service, and remembers what was reported."""

    def __init__(self, service: CountingService) -> None:
        self.handled: list[Handled] = []
        self._service = service
        self._desk = DeadLetterDesk(service.name, service.database, service.tables.kernel, "ops", self.handled.append)

    async def redrive(self, *offsets: int, reason: str | None = None) -> list[tuple[str, str]]:
        store = RetrieveCountStore(self._service.tables)
        aggregates = (Aggregate("retrieve_count", (On(CommitmentRetrieved, retrieved),), store),)
        await self._desk.redrive(aggregates, Chosen([(TOPIC, offset) for offset in offsets], RowFilter(reason=reason)))
        return self.results()

    async def discard(self, *offsets: int) -> list[tuple[str, str]]:
        await self._desk.discard(Chosen([(TOPIC, offset) for offset in offsets]), "sent again")
        return self.results()

    def results(self) -> list[tuple[str, str]]:
        """Take the (offset, outcome) pairs reported so far."""
        taken = [(each.place.rpartition("/")[2], each.outcome) for each in self.handled]
        self.handled.clear()
        return taken


def letter(offset: int, key: str, value: bytes, reason: str = "handler_failed") -> DeadLetter:
    return DeadLetter(Record(TOPIC, offset, key.encode(), value, (), datetime.now(UTC)), reason, "a defect")


async def keep(service: CountingService, letters: Sequence[DeadLetter]) -> None:
    async with service.database.begin() as db:
        await DeadLetters(service.tables.kernel).add(db, letters)


async def open_reasons(service: CountingService) -> dict[str, int]:
    async with service.database.begin() as db:
        return await DeadLetters(service.tables.kernel).count_by_reason(db)


async def found(service: CountingService, offset: int) -> DeadLetter:
    async with service.database.begin() as db:
        letter = await DeadLetters(service.tables.kernel).find(db, TOPIC, offset)
    assert letter is not None
    return letter


async def test_what_a_fix_makes_valid_is_applied_with_its_events_and_stays_as_a_settled_row(
    service: CountingService, unique_suffix: str
) -> None:
    await keep(service, [letter(offset, unique_suffix, retrieve_event(unique_suffix, offset)) for offset in (1, 2)])

    assert await Operator(service).redrive(1, 2) == [("1", "redriven"), ("2", "redriven")]

    assert (await service.counts(unique_suffix))[unique_suffix].count == 2
    assert await service.rows(service.tables.kernel.outbox) == 2
    assert await open_reasons(service) == {}
    settled = (await found(service, 1)).settled
    assert settled is not None
    assert (settled.how, settled.by) == (SettledAs.REDRIVEN, "ops")
    assert await Operator(service).redrive(1) == [("1", "not open")]
    assert (await service.counts(unique_suffix))[unique_suffix].count == 2


async def test_letters_are_processed_in_the_order_of_their_offsets(
    service: CountingService, unique_suffix: str
) -> None:
    letters = [letter(offset, unique_suffix, retrieve_event(unique_suffix, offset)) for offset in range(1, 251)]
    await keep(service, letters[::-1])

    assert len(await Operator(service).redrive(reason="handler_failed")) == 250

    assert (await service.counts(unique_suffix))[unique_suffix].count == 250  # each revision was higher than the last


async def test_one_that_fails_again_stays_open_with_its_new_reason_and_holds_up_no_other(
    service: CountingService, unique_suffix: str
) -> None:
    key = unique_suffix
    forbidden = letter(2, key, retrieve_event(key, FORBIDDEN_REVISION))
    defect = letter(3, key, retrieve_event(key, 3, project_id="defect"), reason="schema")
    await keep(service, [letter(1, key, retrieve_event(key, 1)), forbidden, defect, letter(4, key, b"{")])

    results = await Operator(service).redrive()

    assert results == [("1", "redriven"), ("2", "failed again"), ("3", "failed again"), ("4", "failed again")]
    assert [(await found(service, offset)).reason for offset in (2, 3, 4)] == [
        "schema",
        "handler_failed",
        "undecodable",
    ]
    assert (await found(service, 3)).why == "ZeroDivisionError: a handler's defect"
    assert await open_reasons(service) == {"schema": 1, "handler_failed": 1, "undecodable": 1}


async def test_one_redrive_of_a_service_runs_at_a_time(service: CountingService, unique_suffix: str) -> None:
    await keep(service, [letter(1, unique_suffix, retrieve_event(unique_suffix, 1))])
    other = Lease(service.database, service.tables.kernel, "redrive", "another process", LEASE_SECONDS)
    assert await other.hold()
    with pytest.raises(CountersignError, match="Another redrive of"):
        await Operator(service).redrive(1)
    await other.release()
    assert await Operator(service).redrive(1) == [("1", "redriven")]


async def test_concurrent_commands_settle_each_letter_once(service: CountingService, unique_suffix: str) -> None:
    offsets = range(1, 121)
    keys = [f"{unique_suffix}-{offset % 7}" for offset in offsets]
    letters = [letter(offset, key, retrieve_event(key, offset)) for offset, key in zip(offsets, keys, strict=True)]
    await keep(service, letters)
    redriving, discarding = Operator(service), Operator(service)

    async def redrive_again() -> None:
        with suppress(CountersignError):
            await Operator(service).redrive()

    await asyncio.gather(redriving.redrive(), redrive_again(), discarding.discard(*range(60, 121)))

    rows = [await found(service, offset) for offset in offsets]
    redriven = {row.record.offset for row in rows if row.settled and row.settled.how is SettledAs.REDRIVEN}
    discarded = {row.record.offset for row in rows if row.settled and row.settled.how is SettledAs.DISCARDED}
    assert redriven | discarded == set(offsets)
    assert await service.total(unique_suffix) == len(redriven)
    assert await service.rows(service.tables.seen) == len(redriven)


async def test_a_letter_that_was_settled_is_not_open_again_after_a_replay(
    service: CountingService, unique_suffix: str
) -> None:
    bad = letter(1, unique_suffix, b"{")
    await keep(service, [bad])
    assert await Operator(service).discard(1) == [("1", "discarded")]
    await keep(service, [replace(bad, reason="undecodable")])
    assert await open_reasons(service) == {}


@pytest.mark.usefixtures("begins_at_the_end")
async def test_the_gauge_counts_open_letters_and_returns_to_zero(
    service: CountingService, unique_suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pipeline.runtime.GAUGES_SECONDS", 0.5)
    reason = "of_this_test"  # the running service also reads what other tests put on the topic

    def gauge() -> float | None:
        return REGISTRY.get_sample_value("dead_letters", {"service": service.name, "reason": reason})

    await keep(service, [letter(1, unique_suffix, retrieve_event(unique_suffix, 1), reason)])
    async with service.running():
        await eventually(lambda: gauge() == 1)
        await Operator(service).redrive(reason=reason)
        await eventually(lambda: gauge() == 0)


async def test_large_letters_are_read_a_few_at_a_time_and_all_are_taken(service: CountingService) -> None:
    size, last = READ_BYTES // 4, ("", 0, 0)
    letters = [letter(offset, "k", bytes([offset % 256]) * size) for offset in range(1, 10)]
    async with service.database.begin() as db:
        table = DeadLetters(service.tables.kernel)
        await table.add(db, [*letters, letter(10, "k", b"x" * 3 * READ_BYTES), letter(11, "k", b"x")])
        sizes = []
        while batch := await table.oldest_open(db, last, 100):
            sizes.append([each.record.offset for each in batch])
            last = (*batch[-1].record.partition, batch[-1].record.offset)
    assert sizes == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], [11]]


async def test_a_list_reads_no_contents_and_an_explanation_that_quotes_a_message_is_cut(
    service: CountingService,
) -> None:
    quoting = replace(letter(1, "k", b"x" * 1_000), why="type " + "x" * 1_000_000)
    async with service.database.begin() as db:
        table = DeadLetters(service.tables.kernel)
        await table.add(db, [quoting])
        [listed], found = await table.newest(db, 10), await table.find(db, TOPIC, 1)
    assert (listed.record.key, listed.record.value) == (b"k", None)
    assert found is not None
    assert (len(found.why), found.why[-1], found.record.value) == (KEPT_WHY_CHARACTERS + 1, "…", b"x" * 1_000)
