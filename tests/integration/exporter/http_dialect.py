"""How an ERP speaks that implements the HTTP contract; the conformance tests play it."""

from typing import Any

from pydantic import SecretStr

from services.exporter.connector_tests import Books, Call, Document, HttpDialect, Reply, Request
from services.exporter.connectors.http import HttpConnector, HttpSettings
from services.exporter.connectors.protocol import Connector

CALLS = {"GET": Call.FIND, "POST": Call.CREATE, "PUT": Call.UPDATE}


class HttpContract(HttpDialect):
    """The contract in `http.openapi.yaml`; `enforces_reference` is whether the ERP refuses a second document."""

    own_errors = (b'{"id": "7", "error": "The period is closed."}', b'{"id": "7", "documents": [], "errors": ["No."]}')

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
            reads_documents=True,
        )
        return self._kind(settings, SecretStr("s3cret"))

    def call_of(self, request: Request) -> Call:
        if not request.path.startswith("/documents"):
            return Call.OTHER
        is_search = request.method != "GET" or "reference" in request.query
        return CALLS[request.method] if is_search else Call.READ

    def answer(self, request: Request, books: Books) -> Reply:
        if self.call_of(request) is Call.OTHER:
            return _problem(404, "no_such_page")
        if request.method == "GET":
            return _read(request, books)
        body = request.json()
        if request.method == "PUT":
            updated = books.update(request.last_segment, body["marker"], body)
            return Reply.of_json(_shown(updated)) if updated else _problem(404, "document_gone")
        if holder := books.holder(body["reference"]):
            return _problem(409, "duplicate_reference", document=_shown(holder))
        return Reply.of_json(_shown(books.create(body["reference"], body["marker"], body)), 201)


def _read(request: Request, books: Books) -> Reply:
    """A search by reference or number, or the document with an id."""
    if "reference" in request.query:
        return Reply.of_json({"documents": [_shown(each) for each in books.under(request.query["reference"])]})
    if "number" in request.query:
        named = [each for each in books.documents if each.number == request.query["number"]]
        return Reply.of_json({"documents": [_shown(each) for each in named]})
    by_id = [each for each in books.documents if str(each.id) == request.last_segment]
    return Reply.of_json(_shown(by_id[0])) if by_id else _problem(404, "not_found")


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
