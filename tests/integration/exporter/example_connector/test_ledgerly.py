"""The connector to Ledgerly passes the tests that every connector has to pass."""

from typing import Any

from ledgerly.connector import LedgerlyConnector, LedgerlySettings
from pydantic import SecretStr

from services.exporter.connector_tests import (
    Books,
    Call,
    CheckTests,
    Document,
    HttpConnectorTests,
    HttpDialect,
    ReadTests,
    Reply,
    Request,
)
from services.exporter.connectors.protocol import Connector


class LedgerlyDialect(HttpDialect):
    """How Ledgerly speaks."""

    kind = LedgerlyConnector

    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> Connector:
        settings = LedgerlySettings(
            name="books",
            kind="ledgerly",
            title="Ledgerly",
            companies=("company-204",),
            url=url,
            timeout_seconds=timeout_seconds,
            max_in_flight=max_in_flight,
        )
        return self.kind(settings, SecretStr("a-key"))

    def call_of(self, request: Request) -> Call:
        if request.method == "PUT":
            return Call.UPDATE
        if request.path != "/orders":
            return Call.OTHER
        if request.method == "POST":
            return Call.CREATE
        return Call.FIND if "ref" in request.query else Call.READ

    def answer(self, request: Request, books: Books) -> Reply:
        match self.call_of(request):
            case Call.OTHER if request.path == "/me":
                return Reply.of_json({"user": "countersign", "ledgers": ["main"]})
            case Call.OTHER:
                return problem(404, "no_such_page")
            case Call.FIND:
                return Reply.of_json({"orders": [shown(each) for each in books.under(request.query["ref"])]})
            case Call.READ:
                return Reply.of_json({"orders": [shown(each) for each in books.named(request.query["name"])]})
            case Call.CREATE:
                order = request.json()
                return Reply.of_json({"order": shown(books.create(order["ref"], marker_in(order), order))}, 201)
            case _:
                order = request.json()
                updated = books.update(request.last_segment, marker_in(order), order)
                return Reply.of_json({"order": shown(updated)}) if updated else problem(404, "no_such_order")


def marker_in(order: dict[str, Any]) -> str:
    return str(order["memo"]).partition("\n")[0]


def shown(document: Document) -> dict[str, Any]:
    return {
        "key": document.id,
        "no": document.number,
        "link": document.url,
        "ref": document.reference,
        "memo": document.marker,
    }


def problem(status: int, code: str) -> Reply:
    return Reply.of_json({"problem": {"code": code, "text": "There is no such thing."}}, status)


class TestLedgerly(HttpConnectorTests, ReadTests, CheckTests):
    dialect = LedgerlyDialect()
