"""Approval forgets the history of finished commitments and superseded contents, and nothing that a page needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from schemas.envelope import Event, new_event
from schemas.events import CommitmentResent
from schemas.examples.cast import COMPANY, CONCRETE_1
from schemas.snapshot import Snapshot
from services.approval.storage import queries, reviews, tables
from services.approval.storage.retention import sweep_history, sweep_submissions
from tests.integration.approval.consumer import ApprovalConsumer, example
from tests.integration.sweeping import sweep_all

LATER = datetime.now(UTC) + timedelta(days=1)
KEY = CONCRETE_1.id
FIRST = example("commitment.sent", "concrete-works")


def resent(revision: int) -> Event[Any]:
    """Revision `revision` of the concrete works, with a title of its own."""
    content = CONCRETE_1.model_copy(update={"title": f"Concrete works, version {revision}"})
    snapshot = Snapshot.of(content.model_dump(mode="json", by_alias=True, exclude_none=True))
    members = {**dict(FIRST.data), "revision": revision, "commitment": snapshot}
    return new_event(CommitmentResent(**members), source="tests", time=FIRST.time + timedelta(hours=revision))


def answered(topic: str, revision: int) -> Event[Any]:
    """The example of an answer, for another revision."""
    event = example(topic, "concrete-works")
    return new_event(event.data.model_copy(update={"revision": revision}), source="tests", time=event.time)


async def revisions(consumer: ApprovalConsumer) -> list[int]:
    return [row["revision"] for row in await consumer.rows(tables.SUBMISSION)]


async def changes_on_the_page(consumer: ApprovalConsumer) -> list[tuple[str, str | None, str | None]]:
    async with consumer.database.begin() as db:
        stored = await queries.find(db, COMPANY, KEY)
        assert stored is not None
        shown = await reviews.review(db, COMPANY, stored)
    return [(change.field, change.before, change.after) for change in shown.changes]


async def test_what_is_shown_and_what_it_is_compared_with_stay(consumer: ApprovalConsumer) -> None:
    await consumer.process(FIRST, *(resent(number) for number in range(2, 6)), answered("decision.accepted", 4))
    before = await changes_on_the_page(consumer)

    assert await sweep_all(consumer.database, sweep_submissions, LATER) == 2

    assert await revisions(consumer) == [3, 4, 5]  # 4 is exported, 5 waits, and 3 is what 4 is compared with
    assert before
    assert await changes_on_the_page(consumer) == before


async def test_contents_that_can_still_be_shown_or_are_not_old_stay(consumer: ApprovalConsumer) -> None:
    await consumer.process(FIRST, *(resent(number) for number in range(2, 6)))
    assert await sweep_all(consumer.database, sweep_submissions, LATER) == 0  # nothing is answered yet
    await consumer.process(answered("decision.accepted", 5))
    assert await sweep_all(consumer.database, sweep_submissions, FIRST.time) == 0
    assert await revisions(consumer) == [1, 2, 3, 4, 5]


async def test_an_old_submission_that_is_read_again_changes_nothing_and_goes_again(consumer: ApprovalConsumer) -> None:
    events = [FIRST, *(resent(number) for number in range(2, 6)), answered("decision.accepted", 5)]
    await consumer.process(*events)
    await sweep_all(consumer.database, sweep_submissions, LATER)
    before = await consumer.rows(tables.COMMITMENT)
    await consumer.process(*events)
    assert await consumer.rows(tables.COMMITMENT) == before
    assert await sweep_all(consumer.database, sweep_submissions, LATER) == 3
    assert await revisions(consumer) == [4, 5]


async def test_old_history_of_a_finished_commitment_goes_and_that_of_a_waiting_one_stays(
    consumer: ApprovalConsumer,
) -> None:
    succeeded = example("export.succeeded", "concrete-works")
    await consumer.process(FIRST, example("commitment.sent", "structural-steel"), answered("export.succeeded", 1))
    kept = {row["kind"]: row["event_id"] for row in await consumer.rows(tables.HISTORY)}
    assert len(kept) == 2
    async with consumer.database.begin() as db:
        history = tables.HISTORY
        await db.execute(update(history).where(history.c.kind == succeeded.data.topic).values(at=LATER))

    assert await sweep_all(consumer.database, sweep_history, LATER) == 1

    left = await consumer.rows(tables.HISTORY)
    assert {(row["commitment_id"] == KEY, row["kind"]) for row in left} == {
        (False, "commitment.sent"),
        (True, "export.succeeded"),
    }
