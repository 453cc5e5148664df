"""Who and what the examples and the sandbox are about: a company, its people, and two commitments of one project."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from schemas.commitment import Commitment, ErpDocument, Line, Person, Project, Vendor
from schemas.events import DirectoryPerson
from schemas.fields import Kind, ToolLevel
from schemas.snapshot import Snapshot

COMPANY = "company-204"
CONNECTION = "quickbooks-main"

SAM = Person(id="person-17", name="Sam Lee", email="sam.lee@harbor-builders.example")
ANA = Person(id="person-23", name="Ana Gil", email="ana.gil@harbor-builders.example")
DANA = Person(id="person-5", name="Dana Ruiz", email="dana.ruiz@harbor-builders.example")
KIM = Person(id="person-41", name="Kim Osei", email="kim.osei@harbor-builders.example")
"""Sam manages the project, Ana creates its commitments, Dana approves them for accounting, Kim may only look."""

RIVERSIDE = Project(id="project-310", number="2026-07", name="Riverside Tower", erp_job_code="J-2607")

ACME = Vendor(id="vendor-88", name="Acme Concrete", erp_code="ACME")
IRONLINE = Vendor(id="vendor-112", name="Ironline Steel Supply")
"""Ironline has no code in the ERP yet, so nothing bought from it can be exported."""


def _directory_person(
    person: Person, erp_tool: ToolLevel, commitments_tool: ToolLevel | None = None, **members: Any
) -> DirectoryPerson:
    return DirectoryPerson(
        company_id=COMPANY,
        person_id=person.id,
        version=3,
        name=person.name,
        email=person.email,
        time_zone="America/Chicago",
        erp_tool=erp_tool,
        commitments_tool={RIVERSIDE.id: commitments_tool} if commitments_tool else {},
        **members,
    )


DIRECTORY = {
    entry.person_id: entry
    for entry in (
        _directory_person(SAM, ToolLevel.READ_ONLY, ToolLevel.ADMIN),
        _directory_person(ANA, ToolLevel.NONE, ToolLevel.STANDARD),
        _directory_person(DANA, ToolLevel.STANDARD, ToolLevel.READ_ONLY, can_push_to_accounting=True),
        _directory_person(KIM, ToolLevel.READ_ONLY, digest_subscribed=False),
    )
}
"""The company's directory: what each person may do, by person id."""

ScheduleRow = tuple[str, str, str, str, str, str]
"""Cost code, cost type, description, quantity, unit, unit cost."""

_CONCRETE: tuple[ScheduleRow, ...] = (
    ("03-100", "S", "Formwork, slabs and core walls", "18500", "sf", "6.40"),
    ("03-200", "S", "Reinforcing steel, placed", "42", "t", "2150.00"),
    ("03-300", "S", "Cast-in-place concrete, 5,000 psi", "1150", "cy", "185.00"),
    ("03-350", "S", "Slab finishing", "24000", "sf", "1.45"),
    ("03-390", "S", "Curing and winter protection", "1", "ls", "24000.00"),
)
_STEEL: tuple[ScheduleRow, ...] = (
    ("05-120", "M", "Wide-flange beams, W12x26 to W18x50", "38.5", "t", "2480.00"),
    ("05-120", "M", "HSS columns", "12.25", "t", "2960.00"),
    ("05-050", "M", "High-strength bolts, A325", "4800", "ea", "1.85"),
    ("01-650", "O", "Delivery to site, six loads", "1", "ls", "4200.00"),
)


def instant(text: str) -> datetime:
    """Parse an instant such as 2026-11-16T15:02:00Z."""
    return datetime.fromisoformat(text)


def concrete_works(cost_code_of_line_3: str) -> Commitment:
    """SC-014, the concrete subcontract over USD 480250.00, with a member unknown to us: `insurance`."""
    rows = (*_CONCRETE[:2], (cost_code_of_line_3, *_CONCRETE[2][1:]), *_CONCRETE[3:])
    return Commitment(
        id="commitment-8841",
        number="SC-014",
        title="Concrete works",
        kind=Kind.SUBCONTRACT,
        status="Approved",
        description="Structural concrete from foundation to level 18, as drawings S-101 to S-142.",
        url="https://pm.example/commitments/8841",
        currency="USD",
        retainage_percent="10.0",
        project=RIVERSIDE,
        vendor=ACME,
        creator=ANA,
        **_schedule(rows),
        insurance={"expires": "2027-03-31", "certificate": "COI-55120"},
    )


def structural_steel(title: str, beams_in_tonnes: str) -> Commitment:
    """PO-099, the purchase order for steel: USD 144820.00 with 38.5 t of beams."""
    beams = _STEEL[0]
    rows = ((*beams[:3], beams_in_tonnes, *beams[4:]), *_STEEL[1:])
    return Commitment(
        id="commitment-8899",
        number="PO-099",
        title=title,
        kind=Kind.PURCHASE_ORDER,
        status="Approved",
        url="https://pm.example/commitments/8899",
        currency="USD",
        project=RIVERSIDE,
        vendor=IRONLINE,
        creator=SAM,
        **_schedule(rows),
    )


def snapshot(commitment: Commitment) -> Snapshot:
    """`commitment` as the project's tool would send it."""
    return Snapshot.of(commitment.model_dump(mode="json", exclude_none=True))


def _schedule(rows: tuple[ScheduleRow, ...]) -> dict[str, Any]:
    """The lines of `rows` and their total; an amount is quantity times unit cost."""
    lines = tuple(_line(position, row) for position, row in enumerate(rows, start=1))
    return {"lines": lines, "total": str(sum(Decimal(line.amount) for line in lines))}


def _line(position: int, row: ScheduleRow) -> Line:
    cost_code, cost_type, description, quantity, unit, unit_cost = row
    amount = (Decimal(quantity) * Decimal(unit_cost)).quantize(Decimal("0.01"))
    return Line(
        position=position,
        cost_code=cost_code,
        cost_type=cost_type,
        description=description,
        quantity=quantity,
        unit=unit,
        unit_cost=unit_cost,
        amount=str(amount),
    )


_LONG_TITLE = "Structural steel, levels 1 to 12"

CONCRETE_1 = concrete_works(cost_code_of_line_3="03-300")
CONCRETE_2 = concrete_works(cost_code_of_line_3="03-310")
STEEL_1 = structural_steel(_LONG_TITLE, beams_in_tonnes="38.5")
STEEL_2 = structural_steel(_LONG_TITLE, beams_in_tonnes="40.0")
STEEL_3 = structural_steel("Structural steel", beams_in_tonnes="40.0")
"""The commitments, one constant for each revision."""

CONCRETE_DOCUMENT = ErpDocument(connection=CONNECTION, id="4F2-1764000000", number="SC-014")
CONCRETE_DOCUMENT_2 = ErpDocument(connection=CONNECTION, id="51A-1764003900", number="SC-014")
STEEL_DOCUMENT = ErpDocument(connection=CONNECTION, id="4F9-1764003600", number="PO-099")

CLOSED_COST_CODE = "Line 3: cost code 03-300 is closed. Use 03-310."
