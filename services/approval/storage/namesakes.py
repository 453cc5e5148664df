"""Finds other commitments that the ERP could not tell from one by number: those that are there, and that wait."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, select, text, true

from services.approval.rules.checks import Namesake
from services.approval.storage.queries import stored_commitment
from services.approval.storage.tables import COMMITMENT, NUMBER, begins_with
from services.pipeline.bulk import arrays, given_rows
from services.pipeline.database import Transaction

_Content = tuple[str, str]
"""Commitment id, content hash."""


class NumberInErp(NamedTuple):
    """A content's number as the ERP keeps it; `is_cut` if the ERP takes every number that begins so for the same."""

    content: _Content
    kept: str
    is_cut: bool


async def find(db: Transaction, company_id: str, numbers: Sequence[NumberInErp]) -> Mapping[_Content, Namesake]:
    """Return for each content another commitment that the ERP could not tell from it by number, if there is one.

    One with a document comes before one that waits; a rejected or retrieved one without a document does not count.
    """
    found: dict[_Content, Namesake] = {}
    for is_waiting in (False, True):
        for is_cut in (True, False):
            wanted = [number for number in numbers if number.is_cut is is_cut and number.content not in found]
            statement = _STATEMENTS[is_cut, is_waiting]
            holders = await _holders(db, company_id, statement, {each.kept for each in wanted}, is_waiting=is_waiting)
            for number in wanted:
                others = [other for own_id, other in holders[number.kept] if own_id != number.content[0]]
                if others:
                    found[number.content] = min(others, key=lambda other: other.number)
    return found


async def _holders(
    db: Transaction, company_id: str, statement: Select[Any], numbers: Collection[str], *, is_waiting: bool
) -> Mapping[str, Sequence[tuple[str, Namesake]]]:
    """Return up to two commitments, each with its id, for each number; `statement` says which have it."""
    found: dict[str, list[tuple[str, Namesake]]] = {number: [] for number in numbers}
    if numbers:
        given = arrays([{"number": number} for number in numbers])
        for wanted, number, state in await db.execute(statement, {"company": company_id, **given}):
            if stored := stored_commitment(state):
                summary = stored.current.summary
                other = Namesake(number, summary.title, summary.project, is_waiting)
                found[wanted].append((stored.facts.id, other))
    return found


def _having(matches: Callable[[ColumnElement[str]], ColumnElement[bool]], *, is_waiting: bool) -> Select[Any]:
    """Return the statement that finds two commitments for each given number; `matches` compares with the given one."""
    table, given = COMMITMENT, given_rows([COMMITMENT.c.number])
    waits = text("not holds_number and status in ('ready', 'disputed')")  # word for word as the index has it
    is_ours, holds = table.c.company_id == bindparam("company"), table.c.holds_number
    chosen = select(table.c.number, table.c.state).where(
        is_ours, matches(given.c.number), waits if is_waiting else holds
    )
    two = chosen.order_by(NUMBER).limit(2).lateral("two")
    return select(given.c.number, two.c.number, two.c.state).join(two, true())


_STATEMENTS = {
    (is_cut, is_waiting): _having(begins_with if is_cut else lambda number: number == NUMBER, is_waiting=is_waiting)
    for is_cut in (True, False)
    for is_waiting in (True, False)
}
"""By whether the number is cut, and whether the other commitment waits."""
