"""`countersign explain` of a commitment of which rows cannot be read: which rows, what to do, and all that is left."""

import orjson
import pytest
from pydantic import SecretStr

from services.approval.rules.story.story import OPERATOR
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.pipeline.migrations import migrate
from tests.damaging import damage
from tests.integration.approval.company import accepted, content, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.test_command_explain import explain

FIRST, TWIN = content("c-1", "SC-001"), content("c-2", "SC-001")
STATE = "update approval.commitment set state = '{' where id = 'c-1'"
ROW = "approval.commitment has a row for c-1 that cannot be read"
SEE = "see “RowsUnreadable” in docs/runbook.md"
EXPORT = """insert into exporter.export (commitment_id, revision, company_id, project_id, round, ordered_round,
    content_hash, decided_by, summary, accepted_at, state, state_since, attempts, probes, connection)
    values ('c-1', 1, 'co', 'p', 1, 1, 'h', '{}', '{}', now(), 'pending', now(), 0, 0, 'main')"""


async def add_unreadable_export(desk: DeskUnderTest, database_url: str) -> None:
    await migrate(SecretStr(database_url), EXPORTER)
    await damage(desk.database, "exporter", "insert into exporter.commitment (id) values ('c-1')")
    await damage(desk.database, "exporter", EXPORT)


@pytest.mark.parametrize("asked", ["c-1", "SC-001", "sc-001"])
async def test_what_approval_cannot_read_is_said_with_what_to_do(
    desk: DeskUnderTest, database_url: str, asked: str
) -> None:
    await desk.receive(sent(FIRST))
    await damage(desk.database, "approval", STATE)

    ended = explain(database_url, asked)

    assert ended.returncode == 1
    assert ended.stdout.startswith(f"Commitment c-1\nWho acts next: {OPERATOR}\n")
    assert "Does not fit: Approval cannot read what it stores of it." in ended.stdout
    assert f"  {OPERATOR}: Restore it: {SEE}" in ended.stdout
    assert f"\n  {ROW}\n" in ended.stdout
    assert f"The story is incomplete: approval's part is missing ({ROW}: {SEE})." in ended.stderr
    assert "Nothing is known" not in ended.stderr
    assert "rows.unreadable" in ended.stderr


async def test_programs_get_it_as_json_and_nothing_else(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(sent(FIRST))
    await damage(desk.database, "approval", STATE)

    found = orjson.loads(explain(database_url, "SC-001", "--json").stdout)

    assert (found["commitment_id"], found["who"]) == ("c-1", OPERATOR)
    assert [(each["details"], each["holds_up"]) for each in found["troubles"]] == [(ROW, True)]
    assert [each["service"] for each in found["missing"]] == ["exporter", "notifier", "digest", "approval"]


async def test_what_the_others_know_of_it_is_told_by_its_number(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(sent(FIRST))
    await damage(desk.database, "approval", STATE)
    await add_unreadable_export(desk, database_url)

    ended = explain(database_url, "SC-001")

    assert "Does not fit: Approval cannot read what it stores of it." in ended.stdout
    assert "Does not fit: The exporter cannot read some of what it stores, which is missing here." in ended.stdout
    assert "  exporter.export has a row for c-1 1 that cannot be read" in ended.stdout


async def test_an_export_that_cannot_be_read_is_said_and_not_taken_for_a_lost_order(
    desk: DeskUnderTest, database_url: str
) -> None:
    await desk.receive(sent(FIRST), accepted(FIRST))
    await add_unreadable_export(desk, database_url)

    ended = explain(database_url, "SC-001")

    assert ended.returncode == 0, ended.stderr
    assert "Does not fit: The exporter cannot read some of what it stores, which is missing here." in ended.stdout
    assert "has not received" not in ended.stdout
    assert "accepted revision 1" in ended.stdout
    part = orjson.loads(explain(database_url, "SC-001", "--json").stdout)["parts"]["exporter"]
    assert (part["exports"], part["unreadable"]) == ([], ["exporter.export has a row for c-1 1 that cannot be read"])


async def test_of_two_with_one_number_the_one_that_cannot_be_read_is_named_as_well(
    desk: DeskUnderTest, database_url: str
) -> None:
    await desk.receive(sent(FIRST), sent(TWIN))
    await damage(desk.database, "approval", STATE)

    ended, as_json = explain(database_url, "SC-001"), explain(database_url, "SC-001", "--json")

    assert (ended.returncode, as_json.returncode) == (1, 1)
    assert f"{ROW}: {SEE}." in ended.stderr
    assert [each["id"] for each in orjson.loads(as_json.stdout)["candidates"]] == ["c-2"]
    assert explain(database_url, "c-2").returncode == 0
