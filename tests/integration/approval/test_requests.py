"""The approver who rejected a revision is asked again exactly when its correction waits, and only with the right to."""

from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import pytest

from schemas.commitment import Commitment
from schemas.envelope import Event, new_event
from schemas.events import ApprovalRequested, CommitmentResent, DirectoryPerson, DirectoryPersonRemoved, EventData
from schemas.examples import EXAMPLES
from schemas.examples.cast import CLOSED_COST_CODE, CONCRETE_2, DANA, SAM, snapshot
from schemas.fields import ToolLevel
from tests.integration.approval.consumer import Approval, approval_on


def example(topic: str, name: str) -> Event[Any]:
    return next(each.event for each in EXAMPLES if each.event.data.topic == topic and each.name == name)


DANA_MAY = example("directory.person", "approver")
SENT = example("commitment.sent", "concrete-works")
REJECTED = example("decision.rejected", "closed-cost-code")
RESENT = example("commitment.resent", "cost-code-corrected")
RETRIEVED = new_event(
    example("commitment.retrieved", "taken-back").data.model_copy(
        update={"commitment_id": CONCRETE_2.id, "revision": 2}
    ),
    source="test",
    time=RESENT.time,
)


@pytest.fixture
async def approval(database_url: str) -> AsyncIterator[Approval]:
    async with approval_on(database_url) as running:
        yield running


async def requests(approval: Approval) -> list[ApprovalRequested]:
    told = await approval.published("approval.requested")
    return [event.data for event in told if isinstance(event.data, ApprovalRequested)]


def dana(**rights: Any) -> Event[EventData]:
    """What the directory says of Dana from now on."""
    return new_event(DANA_MAY.data.model_copy(update={"version": 99, **rights}), source="test", time=DANA_MAY.time)


def resent(revision: int, commitment: Commitment = CONCRETE_2) -> Event[EventData]:
    data = CommitmentResent(
        company_id=RESENT.data.company_id,
        project_id=RESENT.data.project_id,
        commitment=snapshot(commitment),
        revision=revision,
        sent_by=SAM,
    )
    return new_event(data, source="test", time=RESENT.time)


async def test_the_approver_who_rejected_reads_what_changed(approval: Approval) -> None:
    await approval.hear(DANA_MAY, SENT, REJECTED)
    assert await requests(approval) == []
    await approval.hear(RESENT)
    (request,) = await requests(approval)
    assert (request.revision, request.previous_revision, request.approver) == (2, 1, DANA)
    assert request.previous_reason == CLOSED_COST_CODE
    assert [(change.field, change.before, change.after) for change in request.changes] == [
        ("Line 3 cost code", "03-300", "03-310")
    ]
    assert (request.note, request.summary.number) == ("Moved to 03-310.", "SC-014")


async def test_one_request_is_told_in_whatever_order_and_batches_it_arises(approval: Approval) -> None:
    for order in permutations((SENT, REJECTED, RESENT)):
        for one_by_one in (True, False):
            await approval.forget_everything()
            await approval.hear(DANA_MAY)
            for batch in [[event] for event in order] if one_by_one else [order]:
                await approval.hear(*batch)
            await approval.hear(*order)
            assert [request.revision for request in await requests(approval)] == [2], order


@pytest.mark.parametrize(
    "nothing", [[SENT, RESENT], [SENT, REJECTED], [REJECTED, RETRIEVED], [SENT, REJECTED, RETRIEVED]]
)
async def test_nothing_is_requested_while_no_correction_waits(approval: Approval, nothing: list[Event[Any]]) -> None:
    await approval.hear(DANA_MAY, *nothing)
    assert await requests(approval) == []


async def test_nothing_is_requested_for_a_correction_that_was_taken_back(approval: Approval) -> None:
    await approval.hear(DANA_MAY, SENT, REJECTED, RETRIEVED, RESENT)
    assert await requests(approval) == []
    await approval.hear(resent(3))
    assert [request.revision for request in await requests(approval)] == [3]


async def test_each_further_correction_is_requested_for_itself(approval: Approval) -> None:
    await approval.hear(DANA_MAY, SENT, REJECTED, RESENT)
    await approval.hear(resent(3, CONCRETE_2.model_copy(update={"title": "Concrete works, phase 1"})))
    assert [(each.previous_revision, each.revision) for each in await requests(approval)] == [(1, 2), (1, 3)]


@pytest.mark.parametrize(
    "now",
    [
        dana(erp_tool=ToolLevel.READ_ONLY),
        dana(can_push_to_accounting=False),
        dana(erp_tool=ToolLevel.NONE),
        new_event(DirectoryPersonRemoved(person_id=DANA.id), source="test", time=DANA_MAY.time),
        None,
    ],
)
async def test_an_approver_who_lost_the_right_is_not_asked(approval: Approval, now: Event[Any] | None) -> None:
    before = [DANA_MAY] if now else []
    await approval.hear(*before, SENT, REJECTED)
    if now is not None:
        value = None if isinstance(now.data, DirectoryPersonRemoved) else now
        await (approval.hear(value) if value else approval.hear_messages([("directory.person", DANA.id, None)]))
    await approval.hear(RESENT)
    assert await requests(approval) == []


async def test_an_approver_of_another_company_is_not_asked(approval: Approval) -> None:
    stranger: DirectoryPerson = DANA_MAY.data.model_copy(update={"company_id": "company-666"})
    await approval.hear(new_event(stranger, source="test", time=DANA_MAY.time), SENT, REJECTED, RESENT)
    assert await requests(approval) == []
