"""What an approver adds has limits too: the document number and the note."""

import pytest

from schemas.erp_limits import long_memo, wrong_document_number
from schemas.events import LimitsProfile

LIMITS = LimitsProfile(number_characters=5, forbidden_number_characters="/\\\t")


@pytest.mark.parametrize("code", ["PO-77", "", "Ä 1"])
def test_a_document_number_within_the_limits_is_taken(code: str) -> None:
    assert wrong_document_number(code, LIMITS, "The ERP") == ""
    assert wrong_document_number(code * 50, LimitsProfile(), "The ERP") == ""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("PO-777", "The ERP takes 5 characters in the document number; PO-777 has 6"),
        ("PO/7", "The ERP takes no / in the document number, as in PO/7"),
        ("P\\O\t7", "The ERP takes no \\ or tab in the document number, as in P\\O\t7"),
    ],
)
def test_a_document_number_beyond_them_is_named_with_what_is_wrong(code: str, text: str) -> None:
    assert wrong_document_number(code, LIMITS, "The ERP") == text


def test_a_note_has_the_room_that_the_marker_leaves() -> None:
    limits = LimitsProfile(memo_characters=len("c-1/2/") + 64 + 11)
    assert long_memo("ten signs.", "c-1", 2, limits, "The ERP") == ""
    assert long_memo("eleven sign", "c-1", 2, limits, "The ERP") == (
        "The ERP takes 81 characters in the memo; 10 are left for a note, and this one has 11."
    )


@pytest.mark.parametrize("limits", [LimitsProfile(), LimitsProfile(memo_characters=1)])
def test_without_a_note_the_memo_is_short_enough(limits: LimitsProfile) -> None:
    assert long_memo(None, "c-1", 2, limits, "The ERP") == ""


def test_without_a_limit_every_note_is_short_enough() -> None:
    assert long_memo("x" * 4_000, "c-1", 2, LimitsProfile(), "The ERP") == ""
