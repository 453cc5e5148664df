"""Warns of what is unusual before it is accepted: an amount far above the vendor's others, or one that came before."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from schemas.commitment import Commitment
from services.approval.rules.finding import Finding
from services.pipeline.formats import decimals_of, money

MANY_TIMES = 10
"""From so many times the vendor's median, an amount is unusual."""

FEWEST_OTHERS = 3
"""Of so many other commitments at least a median says something."""

SIMILAR_DAYS = 90
"""So far apart two commitments may have been sent of which one may be the other once more."""


@dataclass(frozen=True, slots=True)
class Others:
    """Other commitments of the same vendor: the `median` of the `count` latest in the same currency, and a similar one.

    A credit counts as its amount. `similar` is the number of one with the same amount in the same project; one with the
    same number has failed, since of others `number_findings` says more.
    """

    count: int = 0
    median: Decimal = Decimal(0)
    similar: str = ""


def unusual_findings(content: Commitment, others: Others) -> Iterator[Finding]:
    """What is unusual about `content` beside `others`; none of it prevents acceptance."""
    total, vendor = abs(Decimal(content.total)), content.vendor.name
    usual = others.median if others.count >= FEWEST_OTHERS else Decimal(0)
    if usual > 0 and total >= MANY_TIMES * usual:
        times = f"{total / usual:,.0f}"
        text = f"{content.number} is {times} times what commitments of {vendor} usually amount to,"
        shown = money(round(usual, decimals_of(content.currency)), content.currency)
        yield Finding("usual amount", f"{text} {shown}.", is_blocking=False)
    if others.similar == content.number:
        same = "the same number, vendor, project and amount as another one, whose export failed"
        text = f"{content.number} has {same}. See that it is not the same order twice."
        yield Finding("similar", text, is_blocking=False)
    elif others.similar:
        same = f"the same vendor, project and amount as {others.similar}"
        text = f"{content.number} has {same}. See that it is not the same order twice."
        yield Finding("similar", text, is_blocking=False)
