"""Between us and Tryton everything can fail; what an answer is taken for is what really happened there."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from sandbox.erp.faults import Calls
from sandbox.tryton.erp import TrytonErp, served_tryton
from sandbox.tryton.faults import TrytonFault, TrytonFaultKind
from sandbox.tryton.running import FilledTryton
from services.exporter.connectors.tryton import TrytonConnector
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown
from tests.integration.exporter.tryton.conftest import Connect, Sql
from tests.integration.exporter.tryton.requests import a_request, id_in, line, next_revision

STORED = "select count(*) from purchase_purchase where reference = :reference"
DEADLINE_SECONDS = 4.0


@pytest.fixture
async def erp(tryton: FilledTryton) -> AsyncIterator[TrytonErp]:
    async with served_tryton(tryton) as serving:
        yield serving


@pytest.fixture
async def behind_proxy(erp: TrytonErp, connect: Connect) -> TrytonConnector:
    """A connector that has signed in through the proxy."""
    connector = connect(url=erp.url, timeout_seconds=DEADLINE_SECONDS)
    await connector.find("c-1")
    return connector


@pytest.mark.parametrize(
    ("kind", "outcome", "stored"),
    [
        (TrytonFaultKind.LOSE_REQUEST, Unknown, 0),
        (TrytonFaultKind.LOSE_ANSWER, Unknown, 1),
        (TrytonFaultKind.BAD_GATEWAY_BEFORE, Unknown, 0),
        (TrytonFaultKind.BAD_GATEWAY_AFTER, Unknown, 1),
        (TrytonFaultKind.UNAVAILABLE, Transient, 0),
        (TrytonFaultKind.TOO_MANY, Transient, 0),
        (TrytonFaultKind.REFUSE, Refused, 0),
        (TrytonFaultKind.SLOW, Landed, 1),
    ],
)
async def test_a_create_is_in_doubt_exactly_where_it_may_be_stored(
    erp: TrytonErp, behind_proxy: TrytonConnector, sql: Sql, kind: TrytonFaultKind, outcome: type, stored: int
) -> None:
    request = a_request()
    erp.faults.switch_on(TrytonFault(kind=kind, times=1))

    answer = await behind_proxy.create(request)

    assert type(answer) is outcome
    assert await asyncio.to_thread(sql, STORED, reference=request.reference) == [(stored,)]


@pytest.mark.alone
async def test_an_answer_that_comes_too_late_leaves_the_create_in_doubt(
    erp: TrytonErp, behind_proxy: TrytonConnector, sql: Sql
) -> None:
    request = a_request()
    erp.faults.switch_on(TrytonFault(kind=TrytonFaultKind.LATE_ANSWER, times=1, seconds=DEADLINE_SECONDS + 1))
    began = monotonic()

    answer = await behind_proxy.create(request)

    assert isinstance(answer, Unknown)
    assert DEADLINE_SECONDS - 0.5 < monotonic() - began < DEADLINE_SECONDS + 1
    assert await asyncio.to_thread(sql, STORED, reference=request.reference) == [(1,)]


@pytest.mark.alone
async def test_the_deadline_covers_look_ups_and_write_together(erp: TrytonErp, behind_proxy: TrytonConnector) -> None:
    """Slow look-ups use it up: nothing was written then, and that is known."""
    slow = TrytonFault(kind=TrytonFaultKind.SLOW, calls=Calls.SEARCHES, seconds=DEADLINE_SECONDS + 1)
    erp.faults.switch_on(slow)
    began = monotonic()

    answer = await behind_proxy.create(a_request())

    assert isinstance(answer, Transient)
    assert monotonic() - began < DEADLINE_SECONDS + 1


async def test_an_update_whose_answer_is_lost_has_replaced_the_lines(
    erp: TrytonErp, behind_proxy: TrytonConnector
) -> None:
    request = a_request(line(1), line(2))
    document_id = id_in(await behind_proxy.create(request))
    erp.faults.switch_on(TrytonFault(kind=TrytonFaultKind.LOSE_ANSWER, times=1))
    changed = next_revision(request)

    answer = await behind_proxy.update(document_id, changed)

    assert isinstance(answer, Unknown)
    found = await behind_proxy.find(request.reference)
    assert isinstance(found, tuple)
    assert [getattr(each, "marker", None) for each in found] == [changed.marker]


@pytest.mark.parametrize("kind", [TrytonFaultKind.LOSE_ANSWER, TrytonFaultKind.BAD_GATEWAY_BEFORE])
async def test_a_search_that_fails_is_tried_again(
    erp: TrytonErp, behind_proxy: TrytonConnector, kind: TrytonFaultKind
) -> None:
    erp.faults.switch_on(TrytonFault(kind=kind, times=1, calls=Calls.SEARCHES))

    assert isinstance(await behind_proxy.find("c-1"), Transient)


async def test_a_fault_of_one_commitment_leaves_others_alone(erp: TrytonErp, behind_proxy: TrytonConnector) -> None:
    hit, other = a_request(), a_request()
    erp.lose_answer_once(hit.reference)

    answers = [await behind_proxy.create(each) for each in (other, hit)]

    assert [type(each) for each in answers] == [Landed, Unknown]
