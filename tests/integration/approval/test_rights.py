"""A record that cannot be read takes a person's rights away until the next version, and says so."""

from datetime import UTC, datetime

import orjson
import pytest
from structlog.testing import capture_logs

from schemas.envelope import encode, new_event
from schemas.events import DirectoryPerson
from schemas.examples.cast import DANA, DIRECTORY
from services.approval.aggregates import AGGREGATES
from services.approval.storage import directory, tables
from services.pipeline.dead_letters import DeadLetters
from services.pipeline.redriving import Chosen, DeadLetterDesk, Handled
from tests.integration.approval.consumer import ApprovalConsumer

TOPIC = "directory.person"
HIGHER = DIRECTORY[DANA.id].version + 1


def record(version: int, /, **changed: object) -> bytes:
    """A message with a version of Dana's record in which members are changed."""
    person = DIRECTORY[DANA.id].model_copy(update={"version": version})
    message = orjson.loads(encode(new_event(person, source="directory", time=datetime(2026, 11, 16, tzinfo=UTC))))
    return orjson.dumps(message | {"data": message["data"] | changed})


async def dana(consumer: ApprovalConsumer) -> DirectoryPerson | None:
    async with consumer.database.begin() as db:
        return await directory.person(db, DANA.id)


@pytest.mark.parametrize(
    "value",
    [
        b"not json",
        b"{}",
        record(HIGHER, version="4"),
        record(HIGHER, company_id=None),
        record(HIGHER).replace(b"person.v1", b"person.v2"),
        b"\xff" * 3_000_000,
    ],
    ids=["not JSON", "no event", "no version", "no company", "a later type", "too large"],
)
async def test_what_cannot_be_read_removes_rights_until_the_next_version(
    consumer: ApprovalConsumer, value: bytes
) -> None:
    await consumer.process_messages([(TOPIC, DANA.id, record(HIGHER - 1))])
    assert (before := await dana(consumer))
    assert before.is_approver

    with capture_logs() as logs:
        await consumer.process_messages([(TOPIC, DANA.id, value)])
    assert await dana(consumer) is None
    alarm = next(line for line in logs if line["event"] == "consumer.rights_removed")
    assert (alarm["log_level"], alarm["person_id"]) == ("error", DANA.id)
    assert len(await consumer.rows(tables.KERNEL.dead_letter)) == 1

    await consumer.process_messages([(TOPIC, DANA.id, record(HIGHER))])
    assert (after := await dana(consumer))
    assert after.is_approver


async def test_a_redrive_of_what_cannot_be_read_removes_nothing(consumer: ApprovalConsumer) -> None:
    await consumer.process_messages([(TOPIC, DANA.id, b"not json"), (TOPIC, DANA.id, record(HIGHER))])
    handled: list[Handled] = []
    desk = DeadLetterDesk("approval", consumer.database, tables.KERNEL, "ops", handled.append)
    await desk.redrive(AGGREGATES, Chosen())
    assert [each.outcome for each in handled] == ["failed again"]
    assert await dana(consumer) is not None


async def test_an_earlier_dead_letter_gives_no_right_back(consumer: ApprovalConsumer) -> None:
    unreadable = record(HIGHER, version="4")
    await consumer.process_messages([(TOPIC, DANA.id, b"not json"), (TOPIC, DANA.id, unreadable)])
    async with consumer.database.begin() as db:
        still_open = await DeadLetters(tables.KERNEL).oldest_open(db, ("", 0, 0), 10)
    assert [letter.record.value for letter in still_open] == [unreadable]


async def test_an_empty_value_is_a_tombstone(consumer: ApprovalConsumer) -> None:
    await consumer.process_messages([(TOPIC, DANA.id, record(HIGHER)), (TOPIC, DANA.id, b"")])
    assert await dana(consumer) is None
    assert await consumer.rows(tables.KERNEL.dead_letter) == []


async def test_a_revocation_with_odd_members_counts_and_is_reported(consumer: ApprovalConsumer) -> None:
    with capture_logs() as logs:
        revoked = record(HIGHER, can_push_to_accounting=False, time_zone="Nowhere")
        await consumer.process_messages([(TOPIC, DANA.id, record(HIGHER - 1)), (TOPIC, DANA.id, revoked)])
    after = await dana(consumer)
    assert after is not None
    assert (after.is_approver, after.time_zone, after.not_understood) == (False, "UTC", ("time_zone",))
    assert next(line for line in logs if line["event"] == "consumer.partly_read")["person_id"] == DANA.id


async def test_a_record_under_another_key_touches_nobody(consumer: ApprovalConsumer) -> None:
    await consumer.process_messages([(TOPIC, DANA.id, record(HIGHER)), (TOPIC, "person-other", record(HIGHER + 1))])
    assert (await dana(consumer)) is not None
    assert [row["reason"] for row in await consumer.rows(tables.KERNEL.dead_letter)] == ["key_mismatch"]
