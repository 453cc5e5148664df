"""Reads a document as the ERP has it now: what an answer to `GET /documents/{id}` or `GET /documents?number=` shows."""

from decimal import Decimal
from typing import Any

import httpx2

from schemas.fields import Currency, FailureClass, Money, Text
from services.exporter.connectors.http_body import json_of
from services.exporter.connectors.http_document import Body, Document, Lenient
from services.exporter.connectors.http_failure import HttpFailures
from services.exporter.connectors.http_response import find_failure, is_missing
from services.exporter.connectors.http_words import has_error
from services.exporter.connectors.types import ErpCopy, ErpLine, Gone, ReadAnswer, Refused, Transient

_UNREADABLE = "The ERP's answer about a document cannot be read."


class _Line(Body):
    position: Lenient[int] = None
    description: Lenient[Text] = None
    amount: Lenient[Money] = None


class _Copy(Document):
    total: Lenient[Money] = None
    currency: Lenient[Currency] = None
    lines: Lenient[list[_Line]] = None


def copy_answer(response: httpx2.Response, failures: HttpFailures | None = None) -> ReadAnswer:
    """Return the document that was asked for by its id; Gone if the ERP has none."""
    if is_missing(response):
        return Gone(FailureClass.FIX_DATA, "The ERP has no such document.")
    if response.status_code != httpx2.codes.OK:
        return find_failure(response, failures)
    body = json_of(response)
    return _copy(body) or Transient(_UNREADABLE, is_reached=True)


def numbered_answer(response: httpx2.Response, number: str, failures: HttpFailures | None = None) -> ReadAnswer:
    """Return the document with this number from a list; Gone if there is none, Refused if there are several."""
    if response.status_code != httpx2.codes.OK:
        return find_failure(response, failures)
    body = json_of(response)
    listed = body.get("documents") if isinstance(body, dict) else None
    if not isinstance(listed, list) or has_error(body):
        return Transient(_UNREADABLE, is_reached=True)
    copies = [copy for each in listed if (copy := _copy(each)) and copy.document.number == number]
    if len(copies) > 1:
        return Refused(FailureClass.FIX_DATA, f"{len(copies)} documents have the number {number}; give the ERP's id.")
    return copies[0] if copies else Gone(FailureClass.FIX_DATA, f"The ERP has no document with the number {number}.")


def _copy(body: Any) -> ErpCopy | None:
    """Return the document that `body` is; None if it is none."""
    if not isinstance(body, dict) or has_error(body):
        return None
    read = _Copy.model_validate(body)
    document = read.found()
    if document is None:
        return None
    return ErpCopy(document, read.reference, _decimal(read.total), read.currency, _lines(read.lines))


def _lines(lines: list[_Line] | None) -> tuple[ErpLine, ...] | None:
    """Return the lines; None if one of them has no amount, for then nothing is known of their sum."""
    if lines is None or any(each.amount is None for each in lines):
        return None
    return tuple(ErpLine(Decimal(each.amount or 0), each.position, each.description) for each in lines)


def _decimal(amount: str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)
