"""Checks a commitment before it is accepted; each problem is a finding in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from schemas.commitment import Commitment, Person
from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import ToolLevel


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one rule, in words; a blocking finding prevents acceptance."""

    rule: str
    text: str
    is_blocking: bool = True


def findings(
    commitment: Commitment,
    sent_by: Person,
    *,
    sender: DirectoryPerson | None = None,
    erp: ErpConnection | None = None,
    number_taken_by: str | None = None,
) -> tuple[Finding, ...]:
    """All findings on `commitment` as `sent_by` submitted it.

    `sender` is that person in the directory and `erp` the target connection, None if not known. `number_taken_by` is
    the number of another commitment that the ERP could not tell from this one's, once `kept_number` is applied.
    """
    return (*_total(commitment), *_sender(commitment, sent_by, sender), *_lengths(commitment, erp, number_taken_by))


def kept_number(commitment: Commitment, erp: ErpConnection) -> str:
    """The number as the ERP keeps it: cut if the ERP truncates."""
    if erp.limits.truncates_number:
        return commitment.number[: erp.limits.number_characters]
    return commitment.number


def line_sum(commitment: Commitment) -> Decimal:
    """The sum of the lines' amounts, in the commitment's currency."""
    return sum((Decimal(line.amount) for line in commitment.lines), Decimal(0))


def excess_over_lines(commitment: Commitment) -> Decimal:
    """By how much the stated total exceeds the lines."""
    return Decimal(commitment.total) - line_sum(commitment)


def _total(commitment: Commitment) -> Iterator[Finding]:
    if excess := excess_over_lines(commitment):
        decimals = max(2, -int(excess.normalize().as_tuple().exponent))
        amount = f"{commitment.currency} {abs(excess):,.{decimals}f}"
        comparison = "more" if excess > 0 else "less"
        yield Finding(
            "total", f"{commitment.number} cannot be accepted: its total is {amount} {comparison} than its lines."
        )


def _sender(commitment: Commitment, sent_by: Person, sender: DirectoryPerson | None) -> Iterator[Finding]:
    level = sender and sender.commitments_tool.get(commitment.project.id)
    if level and level is not ToolLevel.ADMIN:
        yield Finding(
            "sender",
            f"{commitment.number} cannot be accepted: {sent_by.name} may not send commitments of "
            f"{commitment.project.name}; that needs Admin on its Commitments tool.",
        )


def _lengths(commitment: Commitment, erp: ErpConnection | None, number_taken_by: str | None) -> Iterator[Finding]:
    if erp is None:
        return
    limits = erp.limits
    yield from _number(commitment, erp, number_taken_by)
    for rule, text, limit in (
        ("title", commitment.title, limits.title_characters),
        ("vendor name", commitment.vendor.name, limits.vendor_name_characters),
    ):
        if limit and len(text) > limit:
            yield Finding(rule, f"{erp.title} takes {limit} characters in the {rule}; this one has {len(text)}.")


def _number(commitment: Commitment, erp: ErpConnection, taken_by: str | None) -> Iterator[Finding]:
    number, limit, kept = commitment.number, erp.limits.number_characters, kept_number(commitment, erp)
    if kept != number:
        collision = f", already used by {taken_by}" if taken_by else ""
        text = f"{erp.title} keeps {limit} characters. {number} would become {kept}{collision}."
        yield Finding("number", text, is_blocking=taken_by is not None)
    elif limit and len(number) > limit:
        yield Finding("number", f"{erp.title} takes {limit} characters in the number; {number} has {len(number)}.")
