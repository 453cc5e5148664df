"""Writes commitments to Ledgerly Desktop: nobody can call it, but its client asks for work and brings answers."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import SecretStr

from ledgerly.answers import FAILURES, Problem, found, searched
from schemas.fields import FailureClass
from services.exporter.connectors.http_document import Body
from services.exporter.connectors.protocol import ConnectionSettings, Connector
from services.exporter.connectors.pull import Ask, ListEntry, ListPage, Occasion, PullSettings, Question, Reply
from services.exporter.connectors.types import (
    FindAnswer,
    FoundDocument,
    Gone,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
    WriteAnswer,
    WriteRequest,
)

NOT_REACHED = {"0x01": "Ledgerly Desktop is not running. Open it.", "0x02": "Another ledger is open. Close it."}
MARKER = re.compile(r".+/[0-9]+/[0-9a-f]{64}(/[0-9]+)?")
NOT_TAKEN = "0x10"
"""The client's code for a text that Ledgerly Desktop cannot read: it has done nothing of it."""


class Entry(Body):
    """An entry of a list."""

    key: str
    name: str
    closed: bool = False


class Part(Body):
    """A part of a list."""

    entries: tuple[Entry, ...]
    begin_next: int | None


class LedgerlyDesktop:
    """One Ledgerly Desktop; the token is the hash of its client's password, which somebody else looks at."""

    settings_type: ClassVar[type[ConnectionSettings]] = PullSettings
    lists = ("vendor", "item")

    def __init__(self, settings: PullSettings, token: SecretStr | None) -> None:
        del settings, token

    def speaking(self, ask: Ask, occasion: Occasion) -> Connector:
        """Return a connector for one attempt."""
        return Desk(ask, occasion)

    def unreached(self, reply: Reply) -> str | None:
        """Say why the client cannot reach Ledgerly Desktop."""
        return NOT_REACHED.get(reply.hresult)

    def list_question(self, name: str, page: str | None) -> Question:
        """Return the question for a part of a list, of which `page` says where it begins."""
        return Question(json.dumps({"list": name, "begin": int(page or 0)}))

    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        """Read a part of a list; whatever is no part says nothing about the list."""
        del name
        answer = answer_in(reply)
        if not isinstance(answer, dict):
            return as_question(answer)
        try:
            part = Part.model_validate(answer)
        except ValueError:
            return Transient("Ledgerly's answer is no part of a list.", is_reached=True)
        entries = tuple(ListEntry(each.key, each.name, not each.closed) for each in part.entries)
        return ListPage(entries, None if part.begin_next is None else str(part.begin_next))

    async def close(self) -> None:
        """Close nothing."""


class Desk:
    """One attempt: asks with `ask`, and keeps nothing for the next one."""

    enforces_reference = False
    can_read = True

    def __init__(self, ask: Ask, occasion: Occasion) -> None:
        self._ask, self._occasion = ask, occasion

    async def find(self, reference: str) -> FindAnswer:
        """Return every order that has our marker, or our number or id and nobody's marker."""
        if lost := self._occasion.lost:
            answer = answer_in(await self._ask(Question(json.dumps({"became_of": lost.message_set_id}))))
            stored = orders_in(answer) if isinstance(answer, dict) else None
            if documents := ours(stored or (), reference):
                return documents
        orders = await self._orders(numbers=self._occasion.numbers, keys=self._occasion.document_ids)
        return ours(orders, reference) if isinstance(orders, list) else orders

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write a new order."""
        return await self._write(request, None)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Replace the content of an order."""
        answer = await self._write(request, document_id)
        is_gone = isinstance(answer, Refused) and answer.code == "no_such_order"
        return Gone(answer.failure_class, answer.message, answer.code) if is_gone else answer

    async def read(self, name: str) -> ReadAnswer:
        """Return the order with this key, or else with this number."""
        orders = await self._orders(numbers=(name,), keys=(name,))
        return searched(orders, name) if isinstance(orders, list) else orders

    async def close(self) -> None:
        """Close nothing."""

    async def _orders(self, **asked: tuple[str, ...]) -> list[Any] | Refused | Transient:
        answer = answer_in(await self._ask(Question(json.dumps({"orders": asked}))))
        if not isinstance(answer, dict):
            return as_question(answer)
        orders = orders_in(answer)
        return Transient("Ledgerly listed no orders.", is_reached=True) if orders is None else orders

    async def _write(self, request: WriteRequest, key: str | None) -> WriteAnswer:
        """Write an order in one question, under the id by which Ledgerly tells later what became of it."""
        message_set_id, commitment = self._occasion.message_set_id, request.commitment
        order = {
            "key": key,
            "no": request.erp_code or commitment.number,
            "memo": f"{request.marker}\n{request.note or ''}",
            "supplier": commitment.vendor.erp_code,
            "lines": [{"pos": each.position, "amount": each.amount} for each in commitment.lines],
        }
        answer = answer_in(
            await self._ask(Question(json.dumps({"write": order, "id": message_set_id}), message_set_id))
        )
        if not isinstance(answer, dict):
            return answer
        stored = orders_in(answer) or ()
        document = found(stored[0]) if len(stored) == 1 else None
        if isinstance(document, FoundDocument):
            return Landed((document,))
        return Unknown("Ledgerly's answer shows no order.", is_reached=True)


def answer_in(reply: Reply) -> dict[str, Any] | Refused | Transient | Unknown:
    """Return the answer to a write: what it says, or what it means that it says nothing."""
    if reply.hresult in NOT_REACHED:
        return Transient(NOT_REACHED[reply.hresult], reply.hresult)
    if reply.hresult == NOT_TAKEN:
        return Refused(FailureClass.FIX_SETUP, "Ledgerly cannot read what it was sent.", NOT_TAKEN)
    if reply.hresult:
        return Unknown(reply.message or "The client of Ledgerly failed.")
    try:
        answer = json.loads(reply.text, parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return Unknown("Ledgerly's answer cannot be read.", is_reached=bool(reply.text))
    if not isinstance(answer, dict) or "error" in answer:
        return Unknown("Ledgerly's answer shows nothing.", is_reached=True)
    return refusal_in(answer) or answer


def refusal_in(answer: Mapping[str, Any]) -> Refused | None:
    """Return the refusal in an answer: Ledgerly has stored nothing then."""
    if not isinstance(told := answer.get("problem"), dict):
        return None
    problem = Problem.model_validate(told)
    return FAILURES.refusal(problem.code, problem.text or "Ledgerly gave no reason.")


def as_question(answer: Refused | Transient | Unknown) -> Refused | Transient:
    """Return what `answer` means for a question, which stores nothing and can be asked again."""
    return Transient(answer.message, is_reached=answer.is_reached) if isinstance(answer, Unknown) else answer


def orders_in(answer: Mapping[str, Any]) -> list[Any] | None:
    """Return the orders in an answer; None where there is no list, which is not the same as an empty one."""
    orders = answer.get("orders")
    return orders if isinstance(orders, list) else None


def ours(orders: Iterable[object], reference: str) -> tuple[FoundDocument | UnreadableDocument, ...]:
    """Return the orders that may be the commitment's: only another one's marker says that one is not."""
    return tuple(each for each in map(found, orders) if not is_of_another(each, reference))


def is_of_another(order: FoundDocument | UnreadableDocument, reference: str) -> bool:
    """Whether the order has the marker of another commitment."""
    marker = order.marker if isinstance(order, FoundDocument) else None
    return MARKER.fullmatch(marker or "") is not None and not str(marker).startswith(f"{reference}/")
