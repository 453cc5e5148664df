"""What a commitment becomes as a purchase order: its elements, or the problems that keep it from being written."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from schemas.commitment import Commitment, Line
from schemas.erp_names import item_name, job_name, translated, vendor_name
from services.exporter.connectors.problem import Problem
from services.exporter.connectors.quickbooks.characters import is_kept, kept
from services.exporter.connectors.quickbooks.elements import Element, longest
from services.exporter.connectors.quickbooks.ids import is_list_id
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from services.exporter.connectors.types import WriteRequest

AMOUNT_DECIMALS = 2
QUANTITY_DECIMALS = 5
"""Of the types AMTTYPE and QUANTYPE of qbXML."""

_CUT = "..."
_REFERENCES = {"VendorRef": "vendor", "ItemRef": "item", "CustomerRef": "job", "SalesTaxCodeRef": "tax code"}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line, with the position that it has in the commitment."""

    position: int
    elements: tuple[Element, ...]

    @property
    def members(self) -> frozenset[str]:
        """The names of its elements."""
        return frozenset(each.name for each in self.elements)


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase order as it is to be, and by what it is known again: its number and its marker."""

    number: str
    marker: str
    total: Decimal
    head: tuple[Element, ...]
    lines: tuple[OrderLine, ...]

    def lines_with(self, value: str) -> tuple[int, ...]:
        """The positions of the lines that name `value`."""
        return tuple(each.position for each in self.lines if value in map(_stated, each.elements))


def order_of(request: WriteRequest, settings: QuickBooksDesktopSettings) -> Order | tuple[Problem, ...]:
    """Return the order that `request` asks for, or all problems, of which the head's come first."""
    commitment = request.commitment
    number = (request.erp_code or commitment.number).strip()
    job = _job(commitment, settings) if settings.sends_job else None
    head: list[Part] = [
        _vendor(commitment, settings),
        Element("TxnDate", request.accounting_date.isoformat()) if request.accounting_date else None,
        _number(number),
        _memo(request),
    ]
    lines = [_line(line, settings, job) for line in commitment.lines]
    if not lines:
        head.append(_problem("lines_absent"))  # and a change that names no line would leave all as they are
    problems = [each for each in (*head, job) if isinstance(each, Problem)]
    problems += [each for line in lines for each in line if isinstance(each, Problem)]
    if problems:
        return tuple(problems)
    numbered = zip(commitment.lines, lines, strict=True)
    return Order(
        number=number,
        marker=request.marker,
        total=sum((Decimal(line.amount) for line in commitment.lines), Decimal(0)),
        head=_elements(head),
        lines=tuple(OrderLine(line.position, _elements(parts)) for line, parts in numbered),
    )


Part = Element | Problem | None


def _elements(parts: Iterable[Part]) -> tuple[Element, ...]:
    return tuple(each for each in parts if isinstance(each, Element))


def _number(number: str) -> Element | Problem:
    length = longest("PurchaseOrderAdd", "RefNumber")
    if len(number) > length:
        return _problem("number_too_long", value=number, length=str(length))
    return Element("RefNumber", number) if is_kept(number) else _problem("number_characters", value=number)


def _vendor(commitment: Commitment, settings: QuickBooksDesktopSettings) -> Part:
    code = vendor_name(commitment.vendor, settings.asked)
    if code is None:
        return _problem("vendor_unlinked", vendor=commitment.vendor.name)
    return _reference("VendorRef", code, settings)


def _job(commitment: Commitment, settings: QuickBooksDesktopSettings) -> Part:
    code = job_name(commitment.project, settings.asked)
    if code is None:
        return _problem("job_unlinked", project=commitment.project.name)
    return _reference("CustomerRef", code, settings)


def _memo(request: WriteRequest) -> Element | Problem:
    """Return the marker, and behind it what an order has no field for; what does not fit is cut at the end."""
    if not is_kept(request.marker) or len(request.marker.split()) != 1:
        return _problem("marker_characters", value=request.reference)
    commitment = request.commitment
    retainage = commitment.retainage_percent
    parts = (
        request.marker,
        commitment.title,
        f"Retainage {retainage} %." if retainage is not None else None,
        request.note,
        commitment.description,
    )
    text = kept(" ".join(filter(None, parts)))
    length = longest("PurchaseOrderAdd", "Memo")
    return Element("Memo", text if len(text) <= length else f"{text[: length - len(_CUT)].rstrip()}{_CUT}")


def _line(line: Line, settings: QuickBooksDesktopSettings, job: Part) -> tuple[Part, ...]:
    """Return the parts of a line. Quantity and amount are sent, and no rate: QuickBooks would make an amount of it."""
    parts = (
        _item(line, settings),
        _description(line),
        _quantity(line),
        _unit(line, settings) if settings.sends_units else None,
        _decimal("Amount", line.amount, AMOUNT_DECIMALS),
        None if isinstance(job, Problem) else job,
        _tax_code(line, settings),
    )
    return tuple(_on(line, each) if isinstance(each, Problem) else each for each in parts)


def _item(line: Line, settings: QuickBooksDesktopSettings) -> Part:
    code = item_name(line.cost_code, settings.asked)
    return _problem("cost_code_absent") if code is None else _reference("ItemRef", code, settings)


def _description(line: Line) -> Part:
    """Return the description; without one, QuickBooks would put the item's."""
    text = kept(line.description or line.cost_code or "")
    length = longest("PurchaseOrderLineAdd", "Desc")
    if len(text) > length:
        return _problem("description_too_long", length=f"{length:,}")
    return Element("Desc", text) if text else None


def _quantity(line: Line) -> Part:
    """Return the quantity; a lump sum has none, since its amount could not be made of a quantity of zero."""
    return _decimal("Quantity", line.quantity, QUANTITY_DECIMALS) if Decimal(line.quantity) else None


def _unit(line: Line, settings: QuickBooksDesktopSettings) -> Part:
    unit = translated(line.unit, settings.units)
    if unit is None:
        return None
    length = longest("PurchaseOrderLineAdd", "UnitOfMeasure")
    if len(unit) > length:
        return _problem("name_too_long", what="unit", value=unit, length=str(length))
    return Element("UnitOfMeasure", unit) if is_kept(unit) else _problem("name_characters", what="unit", value=unit)


def _tax_code(line: Line, settings: QuickBooksDesktopSettings) -> Part:
    code = translated(line.tax_code, settings.tax_codes)
    return None if code is None else _reference("SalesTaxCodeRef", code, settings)


def _reference(element: str, code: str, settings: QuickBooksDesktopSettings) -> Element | Problem:
    what, length = _REFERENCES[element], longest(element, "FullName")
    if not settings.refers_by_name and is_list_id(code):
        return Element(element, (Element("ListID", code),))
    if len(code) > length:
        return _problem("name_too_long", what=what, value=code, length=str(length))
    if not is_kept(code):
        return _problem("name_characters", what=what, value=code)
    return Element(element, (Element("FullName", code),))


def _decimal(element: str, value: str, decimals: int) -> Element | Problem:
    number = Decimal(value)
    if number != round(number, decimals):
        return _problem(f"{element.lower()}_too_precise", value=value, decimals=str(decimals))
    exact = f"{number + 0:.{decimals}f}"  # adding zero makes a negative zero positive
    return Element(element, exact if element == "Amount" else exact.rstrip("0").rstrip("."))


def _stated(element: Element) -> str:
    """Return the text of an element, or of the one in it."""
    content = element.content
    return content if isinstance(content, str) else "".join(map(_stated, content))


def _problem(code: str, **values: str) -> Problem:
    return Problem(code, tuple(values.items()))


def _on(line: Line, problem: Problem) -> Problem:
    return Problem(problem.code, (("place", f"Line {line.position}: "), *problem.values))
