"""What Ledgerly's answers mean: stored, certainly not stored, refused, or unknown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2

from schemas.fields import Code, ErpId, FailureClass, Url
from services.exporter.connectors.failure_table import FailureTable
from services.exporter.connectors.http_body import json_of
from services.exporter.connectors.http_document import Body, Lenient
from services.exporter.connectors.retry_after import retry_after_seconds
from services.exporter.connectors.types import (
    ErpCopy,
    ErpLine,
    FoundDocument,
    Gone,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
)

FAILURES = FailureTable.of_package("ledgerly", "ledgerly.failures.toml")
BUSY = (429, 503)
"""Ledgerly answers so before it begins anything."""


class Line(Body):
    """A line of an order."""

    pos: Lenient[int] = None
    text: Lenient[str] = None
    amount: Decimal


class Order(Body):
    """An order as Ledgerly shows it; `Lenient` reads an odd member as absent."""

    key: Lenient[ErpId] = None
    no: Lenient[Code] = None
    link: Lenient[Url] = None
    ref: Lenient[str] = None
    memo: Lenient[str] = None
    currency: Lenient[str] = None
    lines: Lenient[tuple[Line, ...]] = None


class Problem(Body):
    """Why Ledgerly did not do something."""

    code: Lenient[Code] = None
    text: Lenient[str] = None


def list_of(response: object, name: str) -> list[Any] | None:
    """Return the list `name` in an answer; None where there is none, which is not the same as an empty one."""
    listed = _member(response, name)
    return listed if isinstance(listed, list) else None


def order_in(response: httpx2.Response) -> FoundDocument | None:
    """Return the order that was stored; None if the answer shows none."""
    document = found(_member(response, "order"))
    return document if isinstance(document, FoundDocument) else None


def found(listed: object) -> FoundDocument | UnreadableDocument:
    """Return a listed order; what cannot be read is there all the same."""
    order = _order(listed)
    if order.key is None:
        return UnreadableDocument(order.no)
    return FoundDocument(order.key, order.no, order.link, (order.memo or "").partition("\n")[0] or None)


def searched(listed: list[Any], name: str) -> ReadAnswer:
    """Return the order that `name` means, of those that have it as their key or number."""
    orders = [_order(each) for each in listed]
    meant = [each for each in orders if each.key == name] or [each for each in orders if each.no == name]
    if not orders:
        return Gone(FailureClass.FIX_DATA, f"Ledgerly has no order {name}.", "no_such_order")
    if len(meant) != 1:
        return Refused(FailureClass.FIX_DATA, f"Ledgerly does not say which order {name} is.")
    order = meant[0]
    document = found(order.model_dump())
    if isinstance(document, UnreadableDocument):
        return Transient(f"Ledgerly's order {name} cannot be read.", is_reached=True)
    lines = None if order.lines is None else tuple(ErpLine(each.amount, each.pos, each.text) for each in order.lines)
    total = None if lines is None else sum((each.amount for each in lines), Decimal())
    return ErpCopy(document, order.ref, total, order.currency, lines)


def failure(response: httpx2.Response, known: Mapping[str, str] | None = None) -> Refused | Transient | Unknown:
    """Return what an answer without an order means; `known` are values that a sentence may name."""
    status, member = response.status_code, _member(response, "problem")
    problem = Problem.model_validate(member) if isinstance(member, dict) else Problem()
    text = problem.text or f"Ledgerly gave no reason (HTTP {status})."
    if status in BUSY:
        wait = retry_after_seconds(response.headers.get_list("retry-after"), datetime.now(UTC))
        return Transient(text, problem.code, wait, is_reached=True)
    refused = FAILURES.refusal(problem.code, text, known)
    is_refusal = httpx2.codes.is_client_error(status) and status != httpx2.codes.REQUEST_TIMEOUT
    return refused if is_refusal else Unknown(text, refused, is_reached=not httpx2.codes.is_server_error(status))


def _order(listed: object) -> Order:
    return Order.model_validate(listed) if isinstance(listed, dict) else Order()


def _member(response: object, name: str) -> Any:
    """Return a member of the answer; of a failed one, only the problem."""
    if not isinstance(response, httpx2.Response) or (response.status_code not in (200, 201) and name != "problem"):
        return None
    body = json_of(response)
    return body.get(name) if isinstance(body, dict) and "error" not in body else None
