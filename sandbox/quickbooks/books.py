"""The company files of the demo: one with the vendors, cost codes and jobs of its commitments, and a stranger's."""

from datetime import UTC, datetime

from sandbox.quickbooks.company_file import CompanyFile
from sandbox.quickbooks.journal import Journal
from sandbox.quickbooks.lists import Entry, ListKind
from schemas.examples.cast import ACME, IRONLINE, RIVERSIDE

FOLDER = "C:\\Users\\Public\\Documents\\Intuit\\QuickBooks\\Company Files"
COMPANY_NAME, OTHER_NAME = "Harbor Builders", "Bayside Homes"
_OPENED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

VENDORS = {"ACME": ACME.name, "IRON": IRONLINE.name, "Granite Rental": "Granite Rental"}
ITEMS = {
    "01-650": "Delivery",
    "03-100": "Formwork",
    "03-200": "Reinforcing steel",
    "03-300": "Cast-in-place concrete",
    "03-310": "Structural concrete",
    "03-350": "Slab finishing",
    "03-390": "Curing and winter protection",
    "05-050": "Bolts",
    "05-120": "Structural steel",
}
JOBS = {RIVERSIDE.erp_job_code or "": RIVERSIDE.name, "Port Authority": "", "Port Authority:Pier 7": "Pier 7"}
CLOSED = {"OLD-QUARRY": ListKind.VENDOR, "03-305": ListKind.ITEM, "J-2401": ListKind.CUSTOMER}
"""What is in the lists, but inactive."""
_FIRST_IDS = {ListKind.VENDOR: 0x80000001, ListKind.ITEM: 0x80000101, ListKind.CUSTOMER: 0x80000201}


def company_file(journal: Journal | None = None) -> CompanyFile:
    """The company file into which all commitments of the demo can be exported."""
    entries = [
        *_entries(ListKind.VENDOR, VENDORS),
        *_entries(ListKind.ITEM, ITEMS),
        *_entries(ListKind.CUSTOMER, JOBS),
    ]
    return CompanyFile(COMPANY_NAME, f"{FOLDER}\\{COMPANY_NAME}.qbw", entries, journal=journal)


def other_file(journal: Journal | None = None) -> CompanyFile:
    """The company file of another company, in which nothing of the demo is known."""
    entries = _entries(ListKind.VENDOR, {"Lumber Yard": ""}) + _entries(ListKind.ITEM, {"Framing": ""})
    return CompanyFile(OTHER_NAME, f"{FOLDER}\\{OTHER_NAME}.qbw", entries, journal=journal)


def _entries(kind: ListKind, names: dict[str, str]) -> list[Entry]:
    closed = {name: "" for name, of in CLOSED.items() if of is kind}
    return [
        Entry(
            kind, f"{_FIRST_IDS[kind] + place:X}-{int(_OPENED.timestamp())}", name, _OPENED, title, name not in closed
        )
        for place, (name, title) in enumerate((names | closed).items())
    ]
