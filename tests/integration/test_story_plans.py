"""Every service finds what it knows of one commitment through indexes, in tables of a hundred thousand rows."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import time
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.digest.explaining import explain as digest
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.explaining import explain as exporter
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.explaining import explain as notifier
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.database import Database
from services.pipeline.explaining import no_tails
from services.pipeline.migrations import Migrations, migrate
from tests.integration.sweeping import plans_of

ONE = "c0000077"
SMALL = {"consumer_offset", "connection", "poller"}
"""Tables of a few rows, of which PostgreSQL reads all."""
EMPTY = {"dead_letter", "outbox", "outbox_parked"}
"""Those of the pipeline have no rows here: tests/integration/pipeline/test_explaining.py."""
COMMITMENT_OF = """create function commitment_of(n integer) returns text
    language sql immutable as $$ select 'c' || lpad(n::text, 7, '0') $$"""
SUMMARY = """{"number": "n", "title": "t", "kind": "subcontract", "project": "p", "vendor": "v", "currency": "USD",
    "total": "1", "url": "https://pm.example", "creator": {"id": "a", "name": "a", "email": "a@pm.example"},
    "sent_by": {"id": "a", "name": "a", "email": "a@pm.example"}}"""
EXPORTER_ROWS = (
    "insert into exporter.commitment (id, company_id, connection) select commitment_of(n), 'co', 'main' from rows n",
    """insert into exporter.export (commitment_id, revision, company_id, project_id, round, ordered_round,
        content_hash, decided_by, summary, accepted_at, state, state_since, attempts, probes, connection)
    select commitment_of(n), 1, 'co', 'p', 1, 1, 'h', '{"id": "a", "name": "a", "email": "a@pm.example"}',
        'SUMMARY', now(), 'succeeded', now(), 1, 0, 'main'
    from rows n""",
    "insert into exporter.snapshot select commitment_of(n), 1, 1, 'co', 'x', 3, n from rows n",
    """insert into exporter.attempt (commitment_id, token, company_id, revision, round, outcome, is_probe, calls,
        ended_at) select commitment_of(n), gen_random_uuid(), 'co', 1, 1, 'in_erp', false, 2, now() from rows n""",
)
NOTIFIER_ROWS = (
    """insert into notifier.mail (event_id, recipient_id, recipient_name, recipient_email, kind, company_id,
        commitment_id, event_data, occurred_at, created_at, state, settled_at)
    select gen_random_uuid(), 'r', 'n', 'e', 'rejected', 'co', commitment_of(n), '{}', now(), now(), 'sent', now()
    from rows n""",
)
DIGEST_ROWS = (
    """insert into digest.item (id, company_id, version, status, since, revision, message, currency, total, summary)
    select commitment_of(n), 'co' || n % 500, 1, 'ready', now() - interval '2 days', 1, 'm', 'USD', 1, 'SUMMARY'
    from rows n""",
    """insert into digest.preference (id, company_id, version, subscribed)
    select 'p' || n, 'co' || n % 500, 1, true from rows n""",
    """insert into digest.person (id, company_id, version, name, time_zone, erp_tool, can_push_to_accounting,
        digest_subscribed) select 'p' || n, 'co' || n % 500, 1, 'n', 'UTC', 'standard', true, true from rows n""",
    """insert into digest.digest_run (recipient_id, local_date, company_id, due_at, published_at)
    select 'p' || n, current_date - 1, 'co' || n % 500, now(), now() - interval '1 day' from rows n""",
)
Explain = Callable[..., Awaitable[Any]]
SERVICES: list[tuple[Migrations, Sequence[str], Explain]] = [
    (EXPORTER, EXPORTER_ROWS, exporter),
    (NOTIFIER, NOTIFIER_ROWS, notifier),
    (DIGEST, DIGEST_ROWS, partial(digest, digest_at=time(6))),
]


@pytest.mark.parametrize(("migrations", "inserts", "explain"), SERVICES, ids=lambda each: getattr(each, "schema", ""))
async def test_no_statement_reads_a_whole_table(
    database_url: str, migrations: Migrations, inserts: Sequence[str], explain: Explain
) -> None:
    await migrate(SecretStr(database_url), migrations)
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        await db.exec_driver_sql(COMMITMENT_OF)
        for insert in inserts:
            rows = insert.replace("from rows n", "from generate_series(1, 100000) n").replace("SUMMARY", SUMMARY)
            await db.exec_driver_sql(rows)
    async with database.autocommit() as db:
        await db.execute(text("vacuum analyze"))

    found = await plans_of(database, lambda: explain(database, ONE, no_tails))
    await database.close()

    scanned = {name for plan in found for name in re.findall(r"Seq Scan on (\w+)", plan)}
    assert scanned <= SMALL | EMPTY, "\n\n".join(found)
    assert len(found) <= 12
