"""Pull connectors that each make one mistake: the sound example, and what somebody may do to it."""

import asyncio
from dataclasses import replace
from itertools import count
from typing import Any

from ledgerly.desktop import Desk, LedgerlyDesktop

from services.exporter.connectors.pull import Ask, ListEntry, ListPage, Occasion, Question, Reply
from services.exporter.connectors.types import (
    FindAnswer,
    FoundDocument,
    Landed,
    Refused,
    Transient,
    Unknown,
    WriteAnswer,
    WriteRequest,
)


class CarelessDesk(Desk):
    """Passes every question and answer through methods in which the mistakes are made."""

    def __init__(self, ask: Ask, occasion: Occasion) -> None:
        self.pass_on = ask
        super().__init__(self.asking, self.told(occasion))

    def told(self, occasion: Occasion) -> Occasion:
        return occasion

    async def asking(self, question: Question) -> Reply:
        return await self.pass_on(self.made(question) if question.is_write else question)

    def made(self, question: Question) -> Question:
        return question

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


def with_desk(desk: type[Desk]) -> type[LedgerlyDesktop]:
    """Return the connector each attempt of which is made by `desk`."""

    class WithDesk(LedgerlyDesktop):
        def speaking(self, ask: Ask, occasion: Occasion) -> Desk:
            return desk(ask, occasion)

    return WithDesk


class NeverAsksAlike(CarelessDesk):
    counter = count()

    def made(self, question: Question) -> Question:
        return replace(question, text=question.text + " " * next(self.counter))


class CountsAnswers(CarelessDesk):
    counter = count()

    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Landed((FoundDocument("1001", str(next(self.counter))),)) if isinstance(answer, Landed) else answer


class AwaitsSomethingElse(CarelessDesk):
    async def asking(self, question: Question) -> Reply:
        await asyncio.sleep(0)
        return await super().asking(question)


class WritesOnlyAtFirst(CarelessDesk):
    has_asked = False

    def found(self, answer: FindAnswer) -> FindAnswer:
        self.has_asked = True
        return answer

    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Transient("Not now.") if self.has_asked else answer


class WritesTwice(CarelessDesk):
    def made(self, question: Question) -> Question:
        return replace(question, text=question.text.replace("{", '{"twice": true, ', 1))


class ReusesTheId(CarelessDesk):
    async def create(self, request: WriteRequest) -> WriteAnswer:
        answer = await super().create(request)
        return await super().create(request) if isinstance(answer, Refused) else answer


class HasNoId(CarelessDesk):
    def made(self, question: Question) -> Question:
        return Question(question.text)


class WritesByQuestions(CarelessDesk):
    async def asking(self, question: Question) -> Reply:
        return await self.pass_on(replace(question, message_set_id=self._occasion.message_set_id))


class HasAnIdOfItsOwn(CarelessDesk):
    def told(self, occasion: Occasion) -> Occasion:
        return replace(occasion, message_set_id="mine")


class HasALongId(CarelessDesk):
    async def create(self, request: WriteRequest) -> WriteAnswer:
        await super().create(request)
        self._occasion = replace(self._occasion, message_set_id=f"{self._occasion.message_set_id}-2")
        return await super().create(request)


class HidesTheId(CarelessDesk):
    def made(self, question: Question) -> Question:
        return replace(question, text=question.text.replace(self._occasion.message_set_id, "hidden"))


class ForgetsTheLost(CarelessDesk):
    def told(self, occasion: Occasion) -> Occasion:
        return replace(occasion, lost=None)


class BelievesTheLost(CarelessDesk):
    def found(self, answer: FindAnswer) -> FindAnswer:
        return answer or ((FoundDocument("1001"),) if self._occasion.lost else ())


class FindsNothingLost(CarelessDesk):
    def found(self, answer: FindAnswer) -> FindAnswer:
        return () if self._occasion.lost else answer


class TakesEveryNumber(CarelessDesk):
    async def find(self, reference: str) -> FindAnswer:
        return await super().find("another" if reference else "")


class IgnoresIds(CarelessDesk):
    def told(self, occasion: Occasion) -> Occasion:
        return replace(occasion, document_ids=())


class BelievesAnything(CarelessDesk):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return answer if isinstance(answer, Landed) else Landed((FoundDocument("1001"),))


class KeepsEverything(CarelessDesk):
    async def asking(self, question: Question) -> Reply:
        reply = await super().asking(question)
        self.copies = [reply.text[place:] for place in range(20)]
        return reply


class SwallowsErrors(CarelessDesk):
    def found(self, answer: FindAnswer) -> FindAnswer:
        return answer if isinstance(answer, tuple) else ()


class DoubtsEverything(CarelessDesk):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return answer if isinstance(answer, Landed) else Unknown("Who knows.")


class CallsUnknownTransient(CarelessDesk):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return Transient(answer.message) if isinstance(answer, Unknown) else answer


class CallsNotReachedReached(CarelessDesk):
    def written(self, answer: WriteAnswer) -> WriteAnswer:
        return replace(answer, is_reached=True) if isinstance(answer, Transient) else answer


class ClosesAttempts(LedgerlyDesktop):
    is_closed = False

    def speaking(self, ask: Ask, occasion: Occasion) -> Any:
        if self.is_closed:
            raise RuntimeError("It is closed.")
        return super().speaking(ask, occasion)

    async def close(self) -> None:
        self.is_closed = True


class SaysNothing(LedgerlyDesktop):
    def unreached(self, reply: Reply) -> str | None:
        return "" if super().unreached(reply) else None


class IsAlwaysAway(LedgerlyDesktop):
    def unreached(self, reply: Reply) -> str | None:
        return super().unreached(reply) or "It is away."


class ListsAccounts(LedgerlyDesktop):
    lists = ("vendor", "account")


class ListsTwice(LedgerlyDesktop):
    lists = ("vendor", "vendor")


class ReadsOnePart(LedgerlyDesktop):
    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        page = super().list_page(name, reply)
        return replace(page, next_page=None) if isinstance(page, ListPage) else page


class DropsClosed(LedgerlyDesktop):
    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        page = super().list_page(name, reply)
        is_page = isinstance(page, ListPage)
        return replace(page, entries=tuple(each for each in page.entries if each.is_active)) if is_page else page


class ReadsTwice(LedgerlyDesktop):
    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        page = super().list_page(name, reply)
        return replace(page, entries=page.entries * 2) if isinstance(page, ListPage) else page


class NeverEnds(LedgerlyDesktop):
    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        page = super().list_page(name, reply)
        return ListPage((), "1203") if isinstance(page, ListPage) else page


class InventsAnEntry(LedgerlyDesktop):
    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        page = super().list_page(name, reply)
        return replace(page, entries=(ListEntry("0", "none"),)) if page == ListPage(()) else page


class TakesOddForEmpty(LedgerlyDesktop):
    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        page = super().list_page(name, reply)
        return page if isinstance(page, ListPage) else ListPage(())


class Raises(LedgerlyDesktop):
    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        page = super().list_page(name, reply)
        if isinstance(page, ListPage):
            return page
        raise ValueError(page.message)


class NeverAsksForListsAlike(LedgerlyDesktop):
    counter = count()

    def list_question(self, name: str, page: str | None) -> Question:
        return Question(super().list_question(name, page).text + " " * next(self.counter))


class WritesLists(LedgerlyDesktop):
    def list_question(self, name: str, page: str | None) -> Question:
        return replace(super().list_question(name, page), message_set_id="1")
