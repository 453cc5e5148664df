"""Independent fakes of the Web Connector and of QuickBooks: whatever fails, each commitment is one purchase order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

import pytest
from pydantic import SecretStr
from qbwc_kit.testing import FakeQuickBooks

from sandbox.serving import served
from schemas.envelope import Event, new_event
from schemas.events import DecisionAccepted
from schemas.snapshot import Snapshot
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.client_password import hashed
from services.exporter.connectors.quickbooks.connector import QuickBooksDesktop
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from services.exporter.storage.migrations import MIGRATIONS
from services.exporter.web_connector.app import build_app
from services.exporter.web_connector.endpoint_url import PATH
from services.pipeline.migrations import Migrations
from tests.chaos.web_connector import BooksOfOrders, FailingOffice
from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter
from tests.unit.exporter.builders import APPROVER, MANAGER, NOW, commitment_json

PASSWORD = "correct-horse-battery"
BETWEEN_POLLS_SECONDS = 60


@dataclass(frozen=True)
class Size:
    orders: int
    probability: float
    polls: int


SHORT = Size(orders=40, probability=0.03, polls=150)
LONG = Size(orders=500, probability=0.01, polls=600)


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with the exporter's tables and no rows."""
    return migrated(MIGRATIONS)


@pytest.mark.parametrize("books", [BooksOfOrders, FakeQuickBooks])
async def test_each_commitment_is_one_purchase_order_whichever_calls_fail(
    books: type[FakeQuickBooks],
    database_url: str,
    tmp_path: Path,
    size: Size,
    chance: Random,
    report: Callable[[str], None],
) -> None:
    """Counted in the fake company file; any call of the Web Connector, and QuickBooks itself, may fail at any time."""
    began = monotonic()
    ids = [f"q-{number}" for number in range(size.orders)]
    async with polled_exporter(database_url, tmp_path) as (exporter, url):
        office = FailingOffice(f"{url}{PATH}", PASSWORD, books(), chance, size.probability)
        await exporter.consume(*[accepted(number, each) for number, each in enumerate(ids)])
        for _ in range(size.polls):
            await asyncio.to_thread(office.poll)
            exporter.clock.advance(BETWEEN_POLLS_SECONDS)
            if set(await exporter.export_states()) == {"succeeded"}:
                break
        states = await exporter.export_states()

    counted = office.orders_of(ids)
    once, more = (sum(is_so(count) for count in counted.values()) for is_so in ((1).__eq__, (1).__lt__))
    report(
        f"web connector, {books.__name__}: {once} of {size.orders} commitments are one order, {more} more than one; "
        f"{office.faults.total()} faults in {office.sessions} sessions, {monotonic() - began:.0f} s"
    )
    assert counted == dict.fromkeys(ids, 1)
    assert len(office.orders) == size.orders
    assert set(states) == {"succeeded"}
    assert office.faults.total() > 0


@asynccontextmanager
async def polled_exporter(database_url: str, folder: Path) -> AsyncIterator[tuple[ExporterProcess, str]]:
    """Run an exporter whose connection `main` is to QuickBooks, and serve its endpoint."""
    async with running_exporter(database_url, folder) as running:
        settings = QuickBooksDesktopSettings(
            name="main", kind="quickbooks_desktop", title="QuickBooks", companies=("co-1",), user="harbor"
        )
        token = SecretStr(hashed(PASSWORD))
        connections = Connections({"main": Connection(settings, QuickBooksDesktop(settings, token), token)})
        exporter = ExporterProcess(running.database, connections, running.erp, running.clock)
        async with served(build_app(connections, exporter.conversations, None)) as url:
            yield exporter, url


def accepted(number: int, commitment_id: str) -> Event[DecisionAccepted]:
    """An approver's acceptance of a commitment with a number of its own."""
    snapshot = Snapshot.of(commitment_json(commitment_id) | {"number": f"PO-{number}"})
    data = DecisionAccepted(
        company_id="co-1",
        project_id="pr-1",
        commitment_id=commitment_id,
        revision=1,
        round=1,
        content_hash=snapshot.content_hash,
        commitment=snapshot,
        decided_by=APPROVER,
        sent_by=MANAGER,
    )
    return new_event(data, source="countersign/approval", time=NOW)
