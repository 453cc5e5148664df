"""Conformance: a call whose answer is lost, or comes too late, is never taken for a failure or for nothing."""

import asyncio

import pytest

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import HASTY_SECONDS, WRITES, Bench, on_bench, write_request
from services.exporter.connector_tests.dialect import Call, Dialect
from services.exporter.connector_tests.expectations import expect, expect_answer, shown
from services.exporter.connector_tests.faulty_server import Exchange, Fault
from services.exporter.connectors.types import Exists, Landed, Refused, Transient, Unknown

CUTS: tuple[Fault, ...] = (
    faults.reset_before_storing,
    faults.cut_before_storing,
    faults.reset_after_storing,
    faults.cut_after_storing,
    faults.cut_within_the_answer,
    faults.reset_within_the_answer,
)
LATE_SECONDS = 2 * HASTY_SECONDS


async def late(exchange: Exchange) -> None:
    """Store the document, and answer when the deadline is over."""
    await faults.late(LATE_SECONDS)(exchange)


NEVER: tuple[Fault, ...] = (faults.hang, faults.drip)
SLOW: tuple[Fault, ...] = (
    faults.hang,
    faults.hang_after_storing,
    faults.stall_within_the_answer,
    faults.drip,
    late,
)
_BECAUSE_SENT = "the request was sent and its answer lost, so the document may be stored"
_BECAUSE_READ_ONLY = "a search whose answer is lost has found nothing out, and stored nothing"


def _name(case: object) -> str:
    return str(getattr(case, "__name__", case))


with_each_write = pytest.mark.parametrize("write", WRITES)
with_each_cut = pytest.mark.parametrize("fault", CUTS, ids=_name)
with_each_delay = pytest.mark.parametrize("fault", SLOW, ids=_name)


class LostAnswerTests:
    """A network that loses connections."""

    dialect: Dialect

    @with_each_write
    @with_each_cut
    @on_bench()
    async def test_a_write_whose_answer_is_lost_is_unknown(self, bench: Bench, write: Call, fault: Fault) -> None:
        """Only the ERP knows whether the document is there."""
        bench.server.hit(fault, write)
        expect_answer(await bench.write(write), Unknown, _BECAUSE_SENT)

    @with_each_write
    @with_each_cut
    @on_bench()
    async def test_a_write_whose_answer_is_lost_is_not_repeated(self, bench: Bench, write: Call, fault: Fault) -> None:
        """The exporter repeats a write when the ERP was asked; a connector never does."""
        bench.server.hit(fault, write)
        await bench.write(write)
        expect(bench.server.count(write) == 1, f"The write was sent {bench.server.count(write)} times.")

    @with_each_cut
    @on_bench()
    async def test_a_search_whose_answer_is_lost_is_transient(self, bench: Bench, fault: Fault) -> None:
        """If it were nothing, the document would be created twice."""
        bench.stored()
        bench.server.hit(fault, Call.FIND)
        expect_answer(await bench.find(), Transient, _BECAUSE_READ_ONLY)

    @on_bench()
    async def test_a_connection_that_is_reset_at_once_is_no_answer(self, bench: Bench) -> None:
        """A connection that breaks while the request is sent says nothing about the document."""
        bench.server.on_accept = faults.reset_before_storing
        because = "the connection was reset before anything was answered"
        expect_answer(await bench.find(), Transient, because)
        expect_answer(await bench.create(), (Transient, Unknown), because)
        expect_answer(await bench.update("1001"), (Transient, Unknown), because)

    @with_each_write
    @with_each_cut
    @on_bench()
    async def test_a_write_is_judged_by_whether_it_was_sent(self, bench: Bench, write: Call, fault: Fault) -> None:
        """What is asked before a write stores nothing if it fails, and what is asked afterwards undoes nothing."""
        bench.server.hit(fault, Call.OTHER, Call.FIND, Call.READ)
        answer = await bench.write(write)
        if bench.server.count(write):
            expect_answer(answer, (Landed, Exists, Unknown), "the ERP has stored the document")
        else:
            expect_answer(answer, (Refused, Transient), "the write was not sent")

    @on_bench()
    async def test_the_next_call_after_a_lost_answer_works(self, bench: Bench) -> None:
        """A broken connection is left behind."""
        bench.server.hit(faults.reset_after_storing, Call.CREATE)
        await bench.create()
        bench.server.heal()
        markers = [each.marker for each in await bench.found()]
        expect(markers == [write_request().marker], f"The stored document must be found, not {shown(markers)}.")


class DeadlineTests:
    """An ERP that does not answer in time."""

    dialect: Dialect

    @with_each_write
    @with_each_delay
    @on_bench(timeout_seconds=HASTY_SECONDS)
    async def test_a_write_ends_at_its_deadline_as_unknown(self, bench: Bench, write: Call, fault: Fault) -> None:
        """The deadline covers the whole call, also where each byte of the answer comes in time."""
        bench.server.hit(fault, write)
        expect_answer(await bench.write(write), Unknown, _BECAUSE_SENT)
        expect(bench.server.count(write) == 1, f"The write was sent {bench.server.count(write)} times.")

    @with_each_delay
    @on_bench(timeout_seconds=HASTY_SECONDS)
    async def test_a_search_ends_at_its_deadline_as_transient(self, bench: Bench, fault: Fault) -> None:
        """A search that takes too long has found nothing out."""
        bench.stored()
        bench.server.hit(fault, Call.FIND)
        expect_answer(await bench.find(), (Transient, Refused), _BECAUSE_READ_ONLY)

    @on_bench(timeout_seconds=HASTY_SECONDS)
    async def test_a_late_answer_is_not_taken_for_that_of_the_next_call(self, bench: Bench) -> None:
        """What comes after the deadline belongs to a call that has ended."""
        bench.stored("another")
        bench.server.hit(late, Call.FIND)
        await bench.find("another")
        bench.server.heal()
        await asyncio.sleep(LATE_SECONDS)
        expect(await bench.found() == (), "The search was answered with what an earlier one had asked for.")
