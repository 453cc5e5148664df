import pytest
from sqlalchemy import Table

from schemas.fields import Status, ToolLevel
from services.digest.projection import Projection
from services.digest.storage.tables import ITEM, KERNEL, PERSON, PREFERENCE
from services.pipeline.dead_letters import DeadLetters
from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("projection")


async def becomes(digest: DigestUnderTest, table: Table, name: str, **wanted: object) -> None:
    async def is_so() -> bool:
        row = await digest.row(table, digest.company.key(name))
        return row is not None and wanted.items() <= row.items()

    await eventually(is_so)


async def test_a_status_arrives_and_a_newer_one_replaces_it(digest: DigestUnderTest, projection: Projection) -> None:
    await digest.publish(message(digest.company.status("SC-1", 1)))
    await becomes(digest, ITEM, "SC-1", status=Status.READY, version=1, company_id=digest.company.id)
    await digest.publish(message(digest.company.status("SC-1", 2, status=Status.SYNCED)))
    await becomes(digest, ITEM, "SC-1", status=Status.SYNCED, version=2)
    assert projection.is_ready


async def test_a_lower_version_changes_nothing(digest: DigestUnderTest) -> None:
    await digest.publish(
        message(digest.company.status("SC-1", 7, status=Status.FAILED)),
        message(digest.company.status("SC-1", 6, status=Status.READY)),
        message(digest.company.status("SC-1", 7, status=Status.READY)),
    )
    await digest.publish(message(digest.company.person("dana", 1)), message(digest.company.person("ana", 1)))
    await becomes(digest, PERSON, "ana", version=1)
    await becomes(digest, ITEM, "SC-1", version=7, status=Status.FAILED)


async def test_a_tombstone_clears_the_rights_until_a_newer_version_arrives(digest: DigestUnderTest) -> None:
    third = message(digest.company.person("dana", 3))
    tombstone = (third[0], third[1], None)
    await digest.publish(third, tombstone, third)
    await becomes(digest, PERSON, "dana", erp_tool=ToolLevel.NONE, can_push_to_accounting=False, version=3)
    await digest.publish(message(digest.company.person("dana", 4)))
    await becomes(digest, PERSON, "dana", erp_tool=ToolLevel.STANDARD, can_push_to_accounting=True, version=4)


async def test_a_preference_arrives(digest: DigestUnderTest) -> None:
    await digest.publish(message(digest.company.preference("dana", 5, subscribed=False)))
    await becomes(digest, PREFERENCE, "dana", subscribed=False, version=5)


async def test_a_bad_message_becomes_a_dead_letter_and_the_next_one_is_applied(digest: DigestUnderTest) -> None:
    good = message(digest.company.status("SC-1", 1))
    foreign = message(digest.company.status("SC-1", 9, company_id="another-company"))
    await digest.publish((good[0], good[1], b"{not json"), good, foreign, message(digest.company.status("SC-1", 2)))
    await becomes(digest, ITEM, "SC-1", version=2, company_id=digest.company.id)
    async with digest.database.begin() as db:
        letters = await DeadLetters(KERNEL).oldest_open(db, ("", 0, 0), 1000)
    ours = {letter.reason: letter.record for letter in letters if letter.record.key == good[1].encode()}
    assert ours.keys() == {"undecodable", "other_company"}
    assert ours["undecodable"].value == b"{not json"
    assert [name for name, _ in ours["undecodable"].headers] == ["content-type"]
