import pytest
from sqlalchemy import Table

from schemas.fields import Status, ToolLevel
from services.digest.projection import Projection
from services.digest.storage.tables import ITEM, KERNEL, PERSON, PREFERENCE
from services.pipeline.dead_letters import DeadLetters
from tests.integration.digest.company import message
from tests.integration.digest.conftest import Bench
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("projection")


async def comes_to(bench: Bench, table: Table, name: str, **wanted: object) -> None:
    async def is_so() -> bool:
        row = await bench.row(table, bench.company.key(name))
        return row is not None and wanted.items() <= row.items()

    await eventually(is_so)


async def test_a_status_arrives_and_a_newer_one_replaces_it(bench: Bench, projection: Projection) -> None:
    await bench.publish(message(bench.company.status("SC-1", 1)))
    await comes_to(bench, ITEM, "SC-1", status=Status.READY, version=1, company_id=bench.company.id)
    await bench.publish(message(bench.company.status("SC-1", 2, status=Status.SYNCED)))
    await comes_to(bench, ITEM, "SC-1", status=Status.SYNCED, version=2)
    assert projection.is_ready


async def test_a_lower_version_changes_nothing(bench: Bench) -> None:
    await bench.publish(
        message(bench.company.status("SC-1", 7, status=Status.FAILED)),
        message(bench.company.status("SC-1", 6, status=Status.READY)),
        message(bench.company.status("SC-1", 7, status=Status.READY)),
    )
    await bench.publish(message(bench.company.person("dana", 1)), message(bench.company.person("ana", 1)))
    await comes_to(bench, PERSON, "ana", version=1)
    await comes_to(bench, ITEM, "SC-1", version=7, status=Status.FAILED)


async def test_a_tombstone_clears_the_rights_for_good_until_a_newer_version_comes(bench: Bench) -> None:
    told = message(bench.company.person("dana", 3))
    tombstone = (told[0], told[1], None)
    await bench.publish(told, tombstone, told)
    await comes_to(bench, PERSON, "dana", erp_tool=ToolLevel.NONE, can_push_to_accounting=False, version=3)
    await bench.publish(message(bench.company.person("dana", 4)))
    await comes_to(bench, PERSON, "dana", erp_tool=ToolLevel.STANDARD, can_push_to_accounting=True, version=4)


async def test_a_preference_arrives(bench: Bench) -> None:
    await bench.publish(message(bench.company.preference("dana", 5, subscribed=False)))
    await comes_to(bench, PREFERENCE, "dana", subscribed=False, version=5)


async def test_poison_becomes_a_dead_letter_and_the_next_message_is_applied(bench: Bench) -> None:
    good = message(bench.company.status("SC-1", 1))
    foreign = message(bench.company.status("SC-1", 9, company_id="another-company"))
    await bench.publish((good[0], good[1], b"{not json"), good, foreign, message(bench.company.status("SC-1", 2)))
    await comes_to(bench, ITEM, "SC-1", version=2, company_id=bench.company.id)
    async with bench.database.begin() as db:
        letters = await DeadLetters(KERNEL).newest(db, 1000)
    ours = {letter.reason: letter.record for letter in letters if letter.record.key == good[1].encode()}
    assert ours.keys() == {"undecodable", "other_company"}
    assert ours["undecodable"].value == b"{not json"
    assert [name for name, _ in ours["undecodable"].headers] == ["content-type"]
