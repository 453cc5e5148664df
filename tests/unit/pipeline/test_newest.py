"""Of all records under one key, the one with the highest version is kept."""

from itertools import permutations

import pytest

from schemas.envelope import Event, new_event
from schemas.events import DigestPreference, ErpConnection
from services.pipeline.fold import RefusedError
from services.pipeline.newest import Newest, keep_newest
from tests.unit.pipeline.samples import NOW


def preference(version: int, company_id: str = "company") -> Event[DigestPreference]:
    data = DigestPreference(company_id=company_id, person_id="dana", version=version, subscribed=version % 2 == 0)
    return new_event(data, source="test", time=NOW)


def newest_of(*events: Event[DigestPreference]) -> Newest[DigestPreference]:
    newest: Newest[DigestPreference] = Newest("dana")
    for event in events:
        newest = keep_newest(newest, event, NOW).state
    return newest


def test_the_highest_version_is_kept_in_any_order() -> None:
    events = [preference(version) for version in (0, 1, 7)]
    assert {newest_of(*order) for order in permutations(events)} == {Newest("dana", 7, events[2].data)}


def test_a_repeat_changes_nothing() -> None:
    assert not keep_newest(newest_of(preference(0)), preference(0), NOW).is_changed


def test_an_older_record_does_not_come_back_after_a_removal() -> None:
    removed: Newest[DigestPreference] = Newest("dana", 3)
    assert keep_newest(removed, preference(3), NOW).state.record is None
    assert keep_newest(removed, preference(4), NOW).state.record is not None


def test_a_record_of_another_company_is_refused() -> None:
    with pytest.raises(RefusedError, match="dana belongs to another company than company-999") as refused:
        keep_newest(newest_of(preference(1)), preference(2, "company-999"), NOW)
    assert refused.value.reason == "other_company"


def test_a_record_without_a_company_is_kept() -> None:
    data = ErpConnection(name="erp", version=4, kind="http", title="ERP", companies=("company-204",))
    event = new_event(data, source="test", time=NOW)
    unknown: Newest[ErpConnection] = Newest("erp")
    decided = keep_newest(unknown, event, NOW)
    assert (decided.state.record, decided.is_changed) == (data, True)
    assert not keep_newest(decided.state, event, NOW).is_changed
