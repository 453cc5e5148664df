"""What a company of builders buys: its vendors, and the trades with their usual quantities and prices."""

from dataclasses import dataclass

from schemas.commitment import Vendor
from schemas.examples.cast import ACME, IRONLINE
from schemas.fields import Kind

VENDORS = (
    ACME,
    Vendor(id="vendor-131", name="Granite Rental", erp_code="GRANITE"),
    Vendor(id="vendor-140", name="Müller & Söhne Fassaden", erp_code="MUELLER"),
    Vendor(id="vendor-152", name="Bright Electric", erp_code="BRIGHT"),
    Vendor(id="vendor-157", name="North Shore Mechanical", erp_code="NSMECH"),
    Vendor(id="vendor-163", name="Delgado Drywall and Interiors", erp_code="DELGADO"),
    Vendor(id="vendor-170", name="Pacific Roofing", erp_code="PACROOF"),
)

UNLINKED = IRONLINE
"""The vendor without a code in the ERP."""


@dataclass(frozen=True, slots=True)
class Trade:
    """Something that is bought: its title, who sells it, and one line's usual quantity and unit cost."""

    title: str
    vendor: Vendor
    kind: Kind
    cost_code: str
    cost_type: str
    unit: str
    quantity: int
    unit_cost: str


_ACME, _GRANITE, _MUELLER, _BRIGHT, _NORTH, _DELGADO, _PACIFIC = VENDORS
_SC, _PO = Kind.SUBCONTRACT, Kind.PURCHASE_ORDER

TRADES = (
    Trade("Concrete works", _ACME, _SC, "03-300", "S", "cy", 850, "185.00"),
    Trade("Tower crane rental", _GRANITE, _PO, "01-540", "E", "mo", 6, "18400.00"),
    Trade("Curtain wall, south elevation", _MUELLER, _SC, "08-440", "S", "sf", 4200, "112.50"),
    Trade("Electrical rough-in", _BRIGHT, _SC, "26-050", "S", "ls", 1, "164200.00"),
    Trade("Ductwork, levels 1 to 6", _NORTH, _SC, "23-310", "S", "lb", 38000, "7.85"),
    Trade("Partitions and ceilings", _DELGADO, _SC, "09-210", "S", "sf", 26000, "6.40"),
    Trade("Roof membrane and flashing", _PACIFIC, _SC, "07-520", "S", "sf", 11800, "14.75"),
    Trade("Formwork panels", _GRANITE, _PO, "03-100", "M", "sf", 5400, "3.10"),
    Trade("Switchgear", _BRIGHT, _PO, "26-240", "M", "ea", 4, "23750.00"),
    Trade("Site fence and gates", _GRANITE, _PO, "01-560", "M", "lf", 920, "11.35"),
    Trade("Chilled water piping", _NORTH, _SC, "23-210", "S", "lf", 2650, "64.20"),
    Trade("Door frames and hardware", _DELGADO, _PO, "08-110", "M", "ea", 132, "486.00"),
)
