"""Orders as they occur in the field, as commitments of the project's tool; each with a sentence on what is odd."""

from dataclasses import dataclass
from typing import Any

from schemas.commitment import Commitment
from schemas.examples.cast import ACME, ANA, RIVERSIDE

Row = tuple[str, str, str, str, str]
"""Description, quantity, unit, unit cost, amount."""


@dataclass(frozen=True, slots=True)
class RealOrder:
    """A commitment; `blocked_by` are the rules that keep it from being accepted, `warned_by` those that only warn."""

    name: str
    sentence: str
    commitment: Commitment
    blocked_by: frozenset[str] = frozenset()
    warned_by: frozenset[str] = frozenset()


def _order(name: str, sentence: str, rows: list[Row], total: str, currency: str = "USD", **members: Any) -> RealOrder:
    rules = {rule: frozenset(members.pop(rule, ())) for rule in ("blocked_by", "warned_by")}
    lines = [
        {
            "position": place,
            "description": text,
            "quantity": quantity,
            "unit": unit,
            "unit_cost": cost,
            "amount": amount,
        }
        for place, (text, quantity, unit, cost, amount) in enumerate(rows, start=1)
    ]
    plain: dict[str, Any] = {
        "id": f"order-{name}",
        "number": name.upper()[:20],
        "title": name.replace("-", " ").capitalize(),
        "kind": "purchase_order",
        "url": f"https://pm.example/commitments/{name}",
        "currency": currency,
        "total": total,
        "project": RIVERSIDE,
        "vendor": ACME,
        "creator": ANA,
        "lines": lines,
    }
    return RealOrder(name, sentence, Commitment.model_validate(plain | members), **rules)


ORDERS = (
    _order(
        "ubl-order",
        "The order example of OASIS UBL 2.1: a charge and a discount of SEK 100 on the whole, as lines of their own.",
        [
            ("Falu Rödfärg: Red paint", "120", "LTR", "50", "6000"),
            ("Pensel 20 mm", "15", "C62", "15", "225"),
            ("Transport documents", "1", "C62", "100", "100"),
            ("Total order value discount", "1", "C62", "-100", "-100"),
        ],
        "6225",
        "SEK",
        number="34",
    ),
    _order(
        "ubl-order-charges-apart",
        "The same order with charge and tax only in its total, as a mapping that forgets them would send it.",
        [("Falu Rödfärg: Red paint", "120", "LTR", "50", "6000"), ("Pensel 20 mm", "15", "C62", "15", "225")],
        "6425",
        "SEK",
        blocked_by={"total"},
    ),
    _order(
        "peppol-order",
        "The order example of Peppol BIS 3: a line with a charge and a discount of its own.",
        [
            ("Needle 4mm", "120", "EA", "50.000", "6300.00"),
            ("Wet tissues for children", "15", "EA", "15.000", "225.00"),
            ("Miscellaneous services", "1", "C62", "400.00", "400.00"),
            ("Discount", "1", "C62", "-652.50", "-652.50"),
        ],
        "6272.50",
        "NOK",
        warned_by={"line amounts"},
    ),
    _order(
        "peppol-order-with-vat",
        "The same order with its payable amount as total: with VAT, a prepaid amount and a rounding of NOK 0.50.",
        [("Needle 4mm", "120", "EA", "50.000", "6300.00"), ("Wet tissues", "15", "EA", "15.000", "225.00")],
        "6363",
        "NOK",
        blocked_by={"total"},
        warned_by={"line amounts"},
    ),
    _order(
        "x12-850",
        "A purchase order of ANSI X12 (850), whose lines have no amounts: they are computed.",
        [
            ("SMALL WIDGET", "120", "EA", "9.25", "1110.00"),
            ("MEDIUM WIDGET", "220", "EA", "13.79", "3033.80"),
            ("LARGE WIDGET", "126", "EA", "10.99", "1384.74"),
            ("NANO WIDGET", "76", "EA", "4.35", "330.60"),
            ("BLUE WIDGET", "72", "EA", "7.5", "540.00"),
            ("ORANGE WIDGET", "696", "EA", "9.55", "6646.80"),
        ],
        "13045.94",
        number="08292233294",
    ),
    _order(
        "credits-and-zero-lines",
        "A change order: a credit, a line without a charge, and a lump sum without quantity and unit cost.",
        [
            ("Door hardware, returned", "-4", "ea", "212.50", "-850.00"),
            ("Punch list, no charge", "1", "ls", "0", "0.00"),
            ("Allowance for signage", "0", "", "0", "5000.00"),
        ],
        "4150.00",
    ),
    _order(
        "credit-only",
        "A deductive change order: its total is negative.",
        [("Scope removed: canopy", "-1", "ls", "18400.00", "-18400.00")],
        "-18400.00",
    ),
    _order(
        "tiny-unit-costs",
        "Electricity by the watt-hour: unit costs of six decimals, amounts in cents.",
        [("Temporary power", "2350000", "Wh", "0.000123", "289.05"), ("Meter reading", "12", "ea", "0.000001", "0.00")],
        "289.05",
    ),
    _order(
        "yen",
        "A currency without fractions.",
        [("鉄骨工事 1階", "12", "t", "185000", "2220000"), ("運搬", "1", "式", "45000", "45000")],
        "2265000",
        "JPY",
        title="鉄骨工事",
    ),
    _order(
        "yen-with-fractions",
        "A discount of a third in a currency without fractions.",
        [("鉄骨工事 1階", "1", "式", "66666.67", "66666.67")],
        "66666.67",
        "JPY",
        blocked_by={"fraction"},
    ),
    _order(
        "dinar",
        "A currency with three decimals.",
        [("Crane hire", "3", "day", "125.125", "375.375")],
        "375.375",
        "KWD",
    ),
    _order(
        "arabic-and-emoji",
        "Text from right to left, combining characters, emoji beyond the basic plane and a direction override.",
        [
            ("أعمال الخرسانة للطابق الأول", "1", "ls", "900.00", "900.00"),
            ("Roofing 🏗️👷🏽‍♀️ cafe\u0301", "1", "ls", "1.00", "1.00"),
        ],
        "901.00",
        title="خرسانة — Concrete \u202eepoc\u202c",
        description="יסודות 🏗️",
    ),
    _order(
        "rich-text",
        "HTML as a rich-text editor stores it: it is text, and is shown as text.",
        [('<p>Paint&nbsp;<b>all</b> doors</p><script>alert("x")</script>', "1", "ls", "10.00", "10.00")],
        "10.00",
        title='<b>Painting</b> & "trim"',
        description='<div style="color:red">See <a href="javascript:alert(1)">plan</a></div>',
    ),
    _order(
        "long-and-many",
        "Two hundred lines with long descriptions.",
        [(f"Item {number}: " + "as specified; " * 100, "1", "ea", "1.01", "1.01") for number in range(200)],
        "202.00",
    ),
    _order(
        "tenfold",
        "A slip of the decimal point: the line is ten times quantity times unit cost, and so is the total.",
        [("Anchor bolts", "480", "ea", "1.85", "8880.00")],
        "8880.00",
        warned_by={"line amounts"},
    ),
    _order(
        "one-cent",
        "Lines that were rounded one by one, against a total that was rounded once.",
        [("Third of a share", "1", "ls", "33.333333", "33.33") for _ in range(3)],
        "100.00",
        blocked_by={"total"},
    ),
)
"""Every order, by a name of its own."""
