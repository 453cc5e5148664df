"""Connectors that each make one mistake: the sound example, and what somebody may do to it."""

import asyncio
from dataclasses import replace
from typing import Any, ClassVar

import httpx2
from ledgerly.connector import LedgerlyConnector, LedgerlySettings
from pydantic import SecretStr

from schemas.fields import FailureClass
from services.exporter.connectors.http import HttpConnector
from services.exporter.connectors.types import (
    Exists,
    FindAnswer,
    FoundDocument,
    Gone,
    Landed,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
    WriteAnswer,
    WriteRequest,
)


class Careless(LedgerlyConnector):
    """Passes every answer through `found` or `written`, in which the mistakes are made."""

    def found(self, answer: FindAnswer) -> FindAnswer:
        return answer

    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return answer

    async def find(self, reference: str) -> FindAnswer:
        return self.found(await super().find(reference))

    async def create(self, request: WriteRequest) -> WriteAnswer:
        return self.written(await super().create(request))

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        return self.written(await super().update(document_id, request))

    async def listed(self, reference: str) -> list[dict[str, Any]]:
        """Return the orders in an answer as they stand there."""
        orders = await self._search(ref=reference)
        assert isinstance(orders, list)
        return orders

    async def posted(self, request: WriteRequest) -> httpx2.Response:
        """Return the answer to a create, whatever it says."""
        response = await self._call("POST", "/orders", json=self._order(request))
        assert isinstance(response, httpx2.Response)
        return response


class InventsDocuments(Careless):
    def found(self, answer: FindAnswer) -> FindAnswer:
        return answer or (FoundDocument("1001"),)


class ForgetsMarkers(Careless):
    def found(self, answer: FindAnswer) -> FindAnswer:
        documents = answer if isinstance(answer, tuple) else ()
        return tuple(replace(each, marker=None) for each in documents if isinstance(each, FoundDocument))


class CreatesInsteadOfUpdating(Careless):
    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        del document_id
        return await self.create(request)


class ComparesReferences(Careless):
    async def find(self, reference: str) -> FindAnswer:
        listed = await self.listed(reference)
        return tuple(FoundDocument(each["key"]) for each in listed if each["ref"] == reference)


class TakesTheFirst(Careless):
    def found(self, answer: FindAnswer) -> FindAnswer:
        return answer[:1] if isinstance(answer, tuple) else answer


class OverlooksUnmarked(Careless):
    async def find(self, reference: str) -> FindAnswer:
        listed = await self.listed(reference)
        return tuple(FoundDocument(each["key"]) for each in listed if (each["memo"] or "").startswith(reference))


class CallsGoneRefused(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Refused(answer.failure_class, answer.message) if isinstance(answer, Gone) else answer


class CreatesOnlyIfNothingIsThere(Careless):
    async def create(self, request: WriteRequest) -> WriteAnswer:
        found = await self.find(request.reference)
        documents = [each for each in found if isinstance(each, FoundDocument)] if isinstance(found, tuple) else []
        return Landed(tuple(documents)) if documents else await super().create(request)


class CallsExistsRefused(HttpConnector):
    async def create(self, request: WriteRequest) -> WriteAnswer:
        answer = await super().create(request)
        return Refused(FailureClass.FIX_SETUP, "There is one.") if isinstance(answer, Exists) else answer


class CallsUnknownTransient(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Transient(answer.message) if isinstance(answer, Unknown) else answer


class SwallowsErrors(Careless):
    def found(self, answer: FindAnswer) -> FindAnswer:
        return answer if isinstance(answer, tuple) else ()


class RetriesWrites(Careless):
    async def create(self, request: WriteRequest) -> WriteAnswer:
        answer = await super().create(request)
        return await super().create(request) if isinstance(answer, Unknown) else answer

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        answer = await super().update(document_id, request)
        return await super().update(document_id, request) if isinstance(answer, Unknown) else answer


class Raises(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        if isinstance(answer, Unknown):
            raise ConnectionError(answer.message)
        return answer


class LeaksCancellation(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        if isinstance(answer, Unknown):
            raise asyncio.CancelledError
        return answer


class AnswersNothing(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return None if isinstance(answer, Unknown) else answer  # type: ignore[return-value]


class SaysNothing(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Unknown("") if isinstance(answer, Unknown) else answer


class GivesUp(Careless):
    is_broken = False

    def written(self, answer: WriteAnswer) -> WriteAnswer:
        self.is_broken = isinstance(answer, Unknown)
        return answer

    def found(self, answer: FindAnswer) -> FindAnswer:
        return Transient("The connection is broken.") if self.is_broken else answer


class Unbounded(LedgerlyConnector):
    """Calls with a plain client, as `kwargs` of its class want it, and without a deadline for the whole call."""

    kwargs: ClassVar[dict[str, Any]] = {}

    def __init__(self, settings: LedgerlySettings, token: SecretStr | None) -> None:
        super().__init__(settings.model_copy(update={"timeout_seconds": 60.0}), token)
        plain = {"base_url": settings.url, "timeout": settings.timeout_seconds}
        self._client = httpx2.AsyncClient(**{**plain, **self.kwargs})


class HasNoDeadline(Unbounded):
    kwargs: ClassVar[dict[str, Any]] = {"timeout": None}


class HasADeadlineForEachByte(Unbounded):
    pass


class ReadsEverything(Careless):
    def __init__(self, settings: LedgerlySettings, token: SecretStr | None) -> None:
        super().__init__(settings, token)
        self._client = httpx2.AsyncClient(base_url=settings.url)


class FollowsRedirects(Unbounded):
    kwargs: ClassVar[dict[str, Any]] = {"follow_redirects": True}


class TrustsAnyCertificate(Unbounded):
    kwargs: ClassVar[dict[str, Any]] = {"verify": False}


class SpeaksInTheClear(LedgerlyConnector):
    def __init__(self, settings: LedgerlySettings, token: SecretStr | None) -> None:
        in_the_clear = settings.url.replace("https:", "http:")
        super().__init__(settings.model_copy(update={"url": in_the_clear}), token)


class TakesLateAnswers(Careless):
    late: asyncio.Task[FindAnswer] | None = None

    async def find(self, reference: str) -> FindAnswer:
        if self.late is None:
            sound = LedgerlyConnector(self._settings.model_copy(update={"timeout_seconds": 60.0}), None)
            self.late = asyncio.ensure_future(sound.find(reference))
            await asyncio.wait({self.late}, timeout=self._settings.timeout_seconds)
            if not self.late.done():
                return Transient("The ERP did not answer.")
        answer, self.late = await self.late, None
        return answer


class BelievesAnything(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return answer if isinstance(answer, Landed) else Landed((FoundDocument("?"),))


class TakesAnyId(Careless):
    async def create(self, request: WriteRequest) -> WriteAnswer:
        body = (await self.posted(request)).json()
        return Landed((FoundDocument(str(body["order"]["key"])),))


class DropsUnreadable(Careless):
    def found(self, answer: FindAnswer) -> FindAnswer:
        documents = answer if isinstance(answer, tuple) else ()
        return tuple(each for each in documents if not isinstance(each, UnreadableDocument))


class KeepsNumbers(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        assert isinstance(answer, Landed)
        return Landed((FoundDocument(int(answer.documents[0].id)),))  # type: ignore[arg-type]


class DropsOddDocuments(Careless):
    async def find(self, reference: str) -> FindAnswer:
        listed = await self.listed(reference)
        return tuple(FoundDocument(each["key"]) for each in listed if self.is_fine(each, reference))

    def is_fine(self, each: dict[str, Any], reference: str) -> bool:
        texts = [each[name] or "" for name in ("no", "memo", "link")]
        is_fine = all(isinstance(text, str) and len(text) < 256 for text in texts)
        return is_fine and texts[0].startswith("PO-") and texts[1].startswith(reference) and not texts[2]


class CallsNotSentUnknown(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Unknown(answer.message) if isinstance(answer, Transient) else answer


class CallsNotSentReached(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return replace(answer, is_reached=True) if isinstance(answer, Transient) else answer


class SharesOneAnswer(Careless):
    last: Any = None

    async def shared(self, answer: Any) -> Any:
        self.last = answer
        await asyncio.sleep(0.3)
        return self.last

    async def find(self, reference: str) -> FindAnswer:
        answer: FindAnswer = await self.shared(await super().find(reference))
        return answer

    async def create(self, request: WriteRequest) -> WriteAnswer:
        answer: WriteAnswer = await self.shared(await super().create(request))
        return answer


class OneAtATime(Careless):
    def __init__(self, settings: LedgerlySettings, token: SecretStr | None) -> None:
        super().__init__(settings, token)
        self.turn = asyncio.Lock()

    async def find(self, reference: str) -> FindAnswer:
        async with self.turn:
            return await super().find(reference)

    async def create(self, request: WriteRequest) -> WriteAnswer:
        async with self.turn:
            return await super().create(request)


class LeaksOnCancel(OneAtATime):
    async def find(self, reference: str) -> FindAnswer:
        await self.turn.acquire()
        answer = await LedgerlyConnector.find(self, reference)
        self.turn.release()
        return answer

    async def create(self, request: WriteRequest) -> WriteAnswer:
        await self.turn.acquire()
        answer = await LedgerlyConnector.create(self, request)
        self.turn.release()
        return answer


class NeverCloses(Careless):
    async def close(self) -> None:
        pass


class CallsRefusalsUnknown(Careless):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Unknown(answer.message) if isinstance(answer, Refused) else answer


class IgnoresRetryAfter(Careless):
    def found(self, answer: FindAnswer) -> FindAnswer:
        return Transient(answer.message, is_reached=True) if isinstance(answer, Transient) else answer


class TrustsRetryAfter(Careless):
    async def find(self, reference: str) -> FindAnswer:
        response = await self._call("GET", "/orders", params={"ref": reference})
        assert isinstance(response, httpx2.Response)
        return Transient("Busy.", retry_after_seconds=float(response.headers["retry-after"]))


class InsistsOnJson(Careless):
    async def create(self, request: WriteRequest) -> WriteAnswer:
        response = await self.posted(request)
        if response.headers["content-type"] != "application/json":
            raise TypeError(response.headers["content-type"])
        return await super().create(request)
