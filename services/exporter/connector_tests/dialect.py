"""How one kind of ERP speaks: the part of the conformance tests that a connector's author writes."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from services.exporter.connector_tests.books import Books
from services.exporter.connectors.protocol import Connector


class Call(StrEnum):
    """What a request is about; OTHER is everything beside the connector's methods, such as signing in."""

    FIND = "find"
    CREATE = "create"
    UPDATE = "update"
    READ = "read"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the played ERP received it; everything but `body` is empty unless the transport is HTTP."""

    body: bytes
    method: str = ""
    target: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path, as it was sent."""
        return urlsplit(self.target).path

    @property
    def last_segment(self) -> str:
        """What stands behind the last slash of the path, decoded."""
        return unquote(self.path.rpartition("/")[2])

    @property
    def query(self) -> dict[str, str]:
        """The decoded parameters behind the question mark; of one that comes twice, the last."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the played ERP."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Self:
        """Return an answer with `value` as JSON."""
        return cls(json.dumps(value, ensure_ascii=False).encode(), status)


class Dialect(ABC):
    """How one kind of ERP speaks over TCP, and how a connector to it is made.

    The three abstract methods are all that an ERP over HTTP needs; derive it from HttpDialect then.
    """

    uses_tls = True
    """Whether a connector can be made for the `tls_scheme`."""

    scheme = "http"
    tls_scheme = "https"

    errors_store_nothing = False
    """Whether the ERP certainly stores nothing where it reports an error in an answer that looks like success."""

    cuts_references = True
    """Whether an ERP of this kind may cut the end of a long reference, as far as anybody knows."""

    refused_references: frozenset[str] = frozenset()
    """Those of ODD_REFERENCES with characters that this ERP does not keep, so that the connector refuses them."""

    own_errors: tuple[bytes, ...] = ()
    """Answers in which this ERP reports an error in a form of its own, and which look like success otherwise."""

    numbers_are_unique = False
    """Whether this ERP cannot have two documents with one number."""

    sound_bodies: frozenset[bytes] = frozenset()
    """Those of ODD_BODIES that are a sound answer of this ERP, and so not odd."""

    proves_nothing_stored: frozenset[int] = frozenset()
    """HTTP statuses, beside those from 400 on, after which this ERP has certainly stored nothing, such as 503."""

    finds_nothing_with: frozenset[int] = frozenset()
    """HTTP statuses with which this ERP says that it has found no document."""

    def books(self) -> Books:
        """Return the books of a new test; those of an ERP that is not played, but called, may be its own."""
        return Books()

    @abstractmethod
    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> Connector:
        """Return a new connector to the ERP at `url`, which has no path."""

    @abstractmethod
    def call_of(self, request: Request) -> Call:
        """Return what `request` is about; CREATE and UPDATE are the requests after which a document may be stored."""

    @abstractmethod
    def answer(self, request: Request, books: Books) -> Reply:
        """Play the ERP: carry out `request` on `books`, and return what the ERP would answer."""

    @abstractmethod
    async def receive(self, reader: asyncio.StreamReader) -> Request:
        """Read one request; IncompleteReadError if the caller has gone."""

    @abstractmethod
    def encode(self, reply: Reply) -> bytes:
        """Return the bytes of `reply` as they go over the network."""


class HttpDialect(Dialect):
    """An ERP that is called over HTTP/1.1."""

    async def receive(self, reader: asyncio.StreamReader) -> Request:
        """Read one request with a Content-Length or without a body."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(body, method, target, headers)

    def encode(self, reply: Reply) -> bytes:
        """Return the answer with its Content-Length."""
        return self.head(reply, {"content-length": str(len(reply.body))}) + reply.body

    def head(self, reply: Reply, more: Mapping[str, str]) -> bytes:
        """Return the first lines of `reply`, with `more` headers."""
        known = {each.value: each.phrase for each in HTTPStatus}
        lines = [f"HTTP/1.1 {reply.status} {known.get(reply.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in {**reply.headers, **more}.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
