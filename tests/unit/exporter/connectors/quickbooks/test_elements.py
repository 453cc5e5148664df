"""Elements are rendered in the order and within the lengths of the data file, and every table of it has a source."""

import pytest

from services.exporter.connectors.quickbooks.elements import Element, TooLongError, aggregates, longest, rendered
from tests.unit.exporter.connectors.quickbooks.qbxml_checker import LONGEST, ORDER


def test_members_come_in_the_order_of_the_data_and_repeated_ones_in_their_own() -> None:
    line = Element("PurchaseOrderLineAdd", (Element("Amount", "1.00"), Element("Desc", "Slab")))
    other = Element("PurchaseOrderLineAdd", (Element("Desc", "Wall"),))
    order = Element("PurchaseOrderAdd", (line, Element("Memo", "m"), other, Element("RefNumber", "1")))
    assert rendered(order) == (
        "<PurchaseOrderAdd><RefNumber>1</RefNumber><Memo>m</Memo>"
        "<PurchaseOrderLineAdd><Desc>Slab</Desc><Amount>1.00</Amount></PurchaseOrderLineAdd>"
        "<PurchaseOrderLineAdd><Desc>Wall</Desc></PurchaseOrderLineAdd></PurchaseOrderAdd>"
    )


def test_a_text_that_is_too_long_is_never_cut() -> None:
    with pytest.raises(TooLongError, match="RefNumber takes 11 characters"):
        rendered(Element("PurchaseOrderAdd", (Element("RefNumber", "x" * 12),)))


def test_a_length_counts_characters_and_not_what_xml_makes_of_them() -> None:
    assert "&#233;" in rendered(Element("PurchaseOrderAdd", (Element("RefNumber", "é" * 11),)))


def test_an_unknown_element_is_a_defect() -> None:
    with pytest.raises(KeyError):
        rendered(Element("PurchaseOrderAdd", (Element("Note", "m"),)))


@pytest.mark.parametrize("name", sorted(ORDER))
def test_the_data_has_the_order_that_the_checker_was_written_with(name: str) -> None:
    known = [each for each in ORDER[name].split() if not each.endswith("LineGroupAdd")]
    assert list(aggregates()[name].members) == known


@pytest.mark.parametrize(("place", "length"), [each for each in LONGEST.items() if " in " in each[0]])
def test_the_data_has_the_lengths_that_the_checker_was_written_with(place: str, length: int) -> None:
    element, _, aggregate = place.partition(" in ")
    assert longest(aggregate, element) == length


def test_every_aggregate_has_its_source() -> None:
    assert all("quickbooks-php" in each.source for each in aggregates().values())
