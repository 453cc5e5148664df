"""A text shows what it says: nothing in it is invisible, or turns around what stands next to it."""

import sys
from unicodedata import category

import pytest

from services.pipeline.legible import legible, may_hide, seen

JOINERS = {0x200C, 0x200D}
VISIBLE_SIGNS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
"""Format characters that have a shape of their own, or place others that do."""


def test_no_control_or_format_character_remains_but_tabs_line_ends_and_visible_signs() -> None:
    controls = {each for each in range(sys.maxunicode + 1) if category(chr(each)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    remaining = {each for each in controls if legible(f"a{chr(each)}b") not in {"ab", "a b"}}
    assert remaining - VISIBLE_SIGNS == set(map(ord, "\t\n\r"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Pay \u202e00.052,084\u202c USD", "Pay 00.052,084 USD"),
        ("\u2067SC\u2069-\u200f01\u200e4\u061c", "SC-014"),
        ("SC\u200b-\u200d01\ufeff4\u2060", "SC-014"),
        ("first\u2028second\x85third", "first second third"),
        ("line\n\tone\r\n", "line\n\tone\r\n"),
        ("\x1b[31mred\x9b0m", "[31mred0m"),
        ("a\u3164b\u115fc\xadd", "abcd"),
    ],
)
def test_hidden_characters_are_left_out(text: str, shown: str) -> None:
    assert legible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Müller & Söhne",
        "נמל חיפה",
        "\u0645\u06cc\u200c\u062e\u0648",
        "👷🏽\u200d♀\ufe0f",
        "10 \u2013 20 \xd7 5",
    ],
)
def test_what_words_of_any_script_need_stays(text: str) -> None:
    assert legible(text) == text


@pytest.mark.parametrize("text", ["", "plain", "é\n", "文" * 100_000, "<td>" * 50_000])
def test_a_text_without_hidden_characters_hides_nothing(text: str) -> None:
    assert not may_hide(text)


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x00", "\x85", "\u2028", "a\u200d", "\U000e0001"])
def test_a_hidden_character_is_found_wherever_it_is(hidden: str) -> None:
    for before in (0, 65_535, 65_536, 200_000):
        assert may_hide("é" * before + hidden + "é" * 70_000)


def test_of_many_hidden_characters_nobody_sees_any() -> None:
    assert seen("\u200b\u2028 \u200d" * 100_000) == ""
    assert seen("\u200b" * 100_000 + "x").endswith("x")
