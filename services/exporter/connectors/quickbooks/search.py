"""Finds orders: by the answer that QuickBooks has kept to a lost write, by id, by number, and by when they changed."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.exporter.connectors.pull import Ask, LostWrite
from services.exporter.connectors.quickbooks.characters import is_kept
from services.exporter.connectors.quickbooks.elements import longest
from services.exporter.connectors.quickbooks.failures import OBJECT_NOT_FOUND, Failures, of_question
from services.exporter.connectors.quickbooks.purchase_order import PurchaseOrder, orders_in
from services.exporter.connectors.quickbooks.questions import Questions
from services.exporter.connectors.quickbooks.reply import MessageSet
from services.exporter.connectors.types import Refused, Transient

_QUERY = "PurchaseOrderQueryRs"
_WRITES = ("PurchaseOrderAddRs", "PurchaseOrderModRs")
_NO_SUCH_ID = {3_000, OBJECT_NOT_FOUND}
"""How QuickBooks answers a question for an id that is none, or that no order has."""

Found = tuple[PurchaseOrder, ...] | Refused | Transient


class Search:
    """Asks for orders; an answer may hold more than was asked for, so whoever asks has to look at each."""

    def __init__(self, ask: Ask, questions: Questions, failures: Failures) -> None:
        self._ask, self._questions, self._failures = ask, questions, failures

    async def kept_answer(self, lost: LostWrite) -> Found:
        """Return the order that a lost write made, as QuickBooks has kept its answer; none if it has not.

        An answer that cannot be read says nothing: the question for the orders themselves comes next.
        """
        reply = await self._ask(self._questions.what_became_of(lost.message_set_id))
        answers = self._failures.answers_in(reply)
        if isinstance(answers, Transient):
            return answers
        if not isinstance(answers, MessageSet):
            return ()
        written = (each for name in _WRITES for each in answers.named(name) if not each.is_error)
        return orders_in(MessageSet(answers.status, tuple(written)))

    async def orders(
        self, ids: Iterable[str] = (), numbers: Iterable[str] = (), changed_since: datetime | None = None
    ) -> Found:
        """Return the orders with these ids and numbers, and those changed since then; () if nothing can be asked."""
        asked_ids = tuple(dict.fromkeys(ids))
        asked_numbers = _askable(numbers)
        parts = len(asked_ids) + bool(asked_numbers) + (changed_since is not None)
        if not parts:
            return ()
        reply = await self._ask(self._questions.orders(asked_ids, asked_numbers, changed_since))
        answers = self._failures.answers_in(reply)
        return self._found(answers, parts, len(asked_ids)) if isinstance(answers, MessageSet) else of_question(answers)

    def _found(self, answers: MessageSet, parts: int, ids: int) -> Found:
        """Return the orders, unless a part of the question has no answer: nothing would follow from the others."""
        responses = answers.named(_QUERY)
        if len(responses) != parts:
            return Transient("The answer of QuickBooks is not whole.", is_reached=True)
        for place, response in enumerate(responses):
            is_of_id = place < ids
            if response.is_error and not (is_of_id and response.status in _NO_SUCH_ID):
                return of_question(self._failures.of_error(response, {}))
        return orders_in(answers)


def is_same_number(one: str | None, other: str) -> bool:
    """Whether two numbers are the same to QuickBooks, which does not tell capitals from small letters."""
    return one is not None and one.strip().casefold() == other.strip().casefold()


def _askable(numbers: Iterable[str]) -> Sequence[str]:
    """Return the numbers that an order can have, each once; QuickBooks would refuse a question with another one."""
    length = longest("PurchaseOrderAdd", "RefNumber")
    stripped = dict.fromkeys(each.strip() for each in numbers)
    return tuple(each for each in stripped if each and len(each) <= length and is_kept(each))
