"""One attempt at QuickBooks: finds, writes and reads purchase orders by asking one question after the other.

Given the same replies it asks the same questions, so an attempt can be carried on by asking again from its beginning.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import structlog

from services.exporter.connectors.problem import refusal_of
from services.exporter.connectors.pull import Ask, Occasion, Question
from services.exporter.connectors.quickbooks.failures import OBJECT_NOT_FOUND, OUT_OF_DATE, Failures, named_in
from services.exporter.connectors.quickbooks.ids import may_be_txn_id, next_message_set_id
from services.exporter.connectors.quickbooks.marker import marker_of
from services.exporter.connectors.quickbooks.order import Order, order_of
from services.exporter.connectors.quickbooks.purchase_order import RETURNED, PurchaseOrder, order_in
from services.exporter.connectors.quickbooks.questions import Questions
from services.exporter.connectors.quickbooks.reply import MessageSet, Response
from services.exporter.connectors.quickbooks.search import Search, is_same_number
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from services.exporter.connectors.types import (
    FindAnswer,
    FoundDocument,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
    WriteAnswer,
    WriteRequest,
)

_MAX_NAMED = 5
log = structlog.get_logger()


class Purchasing:
    """Speaks qbXML through `ask`, for one attempt; `occasion` is what the exporter knows besides the request."""

    enforces_reference = False
    """QuickBooks takes any number of orders with one number."""

    can_read = True

    def __init__(self, settings: QuickBooksDesktopSettings, failures: Failures, ask: Ask, occasion: Occasion) -> None:
        self._settings, self._failures, self._ask, self._occasion = settings, failures, ask, occasion
        self._questions = Questions(settings.qbxml_version, occasion.message_set_id)
        self._search = Search(ask, self._questions, failures)
        self._seen: dict[str, PurchaseOrder] = {}

    async def find(self, reference: str) -> FindAnswer:
        """Return every order with our marker, and those that have our number, or our id, without any marker of ours."""
        if lost := self._occasion.lost:
            kept = await self._search.kept_answer(lost)
            if isinstance(kept, (Refused, Transient)):
                return kept
            if documents := tuple(self._ours(kept, reference)):
                return documents
        asked = self._occasion
        ids = filter(may_be_txn_id, asked.document_ids)
        numbers = (*asked.numbers, *asked.document_ids)
        found = await self._search.orders(ids, numbers, lost.sent_at if lost else None)
        if isinstance(found, (Refused, Transient)):
            return found
        return (*self._ours(found, reference), *self._unmarked(found))

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Create the order in one transaction."""
        order = self._order(request)
        if isinstance(order, Refused):
            return order
        question = self._questions.add(order, self._occasion.message_set_id)
        return await self._written(question, _Write("PurchaseOrderAddRs", order, request))

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Change the order in one transaction; once more if somebody has changed it since it was read."""
        order = self._order(request)
        if isinstance(order, Refused):
            return order
        seen = self._seen.get(document_id)
        current = seen if seen and seen.is_whole else await self._current(document_id)
        first_id = self._occasion.message_set_id
        answer = await self._changed(current, order, request, first_id)
        if not isinstance(answer, (Refused, Transient)) or answer.code != str(OUT_OF_DATE):
            return answer
        current = await self._current(document_id)
        return await self._changed(current, order, request, next_message_set_id(first_id))

    async def read(self, name: str) -> ReadAnswer:
        """Return the order whose id is `name`, or else whose number is."""
        found = await self._search.orders(filter(may_be_txn_id, (name,)), (name,))
        if isinstance(found, (Refused, Transient)):
            return found
        named = [each for each in found if each.id == name]
        named = named or [each for each in found if each.id and is_same_number(each.number, name)]
        if not named:
            return self._failures.gone("document_gone", value=name)
        if len(named) > 1:
            return self._failures.refusal("document_ambiguous", value=name, count=str(len(named)))
        return named[0].copy()

    async def close(self) -> None:
        """Close nothing."""

    def _ours(self, orders: Iterable[PurchaseOrder], reference: str) -> Iterator[FoundDocument | UnreadableDocument]:
        """Yield the orders that have a marker of the commitment `reference`, and remember them for an update."""
        for each in orders:
            if marker := marker_of(each.memo, reference):
                self._seen[each.id] = each
                yield each.listed(marker)

    def _unmarked(self, orders: Iterable[PurchaseOrder]) -> Iterator[FoundDocument | UnreadableDocument]:
        """Yield the orders that may be the commitment's, though they have no marker of ours."""
        asked = self._occasion
        numbers = (
            asked.document_ids if self._settings.allows_duplicate_numbers else (*asked.document_ids, *asked.numbers)
        )
        for each in orders:
            is_named = each.id in asked.document_ids or any(is_same_number(each.number, number) for number in numbers)
            if each.marker is None and is_named:
                self._seen[each.id] = each
                yield each.listed(None)

    def _order(self, request: WriteRequest) -> Order | Refused:
        order = order_of(request, self._settings)
        return order if isinstance(order, Order) else refusal_of(order, self._failures.table)

    async def _current(self, document_id: str) -> PurchaseOrder | Refused | Transient:
        """Return the order as it is now; Gone if there is none."""
        found = await self._search.orders((document_id,))
        if isinstance(found, (Refused, Transient)):
            return found
        order = next((each for each in found if each.id == document_id), None)
        return order or self._failures.gone("document_gone", value=document_id)

    async def _changed(
        self, current: PurchaseOrder | Refused | Transient, order: Order, request: WriteRequest, message_set_id: str
    ) -> WriteAnswer:
        """Make `order` of `current`, unless that is so already, or somebody else's by now."""
        if not isinstance(current, PurchaseOrder):
            return current
        document = current.document(request.marker)
        if marker_of(current.memo, request.reference) == request.marker:
            return Landed((document,))
        if current.marker and marker_of(current.memo, request.reference) is None:
            return self._failures.gone("document_reused", value=document.name)
        if current.is_closed:
            return self._failures.refusal("document_closed", value=document.name)
        question = self._questions.change(order, current, message_set_id)
        return await self._written(question, _Write("PurchaseOrderModRs", order, request, current.id))

    async def _written(self, question: Question, write: "_Write") -> WriteAnswer:
        answers = self._failures.answers_to(question, await self._ask(question))
        if not isinstance(answers, MessageSet):
            return answers
        responses = answers.named(write.answered_as)
        if len(responses) != 1:
            return Unknown("The answer of QuickBooks does not tell what became of the order.", is_reached=True)
        return self._meaning(responses[0], write)

    def _meaning(self, response: Response, write: "_Write") -> WriteAnswer:
        """Return what the answer to a write means: it has landed if the order comes back with its number and marker."""
        if response.is_error:
            if write.changed_id and response.status == OBJECT_NOT_FOUND and write.changed_id in response.message:
                return self._failures.gone("document_gone", value=write.changed_id)
            return self._failures.of_error(response, write.known_of(response))
        returned = [order_in(each) for each in response.returned_as(RETURNED)]
        if len(returned) != 1 or not write.is_shown_by(returned[0]):
            return Unknown("The answer of QuickBooks does not show the order as it was sent.", is_reached=True)
        self._log_oddities(response, write, returned[0])
        return Landed((returned[0].document(write.order.marker),))

    def _log_oddities(self, response: Response, write: "_Write", returned: PurchaseOrder) -> None:
        """Log what somebody should know of an order that has landed all the same."""
        about = {"connection": self._settings.name, "commitment_id": write.request.reference}
        if response.is_warning:
            log.warning("quickbooks.warned", code=response.status, **about)
        if returned.total is not None and returned.total != write.order.total:
            log.warning("quickbooks.total_differs", **about)


@dataclass(frozen=True, slots=True)
class _Write:
    """What was sent, and the name of its answer; `changed_id` is the id of the order that it changes."""

    answered_as: str
    order: Order
    request: WriteRequest
    changed_id: str | None = None

    def is_shown_by(self, returned: PurchaseOrder) -> bool:
        """Whether `returned` is what was sent."""
        is_ours = marker_of(returned.memo, self.request.reference) == self.order.marker
        is_that = bool(returned.id) and self.changed_id in (None, returned.id)
        return is_ours and is_that and is_same_number(returned.number, self.order.number)

    def known_of(self, response: Response) -> dict[str, str]:
        """What the words of a failure may name: whose order it is, and which lines name what QuickBooks names."""
        named = named_in(response)
        positions = self.order.lines_with(named) if named else ()
        numbers = ", ".join(map(str, positions[:_MAX_NAMED])) + (" and others" if len(positions) > _MAX_NAMED else "")
        place = f"{'Line' if len(positions) == 1 else 'Lines'} {numbers}: " if positions else ""
        return {"vendor": self.request.commitment.vendor.name, "place": place}
