"""Checks the texts of a request, and says what is wrong with them in QuickBooks' own codes and words.

Codes are those of Intuit's “Status codes in response messages”. The sentences are as users report them; Intuit's page
has them with placeholders.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal

from sandbox.quickbooks.elements import Element, name_of, parts_of
from sandbox.quickbooks.qbxml import Status
from sandbox.quickbooks.schema import Kind, Part

_NO_RECORD = "QuickBooks error message: Invalid argument.  The specified record does not exist in the list."
_NO_OBJECT = "QuickBooks error message: The transaction could not be found."
_ID = re.compile(r"-1|[0-9A-F]+-[0-9]+")
_MAX_QUANTITY_DECIMALS = 5
_MAX_AMOUNT_DECIMALS = 2


def problem_of(element: Element, parts: Sequence[Part]) -> Status | None:
    """Return what is wrong with the first text in `element`, whose order is right; None if nothing is."""
    by_name = {each.name: each for each in parts}
    for child in parts_of(element):
        part = by_name[name_of(child)]
        found = problem_of(child, part.parts) if part.kind is Kind.GROUP else _problem(part, (child.text or "").strip())
        if found:
            return found
    return None


def _problem(part: Part, text: str) -> Status | None:
    if part.characters and len(text) > part.characters:
        limit = f"The maximum length is {part.characters}."
        return Status(3070, f'The string "{text}" in the field "{part.name}" is too long. {limit}')
    if part.kind is Kind.ID and not _ID.fullmatch(text):
        return Status(3000, f'The given object ID "{text}" in the field "{part.name}" is invalid.')
    if part.kind in _CONVERTED and not _can(_CONVERTED[part.kind][1], text):
        words = f'There was an error when converting the {part.kind} value "{text}" in the field "{part.name}".'
        return Status(_CONVERTED[part.kind][0], words)
    return None


def _can(convert: Callable[[str], object], text: str) -> bool:
    try:
        convert(text)
    except ArithmeticError:
        return False
    except ValueError:
        return False
    return True


def _decimal(text: str, decimals: int) -> Decimal:
    if not re.fullmatch(rf"-?[0-9]{{1,13}}(\.[0-9]{{1,{decimals}}})?", text):
        raise ValueError(text)
    return Decimal(text)


def quantity(text: str) -> Decimal:
    """Read a quantity or a price. ValueError if it has more than 5 decimals, or is none."""
    return _decimal(text, _MAX_QUANTITY_DECIMALS)


def amount(text: str) -> Decimal:
    """Read an amount. ValueError if it has more than 2 decimals, or is none."""
    return _decimal(text, _MAX_AMOUNT_DECIMALS)


def _flag(text: str) -> None:
    if text not in ("true", "false", "1", "0"):
        raise ValueError(text)


_CONVERTED: dict[Kind, tuple[int, Callable[[str], object]]] = {
    Kind.FLAG: (3010, _flag),
    Kind.DATE: (3020, date.fromisoformat),
    Kind.MOMENT: (3020, datetime.fromisoformat),
    Kind.AMOUNT: (3040, amount),
    Kind.PRICE: (3045, quantity),
    Kind.QUANTITY: (3060, quantity),
    Kind.NUMBER: (3085, int),
}


def no_such_reference(kind: str, value: str, where: str) -> Status:
    """A vendor, an item or a customer to which a purchase order refers is not in its list."""
    return Status(3140, f'There is an invalid reference to QuickBooks {kind} "{value}" in the {where}. {_NO_RECORD}')


def no_such_object(object_id: str) -> Status:
    """What is to be changed is not in the company file."""
    return Status(3120, f'Object "{object_id}" specified in the request cannot be found. {_NO_OBJECT}')


def required_is_missing(what: str) -> Status:
    """An element that the parser does not insist on, but QuickBooks does."""
    return Status(3180, f"There was an error when saving a PurchaseOrder. QuickBooks error message: {what}")


def out_of_date(edit_sequence: str) -> Status:
    """The purchase order was changed since it was read."""
    return Status(3200, f'The provided edit sequence "{edit_sequence}" is out-of-date.')


def not_found(value: str) -> Status:
    """A query named something that is not there."""
    what = f'There was a required element ("{value}") that could not be found in QuickBooks.'
    return Status(500, f"The query request has not been fully completed. {what}")


LOCKED = Status(
    3176,
    "There was an error when saving a PurchaseOrder. QuickBooks error message: The related transaction internals could "
    "not be locked.  They are in use by another user.",
)
NOT_PROCESSED = Status(3231, "The request has not been processed.")
NO_ITERATOR = Status(3000, "The given object ID in the field iteratorID is invalid.")
