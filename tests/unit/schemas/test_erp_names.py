"""By which names an ERP is asked: what is mapped goes before what the commitment says."""

import pytest

from schemas.commitment import Project, Vendor
from schemas.erp_names import item_name, job_name, vendor_name
from schemas.events import MappedNames

NONE = MappedNames()
MAPPED = MappedNames(
    vendor={"ACME": "Acme, Inc.", "Ironline": "Ironline LLC", "GONE": ""},
    item={"03-100": "Concrete"},
    job={"J-1": "Riverside", "2026-07": "By number", "Tower": "By name"},
    default_item="Subcontracts",
)


@pytest.mark.parametrize(
    ("erp_code", "mapped", "name"),
    [
        ("ACME", NONE, "ACME"),
        (" ACME ", MAPPED, "Acme, Inc."),
        ("OTHER", MAPPED, "OTHER"),
        ("GONE", MAPPED, None),
        (" ", MAPPED, None),
        (None, MAPPED, None),
    ],
)
def test_a_vendor_is_asked_for_by_its_code_only(erp_code: str | None, mapped: MappedNames, name: str | None) -> None:
    assert vendor_name(Vendor(id="v-1", name="Ironline", erp_code=erp_code), mapped) == name


@pytest.mark.parametrize(
    ("cost_code", "mapped", "name"),
    [
        ("03-100", NONE, "03-100"),
        ("03-100", MAPPED, "Concrete"),
        ("03-200 ", MAPPED, "03-200"),
        (None, MAPPED, "Subcontracts"),
        ("", MAPPED, "Subcontracts"),
        (None, NONE, None),
    ],
)
def test_an_item_is_asked_for_by_the_cost_code(cost_code: str | None, mapped: MappedNames, name: str | None) -> None:
    assert item_name(cost_code, mapped) == name


@pytest.mark.parametrize(
    ("erp_job_code", "number", "mapped", "name"),
    [
        ("J-1", None, NONE, "J-1"),
        ("J-1", "2026-07", MAPPED, "Riverside"),
        ("J-9", "2026-07", MAPPED, "J-9"),
        (None, "2026-07", MAPPED, "By number"),
        ("", "2026-08", MAPPED, None),
        (None, None, NONE, None),
    ],
)
def test_a_job_is_asked_for_by_the_job_code_or_by_what_the_number_is_mapped_to(
    erp_job_code: str | None, number: str | None, mapped: MappedNames, name: str | None
) -> None:
    project = Project(id="p-1", name="Tower", number=number, erp_job_code=erp_job_code)
    assert job_name(project, mapped) == name
