"""The client of a played ERP: it carries attempts on, question by question, as the exporter does.

After each reply the attempt is begun again from its beginning, by a new connector, as another process would.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, TypeVar
from urllib.parse import urlsplit

from services.exporter.connector_tests.bench import WRITES, number_of
from services.exporter.connector_tests.dialect import Call
from services.exporter.connector_tests.expectations import expect, shown
from services.exporter.connectors.protocol import Connector, ReadsDocuments, reader_of
from services.exporter.connectors.pull import LostWrite, Occasion, PullConnector, Question, Reply
from services.exporter.connectors.types import FindAnswer, ReadAnswer, Unknown, WriteAnswer, WriteRequest
from services.exporter.rules.conversation import Result, ask, carried_on

AnswerT = TypeVar("AnswerT")
Attempt = Callable[[Any], Coroutine[Any, Any, AnswerT]]
"""What an attempt does with the connector that it is given."""

MAX_MESSAGE_SET_ID_CHARACTERS = 23
_ID_BYTES = 11
_CHUNK_BYTES = 65_536
_HEAD_BYTES = 1_000_000


@dataclass
class PullClient:
    """Speaks to the played ERP at `url` with the pull connectors that `new_connector` makes.

    `known` and `lost` are what the exporter knows besides the request: ids of documents, and a write without an answer.
    """

    new_connector: Callable[[], PullConnector]
    call_about: Callable[[str], Call]
    url: str
    timeout_seconds: float
    known: tuple[str, ...] = ()
    lost: LostWrite | None = None
    asked: list[Question] = field(default_factory=list)
    """Every question that was passed on."""

    @property
    def enforces_reference(self) -> bool:
        """Whether the ERP itself refuses a second document with one reference."""
        return self._idle().enforces_reference

    @property
    def can_read(self) -> bool:
        """Whether the connector reads documents."""
        return reader_of(self._idle()) is not None

    async def find(self, reference: str) -> FindAnswer:
        """Search in an attempt of its own."""
        answer: FindAnswer = await self.attempt(lambda connector: connector.find(reference), reference)
        return answer

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Create a document in an attempt of its own."""
        return await self.write(lambda connector: connector.create(request), request.reference)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Update a document in an attempt of its own."""
        return await self.write(lambda connector: connector.update(document_id, request), request.reference)

    async def read(self, name: str) -> ReadAnswer:
        """Read a document in an attempt of its own."""

        async def reading(connector: ReadsDocuments) -> ReadAnswer:
            return await connector.read(name)

        return await self.attempt(reading, "")

    async def close(self) -> None:
        """Close a connector, as the exporter does when it stops."""
        await self.new_connector().close()

    async def write(self, begin: Attempt[WriteAnswer], reference: str) -> WriteAnswer:
        """Carry on an attempt that writes, and remember the write if nobody knows what became of it."""
        before = len(self.asked)
        answer = await self.attempt(begin, reference)
        ids = [each.message_set_id for each in self.asked[before:] if each.message_set_id]
        self.lost = LostWrite(ids[-1], datetime.now(UTC)) if ids and isinstance(answer, Unknown) else None
        return answer

    async def attempt(self, begin: Attempt[AnswerT], reference: str) -> AnswerT:
        """Carry an attempt on to its end, and return what it came to, also once it is begun again."""
        numbers = (number_of(reference),) if reference else ()
        occasion = Occasion(token_hex(_ID_BYTES), numbers, self.known, self.lost)
        asked: list[Question] = []
        replies: list[Reply] = []
        while isinstance(went := self._begun(begin, occasion, asked, replies), Question):
            self._expect_sound(went, asked, occasion)
            asked.append(went)
            replies.append(await self.pass_on(went))
        again = self._begun(begin, occasion, asked, replies)
        expect(again == went, f"The same replies led to {shown(went)}, and then to {shown(again)}.")
        return went.value

    async def pass_on(self, question: Question) -> Reply:
        """Pass `question` on, and return what comes back: its beginning, or nothing, if the reply is lost."""
        self.asked.append(question)
        head, text = b"", bytearray()
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(self.timeout_seconds):
                address = urlsplit(self.url)
                reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=_HEAD_BYTES)
                try:
                    writer.write(framed(question.text.encode(), message_set_id=question.message_set_id))
                    head = await reader.readuntil(b"\n")
                    length = json.loads(head)["length"]
                    while len(text) < length and (chunk := await reader.read(_CHUNK_BYTES)):
                        text += chunk
                finally:
                    writer.close()
        said = json.loads(head or b"{}")
        return Reply(text.decode("utf-8", "replace"), said.get("hresult", ""), said.get("message", ""))

    def _begun(
        self, begin: Attempt[AnswerT], occasion: Occasion, asked: Sequence[Question], replies: Sequence[Reply]
    ) -> Question | Result[AnswerT]:
        """Begin the attempt by a new connector, and carry it on through all replies."""
        repeated: list[Question] = []

        async def asking(question: Question) -> Reply:
            repeated.append(question)
            return await ask(question)

        went = carried_on(begin(self.new_connector().speaking(asking, occasion)), replies)
        is_same = repeated[: len(asked)] == [*asked]
        expect(is_same, "The same replies led to other questions, so no other process could carry the attempt on.")
        return went

    def _expect_sound(self, question: Question, asked: Sequence[Question], occasion: Occasion) -> None:
        """Fail unless `question` is a write exactly if it may store a document, under an id of its own."""
        is_write = self.call_about(question.text) in WRITES
        expect(question.is_write or not is_write, "A question may store a document, and has no message set id.")
        expect(is_write or not question.is_write, "A question stores nothing, and has a message set id.")
        if question.message_set_id is None:
            return
        ids = [each.message_set_id for each in asked if each.is_write]
        length = len(question.message_set_id)
        expect(
            ids or question.message_set_id == occasion.message_set_id,
            "The first write has another id than the attempt.",
        )
        expect(question.message_set_id not in ids, "Two writes of one attempt have one id.")
        expect(length <= MAX_MESSAGE_SET_ID_CHARACTERS, f"The id of a message set has {length} characters.")
        expect(question.message_set_id in question.text, "The id of the message set is not in the text.")

    def _idle(self) -> Connector:
        """Return a connector that nobody carries on."""
        return self.new_connector().speaking(ask, Occasion(token_hex(_ID_BYTES)))


def framed(text: bytes, **said: str | None) -> bytes:
    """Return `text` as it goes over the network, with what is said of it."""
    return json.dumps({**said, "length": len(text)}).encode() + b"\n" + text
