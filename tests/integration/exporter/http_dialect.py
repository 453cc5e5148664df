"""How an ERP speaks that implements the HTTP contract; the conformance tests play it."""

from typing import Any

from pydantic import SecretStr

from services.exporter.connector_tests import Books, Call, Document, HttpDialect, Reply, Request
from services.exporter.connectors.http import HttpConnector, HttpSettings
from services.exporter.connectors.protocol import Connector

CALLS = {"GET": Call.FIND, "POST": Call.CREATE, "PUT": Call.UPDATE}


class HttpContract(HttpDialect):
    """The contract in `http.openapi.yaml`; `enforces_reference` is whether the ERP refuses a second document."""

    def __init__(self, *, enforces_reference: bool = False, kind: type[HttpConnector] = HttpConnector) -> None:
        self._enforces_reference = enforces_reference
        self._kind = kind

    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> Connector:
        settings = HttpSettings(
            name="main",
            kind="http",
            title="Main",
            companies=("company-204",),
            url=url,
            timeout_seconds=timeout_seconds,
            max_in_flight=max_in_flight,
            enforces_reference=self._enforces_reference,
        )
        return self._kind(settings, SecretStr("s3cret"))

    def call_of(self, request: Request) -> Call:
        return CALLS[request.method] if request.path.startswith("/documents") else Call.OTHER

    def answer(self, request: Request, books: Books) -> Reply:
        if self.call_of(request) is Call.OTHER:
            return _problem(404, "no_such_page")
        if request.method == "GET":
            found = books.under(request.query["reference"])
            return Reply.of_json({"documents": [_shown(each) for each in found]})
        body = request.json()
        if request.method == "PUT":
            updated = books.update(request.last_segment, body["marker"], body)
            return Reply.of_json(_shown(updated)) if updated else _problem(404, "document_gone")
        if holder := books.holder(body["reference"]):
            return _problem(409, "duplicate_reference", document=_shown(holder))
        return Reply.of_json(_shown(books.create(body["reference"], body["marker"], body)), 201)


def _shown(document: Document) -> dict[str, Any]:
    shown = {
        "id": document.id,
        "number": document.number,
        "url": document.url,
        "reference": document.reference,
        "marker": document.marker,
    }
    return {name: value for name, value in shown.items() if value is not None or name == "id"}


def _problem(status: int, code: str, **members: Any) -> Reply:
    return Reply.of_json({"title": "Refused", "status": status, "code": code} | members, status)
