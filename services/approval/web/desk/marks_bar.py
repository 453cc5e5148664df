"""The bar below the triage page: what is marked and not sent yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.approval.rules.marks import Mark, Verb, with_verb
from services.approval.web.desk.forms import Choice
from services.approval.web.desk.wording import sums_by_currency
from services.pipeline.formats import compact_money


@dataclass(frozen=True, slots=True)
class MarksBar:
    """How many commitments are marked, and the total of the accepted ones in each currency."""

    accepted: int = 0
    rejected: int = 0
    totals: tuple[str, ...] = ()
    outdated: int = 0
    """How many more are marked that cannot be sent: they were answered, retrieved or changed since."""

    only: Mark | None = None
    """The mark, if there is just one: it can be sent at once where there is nothing more to read."""

    @classmethod
    def of(cls, marks: Sequence[Mark], outdated: Collection[str] = ()) -> "MarksBar":
        """The bar for a person's marks, of which those of the commitments `outdated` cannot be sent."""
        current = [mark for mark in marks if mark.commitment_id not in outdated]
        accepted, rejected = with_verb(current, Verb.ACCEPT), with_verb(current, Verb.REJECT)
        only = current[0] if len(marks) == len(current) == 1 else None
        return cls(len(accepted), len(rejected), _totals(accepted), len(marks) - len(current), only)

    @property
    def choice(self) -> str:
        """What the form sends for the only mark; empty if there are several, or none."""
        return Choice.marked(self.only).value if self.only else ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is marked."""
        return not (self.accepted or self.rejected or self.outdated)


def _totals(marks: Sequence[Mark]) -> tuple[str, ...]:
    sums = sums_by_currency((mark.currency, mark.total) for mark in marks)
    return tuple(compact_money(total, currency) for currency, total in sums.items())
