"""A person's record is read as far as it is clear, and rights that are not clearly given are not given."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import safe_reading
from schemas.events import DirectoryPerson, DirectoryPersonRemoved
from schemas.examples.cast import DANA
from schemas.fields import ToolLevel
from tests.unit.schemas.messages import BROKER_TIME, altered, example, read

TOPIC = "directory.person"
RECORD = example(TOPIC).event.data.model_dump(mode="json")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def person(**changed: Any) -> DirectoryPerson:
    return DirectoryPerson.model_validate(RECORD | changed)


@pytest.mark.parametrize(
    ("member", "odd", "safe"),
    [
        ("time_zone", "Mars/Olympus Mons", "UTC"),
        ("time_zone", -6, "UTC"),
        ("name", "", RECORD["person_id"]),
        ("name", None, RECORD["person_id"]),
        ("name", "x" * 256, RECORD["person_id"]),
        ("erp_tool", "Administrator", ToolLevel.NONE),
        ("erp_tool", None, ToolLevel.NONE),
        ("can_push_to_accounting", "yes", False),
        ("can_push_to_accounting", 1, False),
        ("digest_subscribed", "maybe", True),
        ("commitments_tool", "admin", {}),
        ("commitments_tool", {"p-1": "admin", "p-2": "boss", "two words": "admin"}, {"p-1": "admin", "p-2": "none"}),
    ],
)
def test_an_odd_member_is_read_as_something_safe_and_named(member: str, odd: Any, safe: Any) -> None:
    found = person(**{member: odd})
    assert getattr(found, member) == safe
    assert found.not_understood == (member,)
    assert found == DirectoryPerson.model_validate_json(found.model_dump_json())


def test_a_revocation_counts_whatever_else_is_odd() -> None:
    found = person(can_push_to_accounting=False, time_zone="Nowhere", email="n/a", name=7, commitments_tool=[])
    assert not found.is_approver
    assert found.not_understood == ("commitments_tool", "name", "time_zone")


@pytest.mark.parametrize(
    ("member", "default"),
    [("time_zone", "UTC"), ("can_push_to_accounting", False), ("commitments_tool", {}), ("digest_subscribed", True)],
)
def test_null_means_absent(member: str, default: Any) -> None:
    found = person(**{member: None})
    assert getattr(found, member) == default
    assert found.not_understood == ()


@pytest.mark.parametrize("email", [None, "", "n/a", "sam@x.example, eve@y.example", "sam@x.example\r\nBcc: eve", 7])
def test_what_is_no_address_is_none(email: Any) -> None:
    assert person(email=email).email is None


def test_a_record_that_was_understood_names_nothing() -> None:
    assert person().not_understood == ()
    assert person(not_understood="x").not_understood == ()


@given(st.dictionaries(st.sampled_from(sorted(RECORD.keys() - {"person_id", "company_id", "version"})), ANYTHING))
def test_no_odd_member_gives_a_right(changed: dict[str, Any]) -> None:
    found = person(**changed)
    assert found.may_view <= (changed.get("erp_tool", RECORD["erp_tool"]) in list(ToolLevel))
    assert found.is_approver <= (changed.get("can_push_to_accounting", RECORD["can_push_to_accounting"]) is True)


@pytest.mark.parametrize("value", [None, b""])
def test_a_tombstone_may_be_null_or_empty(value: bytes | None) -> None:
    assert read(value, TOPIC, key=DANA.id.encode()).data == DirectoryPersonRemoved(person_id=DANA.id)


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"two words"])
def test_only_a_key_that_is_an_id_can_be_read_safely(key: bytes | None) -> None:
    assert safe_reading(TOPIC, key, BROKER_TIME) is None


def test_the_safe_reading_of_a_person_is_their_removal() -> None:
    safe = safe_reading(TOPIC, DANA.id.encode(), BROKER_TIME)
    assert safe == read(None, TOPIC, key=DANA.id.encode())
    assert safe_reading("commitment.sent", DANA.id.encode(), BROKER_TIME) is None


def test_a_zone_by_its_rails_name_is_understood_in_a_message() -> None:
    data = read(altered("data", "time_zone", to="Central Time (US & Canada)", topic=TOPIC), TOPIC).data
    assert isinstance(data, DirectoryPerson)
    assert data.time_zone == "America/Chicago"
