"""The connector passes the conformance tests about what an ERP keeps also where a real Tryton keeps it."""

from collections.abc import Iterator

import httpx2
import pytest

from sandbox.tryton.books import UNIT_SYMBOLS
from sandbox.tryton.rpc import TrytonRpc
from sandbox.tryton.running import FilledTryton
from services.exporter.connector_tests import Books, Call, Reply, Request
from services.exporter.connector_tests.round_trips import RoundTripTests
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.tryton import TrytonConnector
from tests.integration.exporter.tryton.conftest import settings_for
from tests.integration.exporter.tryton.real_books import PURCHASE, TrytonBooks
from tests.integration.exporter.tryton_dialect import TrytonDialect

FORWARDED = ("authorization", "content-type")
UPSTREAM_SECONDS = 60


class CalledTryton(TrytonDialect):
    """Passes every request on to a real Tryton."""

    cuts_references = False

    def __init__(self, tryton: FilledTryton, admin: TrytonRpc, client: httpx2.Client) -> None:
        self._password = tryton.connector_password
        self._admin = admin
        self._client = client

    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> Connector:
        settings = settings_for(url, timeout_seconds=timeout_seconds, max_in_flight=max_in_flight, units=UNIT_SYMBOLS)
        return TrytonConnector(settings, self._password)

    def books(self) -> Books:
        purchases = self._admin.search(PURCHASE, [])
        return TrytonBooks(admin=self._admin, last_id=max((each["id"] for each in purchases), default=0))

    def answer(self, request: Request, books: Books) -> Reply:
        assert isinstance(books, TrytonBooks)
        books.write_back()
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        answer = self._client.request(request.method, request.target, content=request.body, headers=headers)
        if self.call_of(request) in (Call.CREATE, Call.UPDATE):
            books.read_again()
        return Reply(answer.content, answer.status_code, {"content-type": answer.headers.get("content-type", "")})


class TestOnTryton(RoundTripTests):
    @pytest.fixture(autouse=True)
    def _called(self, tryton: FilledTryton, admin: TrytonRpc) -> Iterator[None]:
        """All tests write under the same references, so each one takes its purchases away."""
        before = {each["id"] for each in admin.search(PURCHASE, [])}
        with httpx2.Client(base_url=tryton.server.base_url, timeout=UPSTREAM_SECONDS, trust_env=False) as client:
            self.dialect = CalledTryton(tryton, admin, client)
            yield
        written = {each["id"] for each in admin.search(PURCHASE, [])} - before
        admin.call(PURCHASE, "delete", [*written])
