"""Documents in an ERP: ids as ERPs write them, and when two of them are one."""

import pytest
from pydantic import ValidationError

from schemas.commitment import ErpDocument


def document(own_id: str, number: str | None = None) -> ErpDocument:
    return ErpDocument(connection="main", id=own_id, number=number)


@pytest.mark.parametrize("own_id", ["4F2-1764000000", "PO 17", "  17", "Müller/17", "x" * 128])
def test_an_id_may_contain_spaces(own_id: str) -> None:
    assert document(own_id).id == own_id


@pytest.mark.parametrize("own_id", ["", "a\x00", "a\nb", "a\tb", "a\x7f", "a\x85", "x" * 129, 17, None])
def test_an_id_is_not_empty_has_no_control_characters_and_is_bounded(own_id: str) -> None:
    with pytest.raises(ValidationError):
        document(own_id)


def test_a_document_whose_id_has_spaces_is_the_one_that_a_person_names_by_it() -> None:
    by_hand = document("PO-17", "PO 17")  # as the desk makes it of the number alone

    for known in (document("PO 17"), document("PO 17", "PO 17"), document("9", "PO 17")):
        assert by_hand.is_known_by_number
        assert not known.is_known_by_number
        assert known.is_same_as(by_hand)
        assert by_hand.is_same_as(known)
    assert not document("PO 18").is_same_as(by_hand)


def test_a_document_without_a_number_is_called_by_its_id_which_does_not_read_like_a_number() -> None:
    assert document("1").name == "ID 1"
    assert document("1", "PO 17").name == "PO 17"
