"""A database that already holds many commitments, copied in SQL from a few that the real service has made."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, sleep

import psycopg
from psycopg import sql

from benchmarks.events import COMPANIES
from benchmarks.processes import COUNTERSIGN, check_works
from benchmarks.servers import Servers
from schemas.commitment import Commitment, summarise
from schemas.envelope import encode, new_event
from schemas.events import (
    CommitmentRetrieved,
    CommitmentSent,
    DecisionAccepted,
    DecisionRejected,
    EventData,
    ExportFailed,
    ExportSucceeded,
    Failure,
)
from schemas.examples.cast import COMPANY, CONCRETE_1, CONCRETE_DOCUMENT, CONNECTION, DANA, SAM, snapshot
from schemas.examples.example import about, submitted
from schemas.fields import FailureClass, Owner

# of 100 commitments in a company that has used the product for some time
SHARES = {"synced": 80, "ready": 10, "rejected": 5, "retrieved": 3, "failed": 2}
TABLES = {
    "commitment": "id",
    "submission": "commitment_id",
    "history": "commitment_id",
    "search_text": "commitment_id",
}
"""The tables that grow with the number of commitments, with the column that names the commitment."""

CHUNK = 50_000
_MADE_SECONDS = 60
_COLUMNS = """
select column_name, data_type from information_schema.columns
where table_schema = 'approval' and table_name = %s and is_generated = 'NEVER' and is_identity = 'NO'
"""


@contextmanager
def stocked(servers: Servers, count: int) -> Iterator[str]:
    """Yield a database of Countersign's with about `count` commitments of 50 companies in various statuses."""
    with servers.database() as database:
        COUNTERSIGN.prepare(database)
        with psycopg.connect(database, autocommit=True) as db:
            _make_samples(servers, database, db)
            db.execute("set synchronous_commit = off")
            for status, share in SHARES.items():
                for table, key in TABLES.items():
                    _multiply(db, table, key, status, count * share // 100)
            db.execute("vacuum (analyze)")
            db.execute("checkpoint")
        yield database


def events_to(status: str) -> list[EventData]:
    """Return what happens to a commitment until it is in `status`."""
    sample = CONCRETE_1.model_copy(update={"id": _sample_id(status)})
    where = about(sample, 1)
    summary = summarise(sample, SAM, CONNECTION)
    accepted = DecisionAccepted(
        **where,
        round=1,
        content_hash=snapshot(sample).content_hash,
        commitment=snapshot(sample),
        decided_by=DANA,
        sent_by=SAM,
    )
    then: dict[str, list[EventData]] = {
        "ready": [],
        "retrieved": [CommitmentRetrieved(**where, retrieved_by=SAM)],
        "rejected": [DecisionRejected(**where, round=0, reason="Wrong cost code.", decided_by=DANA, summary=summary)],
        "synced": [accepted, ExportSucceeded(**where, round=1, erp_document=CONCRETE_DOCUMENT)],
        "failed": [accepted, _failed(sample)],
    }
    return [CommitmentSent(**submitted(sample, 1)), *then[status]]


def _failed(sample: Commitment) -> EventData:
    failure = Failure(
        failure_class=FailureClass.FIX_DATA,
        message="The cost code is closed.",
        owner=Owner.PROJECT_MANAGER,
        next_step="Reject it, then choose another cost code.",
        in_erp=False,
    )
    summary = summarise(sample, SAM, CONNECTION)
    return ExportFailed(**about(sample, 1), round=1, failure=failure, attempts=1, decided_by=DANA, summary=summary)


def _make_samples(servers: Servers, database: str, db: psycopg.Connection) -> None:
    """Let the real service process the events of one commitment for each status."""
    for status in SHARES:
        for each in events_to(status):
            value = encode(new_event(each, source="benchmarks", time=datetime.now(UTC)))
            servers.publish(each.topic, each.subject.encode(), value)
    deadline = monotonic() + _MADE_SECONDS
    with COUNTERSIGN.running(servers, database) as processes:
        while _statuses(db) != {_sample_id(status): status for status in SHARES}:
            check_works(processes, deadline)
            sleep(0.1)


def _statuses(db: psycopg.Connection) -> dict[str, str]:
    return dict(db.execute("select id, status from approval.commitment").fetchall())


def _multiply(db: psycopg.Connection, table: str, key: str, status: str, count: int) -> None:
    """Copy the rows of the sample with `status` `count` times, each time for another commitment.

    Columns are looked up, so that a new one is copied as well. Triggers read what a statement has inserted, so each
    inserts a part of them.
    """
    columns = {name: _copied(name, kind) for name, kind in db.execute(_COLUMNS, (table,)).fetchall()}
    copy = sql.SQL("insert into {table} ({names}) select {values} from {table} sample, {numbers} where {key} = {id}")
    for first in range(1, count + 1, CHUNK):
        db.execute(
            copy.format(
                table=sql.Identifier("approval", table),
                names=sql.SQL(", ").join(map(sql.Identifier, columns)),
                values=sql.SQL(", ").join(
                    value.format(sample=sql.Literal(_sample_id(status))) for value in columns.values()
                ),
                numbers=sql.SQL("generate_series({}, {}) as copies(copy_number)").format(
                    sql.Literal(first), sql.Literal(min(first + CHUNK - 1, count))
                ),
                key=sql.Identifier("sample", key),
                id=sql.Literal(_sample_id(status)),
            )
        )


def _copied(column: str, kind: str) -> sql.SQL:
    """Return the expression for a column of the copy, in which {sample} is the id of the sample."""
    if kind == "uuid":
        return sql.SQL("gen_random_uuid()")
    if kind.startswith("timestamp"):
        return sql.SQL(f"sample.{column} - copy_number * interval '17 seconds'")
    if kind != "text":
        return sql.SQL(f"sample.{column}")
    renamed = f"replace(sample.{column}, {{sample}}, {{sample}} || '-' || lpad(copy_number::text, 7, '0'))"
    numbered = f"replace(replace({renamed}, 'SC-014', 'SC-' || copy_number), 'sc-014', 'sc-' || copy_number)"
    company = f"'company-' || lpad((copy_number % {COMPANIES})::text, 3, '0')"
    return sql.SQL(f"replace({numbered}, '{COMPANY}', {company})")


def _sample_id(status: str) -> str:
    return f"stock-{status}"
