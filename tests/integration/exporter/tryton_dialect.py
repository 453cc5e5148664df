"""How Tryton speaks; the conformance tests play it: every call is a POST to one path, and its body says what it is."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from services.exporter.connector_tests import Books, Call, Document, HttpDialect, Reply, Request
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.tryton import TrytonConnector
from services.exporter.connectors.tryton_read import MAX_ID_DIGITS
from services.exporter.connectors.tryton_settings import TrytonSettings

PATH = "/tryton/rpc/"
PURCHASE = "model.purchase.purchase"
COMPANY_ID = 1
WRITES = {f"{PURCHASE}.create": Call.CREATE, f"{PURCHASE}.write": Call.UPDATE}
READ_MODELS = ("purchase.purchase", "purchase.line")


@dataclass(frozen=True)
class Rpc:
    """A call of a method, as the body of a request has it."""

    method: str
    parameters: list[Any]

    @property
    def model(self) -> str:
        """The model whose records are searched; empty if the call is no search."""
        return self.method.removeprefix("model.").removesuffix(".search_read") if "search_read" in self.method else ""

    @property
    def wanted(self) -> tuple[str, list[Any]]:
        """The field that a search compares, and the values that it looks for."""
        (first, *_) = self.parameters[0][1:] if self.parameters[0][0] == "OR" else self.parameters[0]
        field, operator, value = first
        return field, value if operator == "in" else [value]


def rpc_in(request: Request) -> Rpc | None:
    """Return the call that `request` makes; None if it is none of Tryton's."""
    if request.method != "POST" or request.path != PATH:
        return None
    body = request.json()
    return Rpc(body["method"], body["params"])


class TrytonDialect(HttpDialect):
    """Draft purchases over JSON-RPC; errors of Tryton's own kinds come with the status 200."""

    own_errors = (
        b'{"id": 1, "error": ["UserError", ["The period is closed.", "", null]]}',
        b'{"id": 1, "error": ["UserWarning", ["late_17", "The date is old.", "Is it right?"]]}',
        b'{"id": 1, "error": ["ConcurrencyException", "Records were modified in the meanwhile"]}',
        b'{"id": 1, "error": ["connection already closed", "Traceback (most recent call last): ..."]}',
        b'{"id": 1, "result": [7], "error": ["UserError", ["The period is closed.", "", null]]}',
    )

    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> Connector:
        settings = TrytonSettings(
            name="main",
            kind="tryton",
            title="Main",
            companies=("company-204",),
            url=url,
            database="tryton",
            user="countersign",
            timeout_seconds=timeout_seconds,
            max_in_flight=max_in_flight,
        )
        return TrytonConnector(settings, SecretStr("a-password"))

    def call_of(self, request: Request) -> Call:
        rpc = rpc_in(request)
        if rpc is None:
            return Call.OTHER
        if rpc.method in WRITES:
            return WRITES[rpc.method]
        if rpc.model not in READ_MODELS:
            return Call.OTHER
        return Call.FIND if rpc.wanted[0] == "reference" else Call.READ

    def answer(self, request: Request, books: Books) -> Reply:
        rpc = rpc_in(request)
        if rpc is None:
            return Reply(b"Not Found", 404, {"content-type": "text/html"})
        if rpc.method == "common.db.login":
            return _result([7, "a-session", []])
        if not request.headers.get("authorization", "").startswith("Session "):
            return Reply(b"Unauthorized", 401, {"content-type": "text/html"})
        return _purchases(rpc, books) if self.call_of(request) is not Call.OTHER else _result(_beside(rpc))


def _purchases(rpc: Rpc, books: Books) -> Reply:
    match WRITES.get(rpc.method):
        case Call.CREATE:
            values = rpc.parameters[0][0]
            return _result([_id(books.create(values["reference"], _marker_in(values), values))])
        case Call.UPDATE:
            (document_id,), values, *_ = rpc.parameters
            if books.update(document_id, _marker_in(values), values):
                return _result(None)
            return Reply.of_json({"id": 1, "error": ["UserError", ["You are trying to write a record that is gone."]]})
    if rpc.model == "purchase.line":
        return _result([])
    return _result([_row(each) for each in _searched(rpc, books)])


def _searched(rpc: Rpc, books: Books) -> list[Document]:
    field, (value,) = rpc.wanted
    if field == "reference":
        return books.under(value)
    return [each for each in books.documents if str(getattr(each, field)) == str(value)]


def _row(document: Document) -> dict[str, Any]:
    return {
        "id": _id(document),
        "number": document.number,
        "reference": document.reference,
        "comment": document.marker,
        "state": "draft",
        "lines": [],
        "_timestamp": "1.0",
        "untaxed_amount": {"__class__": "Decimal", "decimal": "480250.00"},
        "currency.": {"id": 1, "code": "USD"},
    }


def _id(document: Document) -> Any:
    """Return the id as Tryton writes it, which numbers its records; an odd one as it is."""
    is_serial = isinstance(document.id, str) and document.id.isdecimal() and len(document.id) <= MAX_ID_DIGITS
    return int(document.id) if is_serial else document.id


def _beside(rpc: Rpc) -> Any:
    """Answer what comes before a write: who signs in, and a record for each name that is looked for."""
    if rpc.method == "model.res.user.get_preferences":
        return {"company": COMPANY_ID}
    if rpc.method == "model.ir.model.access.get_access":
        return {model: {"create": True, "read": True, "write": True} for model in rpc.parameters[0]}
    if not rpc.model:
        return None
    names = rpc.wanted[1]
    return [_record(number, name) for number, name in enumerate(names, 1) if name != -1]


def _record(number: int, name: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "code": name,
        "symbol": name,
        "rec_name": name if isinstance(name, str) else "Harbor Builders",
        "active": True,
        "currency.": {"id": 1, "code": "USD"},
        "purchasable": True,
        "category": 1,
        "digits": 2,
    }


def _marker_in(values: dict[str, Any]) -> str:
    return str(values["comment"]).partition("\n")[0]


def _result(value: Any) -> Reply:
    return Reply(json.dumps({"id": 1, "result": value}, ensure_ascii=False).encode())
