"""How one kind of ERP speaks whose client asks for work: what a pull connector's author writes."""

import asyncio
import json
from abc import abstractmethod

from services.exporter.connector_tests.books import Books
from services.exporter.connector_tests.dialect import Call, Dialect, Reply, Request
from services.exporter.connector_tests.pull_books import PullBooks
from services.exporter.connector_tests.pull_client import PullClient, framed
from services.exporter.connectors.pull import PullConnector
from services.exporter.connectors.pull import Reply as ClientReply

_MESSAGE_SET = "message_set_id"
_FAILURE = ("hresult", "message")


class PullDialect(Dialect):
    """How one kind of ERP reads and answers texts, and how a connector to it is made."""

    uses_tls = False
    scheme = "pull"

    keeps_answers = True
    """Whether the ERP tells later, by the id of its message set, what became of a write."""

    not_reached: tuple[ClientReply, ...] = ()
    """What the client brings where it cannot reach the ERP, so that a text was certainly not carried out."""

    not_taken: tuple[ClientReply, ...] = ()
    """What the client brings where the ERP cannot read a text, and has certainly done nothing of it."""

    @abstractmethod
    def pull_connector(self) -> PullConnector:
        """Return a new connector."""

    @abstractmethod
    def call_about(self, text: str) -> Call:
        """Return what a question is about; what only asks for a list, or what became of a write, is OTHER."""

    @abstractmethod
    def answer_to(self, text: str, books: PullBooks) -> str:
        """Play the ERP: carry out `text` on `books`, and return what the ERP would answer."""

    def books(self) -> PullBooks:
        """Return the books of a new test."""
        return PullBooks()

    def connector(self, url: str, *, timeout_seconds: float, max_in_flight: int) -> PullClient:
        """Return the ERP's client, which behaves as the connector of each attempt."""
        del max_in_flight
        return PullClient(self.pull_connector, self.call_about, url, timeout_seconds)

    def call_of(self, request: Request) -> Call:
        """Return what `request` is about."""
        return self.call_about(request.text)

    def answer(self, request: Request, books: Books) -> Reply:
        """Answer a text; the answer to a write is kept."""
        if not isinstance(books, PullBooks):
            raise TypeError("the books of a PullDialect are PullBooks")
        text = self.answer_to(request.text, books)
        if (message_set_id := request.headers.get(_MESSAGE_SET)) and self.keeps_answers:
            books.kept[message_set_id] = text
        return Reply(text.encode(), headers={})

    async def receive(self, reader: asyncio.StreamReader) -> Request:
        """Read one text and the id of its message set."""
        said = json.loads(await reader.readuntil(b"\n"))
        message_set_id = said.get(_MESSAGE_SET)
        headers = {_MESSAGE_SET: message_set_id} if message_set_id else {}
        return Request(await reader.readexactly(said["length"]), headers=headers)

    def encode(self, reply: Reply) -> bytes:
        """Return what the client brings, as it goes over the network."""
        return framed(reply.body, **{name: reply.headers.get(name, "") for name in _FAILURE})


def brought(reply: ClientReply) -> Reply:
    """Return `reply` as a fault can send it."""
    return Reply(reply.text.encode(), headers={"hresult": reply.hresult, "message": reply.message})
