"""The names of a commitment against the lists of its ERP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.commitment import Commitment
from schemas.events import ErpConnection, ErpList, ErpPoller, LimitsProfile, MappedNames
from schemas.examples.cast import CONCRETE_1
from services.approval.rules.finding import Finding
from services.approval.rules.references import (
    EntryName,
    Known,
    asked,
    entries_to_look_up,
    reference_findings,
)

READ_AT = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
CODES = ("03-100", "03-200", "03-300", "03-350", "03-390")


def erp(mapped: MappedNames | None = None, **read_at: datetime | None) -> ErpConnection:
    """A connection whose lists were read at these times."""
    return ErpConnection(
        name="books",
        version=1,
        kind="quickbooks",
        title="QuickBooks",
        companies=("company-204",),
        poller=ErpPoller(every_seconds=300),
        lists=tuple(ErpList(name=name, read_at=at) for name, at in read_at.items()),
        mapped=mapped,
    )


ALL = {"vendor": READ_AT, "item": READ_AT, "job": READ_AT}


def commitment(**members: Any) -> Commitment:
    return Commitment.model_validate(CONCRETE_1.model_dump() | members)


PLAIN = commitment(
    lines=[line | {"cost_code": code} for line, code in zip(CONCRETE_1.model_dump()["lines"], CODES, strict=True)]
)


def known(*names: tuple[str, str], inactive: tuple[str, ...] = ()) -> Known:
    return {EntryName("books", list_name, name): name not in inactive for list_name, name in names}


EVERYTHING = (("vendor", "acme"), *(("item", code) for code in CODES), ("job", "j-2607"))


def found(content: Commitment, connection: ErpConnection | None, in_erp: Known) -> tuple[Finding, ...]:
    return tuple(reference_findings(content, connection, in_erp))


def test_what_the_erp_has_is_no_finding() -> None:
    assert found(PLAIN, erp(**ALL), known(*EVERYTHING)) == ()


def test_names_are_compared_in_lower_case() -> None:
    assert {name.text for name in entries_to_look_up(PLAIN, erp(**ALL))} == {name for _, name in EVERYTHING}


def test_a_vendor_that_the_erp_does_not_have_is_a_warning() -> None:
    (finding,) = found(PLAIN, erp(**ALL), known(*EVERYTHING[1:]))
    assert finding == Finding(
        "vendor in the ERP",
        "Vendor ACME (for Acme Concrete) is not in QuickBooks. Add it there, or have the ERP administrator map it to a "
        "vendor that is there; until then the export fails.",
        is_blocking=False,
    )


def test_a_vendor_without_a_code_is_looked_for_nowhere_and_that_is_said() -> None:
    content = commitment(vendor={"id": "v", "name": "Acme Concrete"})
    (finding,) = found(content, erp(vendor=READ_AT), known(("vendor", "acme concrete")))
    assert finding.text.startswith("Acme Concrete has no ERP code, so QuickBooks is not asked for it.")
    assert not finding.is_blocking


def test_what_the_limits_refuse_already_is_not_said_again() -> None:
    strict = erp(vendor=READ_AT, item=READ_AT).model_copy(
        update={"limits": LimitsProfile(needs_vendor_code=True, needs_cost_code=True)}
    )
    line = CONCRETE_1.lines[0].model_dump() | {"cost_code": None}
    assert found(commitment(vendor={"id": "v", "name": "Acme"}, lines=[line]), strict, {}) == ()


def test_lines_without_a_cost_code_are_looked_for_nowhere_and_that_is_said() -> None:
    lines = [line.model_dump() | {"cost_code": None} for line in CONCRETE_1.lines[:2]]
    (finding,) = found(commitment(lines=lines), erp(item=READ_AT), {})
    assert finding.text.startswith("Line 1 and line 2 have no cost code, so QuickBooks is not asked for an item;")


def test_missing_cost_codes_are_one_warning() -> None:
    (finding,) = found(PLAIN, erp(**ALL), known(*(each for each in EVERYTHING if each[1] not in CODES[:2])))
    assert (finding.rule, finding.is_blocking) == ("items in the ERP", False)
    assert finding.text.startswith("Items 03-100 and 03-200 are not in QuickBooks. Add them there")


def test_of_many_missing_ones_only_the_first_are_named() -> None:
    lines = [CONCRETE_1.lines[0].model_dump() | {"position": n, "cost_code": f"C-{n}"} for n in range(1, 1_101)]
    (finding,) = found(commitment(lines=lines), erp(item=READ_AT), {})
    assert finding.text.startswith("Items C-1, C-2, C-3, C-4, C-5 and 1,095 more are not in QuickBooks.")


def test_a_job_that_the_erp_does_not_have_is_a_warning() -> None:
    (finding,) = found(PLAIN, erp(**ALL), known(*EVERYTHING[:-1]))
    assert finding.text.startswith(
        "Job J-2607 is not in QuickBooks. Add it there, or have the ERP administrator map it"
    )


def test_a_project_without_a_job_code_is_looked_for_nowhere_and_that_is_said() -> None:
    content = commitment(project={"id": "p", "name": "Riverside Tower", "number": "2026-07"})
    (finding,) = found(content, erp(job=None), {})
    assert (finding.rule, finding.is_known) == ("job in the ERP", True)
    assert finding.text.startswith("Riverside Tower has no job code, so QuickBooks is not asked for its job.")
    by_number = erp(MappedNames(job={"2026-07": "Tower"}), job=READ_AT)
    assert found(content, by_number, known(("job", "tower"))) == ()


def test_an_inactive_entry_has_words_of_its_own() -> None:
    (finding,) = found(PLAIN, erp(**ALL), known(*EVERYTHING, inactive=("acme",)))
    assert finding == Finding(
        "vendor in the ERP",
        "Vendor ACME (for Acme Concrete) is inactive in QuickBooks. Make it active there; until then "
        "the export may fail.",
        is_blocking=False,
    )


def test_missing_and_inactive_items_are_told_together() -> None:
    in_erp = known(*(each for each in EVERYTHING if each[1] != "03-100"), inactive=("03-200",))
    (finding,) = found(PLAIN, erp(**ALL), in_erp)
    assert "Item 03-100 is not in QuickBooks." in finding.text
    assert "Item 03-200 is inactive in QuickBooks." in finding.text


def test_a_list_that_was_never_read_is_not_known_and_never_ok() -> None:
    (finding,) = found(PLAIN, erp(vendor=None, item=READ_AT), known(*EVERYTHING))
    assert finding == Finding(
        "lists of the ERP",
        "It is not known whether QuickBooks has the vendor: its list has not been read to the end yet.",
        is_blocking=False,
        is_known=False,
    )


def test_of_lists_that_were_never_read_nothing_is_looked_up() -> None:
    never = erp(vendor=None, item=None, job=None)
    assert entries_to_look_up(PLAIN, never) == frozenset()
    (finding,) = found(PLAIN, never, {})
    assert finding.text == (
        "It is not known whether QuickBooks has the vendor, the items and the job: its lists have not been read to the "
        "end yet."
    )


def test_what_is_looked_for_is_what_the_connection_maps_it_to() -> None:
    mapped = MappedNames(vendor={"ACME": "Acme, Inc."}, item=dict.fromkeys(CODES, "Concrete"), job={"J-2607": "Tower"})
    assert [each.words for each in asked(PLAIN, erp(mapped, **ALL))] == [
        "Acme, Inc. (for Acme Concrete)",
        "Concrete (for 03-100)",
        "Tower (for J-2607)",
    ]
    in_erp = known(("vendor", "acme, inc."), ("item", "concrete"), ("job", "tower"))
    assert found(PLAIN, erp(mapped, **ALL), in_erp) == ()


def test_a_line_without_a_cost_code_is_looked_for_as_the_default_item() -> None:
    content = commitment(lines=[CONCRETE_1.lines[0].model_dump() | {"cost_code": None}])
    (finding,) = found(content, erp(MappedNames(default_item="Subcontracts"), item=READ_AT), {})
    assert finding.text.startswith("Item Subcontracts (for line 1) is not in QuickBooks.")


def test_with_more_mapped_names_than_are_told_nothing_is_known() -> None:
    too_many = erp(MappedNames(is_complete=False), **ALL)
    (finding,) = found(PLAIN, too_many, {})
    assert (finding.is_known, entries_to_look_up(PLAIN, too_many)) == (False, frozenset())
    assert "its connection maps more names than are shown here" in finding.text
    without_names = commitment(vendor={"id": "v", "name": "Acme"}, project={"id": "p", "name": "Tower"}, lines=[])
    assert [each.is_known for each in found(without_names, too_many, {})] == [False]


@pytest.mark.parametrize("connection", [None, erp(), erp(account=READ_AT)], ids=["none", "no lists", "another list"])
def test_without_lists_that_we_know_nothing_is_said(connection: ErpConnection | None) -> None:
    assert found(PLAIN, connection, {}) == ()
    assert entries_to_look_up(PLAIN, connection) == frozenset()
