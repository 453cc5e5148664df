"""Retention finds what it removes through an index, in tables of a few hundred thousand rows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.approval.storage import retention as approval
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage import retention as digest
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage import retention as exporter
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage import retention as notifier
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.notifier.storage.tables import KERNEL
from services.pipeline.database import Database
from services.pipeline.migrations import Migrations, migrate
from services.pipeline.retention import RetentionRule, kernel_rules
from tests.integration.sweeping import plans

NOW = datetime.now(UTC)
YEAR_AGO = NOW - timedelta(days=365)
APPROVAL_ROWS = (
    """insert into approval.commitment (id, company_id, state, status, since)
    select 'c' || lpad(n::text, 7, '0'), 'co', json_build_object('id', 'c' || lpad(n::text, 7, '0'), 'submissions',
        json_build_array(json_build_object('revision', 4, 'content_hash', 'h', 'project_id', 'p', 'sent_at',
        '2025-01-01T00:00:00Z', 'summary', json_build_object('number', 'n', 'title', 't', 'kind', 'subcontract',
        'project', 'p', 'vendor', 'v', 'currency', 'USD', 'total', '1', 'url', 'https://pm.example',
        'creator', json_build_object('id', 'a', 'name', 'a', 'email', 'a@pm.example'),
        'sent_by', json_build_object('id', 'a', 'name', 'a', 'email', 'a@pm.example'))))),
        case n % 3 when 0 then 'synced' when 1 then 'rejected' else 'ready' end, now() - interval '2 years'
    from generate_series(1, 200000) n""",
    """insert into approval.history (event_id, company_id, commitment_id, at, kind, text)
    select gen_random_uuid(), 'co', 'c' || lpad(n::text, 7, '0'), now() - interval '1 day' * (n % 730), 'k', 't'
    from generate_series(1, 200000) n""",
    """insert into approval.submission (commitment_id, revision, content_hash, company_id, snapshot, sent_by, sent_at)
    select 'c' || lpad((n / 4 * 4)::text, 7, '0'), n % 4 + 1, 'h', 'co', '{}', '{}', now() - interval '2 years'
    from generate_series(4, 199999) n""",
    """insert into approval.kept_response (person_id, key, request_hash, at)
    select 'p' || n % 400, n::text, '', now() - interval '5 minutes' * n from generate_series(1, 200000) n""",
    """insert into approval.delegation (id, company_id, owner_id, to_id, first_day, last_day, at)
    select n::text, 'co', 'o', 't', current_date - n, current_date - n, now() from generate_series(1, 200000) n""",
    """insert into approval.mark (person_id, commitment_id, company_id, verb, revision, content_hash, at, number,
        currency, total)
    select 'p' || n % 400, n::text, 'co', 'accept', 1, 'h', now() - interval '5 minutes' * n, 'n', 'USD', 1
    from generate_series(1, 200000) n""",
    """insert into approval.ended_session (person_id, session, ended_at, ended_by, because)
    select 'p' || n % 400, 's', now() - interval '5 minutes' * n, 'me', 'b' from generate_series(1, 200000) n""",
)
EXPORTER_ROWS = (
    """insert into exporter.commitment (id, company_id) select 'c' || lpad(n::text, 7, '0'), 'co'
    from generate_series(1, 200000) n""",
    """insert into exporter.export (commitment_id, revision, company_id, project_id, round, ordered_round, content_hash,
        decided_by, summary, accepted_at, state, state_since, attempts, probes, document)
    select 'c' || lpad((n / 2 + 1)::text, 7, '0'), n % 2 + 1, 'co', 'p', 1, 1, 'h', '{}', '{}', now(), 'succeeded',
        now() - interval '1 day' * (n % 730), 1, 0, '{"connection": "main", "id": "d"}'
    from generate_series(0, 199999) n""",
    """insert into exporter.snapshot (commitment_id, revision, round, company_id, text)
    select commitment_id, revision, round, company_id, 'x' from exporter.export
    where commitment_id < 'c0001500' or commitment_id > 'c0002500'""",
    """insert into exporter.conversation (ticket, connection, client, began_at, last_call_at, progress, ended_at)
    select encode(sha256(n::text::bytea), 'hex'), 'books', 'h', now(), now(), '{}', now() - interval '5 minutes' * n
    from generate_series(1, 200000) n""",
    """insert into exporter.attempt (commitment_id, token, company_id, revision, round, outcome, is_probe, calls,
        ended_at)
    select 'c' || n % 50000, gen_random_uuid(), 'co', 1, 1, 'in_erp', false, 2, now() - interval '5 minutes' * n
    from generate_series(1, 200000) n""",
)
NOTIFIER_ROWS = (
    """insert into notifier.mail (event_id, recipient_id, recipient_name, recipient_email, kind, company_id, event_data,
        occurred_at, created_at, state, settled_at)
    select gen_random_uuid(), 'r', 'n', 'e', 'rejected', 'co', '{}', now(), now(), 'sent',
        now() - interval '2 hours' * n
    from generate_series(1, 200000) n""",
    """insert into notifier.dead_letter (topic, partition, "offset", reason, why, header_names, header_values,
        happened_at, settled_as, settled_at, settled_by)
    select 't', n % 12, n, 'schema', 'w', '{}', '{}', now(), case when n % 2 = 0 then 'redriven' end,
        case when n % 2 = 0 then now() - interval '1 hour' * n end, 'me' from generate_series(1, 200000) n""",
    """insert into notifier.outbox_discarded (id, topic, key, value, created_at, why, discarded_at, discarded_by,
        because)
    select n, 't', 'k', '', now(), 'w', now() - interval '1 hour' * n, 'me', 'b' from generate_series(1, 200000) n""",
)
DIGEST_ROWS = (
    """insert into digest.item (id, company_id, version, status, since, revision, message, currency, total, summary)
    select 'c' || lpad(n::text, 7, '0'), 'co', 1, 'synced', now() - interval '1 day' * (n % 730), 1, 'm', 'USD', 1,
        '{"a": 1}' from generate_series(1, 200000) n""",
    """insert into digest.digest_run (recipient_id, local_date, company_id, due_at, published_at)
    select 'r' || n % 400, current_date - n / 400, 'co', now(), now() from generate_series(1, 200000) n""",
)
SERVICES: list[tuple[Migrations, Sequence[str], Sequence[RetentionRule]]] = [
    (APPROVAL, APPROVAL_ROWS, approval.rules(365, 365)),
    (EXPORTER, EXPORTER_ROWS, exporter.rules(365)),
    (NOTIFIER, NOTIFIER_ROWS, (*notifier.rules(365, 365), *kernel_rules(KERNEL, 365))),
    (DIGEST, DIGEST_ROWS, digest.rules(365, 365)),
]


@pytest.mark.parametrize(("migrations", "inserts", "rules"), SERVICES, ids=lambda each: getattr(each, "schema", ""))
async def test_no_statement_reads_a_whole_table(
    database_url: str, migrations: Migrations, inserts: Sequence[str], rules: Sequence[RetentionRule]
) -> None:
    await migrate(SecretStr(database_url), migrations)
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        for insert in inserts:
            await db.exec_driver_sql(insert)
    async with database.engine.connect() as db:
        await (await db.execution_options(isolation_level="AUTOCOMMIT")).execute(text("vacuum analyze"))

    found = {rule.table: await plans(database, rule.sweep, YEAR_AGO, "c0001600") for rule in rules}

    await database.close()
    assert {table: each for table, each in found.items() if "Seq Scan" in "\n".join(each)} == {}
    assert all("Index" in "\n".join(each) for each in found.values())
