"""What a company file tells of its vendors, items, customers and jobs."""

from typing import Any

import pytest

from sandbox.quickbooks.books import company_file
from sandbox.quickbooks.company_file import CompanyFile
from sandbox.quickbooks.journal import Journal
from schemas.examples.cast import ACME, CONCRETE_1, CONCRETE_2, RIVERSIDE, STEEL_1
from tests.qbxml_requests import Answered, a_query, answered, message_set

RETURNED = {"Vendor": "VendorRet/Name", "Item": "ItemServiceRet/FullName", "Customer": "CustomerRet/FullName"}


@pytest.fixture
def file() -> CompanyFile:
    return company_file(Journal())


def query(file: CompanyFile, entity: str, attributes: str = "", **parts: Any) -> Answered:
    return answered(file.process(message_set(a_query(entity, attributes, **parts))))


def names(file: CompanyFile, entity: str, **parts: Any) -> list[str]:
    return query(file, entity, **parts).texts(RETURNED[entity])


def test_the_commitments_of_the_examples_can_be_exported(file: CompanyFile) -> None:
    codes = {line.cost_code for each in (CONCRETE_1, CONCRETE_2, STEEL_1) for line in each.lines}

    assert ACME.erp_code in names(file, "Vendor")
    assert RIVERSIDE.erp_job_code in names(file, "Customer")
    assert codes <= set(names(file, "Item"))


def test_inactive_entries_are_told_only_where_they_are_asked_for(file: CompanyFile) -> None:
    told = {status: names(file, "Vendor", ActiveStatus=status) for status in ("ActiveOnly", "InactiveOnly", "All")}

    assert "OLD-QUARRY" not in told["ActiveOnly"] == names(file, "Vendor")
    assert told["InactiveOnly"] == ["OLD-QUARRY"]
    assert sorted(told["All"]) == sorted([*told["ActiveOnly"], "OLD-QUARRY"])
    assert query(file, "Vendor", ActiveStatus="InactiveOnly").text("VendorRet/IsActive") == "false"


def test_a_job_is_told_with_the_customer_it_belongs_to(file: CompanyFile) -> None:
    told = query(file, "Customer", FullName="port authority:pier 7")

    assert told.text("CustomerRet/Name") == "Pier 7"
    assert told.text("CustomerRet/ParentRef/FullName") == "Port Authority"
    assert told.text("CustomerRet/Sublevel") == "1"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"NameFilter": {"MatchCriterion": "StartsWith", "Name": "05-"}}, ["05-050", "05-120"]),
        ({"NameFilter": {"MatchCriterion": "EndsWith", "Name": "00"}}, ["03-100", "03-200", "03-300"]),
        ({"NameFilter": {"MatchCriterion": "Contains", "Name": "3-31"}}, ["03-310"]),
        ({"NameRangeFilter": {"FromName": "03-350", "ToName": "05-050"}}, ["03-350", "03-390", "05-050"]),
        ({"MaxReturned": "2"}, ["01-650", "03-100"]),
        ({"FromModifiedDate": "2026-06-01T00:00:00"}, []),
    ],
)
def test_a_query_has_filters(file: CompanyFile, parts: dict[str, Any], expected: list[str]) -> None:
    assert names(file, "Item", **parts) == expected


def test_entries_are_found_by_id_and_name_and_the_first_that_is_missing_is_named(file: CompanyFile) -> None:
    list_id = query(file, "Vendor", FullName="acme").text("VendorRet/ListID")
    by_id = query(file, "Vendor", ListID=[list_id, "80000003-1767603600"])
    by_name = query(file, "Vendor", FullName=["IRON", "NOBODY"])

    assert by_id.texts("VendorRet/Name") == ["ACME", "Granite Rental"]
    assert by_name.texts("VendorRet/Name") == ["IRON"]
    assert (by_name.code, '"NOBODY"' in by_name.message) == (500, True)


def test_an_iterator_tells_a_list_part_by_part(file: CompanyFile) -> None:
    told, remaining, attributes = [], None, 'iterator="Start"'
    while remaining != "0":
        part = query(file, "Item", attributes, MaxReturned="4", IncludeRetElement="FullName")
        told.append(part.texts("ItemServiceRet/FullName"))
        remaining = part.first.get("iteratorRemainingCount")
        attributes = f'iterator="Continue" iteratorID="{part.first.get("iteratorID")}"'

    assert [len(each) for each in told] == [4, 4, 1]
    assert [name for part in told for name in part] == names(file, "Item")
    assert query(file, "Item", attributes, MaxReturned="4").code == 3000


def test_an_iterator_ends_with_the_conversation_or_when_it_is_stopped(file: CompanyFile) -> None:
    first, second = (query(file, "Item", 'iterator="Start"', MaxReturned="1") for _ in range(2))
    of_first, of_second = (f'iteratorID="{each.first.get("iteratorID")}"' for each in (first, second))
    stopped = query(file, "Item", f'iterator="Stop" {of_first}').code
    after_stop = query(file, "Item", f'iterator="Continue" {of_first}', MaxReturned="1").code
    file.end_session()

    assert (stopped, after_stop) == (0, 3000)
    assert query(file, "Item", f'iterator="Continue" {of_second}', MaxReturned="1").code == 3000


def test_an_iterator_needs_the_size_of_a_part(file: CompanyFile) -> None:
    assert query(file, "Item", 'iterator="Start"').code == 3180
