"""A submission that cannot be taken is answered in the transaction of its dead letter, and noted in the history."""

import orjson

from schemas.envelope import encode, new_event
from schemas.events import CommitmentResent, CommitmentSent, SubmissionRefused
from schemas.examples.cast import CONCRETE_1, CONCRETE_2
from schemas.examples.example import submitted
from services.approval.storage import audit, tables
from tests.integration.approval.consumer import ApprovalConsumer
from tests.unit.approval.rules.event_builders import NOW

SENT = new_event(CommitmentSent(**submitted(CONCRETE_1, 1)), source="tests", time=NOW)
RESENT = new_event(CommitmentResent(**submitted(CONCRETE_2, 2)), source="tests", time=NOW)


def too_long(of: bytes) -> bytes:
    message = orjson.loads(of)
    message["data"]["commitment"]["lines"] *= 1_000
    return orjson.dumps(message)


async def test_the_refusal_is_published_and_an_earlier_revision_keeps_its_status(consumer: ApprovalConsumer) -> None:
    await consumer.process(SENT)
    await consumer.process_messages([("commitment.resent", CONCRETE_1.id, too_long(encode(RESENT)))])

    (told,) = await consumer.published(SubmissionRefused.topic)
    assert isinstance(told.data, SubmissionRefused)
    assert (told.subject, told.data.revision, told.data.reason) == (CONCRETE_1.id, 2, "too_large")
    assert len(await consumer.rows(tables.KERNEL.dead_letter)) == 1

    await consumer.process(told)
    (row,) = await consumer.rows(tables.COMMITMENT)
    assert row["status"] == "ready"
    async with consumer.database.begin() as db:
        texts = [line.text for line in await audit.lines(db, SENT.data.company_id, CONCRETE_1.id)]
    assert any(
        "could not be taken. SC-014 did not reach accounting" in text and "at most 2000" in text for text in texts
    )


async def test_the_refusal_of_what_was_never_seen_shows_no_commitment(consumer: ApprovalConsumer) -> None:
    await consumer.process_messages([("commitment.sent", CONCRETE_1.id, too_long(encode(SENT)))])
    (told,) = await consumer.published(SubmissionRefused.topic)
    await consumer.process(told)
    assert [row["status"] for row in await consumer.rows(tables.COMMITMENT)] in ([], [None])

    await consumer.process(SENT)
    (row,) = await consumer.rows(tables.COMMITMENT)
    assert row["status"] == "ready"


async def test_what_was_refused_in_the_name_of_another_company_is_not_shown(consumer: ApprovalConsumer) -> None:
    misnamed = orjson.loads(too_long(encode(SENT)))
    misnamed["data"]["company_id"] = "company-999"
    await consumer.process_messages([("commitment.sent", CONCRETE_1.id, orjson.dumps(misnamed))])
    await consumer.process(*await consumer.published(SubmissionRefused.topic))
    await consumer.process(SENT)
    async with consumer.database.begin() as db:
        (line,) = await audit.lines(db, SENT.data.company_id, CONCRETE_1.id)
    assert line.kind == CommitmentSent.topic


async def test_a_sound_event_beside_it_is_applied(consumer: ApprovalConsumer) -> None:
    refused = ("commitment.sent", "commitment-other", too_long(encode(SENT)))
    await consumer.process_messages([refused, ("commitment.sent", CONCRETE_1.id, encode(SENT))])
    assert [row["status"] for row in await consumer.rows(tables.COMMITMENT)] == ["ready"]
    assert len(await consumer.published(SubmissionRefused.topic)) == 1
