"""A database that the version before wrote migrates without losing a commitment."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import Connection, select, text

from sandbox.servers.postgres import create_database, drop_database
from schemas.commitment import ErpDocument
from schemas.fields import Status
from services.approval.rules.documents import names_of
from services.approval.rules.facts import Ruling, Stage, WrittenDocument
from services.approval.storage import candidates, queries
from services.approval.storage.list_filter import ListFilter
from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.queries import Facet
from services.approval.storage.store import STATE as STORED
from services.approval.storage.tables import DOCUMENT, SEARCH_TEXT
from services.approval.storage.views import DeskView, Listed, Sort
from services.pipeline.database import Database
from services.pipeline.migrations import migrate

# As the version before wrote it: the state, and columns that nothing read.
STATE = """{"id":"c-1","company_id":"company-204","submissions":[{"revision":1,"content_hash":"HASH","project_id":
"project-310","sent_at":"2026-11-16T15:02:00Z","summary":{"number":"SC-014","title":"Concrete works","kind":
"subcontract","project":"Riverside Tower","vendor":"Acme Concrete","currency":"USD","total":"480250.00","creator":
{"id":"person-23","name":"Ana Gil","email":"ana@pm.example"},"sent_by":{"id":"person-17","name":"Sam Lee","email":
"sam@pm.example"},"url":"https://pm.example/c-1"}}],"retrieved":null,"ruling":null,"approved":null,"documents":[],
"status_version":7}""".replace("\n", "").replace("HASH", "a" * 64)
INSERT = text(
    "insert into approval.commitment (id, company_id, state, status, revision, since, number, title, vendor, "
    "project_id, project, sent_by, currency, total, searchable) values ('c-1', 'company-204', :state, 'ready', 1, "
    "'2026-11-16T15:02:00Z', 'SC-014', 'Concrete works', 'Acme Concrete', 'project-310', 'Riverside Tower', "
    "'Sam Lee', 'USD', 480250.00, 'sc-014')"
)


def upgrade_to_first(connection: Connection) -> None:
    connection.execute(text("create schema approval"))
    command.upgrade(MIGRATIONS.config(connection), "0001")


@pytest.fixture
async def old_database(postgres: str, unique_suffix: str) -> AsyncIterator[tuple[str, Database]]:
    """A database at the first migration, with one commitment in it."""
    url = create_database(postgres, f"old_{unique_suffix}")
    database = Database(SecretStr(url), application_name="tests", pool_size=2)
    async with database.begin() as db:
        await db.run_sync(upgrade_to_first)
        await db.execute(INSERT, {"state": STATE})
    yield url, database
    await database.close()
    drop_database(postgres, f"old_{unique_suffix}")


async def test_a_commitment_of_the_version_before_is_there_after_the_migration(
    old_database: tuple[str, Database],
) -> None:
    url, database = old_database

    await migrate(SecretStr(url), MIGRATIONS)

    async with database.begin() as db:
        (stored,) = (
            await queries.page(db, "company-204", DeskView.READY, only=ListFilter(search="SC-014"))
        ).commitments
    assert (stored.current.status, stored.current.summary.number) == (Status.READY, "SC-014")
    assert (stored.facts.status_version, stored.facts.hashes) == (7, {"a" * 64})


async def test_a_commitment_of_the_version_before_is_filtered_counted_and_found(
    old_database: tuple[str, Database],
) -> None:
    url, database = old_database

    await migrate(SecretStr(url), MIGRATIONS)

    only = ListFilter(search="gil 480,250", vendors=("Acme Concrete",), min_total=Decimal("480250.00"))
    wanted = Listed("company-204", DeskView.READY, only, Sort.LARGEST, datetime(2026, 12, 1, tzinfo=UTC))
    async with database.begin() as db:
        assert [each.id for each in await candidates.look_up(db, wanted, None, 1) or ()] == ["c-1"]
        assert [row.commitment_id for row in await db.execute(select(SEARCH_TEXT))] == ["c-1"]
        known = await queries.tally(db, "company-204", DeskView.READY)
        assert (known.count, known.sums) == (1, {"USD": Decimal("480250.00")})
        assert (await queries.facets(db, "company-204", DeskView.READY)).projects == [Facet("Riverside Tower", 1)]


async def test_the_documents_of_the_version_before_are_recorded(old_database: tuple[str, Database]) -> None:
    url, database = old_database
    written, evidence = (
        ErpDocument(connection="erp", id="4F2", number=" PO  1 "), ErpDocument(connection="erp", id="77")
    )  # fmt: skip
    ruling = Ruling(2, 1, Stage.IN_DOUBT, datetime(2026, 11, 16, tzinfo=UTC), settled_as=evidence)
    facts = replace(STORED.validate_json(STATE), documents=frozenset({WrittenDocument(1, written)}), ruling=ruling)
    async with database.begin() as db:
        state = STORED.dump_json(facts).decode()
        await db.execute(text("update approval.commitment set state = :state"), {"state": state})

    await migrate(SecretStr(url), MIGRATIONS)

    async with database.begin() as db:
        rows = await db.execute(select(DOCUMENT.c.connection, DOCUMENT.c.kind, DOCUMENT.c.name, DOCUMENT.c.company_id))
        expected = {(name.connection, name.kind, name.name, "company-204") for name in names_of(written, evidence)}
        assert set(map(tuple, rows)) == expected
