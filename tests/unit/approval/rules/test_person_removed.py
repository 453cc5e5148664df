"""A removed person has no record, and an older one does not come back."""

from schemas.envelope import Event, new_event
from schemas.events import DirectoryPerson, DirectoryPersonRemoved
from schemas.examples.cast import DANA
from schemas.fields import ToolLevel
from services.approval.rules.event_handlers import person_removed
from services.pipeline.newest import Newest, keep_newest
from tests.unit.approval.rules.event_builders import NOW


def person(version: int) -> Event[DirectoryPerson]:
    data = DirectoryPerson(
        company_id="company-204",
        person_id=DANA.id,
        version=version,
        name=DANA.name,
        email=DANA.email,
        erp_tool=ToolLevel.STANDARD,
    )
    return new_event(data, source="test", time=NOW)


def removal() -> Event[DirectoryPersonRemoved]:
    return new_event(DirectoryPersonRemoved(person_id=DANA.id), source="test", time=NOW)


def test_a_removed_person_has_no_record_and_gets_none_back_from_an_older_one() -> None:
    unknown: Newest[DirectoryPerson] = Newest(DANA.id)
    known = keep_newest(unknown, person(3), NOW).state
    removed = person_removed(known, removal(), NOW).state
    assert removed.record is None
    assert keep_newest(removed, person(3), NOW).state.record is None
    assert keep_newest(removed, person(4), NOW).state.record is not None


def test_the_removal_of_an_unknown_person_changes_nothing() -> None:
    assert not person_removed(Newest(DANA.id), removal(), NOW).is_changed
