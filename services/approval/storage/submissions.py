"""Stores submissions verbatim, and reads them for answers, pages and comparisons."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import orjson
from sqlalchemy import JSON, Row, Select, cast, func, select, true, tuple_

from schemas.commitment import Commitment, Person, read_commitment
from services.approval.rules.rows import SubmissionRow
from services.approval.storage.tables import SUBMISSION
from services.pipeline.apart import apart
from services.pipeline.bulk import arrays, given_rows
from services.pipeline.database import Transaction
from services.pipeline.unreadable import read_or_none, read_or_raise, readable

FactsT = TypeVar("FactsT")
Key = tuple[str, int, str]
"""Commitment id, revision, content hash."""


GROUP_BYTES = 1_048_576


async def of_revision(
    db: Transaction, commitment_id: str, revision: int, limit: int | None = None
) -> Sequence[SubmissionRow]:
    """Return what was submitted as a revision, by content hash, at most `limit`; more than one row is a dispute.

    One that cannot be read is left out.
    """
    table = SUBMISSION
    chosen = select(table).where(table.c.commitment_id == commitment_id, table.c.revision == revision)
    return _submissions(await db.execute(chosen.order_by(table.c.content_hash).limit(limit)))


async def before_revision(db: Transaction, commitment_id: str, revision: int) -> SubmissionRow | None:
    """Return a submission of the highest revision below `revision`; None if there is none."""
    table = SUBMISSION
    earlier = select(func.max(table.c.revision)).where(
        table.c.commitment_id == commitment_id, table.c.revision < revision
    )
    previous = (await db.execute(earlier)).scalar_one_or_none()
    rows = await of_revision(db, commitment_id, previous, limit=1) if previous else ()
    return rows[0] if rows else None


def traceparent_of(commitment_id: str, revision: int) -> Select[str | None]:
    """Select the traceparent with which a revision was submitted; null if it had none, no row if that is gone."""
    table = SUBMISSION
    chosen = select(table.c.traceparent).where(table.c.commitment_id == commitment_id, table.c.revision == revision)
    return chosen.order_by(table.c.content_hash).limit(1)


async def traceparent(db: Transaction, commitment_id: str, revision: int) -> str | None:
    """Return the traceparent with which a revision was submitted; None if it had none, or is gone."""
    return (await db.execute(traceparent_of(commitment_id, revision))).scalar_one_or_none()


async def find_many(db: Transaction, keys: Sequence[Key]) -> Mapping[str, SubmissionRow]:
    """Return the submissions with `keys` by commitment id; of each commitment there is at most one key."""
    table = SUBMISSION
    key = tuple_(table.c.commitment_id, table.c.revision, table.c.content_hash)
    rows = await db.execute(select(table).where(key.in_(keys)))
    return {each.commitment_id: each for each in _submissions(rows)}


async def sizes(db: Transaction, keys: Sequence[Key]) -> Mapping[Key, int]:
    """Return how many bytes each of the submissions with `keys` has, without reading them."""
    table = SUBMISSION
    named = (table.c.commitment_id, table.c.revision, table.c.content_hash)
    rows = await db.execute(select(*named, func.octet_length(table.c.snapshot)).where(tuple_(*named).in_(keys)))
    return {(row[0], row[1], row[2]): row[3] for row in rows}


async def totals_before(db: Transaction, revisions: Mapping[str, int]) -> Mapping[str, Decimal]:
    """Return the total of the last earlier submission of each commitment, by id; `revisions` says before which."""
    table, given = SUBMISSION, given_rows([SUBMISSION.c.commitment_id, SUBMISSION.c.revision])
    earlier = (
        select(cast(table.c.snapshot, JSON)["total"].as_string().label("total"))
        .where(table.c.commitment_id == given.c.commitment_id, table.c.revision < given.c.revision)
        .order_by(table.c.revision.desc(), table.c.content_hash)
        .limit(1)
        .lateral("earlier")
    )
    wanted = [{"commitment_id": key, "revision": revision} for key, revision in revisions.items()]
    if not wanted:
        return {}
    rows = await db.execute(select(given.c.commitment_id, earlier.c.total).join(earlier, true()), arrays(wanted))
    return dict(readable(table, rows, lambda row: row.commitment_id, lambda row: (row[0], Decimal(row.total))))


async def senders(db: Transaction, commitment_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Return by commitment id the ids of those who sent any revision that is still kept."""
    table, found = SUBMISSION, dict[str, frozenset[str]]()
    if not commitment_ids:
        return found
    chosen = select(table.c.commitment_id, table.c.sent_by).where(
        table.c.commitment_id == func.any(list(commitment_ids))
    )
    rows = await db.execute(chosen.distinct())
    sent = readable(table, rows, lambda row: row[0], lambda row: (row[0], Person.model_validate_json(row.sent_by).id))
    for commitment_id, person_id in sent:
        found[commitment_id] = found.get(commitment_id, frozenset()) | {person_id}
    return found


def content_of(row: SubmissionRow) -> Commitment:
    """Return the commitment that a submission contains; UnreadableRowError if it contains none."""
    return read_or_raise(SUBMISSION, _name(row), partial(_content, row))


def contents_of(rows: Iterable[SubmissionRow]) -> list[Commitment | None]:
    """Return the commitment that each submission contains; None for one that cannot be read."""
    return [read_or_none(SUBMISSION, _name(row), partial(_content, row)) for row in rows]


def _content(row: SubmissionRow) -> Commitment:
    return read_commitment(orjson.loads(row.text))


async def with_contents(
    submitted: Sequence[tuple[FactsT, SubmissionRow]],
) -> tuple[list[tuple[FactsT, SubmissionRow]], list[Commitment]]:
    """Return those of `submitted` whose content can be read, and these contents."""
    contents = await apart(partial(contents_of, [row for _, row in submitted]))
    read = [(each, content) for each, content in zip(submitted, contents, strict=True) if content]
    return [each for each, _ in read], [content for _, content in read]


def columns(row: SubmissionRow) -> dict[str, Any]:
    """Return `row` as columns."""
    return {
        "commitment_id": row.commitment_id,
        "revision": row.revision,
        "content_hash": row.content_hash,
        "company_id": row.company_id,
        "snapshot": row.text,
        "sent_by": row.sent_by.model_dump_json(),
        "note": row.note,
        "sent_at": row.sent_at,
        "traceparent": row.traceparent,
    }


def _submissions(rows: Iterable[Row[Any]]) -> list[SubmissionRow]:
    return readable(SUBMISSION, rows, _name, _submission)


def _submission(row: Row[Any]) -> SubmissionRow:
    return SubmissionRow(
        company_id=row.company_id,
        commitment_id=row.commitment_id,
        revision=row.revision,
        content_hash=row.content_hash,
        text=row.snapshot,
        sent_by=Person.model_validate_json(row.sent_by),
        note=row.note,
        sent_at=row.sent_at,
        traceparent=row.traceparent,
    )


def _name(row: Row[Any] | SubmissionRow) -> str:
    return f"{row.commitment_id} {row.revision}"


def in_groups(keys: Sequence[Key], sizes: Mapping[Key, int]) -> Iterator[Sequence[Key]]:
    """Yield `keys` in their order, in groups of at most GROUP_BYTES; one content may be larger alone."""
    group: list[Key] = []
    group_bytes = 0
    for key in keys:
        if group and group_bytes + sizes.get(key, 0) > GROUP_BYTES:
            yield group
            group, group_bytes = [], 0
        group.append(key)
        group_bytes += sizes.get(key, 0)
    if group:
        yield group
