"""What events change in the digest's records."""

from decimal import Decimal

import pytest

from schemas.envelope import new_event
from schemas.events import DirectoryPerson, DirectoryPersonRemoved
from schemas.fields import Status, ToolLevel
from services.digest.rules.event_handlers import person_removed, status_received
from services.digest.rules.items import Item
from services.pipeline.fold import Decided, RefusedError
from services.pipeline.newest import Newest, keep_newest
from tests.unit.digest.rules.samples import NOW, SINCE, person, status, summary


def received(item: Newest[Item], version: int, company_id: str = "c-1") -> Decided[Newest[Item], None]:
    data = status(version=version, company_id=company_id)
    return status_received(item, new_event(data, source="test", time=NOW), NOW)


def known(version: int, **given: object) -> Newest[DirectoryPerson]:
    unknown: Newest[DirectoryPerson] = Newest("dana")
    return keep_newest(unknown, new_event(person(version=version, **given), source="test", time=NOW), NOW).state


def removed(known_person: Newest[DirectoryPerson]) -> Decided[Newest[DirectoryPerson], None]:
    event = new_event(DirectoryPersonRemoved(person_id="dana"), source="test", time=NOW)
    return person_removed(known_person, event, NOW)


def test_an_item_holds_what_a_summary_needs_of_the_status() -> None:
    state = received(Newest("SC-1"), version=4).state
    assert state == Newest(
        "SC-1",
        4,
        Item(
            commitment_id="SC-1",
            company_id="c-1",
            version=4,
            revision=1,
            status=Status.READY,
            since=SINCE,
            message="It waits for an approver.",
            currency="USD",
            total=Decimal("480250.00"),
            summary=summary("SC-1").model_dump_json(exclude_none=True),
            known_since=NOW,
        ),
    )


def test_a_status_with_a_lower_version_changes_nothing() -> None:
    state = received(Newest("SC-1"), version=4).state
    assert received(state, version=3) == Decided(state, is_changed=False)


def test_a_status_of_another_company_is_refused() -> None:
    state = received(Newest("SC-1"), version=4).state
    with pytest.raises(RefusedError, match="SC-1 belongs to another company"):
        received(state, version=5, company_id="c-2")


def test_a_removal_clears_the_rights_and_keeps_the_version() -> None:
    state = removed(known(3)).state
    assert state == Newest("dana", 3, person(version=3, erp_tool=ToolLevel.NONE, can_push_to_accounting=False))


def test_the_record_from_before_a_removal_restores_no_right_and_a_newer_one_does() -> None:
    state = removed(known(3)).state
    again, newer = (new_event(person(version=version), source="test", time=NOW) for version in (3, 4))
    assert not keep_newest(state, again, NOW).is_changed
    assert keep_newest(state, newer, NOW).state == known(4)


def test_the_removal_of_somebody_without_rights_or_unknown_changes_nothing() -> None:
    for state in (known(3, erp_tool=ToolLevel.NONE), Newest("dana")):
        assert removed(state) == Decided(state, is_changed=False)
