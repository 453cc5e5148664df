"""`countersign explain` against a real database: what it says, what it lists, and its exit statuses."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from schemas.fields import FailureClass
from services.approval.storage.migrations import MIGRATIONS
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.migrations import migrate
from services.pipeline.operations import open_database
from tests.integration.approval import company
from tests.integration.approval.company import OTHER_COMPANY, accepted, content, failed, sent, succeeded
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.polled_erp import asked_ago, desktop, minutes_later

COUNTERSIGN = str(Path(sys.executable).with_name("countersign"))
_MAIL = """insert into notifier.mail (event_id, recipient_id, recipient_name, recipient_email, kind, company_id,
    commitment_id, event_data, occurred_at, created_at, state, settled_at)
    values (gen_random_uuid(), 'r', 'Sam Lee', 'e', 'rejected', 'co', 'c-404', '{}', now(), now(), 'sent', now())"""
FIRST, SECOND = content("c-1", "SC-001"), content("c-2", "SC-002")


def explain(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = kept | {"DATABASE_URL": url, "COLUMNS": "300"}
    command = [COUNTERSIGN, "explain", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, check=False, text=True)


def told(url: str, commitment: str) -> dict[str, Any]:
    ended = explain(url, commitment, "--json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = orjson.loads(ended.stdout)["parts"]["approval"]["explanation"]
    return found


async def test_a_commitment_is_explained_by_its_number(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(sent(FIRST))
    ended = explain(database_url, "sc-001")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    unsent = ("On the way through Kafka:", "  approval has not sent commitment.status")  # no service runs here
    assert [each for each in lines if not each.startswith(("Missing: ", *unsent))] == [
        "SC-001 Concrete works, revision 1 (c-1, company-204)",
        "Status: Ready to Export since Nov 16, 2026, 15:02 UTC",
        "Ribbon: BLUE; it cannot be edited in the project",
        "Meaning: SC-001 was sent to ERP Integrations and is waiting for an accounting approver.",
        "Who acts next: An accounting approver",
        "Next step: Accept or reject it on the desk.",
        "ERP: QuickBooks (quickbooks-main)",
        "Document: none in the ERP",
        "In the project: https://pm.example/commitments/c-1",
        "Time line, in UTC:",
        "  2026-11-16 15:02:00  approval  Sam Lee sent revision 1.  [commitment.sent/0/0]",
    ]
    assert "approval: APPROVAL_URL is not set; read from its database." in ended.stderr.splitlines()


async def test_a_part_that_cannot_be_read_is_said_to_be_missing_and_why(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(sent(FIRST))
    missing = [each for each in explain(database_url, "c-1").stdout.splitlines() if each.startswith("Missing: ")]
    assert [each.partition(" (")[0] for each in missing] == [
        "Missing: what exporter knows", "Missing: what notifier knows", "Missing: what digest knows"
    ]  # fmt: skip
    assert all("_URL is not set; PostgreSQL refused" in each for each in missing)


async def test_the_place_and_the_client_are_told_in_the_words_of_the_desk(
    desk: DeskUnderTest, database_url: str
) -> None:
    await desk.receive(desktop(poller=asked_ago(11)), sent(FIRST), sent(SECOND))
    await desk.receive(accepted(SECOND), accepted(FIRST), at=minutes_later(30))

    found = told(database_url, "c-1")

    assert (found["status"], found["place"], found["acts_next"]) == ("exporting", 2, "Countersign")
    assert found["next_step"] == "Nothing to do: it goes to QuickBooks when the Web Connector asks."
    assert found["line"].startswith("2nd in line. The Web Connector last asked 11 minutes ago (")


async def test_what_failed_says_how_often_it_was_tried_and_who_acts(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(
        sent(FIRST), accepted(FIRST), failed(FIRST, FailureClass.FIX_SETUP, "No access.", next_step="Go.")
    )
    lines = explain(database_url, "c-1").stdout.splitlines()
    assert {"Who acts next: The ERP administrator", "Next step: Go.", "Attempts: 3"} <= set(lines)


async def test_what_is_synced_names_its_document(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(sent(FIRST), accepted(FIRST), succeeded(FIRST))
    lines = explain(database_url, "SC-001").stdout.splitlines()
    assert {"Document: SC-001, https://erp.example/po/17", "Who acts next: Nobody"} <= set(lines)


async def test_an_erp_that_is_not_configured_any_more_is_named(desk: DeskUnderTest, database_url: str) -> None:
    gone = company.QUICKBOOKS.model_copy(update={"version": 2, "companies": ()})
    await desk.receive(sent(FIRST), accepted(FIRST), succeeded(FIRST), company.resent(FIRST), gone)
    assert "ERP: quickbooks-main, which is not configured" in explain(database_url, "c-1").stdout


async def test_several_with_one_number_are_listed_and_none_is_explained(desk: DeskUnderTest, database_url: str) -> None:
    theirs = sent(content("theirs", "SC-001")).model_copy(update={"company_id": OTHER_COMPANY})
    await desk.receive(sent(FIRST), sent(content("twin", "SC-001", title="Steel")), theirs)

    listed, as_json = explain(database_url, "SC-001"), explain(database_url, "SC-001", "--json")

    assert (listed.returncode, as_json.returncode) == (1, 1)
    assert "Several commitments have this number: explain one by its id." in listed.stderr
    candidates = orjson.loads(as_json.stdout)["candidates"]
    assert [(each["company_id"], each["id"]) for each in candidates] == [
        ("company-204", "c-1"), ("company-204", "twin"), (OTHER_COMPANY, "theirs")
    ]  # fmt: skip
    assert all(each["id"] in listed.stdout for each in candidates)
    assert told(database_url, "theirs")["company_id"] == OTHER_COMPANY


async def test_an_id_goes_before_a_number(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(sent(content("SC-001", "SC-777")), sent(FIRST))
    assert told(database_url, "SC-001")["number"] == "SC-777"


@pytest.mark.parametrize("asked", ["SC-404", "c-404", "", "\x1b[31m", "SC-%"])
async def test_an_unknown_one_is_not_found(desk: DeskUnderTest, database_url: str, asked: str) -> None:
    await desk.receive(sent(FIRST))
    ended = explain(database_url, asked)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "No commitment has the id or the number" in ended.stderr
    assert "\x1b" not in ended.stderr


async def test_one_of_which_nothing_was_submitted_is_not_found(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(accepted(FIRST))
    assert explain(database_url, "c-1").returncode == 1


def test_without_a_commitment_it_is_wrong_usage() -> None:
    assert explain("postgresql://127.0.0.1:9/none").returncode == 2


def test_a_database_that_cannot_be_reached_is_said() -> None:
    ended = explain("postgresql://somebody@127.0.0.1:9/none", "SC-001")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Nothing is known of 'SC-001'. No service answers, and only approval knows numbers." in ended.stderr
    assert ended.stderr.count("PostgreSQL refused, or cannot be reached") == 4


async def test_what_only_another_service_knows_is_told_with_why_approvals_part_is_missing(database_url: str) -> None:
    for each in (MIGRATIONS, NOTIFIER):
        await migrate(SecretStr(database_url), each)
    async with open_database(SecretStr(database_url)) as database, database.begin() as db:
        await db.exec_driver_sql(_MAIL)

    ended, as_json = explain(database_url, "c-404"), explain(database_url, "c-404", "--json")

    assert ended.returncode == 1
    assert "The story is incomplete: approval's part is missing (it has no commitment with this id" in ended.stderr
    assert ended.stdout.startswith("Commitment c-404\nWho acts next: Not known")
    assert "Missing: what approval knows (it has no commitment with this id, which others have" in ended.stdout
    assert "Mail about the rejection to Sam Lee: sent" in ended.stdout
    assert [each["service"] for each in orjson.loads(as_json.stdout)["missing"]][-1] == "approval"


async def test_without_approval_what_nobody_else_knows_is_no_story(database_url: str) -> None:
    await migrate(SecretStr(database_url), NOTIFIER)  # so it answers, and has no mail about an id like this
    async with open_database(SecretStr(database_url)) as database, database.begin() as db:
        await db.exec_driver_sql("drop schema approval cascade")
    ended = explain(database_url, "SC-001")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "The other services have no such id, and only approval knows numbers." in ended.stderr


async def test_text_of_others_stays_on_its_line(desk: DeskUnderTest, database_url: str) -> None:
    await desk.receive(sent(content("c-1", "SC-001", title="Works\nWho acts next: \x1b[2JNobody")))
    lines = explain(database_url, "SC-001").stdout.splitlines()
    assert lines[0] == "SC-001 Works\\nWho acts next: \\x1b[2JNobody, revision 1 (c-1, company-204)"


async def test_one_whose_submission_was_set_aside_is_not_found_but_its_message_is(
    desk: DeskUnderTest, database_url: str
) -> None:
    await desk.consumer.process_messages([("commitment.sent", "c-404", b"no JSON")])
    ended = explain(database_url, "c-404")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "No commitment has the id or the number 'c-404'. Approval has set aside commitment.sent/0/0" in ended.stderr
    assert "countersign dead-letters redrive approval commitment.sent/0/0" in ended.stderr
