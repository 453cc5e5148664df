"""Events become the same rows in any order, in any batches and with any repetition."""

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson

from schemas.envelope import Event, encode, new_event
from schemas.events import DirectoryPerson, DirectoryPersonRemoved, EventData, MailSettled, SubmissionRefused
from schemas.examples import EXAMPLES
from schemas.examples.cast import COMPANY, CONCRETE_1, DANA, STEEL_1
from services.approval.handlers import CONNECTION_HANDLERS, HANDLERS, PEOPLE_HANDLERS
from services.approval.storage import tables
from services.pipeline.fold import On
from tests.integration.approval.consumer import ApprovalConsumer, example

HANDLED: tuple[On[Any, Any, Any], ...] = (*HANDLERS, *PEOPLE_HANDLERS, *CONNECTION_HANDLERS)
TOPICS = {on.data_type.topic for on in HANDLED}
EVENTS = [example.event for example in EXAMPLES if example.event.data.topic in TOPICS]
ORDERS = 12


def split(events: Sequence[Event[EventData]], chance: random.Random) -> list[Sequence[Event[EventData]]]:
    """Return `events` cut into batches of one to ten."""
    batches = []
    while events:
        size = chance.randint(1, 10)
        batches.append(events[:size])
        events = events[size:]
    return batches


def json_of(event: Event[Any], **changed: Any) -> bytes:
    """The message of `event` with members of its data changed."""
    message = orjson.loads(encode(event))
    return orjson.dumps({**message, "data": message["data"] | changed})


async def facts(consumer: ApprovalConsumer) -> dict[str, list[dict[str, Any]]]:
    """All rows that must not depend on order; the status version does, since it counts publications."""
    kept = {
        table.name: await consumer.rows(table)
        for table in (tables.COMMITMENT, tables.SUBMISSION, tables.PERSON, tables.ERP_CONNECTION)
    }
    for row in kept["commitment"]:
        state = orjson.loads(row["state"])
        state.pop("status_version")
        row["state"] = state | {name: sorted(state[name], key=str) for name in ("documents", "replaced")}
    return kept


async def test_all_events_in_many_orders_end_in_the_same_rows(consumer: ApprovalConsumer) -> None:
    await consumer.process(*EVENTS)
    expected = await facts(consumer)
    assert {row["status"] for row in expected["commitment"]} >= {"exporting", "in_doubt"}

    for seed in range(ORDERS):
        chance = random.Random(seed)  # noqa: S311 - a reproducible shuffle
        await consumer.clear()
        repeated = chance.sample(EVENTS, len(EVENTS) // 3)
        for batch in split(chance.sample([*EVENTS, *repeated], len(EVENTS) + len(repeated)), chance):
            await consumer.process(*batch)
        assert await facts(consumer) == expected, f"with seed {seed}"
        assert await consumer.rows(tables.KERNEL.dead_letter) == []


async def test_repeating_all_events_changes_nothing(consumer: ApprovalConsumer) -> None:
    await consumer.process(*EVENTS)
    before = [await consumer.rows(table) for table in (tables.COMMITMENT, tables.HISTORY, tables.KERNEL.outbox)]
    await consumer.process(*reversed(EVENTS))
    assert [await consumer.rows(table) for table in (tables.COMMITMENT, tables.HISTORY, tables.KERNEL.outbox)] == before


async def test_the_row_has_what_lists_filter_sort_and_search_by(consumer: ApprovalConsumer) -> None:
    await consumer.process(example("commitment.sent", "concrete-works"))
    (row,) = await consumer.rows(tables.COMMITMENT)
    row.pop("state")
    assert row == {
        "id": CONCRETE_1.id,
        "company_id": COMPANY,
        "status": "ready",
        "since": example("commitment.sent", "concrete-works").time,
        "number": "SC-014",
        "searchable": "sc-014\nconcrete works\nacme concrete\nriverside tower\nsam lee\nana gil\nusd\n480250.00",
        "project": "Riverside Tower",
        "vendor": "Acme Concrete",
        "currency": "USD",
        "total": Decimal("480250.00"),
        "revision": 1,
        "differs": False,
        "holds_number": False,
        "route": None,
    }


async def test_the_snapshot_is_stored_verbatim(consumer: ApprovalConsumer) -> None:
    event = example("commitment.sent", "concrete-works")
    await consumer.process(event)
    (row,) = await consumer.rows(tables.SUBMISSION)
    assert row["snapshot"] == event.data.commitment.text
    assert row["content_hash"] == event.data.commitment.content_hash


async def test_facts_without_a_submission_are_stored_and_not_shown(consumer: ApprovalConsumer) -> None:
    await consumer.process(example("export.succeeded", "concrete-works"))
    (row,) = await consumer.rows(tables.COMMITMENT)
    assert (row["status"], row["since"], row["searchable"]) == (None, None, None)
    assert await consumer.published("commitment.status") == []


async def test_events_of_another_company_are_dead_letters_and_others_are_saved(
    consumer: ApprovalConsumer,
) -> None:
    of_commitments = {on.data_type for on in HANDLERS} - {SubmissionRefused}  # whose company nobody has checked
    events = [event for event in EVENTS if type(event.data) in of_commitments and event.subject == STEEL_1.id]
    assert {type(event.data).__name__ for event in events} >= {"CommitmentSent", "ExportFailed", "MailSettled"}
    await consumer.process(example("commitment.sent", "structural-steel"))
    before = await facts(consumer)

    foreign = [replace(event, data=event.data.model_copy(update={"company_id": "company-666"})) for event in events]
    await consumer.process(*foreign, example("commitment.sent", "concrete-works"))

    letters = await consumer.rows(tables.KERNEL.dead_letter)
    assert [letter["reason"] for letter in letters] == ["other_company"] * len(foreign)
    assert {letter["value"] for letter in letters} == {encode(event) for event in foreign}
    after = await facts(consumer)
    assert [row for row in after["commitment"] if row["id"] == STEEL_1.id] == before["commitment"]
    assert {row["id"] for row in after["commitment"]} == {STEEL_1.id, CONCRETE_1.id}


async def test_a_person_of_another_company_replaces_nobody(consumer: ApprovalConsumer) -> None:
    dana = example("directory.person", "approver")
    stranger = dana.data.model_copy(update={"company_id": "company-666", "version": 99})
    await consumer.process(dana)
    await consumer.process(new_event(stranger, source="test", time=dana.time))
    (row,) = await consumer.rows(tables.PERSON)
    assert (row["company_id"], row["version"]) == (COMPANY, dana.data.version)
    assert [letter["reason"] for letter in await consumer.rows(tables.KERNEL.dead_letter)] == ["other_company"]


async def test_a_tombstone_clears_a_persons_rights_and_an_older_record_restores_none(
    consumer: ApprovalConsumer,
) -> None:
    dana = example("directory.person", "approver")
    older = dana.data.model_copy(update={"version": dana.data.version - 1})
    await consumer.process(dana)
    await consumer.process_messages([("directory.person", DANA.id, None), ("directory.person", "person-unknown", None)])
    await consumer.process(new_event(older, source="test", time=dana.time))
    rows = {row["id"]: row for row in await consumer.rows(tables.PERSON)}
    assert rows[DANA.id]["record"] is None
    assert rows[DANA.id]["company_id"] is None
    assert rows["person-unknown"]["record"] is None
    assert await consumer.rows(tables.KERNEL.dead_letter) == []


async def test_a_dead_letter_from_before_a_removal_can_no_longer_give_the_rights_back(
    consumer: ApprovalConsumer,
) -> None:
    unreadable, topic = json_of(example("directory.person", "approver"), version="99"), "directory.person"
    await consumer.process(example("directory.person", "approver"))
    await consumer.process_messages([(topic, DANA.id, unreadable)])
    await consumer.process_messages([(topic, "person-unknown", b"{"), (topic, DANA.id, b"{"), (topic, DANA.id, None)])
    await consumer.process_messages([(topic, DANA.id, b"{")])

    letters = await consumer.rows(tables.KERNEL.dead_letter)

    assert [(row["key"], row["settled_as"]) for row in letters] == [
        (DANA.id.encode(), "superseded"),
        (b"person-unknown", None),
        (DANA.id.encode(), "superseded"),
        (DANA.id.encode(), None),
    ]


async def test_a_null_value_that_removes_nobody_settles_no_dead_letter(consumer: ApprovalConsumer) -> None:
    key = CONCRETE_1.id
    await consumer.process_messages([("commitment.sent", key, b"{"), ("commitment.sent", key, None)])
    assert [row["settled_as"] for row in await consumer.rows(tables.KERNEL.dead_letter)] == [None, None]


async def test_a_batch_may_contain_people_with_and_without_a_record(consumer: ApprovalConsumer) -> None:
    people = [each.event for each in EXAMPLES if isinstance(each.event.data, DirectoryPerson)]
    gone = DirectoryPersonRemoved(person_id=DANA.id)
    await consumer.process(*people)
    newer = [
        new_event(event.data.model_copy(update={"version": 9}), source="test", time=event.time) for event in people[1:]
    ]
    messages = [(event.data.topic, event.subject, encode(event)) for event in newer]
    await consumer.process_messages([("directory.person", gone.person_id, None), *messages])
    rows = await consumer.rows(tables.PERSON)
    assert {row["id"]: row["record"] is None for row in rows} == {
        event.subject: event.subject == DANA.id for event in people
    }


async def test_the_mail_of_a_summary_creates_no_commitment(consumer: ApprovalConsumer) -> None:
    summary = example("mail.settled", "summary-expired")
    assert isinstance(summary.data, MailSettled)
    await consumer.process(summary)
    assert [row for row in await consumer.rows(tables.COMMITMENT) if row["status"]] == []
    assert await consumer.rows(tables.HISTORY) == []
