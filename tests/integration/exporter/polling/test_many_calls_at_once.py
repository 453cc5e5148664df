"""Calls of several machines at several processes, all at the same time: each commitment is one order all the same."""

import asyncio
from collections import Counter
from random import Random

import pytest

from services.exporter.connections import Connection, Connections
from services.exporter.connectors.quickbooks.connector import QuickBooksDesktop
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from services.exporter.polling.conversations import Conversations
from services.exporter.web_connector.conversing import BUSY, NOTHING_TO_DO, HostFacts
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.unit.exporter.builders import accepted_event, rejected_event
from tests.unit.exporter.connectors.quickbooks.quickbooks_driver import FilteringQuickBooks

COMMITMENTS, MACHINES, ROUNDS = 24, 4, 8
HOST = HostFacts(r"C:\Books\Main.QBW", "US", "13", "0", "")


class Machines:
    """Web Connectors of one company file: every call goes to any process, some twice at once, and some get lost."""

    def __init__(self, processes: list[ExporterProcess], chance: Random) -> None:
        self.quickbooks = FilteringQuickBooks()
        self._processes = processes
        self._chance = chance

    @property
    def orders(self) -> Counter[str]:
        """How many orders there are of each commitment."""
        return Counter(order["Memo"].split("/")[0] for order in self.quickbooks.orders)

    async def poll_often(self, address: str) -> None:
        """Hold some conversations, one after the other."""
        for _ in range(4):
            await self.poll(address)
            await asyncio.sleep(self._chance.random() / 20)

    async def poll(self, address: str) -> None:
        """Hold one conversation; it may end anywhere without a word."""
        admission = await self._any.begin("main", address)
        if admission.answer in (BUSY, NOTHING_TO_DO):
            return
        while True:
            times = 2 if self._chance.random() < 0.2 else 1
            asked = [self._any.next_request(admission.ticket, HOST) for _ in range(times)]
            request = self._chance.choice(await asyncio.gather(*asked))
            if not request:
                break
            self._processes[0].clock.advance(self._chance.choice((0, 0, 2)))
            await asyncio.sleep(self._chance.choice((0, 0, 0, 0.2)))
            reply = self.quickbooks(request)
            if self._chance.random() < 0.05:
                return
            brought = [self._any.take_reply(admission.ticket, reply, "", "") for _ in range(times)]
            if not 0 <= (await asyncio.gather(*brought))[0] < 100:
                break
        await self._any.end(admission.ticket)

    @property
    def _any(self) -> Conversations:
        return self._chance.choice(self._processes).conversations


@pytest.mark.parametrize("seed", range(3))
async def test_machines_that_call_all_at_once_write_each_commitment_once(polled: ExporterProcess, seed: int) -> None:
    settings = QuickBooksDesktopSettings(
        name="main", kind="quickbooks_desktop", title="QuickBooks", companies=("co-1",), user="kim", sends_job=False
    )
    connections = Connections({"main": Connection(settings, QuickBooksDesktop(settings, None))})
    processes = [ExporterProcess(polled.database, connections, polled.erp, polled.clock) for _ in range(2)]
    chance = Random(seed)  # noqa: S311 - it guards nothing
    machines, ids = Machines(processes, chance), [f"s-{number}" for number in range(COMMITMENTS)]

    for number in range(ROUNDS):
        orders = [processes[0].consume(accepted_event(commitment_id=each)) for each in ids[number::ROUNDS]]
        again = [processes[1].consume(accepted_event(1, 2, commitment_id=each)) for each in ids[:number:ROUNDS]]
        others = [processes[1].consume(rejected_event(commitment_id=f"r-{number}", round=0))]
        polls = [machines.poll_often(f"10.0.0.{chance.randrange(1, 3)}") for _ in range(MACHINES)]
        await asyncio.gather(*orders, *again, *others, *polls, processes[1].conversations.end_silent())
        polled.clock.advance(chance.choice([0.5, 5, 301]))
    for _ in range(12):
        polled.clock.advance(301)
        await machines.poll("10.0.0.1")

    assert machines.orders == dict.fromkeys(ids, 1)
    assert set(await polled.export_states()) == {"succeeded"}
