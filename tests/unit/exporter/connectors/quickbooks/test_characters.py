"""QuickBooks gets the characters of Windows-1252, in one line; others become what is nearest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exporter.connectors.quickbooks.characters import as_xml, is_kept, kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Müller & Söhne", "Müller & Söhne"),
        ("“Slab” \u2013 level 2…", "“Slab” \u2013 level 2…"),
        ("20 € ½ m²", "20 € ½ m²"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("bell\x07 null\x00 C1\x85", "bell null C1"),
        ("Győr, Łódź", "Gyor, ?ódz"),
        ("ﬁt № 7", "fit No 7"),
        ("中文 🏗", "?? ?"),
        ("zero\u200bwidth, left\u200eto right", "zerowidth, leftto right"),
        ("e\u0301", "é"),
        ("\ud800", "?"),
    ],
)
def test_a_text_becomes_what_quickbooks_keeps(text: str, expected: str) -> None:
    assert kept(text) == expected


def test_what_names_something_must_be_kept_as_it_is() -> None:
    assert is_kept("Müller: Hall 3")
    assert not is_kept("Győr")
    assert not is_kept("two\nlines")


def test_xml_carries_everything_in_ascii() -> None:
    assert as_xml('<é & "€" \'>') == "&lt;&#233; &amp; &quot;&#8364;&quot; &apos;&gt;"


@given(st.text())
def test_whatever_the_text_it_is_kept_and_stays_so(text: str) -> None:
    once = kept(text)
    assert is_kept(once)
    assert kept(once) == once
    assert as_xml(once).isascii()
