"""Finds other commitments that the ERP could not tell from one by number: those that are there, and that wait."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select, text, true

from schemas.commitment import id_of_number
from schemas.events import ErpConnection
from services.approval.rules.numbers import Namesake, has_number, is_number_cut, kept_number, number_names
from services.approval.storage import documents
from services.approval.storage.queries import stored_commitment
from services.approval.storage.tables import COMMITMENT, NUMBER, begins_with
from services.pipeline.bulk import arrays, given_rows
from services.pipeline.database import Transaction

_Content = tuple[str, str]
"""Commitment id, content hash."""


class NumberInErp(NamedTuple):
    """A content's number as the ERP keeps it; `is_cut` if the ERP takes every number that begins so for the same.

    `connections` are the names of that ERP.
    """

    content: _Content
    kept: str
    is_cut: bool
    connections: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: _Content, number: str, erp: ErpConnection | None) -> "NumberInErp":
        """`number` as `erp` keeps it."""
        return cls(content, kept_number(number, erp), is_number_cut(number, erp), erp.names if erp else ())


async def lock(db: Transaction, company_id: str, numbers: Collection[str]) -> None:
    """Wait until no other transaction holds one of `numbers`, as the ERP keeps them, and hold them until this one ends.

    Whoever also locks commitments does that before.
    """
    for number in sorted({id_of_number(each) for each in numbers}):  # in one order, so that nobody waits in a circle
        key = f"number\n{company_id}\n{number}"
        await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def find(db: Transaction, company_id: str, numbers: Sequence[NumberInErp]) -> Mapping[_Content, Namesake]:
    """Return for each content another commitment that the ERP could not tell from it by number, if there is one.

    One that stands in the ERP, or is about to, comes before one whose document only has that number, and that before
    one that waits; a rejected or retrieved one without a document does not count.
    """
    found = await _named(db, company_id, numbers, is_waiting=False)
    rest = [number for number in numbers if number.content not in found]
    found |= await _of_documents(db, company_id, rest)
    rest = [number for number in rest if number.content not in found]
    return found | await _named(db, company_id, rest, is_waiting=True)


async def _named(
    db: Transaction, company_id: str, numbers: Sequence[NumberInErp], *, is_waiting: bool
) -> dict[_Content, Namesake]:
    """Return those that are found by the number of the commitment."""
    found: dict[_Content, Namesake] = {}
    for is_cut in (True, False):
        wanted = [number for number in numbers if number.is_cut is is_cut]
        statement = _STATEMENTS[is_cut, is_waiting]
        holders = await _holders(db, company_id, statement, {each.kept for each in wanted}, is_waiting=is_waiting)
        found |= _first_others(wanted, holders)
    return found


async def _of_documents(db: Transaction, company_id: str, numbers: Sequence[NumberInErp]) -> dict[_Content, Namesake]:
    """Return those that are found by the number of a document; the ERP has no longer one, so it need not be cut."""
    wanted = {number.kept: number_names(number.kept, number.connections) for number in numbers}
    holders: dict[str, list[tuple[str, Namesake]]] = {}
    for kept, number, id_, state in await documents.numbered(db, company_id, wanted):
        stored = stored_commitment(id_, state)
        if stored and has_number(stored.facts, kept):
            summary = stored.current.summary
            other = Namesake(number, summary.title, summary.project, is_by_document=True)
            holders.setdefault(kept, []).append((stored.facts.id, other))
    return _first_others(numbers, holders)


def _first_others(
    numbers: Sequence[NumberInErp], holders: Mapping[str, Sequence[tuple[str, Namesake]]]
) -> dict[_Content, Namesake]:
    """The first of the `holders` of each number, which are named by their ids, that is not the commitment itself."""
    found: dict[_Content, Namesake] = {}
    for number in numbers:
        others = [other for own_id, other in holders.get(number.kept, ()) if own_id != number.content[0]]
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
        for wanted, number, id_, state in await db.execute(statement, {"company": company_id, **given}):
            if stored := stored_commitment(id_, state):
                summary = stored.current.summary
                other = Namesake(number, summary.title, summary.project, is_waiting)
                found[wanted].append((stored.facts.id, other))
    return found


def _having(matches: Callable[[ColumnElement[str]], ColumnElement[bool]], *, is_waiting: bool) -> Select[Any]:
    """Return the statement that finds two commitments for each given number; `matches` compares with the given one."""
    table, given = COMMITMENT, given_rows([COMMITMENT.c.number])
    waits = text("not holds_number and status in ('ready', 'disputed')")  # word for word as the index has it
    is_ours, holds = table.c.company_id == bindparam("company"), table.c.holds_number
    chosen = select(table.c.number, table.c.id, table.c.state).where(
        is_ours, matches(given.c.number), waits if is_waiting else holds
    )
    two = chosen.order_by(NUMBER).limit(2).lateral("two")
    return select(given.c.number, two.c.number, two.c.id, two.c.state).join(two, true())


_STATEMENTS = {
    (is_cut, is_waiting): _having(begins_with if is_cut else lambda number: number == NUMBER, is_waiting=is_waiting)
    for is_cut in (True, False)
    for is_waiting in (True, False)
}
"""By whether the number is cut, and whether the other commitment waits."""
