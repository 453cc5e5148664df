"""How Lambda ERP speaks; the conformance tests play it."""

from typing import Any

from pydantic import SecretStr

from services.exporter.connector_tests import Books, Call, Document, HttpDialect, Reply, Request
from services.exporter.connectors.lambda_erp import LambdaErpConnector, LambdaErpSettings
from services.exporter.connectors.protocol import Connector

ORDERS = "/api/documents/purchase-order"
WRITES = {"POST": Call.CREATE, "PUT": Call.UPDATE}
FIELDS = ["external_source", "external_reference", "remarks", "docstatus", "discarded"]


class LambdaErpDialect(HttpDialect):
    """Purchase orders over the REST API; an order's name is its id and its number."""

    numbers_are_unique = True

    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> Connector:
        settings = LambdaErpSettings(
            name="main",
            kind="lambda_erp",
            title="Main",
            companies=("company-204",),
            url=url,
            company="Acme",
            timeout_seconds=timeout_seconds,
            max_in_flight=max_in_flight,
        )
        return LambdaErpConnector(settings, SecretStr("a-key"))

    def call_of(self, request: Request) -> Call:
        if request.method in WRITES:
            return WRITES[request.method]
        if request.path == ORDERS:
            return Call.FIND
        is_order = request.path.startswith(f"{ORDERS}/") and request.last_segment != "fields"
        return Call.READ if is_order else Call.OTHER

    def answer(self, request: Request, books: Books) -> Reply:
        match self.call_of(request):
            case Call.FIND:
                return _rows([_shown(each) for each in books.under(request.query["external_reference"])])
            case Call.READ:
                return _order(next(iter(books.named(request.last_segment)), None))
            case Call.CREATE:
                order = request.json()
                if books.holder(order["external_reference"]):
                    return Reply.of_json({"detail": "This reference is taken."}, 409)
                return _order(books.create(order["external_reference"], _marker_in(order), order))
            case Call.UPDATE:
                return _order(books.update(request.last_segment, _marker_in(request.json()), request.json()))
            case _:
                return _beside(request)


def _beside(request: Request) -> Reply:
    if request.last_segment == "me":
        return Reply.of_json({"role": "manager"})
    if request.last_segment == "fields":
        return Reply.of_json({"fields": FIELDS})
    return _rows([{"name": "Acme"}])


def _rows(rows: list[dict[str, Any]]) -> Reply:
    return Reply.of_json({"rows": rows})


def _order(document: Document | None) -> Reply:
    return Reply.of_json(_shown(document)) if document else Reply.of_json({"detail": "Not found."}, 404)


def _marker_in(order: dict[str, Any]) -> str:
    return str(order["remarks"]).partition("\n")[0]


def _shown(document: Document) -> dict[str, Any]:
    return {
        "name": document.id,
        "external_source": "countersign",
        "external_reference": document.reference,
        "remarks": document.marker,
        "docstatus": 0,
        "discarded": 0,
    }
