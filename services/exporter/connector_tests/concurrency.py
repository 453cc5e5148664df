"""Conformance: calls at the same time, cancelled calls and the end of the service disturb nothing."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import SLACK_SECONDS, Bench, bench_at, on_bench, write_request
from services.exporter.connector_tests.dialect import Call, Dialect
from services.exporter.connector_tests.expectations import expect, expect_answer, shown
from services.exporter.connector_tests.faulty_server import Exchange
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.types import Landed

MANY = 8
BUSY_SECONDS = 3.0
"""The deadline of calls that another call may hold up."""

_REFERENCES = [f"commitment-{number}" for number in range(MANY)]


@dataclass
class AllAtOnce:
    """Answers no request until `expected` have arrived, then the last one first."""

    expected: int
    arrived: int = 0
    is_complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, exchange: Exchange) -> None:
        """Hold one request back; all go on once the last one is there."""
        self.arrived += 1
        place = self.arrived
        if self.arrived >= self.expected:
            self.is_complete.set()
        await self.is_complete.wait()
        await asyncio.sleep((self.expected - place) / 100)
        await exchange.send(exchange.carry_out())


@dataclass
class Late:
    """Answers after `seconds`, and says when a request has arrived."""

    seconds: float
    has_arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request late."""
        self.has_arrived.set()
        await faults.late(self.seconds)(exchange)


class ConcurrencyTests:
    """An exporter that makes many calls at the same time."""

    dialect: Dialect

    @on_bench(timeout_seconds=BUSY_SECONDS, max_in_flight=MANY)
    async def test_searches_at_the_same_time_get_their_own_answers(self, bench: Bench) -> None:
        """As many calls run at the same time as the connection allows, and none gets another's answer."""
        stored = [bench.stored(reference).id for reference in _REFERENCES]
        bench.server.hit(AllAtOnce(MANY), Call.FIND)
        found = await asyncio.gather(*map(bench.found, _REFERENCES))
        names = [[document.id for document in each] for each in found]
        expect(names == [[each] for each in stored], f"The answers are mixed up: {shown(names)}.")

    @on_bench(timeout_seconds=BUSY_SECONDS, max_in_flight=MANY)
    async def test_writes_at_the_same_time_get_their_own_answers(self, bench: Bench) -> None:
        """Each write is answered with the document that it has stored."""
        bench.server.hit(AllAtOnce(MANY), Call.CREATE)
        answers = await asyncio.gather(*(bench.create(write_request(reference)) for reference in _REFERENCES))
        for reference, answer in zip(_REFERENCES, answers, strict=True):
            landed = expect_answer(answer, Landed, "the ERP has stored the document")
            (stored,) = bench.server.books.under(reference)
            expect(landed.documents[0].id == stored.id, "The answers are mixed up: a write got another's document.")

    @pytest.mark.parametrize("call", [Call.FIND, Call.CREATE])
    @on_bench(timeout_seconds=BUSY_SECONDS, max_in_flight=1)
    async def test_a_cancelled_call_leaves_the_connector_usable(self, bench: Bench, call: Call) -> None:
        """A call that is given up frees its connection, and its answer goes to nobody."""
        bench.stored("another")
        late = Late(SLACK_SECONDS / 3)
        bench.server.hit(late, call)
        task = asyncio.ensure_future(_call_to_cancel(bench.connector, call))
        await asyncio.wait_for(late.has_arrived.wait(), bench.timeout_seconds)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        bench.server.heal()
        await asyncio.sleep(SLACK_SECONDS / 2)
        found = await bench.found("nobody's")
        expect(found == (), f"The search was answered with what a cancelled call had asked for: {shown(found)}.")

    @on_bench()
    async def test_close_ends_every_connection(self, bench: Bench) -> None:
        """A service that stops leaves nothing open."""
        async with bench_at(bench, bench.server.url) as closing:
            await asyncio.gather(*(closing.find(reference) for reference in _REFERENCES[:3]))
        for _ in range(100):
            if not bench.server.open_connections:
                return
            await asyncio.sleep(SLACK_SECONDS / 100)
        expect(not bench.server.open_connections, f"{bench.server.open_connections} connections are still open.")


async def _call_to_cancel(connector: Connector, call: Call) -> None:
    await (connector.find("another") if call is Call.FIND else connector.create(write_request()))
