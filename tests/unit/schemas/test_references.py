"""What the exporter tells of an ERP that asks for work: entries of its lists, removals, and mapped names."""

from datetime import UTC, datetime

import orjson
import pytest
from pydantic import ValidationError

from schemas import limits
from schemas.envelope import decode, encode, new_event, safe_reading
from schemas.events import ErpConnection, ErpPoller, ErpReference, ErpReferenceRemoved, MappedNames, reference_key
from schemas.message import UnreadableError

TOPIC = "erp.reference"
NOW = datetime(2026, 11, 18, 15, 20, tzinfo=UTC)
ACME = ErpReference(connection="books", list_name="vendor", id="80000012-1479168000", name="Acme Concrete", version=7)


def test_an_entry_is_told_under_its_connection_list_and_id() -> None:
    told = orjson.loads(encode(new_event(ACME, source="countersign/exporter", time=NOW)))
    assert told["subject"] == "books/vendor/80000012-1479168000"
    assert told["data"]["list"] == "vendor"
    assert told["data"]["id"] == "80000012-1479168000"


@pytest.mark.parametrize("connection", ["b" * 128, "bücher" * 20])
def test_a_key_that_is_too_long_is_a_hash_of_the_same_length(connection: str) -> None:
    keys = {reference_key(connection, "item", f"80000012-{n}") for n in range(3)}
    assert {len(key) for key in keys} == {64}
    assert len(keys) == 3


def test_an_entry_id_with_spaces_has_a_key_without_them() -> None:
    assert " " not in reference_key("books", "item", "site work")


@pytest.mark.parametrize("connection", ["books", "b" * 128])
def test_the_longest_entry_can_be_read(connection: str) -> None:
    long = ACME.model_copy(update={"connection": connection, "id": "i" * 128, "name": "n" * 255})
    event = new_event(long, source="countersign/exporter", time=NOW)
    assert decode(TOPIC, event.subject.encode(), encode(event), (), NOW).data == long


def test_a_list_that_we_do_not_know_is_read() -> None:
    other = ACME.model_copy(update={"list_name": "class"})
    event = new_event(other, source="countersign/exporter", time=NOW)
    assert decode(TOPIC, event.subject.encode(), encode(event), (), NOW).data == other


def test_the_removal_of_an_entry_is_a_message_without_a_value_under_the_same_key() -> None:
    removal = new_event(ErpReferenceRemoved(key=ACME.subject), source="countersign/exporter", time=NOW)
    assert encode(removal) == b""
    assert decode(TOPIC, ACME.subject.encode(), None, (), NOW).data == removal.data


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"two words", b"x" * 129])
def test_a_removal_needs_a_key(key: bytes | None) -> None:
    with pytest.raises(UnreadableError, match="a tombstone needs CONNECTION/LIST/ID as its key"):
        decode(TOPIC, key, None, (), NOW)


def test_a_message_that_cannot_be_read_removes_no_entry() -> None:
    assert safe_reading(TOPIC, ACME.subject.encode(), NOW) is None


def test_members_that_are_null_are_as_good_as_absent() -> None:
    told = {"name": "books", "version": 1, "kind": "quickbooks", "title": "QuickBooks", "companies": []}
    nulls = {"poller": None, "lists": None, "mapped": None}
    assert ErpConnection.model_validate(told | nulls) == ErpConnection.model_validate(told)
    assert ErpPoller.model_validate({"every_seconds": 60, "is_away": None, "trouble": None, "last_asked": None}) == (
        ErpPoller(every_seconds=60)
    )
    mapped = {"vendor": None, "item": None, "job": None, "default_item": None, "is_complete": None}
    assert MappedNames.model_validate(mapped) == MappedNames()


@pytest.mark.parametrize("every_seconds", [0, -1, "60", 1.5, True, None])
def test_how_often_a_client_asks_is_a_number_of_seconds(every_seconds: object) -> None:
    with pytest.raises(ValidationError):
        ErpPoller.model_validate({"every_seconds": every_seconds})


def test_mapped_names_are_told() -> None:
    told = MappedNames.told({"ACME": "Acme Concrete"}, {"03-100": "Concrete"}, {"J-1": "Riverside"}, "Subcontracts")
    assert (told.vendor, told.item, told.job) == (
        {"ACME": "Acme Concrete"},
        {"03-100": "Concrete"},
        {"J-1": "Riverside"},
    )
    assert (told.default_item, told.is_complete) == ("Subcontracts", True)


@pytest.mark.parametrize(
    "vendor",
    [
        {f"vendor {n}": "Acme" for n in range(limits.MAX_MAPPED_NAMES + 1)},
        {f"{n}" + "ü" * 200: "ü" * 255 for n in range(300)},
    ],
    ids=["too many", "too long"],
)
def test_of_too_many_names_none_is_told_and_that_is_said(vendor: dict[str, str]) -> None:
    assert MappedNames.told(vendor, {}, {}, "Subcontracts") == MappedNames(
        default_item="Subcontracts", is_complete=False
    )
