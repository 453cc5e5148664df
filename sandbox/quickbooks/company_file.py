"""A company file of QuickBooks: qbXML in, qbXML out, with its lists, purchase orders and memory of message sets."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from sandbox.quickbooks.elements import Element, name_of
from sandbox.quickbooks.hresult import HresultError
from sandbox.quickbooks.journal import Did, Entry, Journal, reference_in
from sandbox.quickbooks.lists import QUERIES, Lists
from sandbox.quickbooks.lists import Entry as ListEntry
from sandbox.quickbooks.message_sets import DONE, MessageSets, Recalled
from sandbox.quickbooks.orders import PurchaseOrder, PurchaseOrders, RefusedError, answer_with
from sandbox.quickbooks.qbxml import Answer, RequestSet, Status, is_write, read, written
from sandbox.quickbooks.queries import Iterators
from sandbox.quickbooks.schema import REQUESTS
from sandbox.quickbooks.wording import NOT_PROCESSED, problem_of

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Books:
    """All that a backup of a company file contains."""

    lists: Lists
    orders: PurchaseOrders
    message_sets: MessageSets


class CompanyFile:
    """The company file `name` at `path`; what is asked of it is written to `journal`, which no backup contains."""

    def __init__(
        self,
        name: str,
        path: str,
        entries: Iterable[ListEntry],
        *,
        journal: Journal | None = None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.path = path
        lists = Lists(entries)
        self.books = Books(lists, PurchaseOrders(lists), MessageSets())
        self.journal = journal or Journal()
        self._iterators = Iterators()
        self._clock = clock

    @property
    def orders(self) -> dict[str, PurchaseOrder]:
        """Its purchase orders by TxnID, oldest first."""
        return self.books.orders.orders

    def snapshot(self) -> Books:
        """Return a backup."""
        return copy.deepcopy(self.books)

    def restore(self, backup: Books) -> None:
        """Go back to a backup, also with what is remembered of message sets."""
        self.books = copy.deepcopy(backup)
        self._iterators.clear()

    def end_session(self) -> None:
        """Forget the iterators, as QuickBooks does when a program ends its session."""
        self._iterators.clear()

    def delete_by_hand(self, txn_id: str) -> None:
        """Delete a purchase order, as an accountant does."""
        order = self.orders[txn_id]
        self.books.orders.delete(txn_id)
        self.journal.add(Entry(self._clock(), self.name, "by hand", Did.DELETED, None, txn_id, order.ref_number))

    def process(self, text: str, refusal: Status | None = None) -> str:
        """Carry out a set of requests and return the set of responses; with `refusal`, every write is refused so.

        Raises HresultError if the text cannot be read; nothing is changed then.
        """
        try:
            asked = read(text)
        except HresultError as error:
            failed = Entry(self._clock(), self.name, "", Did.FAILED, code=error.hresult, message=error.detail)
            self.journal.add(failed)
            raise
        self._watch(asked)
        if recalled := self.books.message_sets.recall(asked):
            return self._recalled(asked, recalled)
        answers = self._carried_out(asked, refusal)
        response = written(answers, _recovery(asked, DONE))
        self.books.message_sets.save(asked, response)
        return response

    def _watch(self, asked: RequestSet) -> None:
        if len(asked.writes) > 1:
            self.journal.violations.append(f"{len(asked.writes)} writes in one message set")
        if asked.writes and asked.new_id is None:
            self.journal.violations.append(f"{asked.writes[0]} without a newMessageSetID")

    def _recalled(self, asked: RequestSet, recalled: Recalled) -> str:
        message_set_id = asked.new_id or asked.old_id
        entry = Entry(self._clock(), self.name, "", Did.RECALLED, message_set_id=message_set_id, code=recalled.code)
        self.journal.add(entry)
        return recalled.response or written((), _recovery(asked, recalled.code))

    def _carried_out(self, asked: RequestSet, refusal: Status | None) -> list[tuple[Element, Answer]]:
        answers: list[tuple[Element, Answer]] = []
        is_stopped = False
        for request in asked.requests:
            refused = refusal if is_write(name_of(request)) else None
            answer = Answer(NOT_PROCESSED) if is_stopped else self._answered(request, asked, refused)
            answers.append((request, answer))
            is_stopped = is_stopped or (asked.stops_on_error and answer.status.is_error)
        return answers

    def _answered(self, request: Element, asked: RequestSet, refusal: Status | None) -> Answer:
        problem = problem_of(request, REQUESTS[name_of(request)]) or refusal
        did, order = Did.REFUSED, None
        if problem:
            answer = Answer(problem)
        elif not is_write(name_of(request)):
            did, answer = Did.ASKED, self._asked(request)
        else:
            try:
                did, order = self._written(request)
                answer = answer_with(order, request)
            except RefusedError as error:
                answer = Answer(error.status)
        self._record(request, asked, did, order, answer.status)
        return answer

    def _written(self, request: Element) -> tuple[Did, PurchaseOrder]:
        orders = self.books.orders
        if name_of(request) == "PurchaseOrderAddRq":
            return Did.CREATED, orders.add(request, self._clock())
        return Did.CHANGED, orders.change(request, self._clock())

    def _asked(self, request: Element) -> Answer:
        if name_of(request) in QUERIES:
            return self.books.lists.query(request, self._iterators)
        return self.books.orders.query(request, self._iterators)

    def _record(
        self, request: Element, asked: RequestSet, did: Did, order: PurchaseOrder | None, status: Status
    ) -> None:
        entry = Entry(
            at=self._clock(),
            company=self.name,
            request=name_of(request),
            did=did,
            reference=reference_in(etree.tostring(request, encoding="unicode")),
            txn_id=order.txn_id if order else None,
            ref_number=order.ref_number if order else None,
            message_set_id=asked.new_id,
            code=str(status.code),
            message=status.message if status.code else "",
        )
        self.journal.add(entry)


def _recovery(asked: RequestSet, code: str) -> Mapping[str, str]:
    """The attributes about the set as a whole, which only a set with an id has in its response."""
    if asked.new_id is None and asked.old_id is None:
        return {}
    given = {"newMessageSetID": asked.new_id} if asked.new_id else {}
    return {**given, "messageSetStatusCode": code}
