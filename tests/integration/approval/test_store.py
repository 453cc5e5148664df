"""Batches of events become rows, in whatever order and however often they come."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.envelope import Event, encode, new_event
from schemas.events import DirectoryPerson, DirectoryPersonRemoved, EventData, MailSettled
from schemas.examples import EXAMPLES
from schemas.examples.cast import COMPANY, CONCRETE_1, DANA, STEEL_1
from services.approval.handlers import CONNECTION_HANDLERS, HANDLERS, PEOPLE_HANDLERS
from services.approval.storage import tables
from services.pipeline.fold import On
from tests.integration.approval.consumer import Approval, approval_on

LISTENED: tuple[On[Any, Any, Any], ...] = (*HANDLERS, *PEOPLE_HANDLERS, *CONNECTION_HANDLERS)
TOPICS = {on.data_type.topic for on in LISTENED}
HEARD = [example.event for example in EXAMPLES if example.event.data.topic in TOPICS]
ORDERS = 12


@pytest.fixture
async def approval(database_url: str) -> AsyncIterator[Approval]:
    async with approval_on(database_url) as running:
        yield running


def example(topic: str, name: str) -> Event[Any]:
    return next(each.event for each in EXAMPLES if each.event.data.topic == topic and each.name == name)


def split(events: Sequence[Event[EventData]], chance: random.Random) -> list[Sequence[Event[EventData]]]:
    """Return `events` cut into batches of one to ten."""
    batches = []
    while events:
        size = chance.randint(1, 10)
        batches.append(events[:size])
        events = events[size:]
    return batches


async def facts(approval: Approval) -> dict[str, list[dict[str, Any]]]:
    """All rows that no order may change: the status version counts what was told on the way."""
    kept = {
        table.name: await approval.rows(table)
        for table in (tables.COMMITMENT, tables.SUBMISSION, tables.PERSON, tables.ERP_CONNECTION)
    }
    for row in kept["commitment"]:
        state = orjson.loads(row["state"])
        state.pop("status_version")
        row["state"] = state | {"documents": sorted(state["documents"], key=str)}
    return kept


async def test_all_events_in_many_orders_end_in_the_same_rows(approval: Approval) -> None:
    await approval.hear(*HEARD)
    expected = await facts(approval)
    assert {row["status"] for row in expected["commitment"]} >= {"synced", "in_doubt"}

    for seed in range(ORDERS):
        chance = random.Random(seed)  # noqa: S311 - a shuffle that can be repeated
        await approval.forget_everything()
        told_twice = chance.sample(HEARD, len(HEARD) // 3)
        for batch in split(chance.sample([*HEARD, *told_twice], len(HEARD) + len(told_twice)), chance):
            await approval.hear(*batch)
        assert await facts(approval) == expected, f"in the order of seed {seed}"
        assert await approval.rows(tables.KERNEL.dead_letter) == []


async def test_everything_told_again_to_full_rows_changes_nothing(approval: Approval) -> None:
    await approval.hear(*HEARD)
    before = [await approval.rows(table) for table in (tables.COMMITMENT, tables.HISTORY, tables.KERNEL.outbox)]
    await approval.hear(*reversed(HEARD))
    assert [await approval.rows(table) for table in (tables.COMMITMENT, tables.HISTORY, tables.KERNEL.outbox)] == before


async def test_the_row_has_what_lists_filter_sort_and_search_by(approval: Approval) -> None:
    await approval.hear(example("commitment.sent", "concrete-works"))
    (row,) = await approval.rows(tables.COMMITMENT)
    row.pop("state")
    assert row == {
        "id": CONCRETE_1.id,
        "company_id": COMPANY,
        "status": "ready",
        "since": example("commitment.sent", "concrete-works").time,
        "number": "SC-014",
        "searchable": "sc-014\nconcrete works\nacme concrete\nriverside tower",
    }


async def test_the_snapshot_is_kept_word_for_word(approval: Approval) -> None:
    event = example("commitment.sent", "concrete-works")
    await approval.hear(event)
    (row,) = await approval.rows(tables.SUBMISSION)
    assert row["snapshot"] == event.data.commitment.text
    assert row["content_hash"] == event.data.commitment.content_hash


async def test_what_was_not_submitted_is_kept_and_not_shown(approval: Approval) -> None:
    await approval.hear(example("export.succeeded", "concrete-works"))
    (row,) = await approval.rows(tables.COMMITMENT)
    assert (row["status"], row["since"], row["searchable"]) == (None, None, None)
    assert await approval.published("commitment.status") == []


async def test_every_event_of_another_company_is_a_dead_letter_and_its_neighbour_a_fact(approval: Approval) -> None:
    of_commitments = {on.data_type for on in HANDLERS}
    events = [event for event in HEARD if type(event.data) in of_commitments and event.subject == STEEL_1.id]
    assert {type(event.data).__name__ for event in events} >= {"CommitmentSent", "ExportFailed", "MailSettled"}
    await approval.hear(example("commitment.sent", "structural-steel"))
    before = await facts(approval)

    foreign = [replace(event, data=event.data.model_copy(update={"company_id": "company-666"})) for event in events]
    await approval.hear(*foreign, example("commitment.sent", "concrete-works"))

    letters = await approval.rows(tables.KERNEL.dead_letter)
    assert [letter["reason"] for letter in letters] == ["other_company"] * len(foreign)
    assert {letter["value"] for letter in letters} == {encode(event) for event in foreign}
    after = await facts(approval)
    assert [row for row in after["commitment"] if row["id"] == STEEL_1.id] == before["commitment"]
    assert {row["id"] for row in after["commitment"]} == {STEEL_1.id, CONCRETE_1.id}


async def test_a_person_of_another_company_takes_nobodys_place(approval: Approval) -> None:
    dana = example("directory.person", "approver")
    stranger = dana.data.model_copy(update={"company_id": "company-666", "version": 99})
    await approval.hear(dana)
    await approval.hear(new_event(stranger, source="test", time=dana.time))
    (row,) = await approval.rows(tables.PERSON)
    assert (row["company_id"], row["version"]) == (COMPANY, dana.data.version)
    assert [letter["reason"] for letter in await approval.rows(tables.KERNEL.dead_letter)] == ["other_company"]


async def test_a_tombstone_clears_a_persons_rights_and_an_older_record_gives_none_back(approval: Approval) -> None:
    dana = example("directory.person", "approver")
    older = dana.data.model_copy(update={"version": dana.data.version - 1})
    await approval.hear(dana)
    await approval.hear_messages([("directory.person", DANA.id, None), ("directory.person", "person-unknown", None)])
    await approval.hear(new_event(older, source="test", time=dana.time))
    rows = {row["id"]: row for row in await approval.rows(tables.PERSON)}
    assert rows[DANA.id]["record"] is None
    assert rows[DANA.id]["company_id"] is None
    assert rows["person-unknown"]["record"] is None
    assert await approval.rows(tables.KERNEL.dead_letter) == []


async def test_a_batch_may_hold_persons_with_and_without_a_record(approval: Approval) -> None:
    people = [each.event for each in EXAMPLES if isinstance(each.event.data, DirectoryPerson)]
    gone = DirectoryPersonRemoved(person_id=DANA.id)
    await approval.hear(*people)
    newer = [
        new_event(event.data.model_copy(update={"version": 9}), source="test", time=event.time) for event in people[1:]
    ]
    messages = [(event.data.topic, event.subject, encode(event)) for event in newer]
    await approval.hear_messages([("directory.person", gone.person_id, None), *messages])
    rows = await approval.rows(tables.PERSON)
    assert {row["id"]: row["record"] is None for row in rows} == {
        event.subject: event.subject == DANA.id for event in people
    }


async def test_the_mail_of_a_summary_makes_no_commitment_of_its_recipient(approval: Approval) -> None:
    summary = example("mail.settled", "summary-expired")
    assert isinstance(summary.data, MailSettled)
    await approval.hear(summary)
    assert [row for row in await approval.rows(tables.COMMITMENT) if row["status"]] == []
    assert await approval.rows(tables.HISTORY) == []
