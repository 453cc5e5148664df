"""By which names an ERP is asked: what is mapped goes before what the commitment says."""

import pytest

from schemas.commitment import Project, Vendor
from schemas.erp_names import item_name, job_name, vendor_name
from schemas.events import MappedNames

NONE = MappedNames()
MAPPED = MappedNames(
    vendor={"ACME": "Acme, Inc.", "Ironline": "Ironline LLC"},
    item={"03-100": "Concrete"},
    job={"J-1": "Riverside", "2026-07": "By number", "Tower": "By name"},
    default_item="Subcontracts",
)


def vendor(name: str, erp_code: str | None = None) -> Vendor:
    return Vendor(id="v-1", name=name, erp_code=erp_code)


def project(erp_job_code: str | None = None, number: str | None = None, name: str = "Pier") -> Project:
    return Project(id="p-1", name=name, number=number, erp_job_code=erp_job_code)


@pytest.mark.parametrize(
    ("asked", "mapped", "name"),
    [
        (vendor("Acme Concrete"), NONE, "Acme Concrete"),
        (vendor("Acme Concrete", "ACME"), NONE, "ACME"),
        (vendor("Acme Concrete", ""), NONE, "Acme Concrete"),
        (vendor("Acme Concrete", "ACME"), MAPPED, "Acme, Inc."),
        (vendor("Ironline", "IRON"), MAPPED, "Ironline LLC"),
        (vendor("Other", "OTHER"), MAPPED, "OTHER"),
    ],
)
def test_a_vendor_is_asked_for_by_its_code_or_name(asked: Vendor, mapped: MappedNames, name: str) -> None:
    assert vendor_name(asked, mapped) == name


@pytest.mark.parametrize(
    ("cost_code", "mapped", "name"),
    [
        ("03-100", NONE, "03-100"),
        ("03-100", MAPPED, "Concrete"),
        ("03-200", MAPPED, "03-200"),
        (None, MAPPED, "Subcontracts"),
        ("", MAPPED, "Subcontracts"),
        (None, NONE, None),
    ],
)
def test_an_item_is_asked_for_by_the_cost_code(cost_code: str | None, mapped: MappedNames, name: str | None) -> None:
    assert item_name(cost_code, mapped) == name


@pytest.mark.parametrize(
    ("asked", "mapped", "name"),
    [
        (project("J-1"), NONE, "J-1"),
        (project("J-1"), MAPPED, "Riverside"),
        (project("J-9", "2026-07"), MAPPED, "By number"),
        (project(None, None, "Tower"), MAPPED, "By name"),
        (project(None, "2026-08"), MAPPED, None),
        (project(""), NONE, None),
    ],
)
def test_a_job_is_asked_for_by_the_job_code_only(asked: Project, mapped: MappedNames, name: str | None) -> None:
    assert job_name(asked, mapped) == name
