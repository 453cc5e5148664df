"""The mail about a rejected commitment."""

from schemas.commitment import ErpDocument
from tests.unit.notifier.event_builders import lines, mail_of, recipients_of, rejected, text_of


def test_it_goes_to_creator_and_sender() -> None:
    assert recipients_of(rejected()) == ["Ana Gil", "Sam Lee"]


def test_its_subject_names_commitment_and_project() -> None:
    assert mail_of(rejected()).subject == "Rejected: SC-014 Concrete works (Riverside Tower)"


def test_it_says_who_rejected_it_why_and_what_to_do() -> None:
    assert text_of(rejected()) == lines("""
        Dana Ruiz rejected SC-014. It will not be exported to QuickBooks.
        Reason: Line 3: cost code 03-300 is closed. Use 03-310.
        What to do: open it, correct it, choose "Re-send to ERP".
        https://pm.example/commitments/8841
        SC-014 Concrete works, revision 1, USD 480,250.00
        You created or sent this commitment.
        """)


def test_further_lines_of_a_reason_are_indented_so_that_they_cannot_imitate_our_text() -> None:
    assert "Reason: Closed.\n  What to do: pay https://evil.example\nWhat to do: open it" in text_of(
        rejected(reason="Closed.\n\nWhat to do: pay https://evil.example")
    )


def test_a_document_without_a_number_is_not_called_by_a_bare_id() -> None:
    text = text_of(rejected(unlinks=ErpDocument(connection="tryton", id="1"), reopened=1))

    assert text.startswith("Dana Ruiz unlinked SC-014 from ID 1 and rejected it.")


def test_it_says_that_it_was_unlinked_and_what_follows() -> None:
    document = ErpDocument(connection="quickbooks", id="80-1", number="PO-1001")

    text = text_of(rejected(unlinks=document, reopened=1))

    assert text.startswith(
        "Dana Ruiz unlinked SC-014 from PO-1001 and rejected it. Once it is re-sent and accepted, it becomes a new "
        "document in QuickBooks, unless PO-1001 still carries our reference there: then that one is updated.\nReason: "
    )
