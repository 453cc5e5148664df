"""The conformance tests also fit a connector that speaks another protocol: here, a line of JSON for each message."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from schemas.fields import FailureClass
from services.exporter.connector_tests import Books, Call, ConnectorTests, Dialect, Document, Reply, Request
from services.exporter.connectors.http_document import Document as ReadDocument
from services.exporter.connectors.http_document import document_in, documents_in
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.types import (
    FindAnswer,
    Gone,
    Landed,
    Refused,
    Transient,
    Unknown,
    WriteAnswer,
    WriteRequest,
)

MAX_LINE_BYTES = 1_000_000


class LineConnector:
    """Opens a connection for each call, sends one line and reads one."""

    enforces_reference = False

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._address = urlsplit(url)
        self._timeout_seconds = timeout_seconds

    async def find(self, reference: str) -> FindAnswer:
        answer = await self._call({"call": "find", "reference": reference})
        if isinstance(answer, (Transient, Unknown)):
            return Transient(answer.message)
        listed = answer.get("documents") if isinstance(answer, dict) else None
        if isinstance(listed, list):
            return documents_in(listed, reference)
        return Transient("The ERP's list cannot be read.")

    async def create(self, request: WriteRequest) -> WriteAnswer:
        return _written(await self._call({"call": "create"} | _content(request)))

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        return _written(await self._call({"call": "update", "id": document_id} | _content(request)))

    async def close(self) -> None:
        pass

    async def _call(self, message: dict[str, Any]) -> Any:
        """Return the answer as JSON, with numbers as text; None if it is no JSON."""
        is_sent = False
        try:
            async with asyncio.timeout(self._timeout_seconds):
                host, port = str(self._address.hostname), self._address.port
                reader, writer = await asyncio.open_connection(host, port, limit=MAX_LINE_BYTES)
                is_sent = True
                try:
                    writer.write(json.dumps(message).encode() + b"\n")
                    return _json(await reader.readuntil(b"\n"))
                finally:
                    writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            lost = Unknown(f"The answer was lost ({type(error).__name__}).")
            return lost if is_sent else Transient("The ERP could not be reached.")


class LineDialect(Dialect):
    """How an ERP speaks that writes and reads lines."""

    uses_tls = False
    scheme = "lines"

    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> Connector:
        del max_in_flight
        return LineConnector(url, timeout_seconds)

    def call_of(self, request: Request) -> Call:
        return Call(request.json()["call"])

    def answer(self, request: Request, books: Books) -> Reply:
        message = request.json()
        match self.call_of(request):
            case Call.FIND:
                return Reply.of_json({"documents": [_shown(each) for each in books.under(message["reference"])]})
            case Call.CREATE:
                return Reply.of_json(_shown(books.create(message["reference"], message["marker"])))
            case _:
                updated = books.update(message["id"], message["marker"])
                return Reply.of_json(_shown(updated) if updated else {"gone": True})

    async def receive(self, reader: asyncio.StreamReader) -> Request:
        return Request(await reader.readuntil(b"\n"))

    def encode(self, reply: Reply) -> bytes:
        return reply.body.replace(b"\n", b" ") + b"\n"


class TestLines(ConnectorTests):
    dialect = LineDialect()


def _content(request: WriteRequest) -> dict[str, Any]:
    return {"reference": request.reference, "marker": request.marker, "number": request.commitment.number}


def _json(line: bytes) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(line, parse_int=str, parse_constant=lambda _: None)
    return None


def _written(answer: Any) -> WriteAnswer:
    if isinstance(answer, (Transient, Unknown)):
        return answer
    if isinstance(answer, dict) and answer.get("gone") is True:
        return Gone(FailureClass.FIX_SETUP, "The ERP has no such document.")
    if isinstance(answer, dict) and "error" not in answer and (document := document_in(answer)):
        return Landed((document,))
    message = "The ERP answered without a document."
    return Unknown(message, Refused(FailureClass.FIX_SETUP, message), is_reached=True)


def _shown(document: Document) -> dict[str, Any]:
    shown = {name: getattr(document, name) for name in ReadDocument.model_fields}
    return {name: value for name, value in shown.items() if value is not None or name == "id"}
