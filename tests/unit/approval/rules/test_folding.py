"""What searches regard as the same text."""

import pytest

from schemas.commitment import summarise
from schemas.examples.cast import CONCRETE_1, SAM
from services.approval.rules.folding import folded, grams, searchable, sought_words


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Müller & Söhne", "muller & sohne"),
        ("MU\u0308LLER", "muller"),
        ("Straße, STRASSE", "strasse, strasse"),
        ("Øresund Łódź Æther Đà Nẵng", "oresund lodz aether da nang"),
        ("\u0130stanbul \u0131\u015f\u0131k", "istanbul isik"),  # Turkish i with and without its dot
        ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
        ("\ufb01nish \uff21\uff22", "finish ab"),  # a ligature, full-width letters
        ("USD 1,480,250.00", "usd 1480250.00"),
        ("480,2500 1,2 a,123", "480,2500 1,2 a,123"),
        ("SC-014_100%", "sc-014_100%"),
    ],
)
def test_case_accents_and_commas_of_thousands_do_not_matter(text: str, compared: str) -> None:
    assert folded(text) == compared


def test_folding_again_changes_nothing() -> None:
    for each in map(chr, range(1, 0x3000)):
        assert folded(folded(each)) == folded(each), hex(ord(each))


def test_words_are_sought_once_and_amounts_without_their_sign() -> None:
    assert sought_words("  Müller  $480,250.00 MULLER €") == ("muller", "480250.00", "€")


def test_grams_do_not_reach_over_words() -> None:
    assert grams(("acme", "of", "sc-1")) == ["acm", "c-1", "cme", "sc-"]


@pytest.mark.parametrize(("total", "amount"), [("480250", "480250.00"), ("1.5", "1.50"), ("0.125", "0.125")])
def test_a_total_is_found_as_people_write_it(total: str, amount: str) -> None:
    text = searchable(summarise(CONCRETE_1, SAM).model_copy(update={"total": total}))
    assert text.splitlines()[-1] == amount
    assert {"sam lee", "ana gil", "sc-014"} <= set(text.splitlines())


def test_a_total_is_found_with_the_decimals_of_its_currency() -> None:
    summary = summarise(CONCRETE_1, SAM)
    dinars = searchable(summary.model_copy(update={"total": "1480.25", "currency": "KWD"}))
    yen = searchable(summary.model_copy(update={"total": "1480", "currency": "JPY"}))
    assert all(word in dinars for word in sought_words("KWD 1,480.250 1480.25"))
    assert all(word in yen for word in sought_words("JPY 1,480 1480.00"))
