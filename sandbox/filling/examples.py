"""The examples themselves: which commitments there are, how old, and what becomes of each; the same in every demo."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum, auto
from random import Random
from typing import Any

from sandbox.approval_rules import LIMITS_OF_LEE, SECOND_APPROVAL_ABOVE
from sandbox.filling.catalogue import TRADES, UNLINKED, Trade
from sandbox.people import LEE
from sandbox.projects import PROJECTS
from schemas.commitment import Commitment, Line, Person
from schemas.examples.cast import ANA, SAM
from schemas.fields import FailureClass

FIRST_ID = 3001
FIRST_NUMBER = 101
MOST_LINES = 4
CURRENCIES = ("USD", "USD", "USD", "USD", "EUR", "CAD")
AGES_IN_DAYS = (0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 11, 14)
CLOSED_COST_CODE = "02-900"
_CENT = Decimal("0.01")


class Course(Enum):
    """What becomes of an example after it was sent.

    NAMED is in doubt, and Lee has named a document that Dana has to confirm. REFUSED is rejected, and what is sent
    again has too many lines to be taken.
    """

    WAITS = auto()
    DISPUTED = auto()
    RESENT = auto()
    UPDATED = auto()
    REJECTED = auto()
    RETRIEVED = auto()
    SYNCED = auto()
    CHANGED_IN_ERP = auto()
    DELETED_IN_ERP = auto()
    FAILED = auto()
    IN_DOUBT = auto()
    NAMED = auto()
    REFUSED = auto()


WAITING = (Course.WAITS, Course.DISPUTED, Course.RESENT, Course.UPDATED)
"""After these, the example waits for an answer in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One commitment, sent `age` ago, and what becomes of it.

    `second` is its next revision, or the rival of a disputed one, sent with `second_note`. `reason` is that of its
    rejection. The ERP refuses it in the words `refusal` as `failure_class`; without words, by its own rules. Lee asks
    its sender the `question` while it waits, who gives the `reply`; if it `is_first_approved`, Lee is the first of its
    two approvers.
    """

    commitment: Commitment
    age: timedelta
    course: Course = Course.WAITS
    sent_by: Person = SAM
    note: str | None = None
    second: Commitment | None = None
    second_note: str | None = None
    reason: str = ""
    failure_class: FailureClass | None = None
    refusal: str = ""
    question: str = ""
    reply: str = ""
    is_first_approved: bool = False


def examples(waiting: int, tool_url: str) -> tuple[Example, ...]:
    """As many that wait for an answer, of every sort, and a few for each other view; they open below `tool_url`."""
    rest = list(_answered(tool_url))
    return (*rest, *(_waiting(FIRST_ID + len(rest) + place, place, tool_url) for place in range(waiting)))


def _answered(tool_url: str) -> Iterator[Example]:
    """A few examples for each view of what has been answered."""
    for place, settings in enumerate(_ANSWERED):
        random = Random(f"answered {place}")  # noqa: S311 - the demo's data, not a secret
        changes: dict[str, Any] = dict(settings)
        commitment = _commitment(FIRST_ID + place, TRADES[place % len(TRADES)], random, tool_url)
        if cost_code := changes.pop("cost_code", None):
            commitment = _with_line(commitment, 0, cost_code=cost_code)
        yield Example(commitment=commitment, age=_age(random) + timedelta(days=1), **changes)


_ANSWERED: tuple[Mapping[str, Any], ...] = (
    {"course": Course.SYNCED},
    {"course": Course.SYNCED, "note": "Signed copy is in the project's files."},
    {"course": Course.CHANGED_IN_ERP},
    {"course": Course.DELETED_IN_ERP},
    {
        "course": Course.REJECTED,
        "reason": "Line 1: cost code and description do not match. Correct one.",
    },
    {"course": Course.REJECTED, "reason": "The insurance certificate of the vendor has expired."},
    {"course": Course.RETRIEVED},
    {"course": Course.IN_DOUBT},
    {
        "course": Course.FAILED,
        "failure_class": FailureClass.WAIT_FOR_DEPENDENCY,
        "refusal": "The job of this project is not open for commitments yet.",
    },
    {"course": Course.FAILED, "cost_code": CLOSED_COST_CODE},
    {"course": Course.FAILED, "cost_code": CLOSED_COST_CODE},
    {
        "course": Course.FAILED,
        "failure_class": FailureClass.FIX_SETUP,
        "refusal": "The user countersign may not create purchase orders in this period.",
    },
    {
        "course": Course.FAILED,
        "failure_class": FailureClass.RETRY_LATER,
        "refusal": "The books are locked for the month-end close.",
    },
    {
        "course": Course.REFUSED,
        "reason": "One line for all of it cannot be checked on site. List it by month.",
    },
    {"course": Course.NAMED},
)


def _waiting(id_: int, place: int, tool_url: str) -> Example:
    """Number `place` of those that wait: most are routine, and every sort of another one is among the first twelve."""
    random = Random(f"waiting {place}")  # noqa: S311 - the demo's data, not a secret
    trade = TRADES[(place * 5 + place // len(TRADES)) % len(TRADES)]
    commitment = _commitment(id_, trade, random, tool_url)
    plain = Example(commitment=commitment, age=_age(random), sent_by=SAM)
    return _SORTS[place % 20](plain, random) if place % 20 in _SORTS else plain


def _with_note(example: Example, random: Random) -> Example:
    notes = (
        "Please by Friday: the crew starts on Monday.",
        "Price as negotiated on site.",
        "Replaces the verbal order.",
    )
    return _changed(example, note=random.choice(notes))


def _asked(example: Example, random: Random) -> Example:
    question = "Does line 1 include the delivery to the site?"
    return _changed(_with_note(example, random), question=question, reply="Yes, in two loads. See page 3 of the quote.")


def _created_by_lee(example: Example, _random: Random) -> Example:
    """If Lee accepts it, that is a matter of separation of duties."""
    return _changed(example, commitment=example.commitment.model_copy(update={"creator": LEE}))


def _large(example: Example, _random: Random) -> Example:
    """Approved by Lee first, if it needs two approvers and is within Lee's limit."""
    limit, total = LIMITS_OF_LEE[example.commitment.currency], Decimal(example.commitment.total)
    return _changed(example, is_first_approved=SECOND_APPROVAL_ABOVE < total <= limit)


def _resent(example: Example, _random: Random) -> Example:
    return _changed(
        example,
        course=Course.RESENT,
        second=_with_line(example.commitment, 0, cost_code="03-310"),
        second_note="Moved line 1 to 03-310.",
        reason="Line 1: this cost code is closed. Use 03-310.",
    )


def _cheaper(example: Example, random: Random) -> Example:
    """An update of what is in the ERP: the first line costs 5 to 25 % less."""
    line = example.commitment.lines[0]
    lower = (Decimal(line.unit_cost) * random.randint(75, 95) / 100).quantize(_CENT)
    second = _with_line(example.commitment, 0, unit_cost=str(lower))
    return _changed(example, course=Course.UPDATED, second=second, second_note="Change order 1: price reduced.")


def _blocked_by_total(example: Example, _random: Random) -> Example:
    total = str(Decimal(example.commitment.total) + 250)
    return _changed(example, commitment=example.commitment.model_copy(update={"total": total}))


def _blocked_by_number(example: Example, _random: Random) -> Example:
    """The ERP takes 20 characters."""
    prefix, _, digits = example.commitment.number.partition("-")
    riverside = {"number": f"{prefix}-2026-RIVERSIDE-{digits.zfill(4)}", "project": PROJECTS[0]}
    return _changed(example, commitment=example.commitment.model_copy(update=riverside))


def _blocked_by_vendor(example: Example, _random: Random) -> Example:
    """The ERP does not take a vendor without a code."""
    steel = _with_line(example.commitment, 0, description="Structural steel, delivered", cost_code="05-120", unit="ls")
    unlinked = {"vendor": UNLINKED, "title": "Structural steel"}
    return _changed(example, commitment=steel.model_copy(update=unlinked))


def _blocked_by_sender(example: Example, _random: Random) -> Example:
    """Ana may create commitments of Riverside Tower, and not send them."""
    return _changed(example, commitment=example.commitment.model_copy(update={"project": PROJECTS[0]}), sent_by=ANA)


def _disputed(example: Example, _random: Random) -> Example:
    rival = _with_line(example.commitment, 0, quantity=str(Decimal(example.commitment.lines[0].quantity) + 1))
    return _changed(example, course=Course.DISPUTED, second=rival)


def _odd_line(example: Example, _random: Random) -> Example:
    """A warning: a line's amount is not quantity times unit cost."""
    first, *others = example.commitment.lines
    odd = first.model_copy(update={"amount": str(Decimal(first.amount) + 120)})
    return _changed(example, commitment=_totalled(example.commitment, (odd, *others)))


_SORTS = {
    1: _resent,
    3: _asked,
    4: _blocked_by_total,
    5: _created_by_lee,
    6: _cheaper,
    7: _odd_line,
    8: _blocked_by_number,
    9: _disputed,
    10: _large,
    11: _blocked_by_sender,
    12: _blocked_by_vendor,
    13: _with_note,
    15: _resent,
    18: _cheaper,
}
"""The sorts that are not routine, by their place among twenty."""


def _changed(example: Example, **changes: Any) -> Example:
    return Example(**{name: getattr(example, name) for name in Example.__dataclass_fields__} | changes)


def _age(random: Random) -> timedelta:
    return timedelta(days=random.choice(AGES_IN_DAYS), minutes=random.randint(3, 1200))


def _commitment(id_: int, trade: Trade, random: Random, tool_url: str) -> Commitment:
    prefix = "SC" if trade.kind == "subcontract" else "PO"
    lines = tuple(_line(position, trade, random) for position in range(1, random.randint(1, MOST_LINES) + 1))
    commitment = Commitment(
        id=f"commitment-{id_}",
        number=f"{prefix}-{id_ - FIRST_ID + FIRST_NUMBER}",
        title=trade.title,
        kind=trade.kind,
        status="Approved",
        url=f"{tool_url}/commitments/commitment-{id_}",
        currency=random.choice(CURRENCIES),
        total="0.00",
        project=random.choice(PROJECTS),
        vendor=trade.vendor,
        creator=random.choice((ANA, SAM)),
    )
    return _totalled(commitment, lines)


def _line(position: int, trade: Trade, random: Random) -> Line:
    quantity = max(1, trade.quantity * random.randint(20, 120) // 100)
    return _priced(
        Line(
            position=position,
            cost_code=trade.cost_code,
            cost_type=trade.cost_type,
            description=trade.title if position == 1 else f"{trade.title}, part {position}",
            quantity=str(quantity),
            unit=trade.unit,
            unit_cost=trade.unit_cost,
            amount="0.00",
        )
    )


def _priced(line: Line) -> Line:
    amount = (Decimal(line.quantity) * Decimal(line.unit_cost)).quantize(_CENT)
    return line.model_copy(update={"amount": str(amount)})


def _with_line(commitment: Commitment, place: int, **changes: str) -> Commitment:
    """The commitment with one line changed, and its amounts and total calculated again."""
    lines = list(commitment.lines)
    lines[place] = _priced(lines[place].model_copy(update=changes))
    return _totalled(commitment, tuple(lines))


def _totalled(commitment: Commitment, lines: tuple[Line, ...]) -> Commitment:
    total = sum((Decimal(line.amount) for line in lines), Decimal("0.00"))
    return commitment.model_copy(update={"lines": lines, "total": str(total)})
