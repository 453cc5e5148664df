"""Which documents an approver may give as evidence."""

import pytest

from services.approval.rules.documents import names_of
from services.approval.rules.evidence import Holder, document_in_erp, objection
from tests.unit.approval.rules.event_builders import EXPORTING, IN_DOUBT, after, document, document_by_number

OURS = {"quickbooks", "sage"}


def test_a_document_that_nobody_else_holds_is_accepted() -> None:
    assert objection(after(*IN_DOUBT), document(), OURS, None) == ""


def test_a_document_of_another_companys_erp_is_refused() -> None:
    elsewhere = document().model_copy(update={"connection": "elsewhere"})
    assert objection(after(*IN_DOUBT), elsewhere, OURS, None) == (
        "elsewhere is no ERP connection of your company. Your answer was not recorded."
    )


def test_the_erp_that_was_asked_is_accepted_when_it_no_longer_serves_the_company() -> None:
    assert objection(after(*IN_DOUBT), document(), {"sage"}, None) == ""
    assert objection(after(*EXPORTING), document(), {"sage"}, None) != ""


@pytest.mark.parametrize(
    ("holder", "named"),
    [
        (Holder("c-2", "SC-002"), "SC-002 (c-2)"),
        (Holder("c-2", None), "another company's commitment"),
    ],
)
def test_a_document_that_another_commitment_holds_is_refused(holder: Holder, named: str) -> None:
    assert objection(after(*IN_DOUBT), document(), OURS, holder) == (
        f"PO-1001 is already the document of {named}. Your answer was not recorded."
    )


def test_the_document_belongs_to_the_erp_that_was_asked() -> None:
    named = document().model_copy(update={"connection": "sage"})
    assert document_in_erp(after(*IN_DOUBT), named).connection == "quickbooks"
    assert document_in_erp(after(*EXPORTING), named).connection == "sage"


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        (document(), document(), True),
        (document(), document_by_number(), True),
        (document(), document_by_number().model_copy(update={"number": None}), True),
        (document(), document().model_copy(update={"id": "another"}), True),
        (document(), document().model_copy(update={"number": None}), True),
        (document(), document("PO-2"), False),
        (document(), document().model_copy(update={"connection": "sage"}), False),
    ],
)
def test_two_documents_share_a_name_if_id_or_number_is_the_same(one: object, other: object, is_shared: bool) -> None:  # noqa: FBT001 - a parameter
    assert bool(names_of(one) & names_of(other)) is is_shared  # type: ignore[arg-type]
