"""Of people and connections the highest version stands."""

import pytest

from schemas.envelope import Event, new_event
from schemas.events import DirectoryPerson, DirectoryPersonRemoved, ErpConnection
from schemas.examples.cast import DANA
from schemas.fields import ToolLevel
from services.approval.rules.directory import Known, connection_told, person_removed, person_told
from services.pipeline.fold import RefusedError
from tests.unit.approval.rules.event_builders import NOW


def person(version: int, name: str = DANA.name, company_id: str = "company-204") -> Event[DirectoryPerson]:
    data = DirectoryPerson(
        company_id=company_id,
        person_id=DANA.id,
        version=version,
        name=name,
        email=DANA.email,
        erp_tool=ToolLevel.STANDARD,
    )
    return new_event(data, source="test", time=NOW)


def removal() -> Event[DirectoryPersonRemoved]:
    return new_event(DirectoryPersonRemoved(person_id=DANA.id), source="test", time=NOW)


def known_after(*events: Event[DirectoryPerson]) -> Known[DirectoryPerson]:
    known: Known[DirectoryPerson] = Known(DANA.id)
    for event in events:
        known = person_told(known, event, NOW).state
    return known


def test_the_highest_version_stands_whichever_came_last() -> None:
    older, newer = person(1, "Dana"), person(2)
    assert known_after(older, newer) == known_after(newer, older) == known_after(newer)


def test_a_repetition_changes_nothing() -> None:
    assert not person_told(known_after(person(0)), person(0), NOW).is_changed


def test_a_removed_person_has_no_record_and_gets_none_back_from_an_older_one() -> None:
    removed = person_removed(known_after(person(3)), removal(), NOW).state
    assert removed.record is None
    assert person_told(removed, person(3), NOW).state.record is None
    assert person_told(removed, person(4), NOW).state.record is not None


def test_the_removal_of_an_unknown_person_changes_nothing() -> None:
    assert not person_removed(Known(DANA.id), removal(), NOW).is_changed


def test_a_person_of_another_company_is_refused() -> None:
    with pytest.raises(RefusedError, match="another company") as refused:
        person_told(known_after(person(1)), person(2, company_id="company-999"), NOW)
    assert refused.value.reason == "other_company"


def test_a_connection_is_known_as_last_told() -> None:
    data = ErpConnection(name="erp", version=4, kind="http", title="ERP", companies=("company-204",))
    decided = connection_told(Known("erp"), new_event(data, source="test", time=NOW), NOW)
    assert (decided.state.record, decided.is_changed) == (data, True)
    assert not connection_told(decided.state, new_event(data, source="test", time=NOW), NOW).is_changed
