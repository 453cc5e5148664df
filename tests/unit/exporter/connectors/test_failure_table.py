"""An ERP's codes become failures by data: the first entry that fits says who acts; an unknown code keeps its words."""

import pytest
from pydantic import ValidationError

from schemas.fields import FailureClass, Owner
from services.exporter.connectors.failure_table import FailureEntry, FailureTable


def entry(code: str, **members: object) -> FailureEntry:
    return FailureEntry.model_validate({"code": code, "class": "fix_data", **members})


def test_an_entry_gives_class_sentence_owner_and_next_step() -> None:
    table = FailureTable(
        [entry("3140", sentence="{field} {value} is missing. {text}", owner="approver", next_step="Add {value}.")]
    )
    refused = table.refusal("3140", "Invalid reference.", {"field": "Vendor", "value": "Acme"})
    assert refused.message == "Vendor Acme is missing. Invalid reference."
    assert (refused.failure_class, refused.owner, refused.next_step) == (
        FailureClass.FIX_DATA,
        Owner.APPROVER,
        "Add Acme.",
    )
    assert refused.code == "3140"


def test_a_value_that_nobody_knows_is_left_out() -> None:
    assert FailureTable([entry("1", sentence="Vendor {value} is missing.")]).refusal("1", "").message == (
        "Vendor is missing."
    )


def test_an_unknown_code_keeps_the_words_of_the_erp() -> None:
    refused = FailureTable().refusal("E-77", "Period 11 is closed.", otherwise=FailureClass.WAIT_FOR_DEPENDENCY)
    assert (refused.code, refused.message) == ("E-77", "Period 11 is closed.")
    assert refused.failure_class is FailureClass.WAIT_FOR_DEPENDENCY
    assert (refused.owner, refused.next_step) == (None, None)


def test_an_unknown_code_without_words_is_named() -> None:
    assert FailureTable().refusal("E-77", "").message == "The ERP answered E-77."


def test_the_first_entry_that_fits_counts() -> None:
    table = FailureTable([entry("31*", contains="LOCKED", sentence="Locked."), entry("31*", sentence="Other.")])
    assert table.refusal("3175", "The list is locked by Mary").message == "Locked."
    assert table.refusal("3175", "Something else").message == "Other."
    assert table.refusal("13175", "The list is locked").message == "The list is locked."


def test_the_entries_of_an_operator_come_first() -> None:
    table = FailureTable([entry("1", sentence="Ours.")]).after([entry("1", sentence="Theirs.")])
    assert table.refusal("1", "").message == "Theirs."


def test_every_sentence_may_name_what_the_connection_knows() -> None:
    table = FailureTable([entry("1", sentence="{erp} refuses.")]).after(
        [entry("2", next_step="Mend {erp}")], erp="Books"
    )
    assert table.refusal("1", "").message == "Books refuses."
    assert table.refusal("2", "No").next_step == "Mend Books."


@pytest.mark.parametrize("sentence", ["{}", "{0}", "{a.b}", "{a!r}", "{a:>9}", "{", "{a[0]}"])
def test_a_sentence_names_values_and_nothing_else(sentence: str) -> None:
    with pytest.raises(ValidationError):
        entry("1", sentence=sentence)


def test_braces_in_the_words_of_the_erp_are_text() -> None:
    assert FailureTable([entry("1")]).refusal("1", "{value} of {nothing}").message == "{value} of {nothing}."
