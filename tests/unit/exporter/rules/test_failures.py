"""Every failure of our own names the commitment and the ERP, says whose turn it is, and what that person does."""

import pytest

from schemas.commitment import ErpDocument
from schemas.fields import FailureClass, Owner
from services.exporter.connectors.types import Refused
from services.exporter.rules.about import About
from services.exporter.rules.failures import (
    connector_broken,
    content_differs,
    content_unreadable,
    duplicate_reference,
    failure_of,
    given_up,
    no_connection,
    not_stored,
    reference_held,
    unknown_connection,
    unmarked_document,
)
from services.exporter.rules.outcome import DocumentGone
from tests.unit.exporter.builders import exports_after

ABOUT = About("SC-014", "Main books")
SUMMARY = exports_after().by_revision[1].summary


@pytest.mark.parametrize(
    ("refused", "owner", "message", "next_step"),
    [
        (
            no_connection("co-1", SUMMARY),
            Owner.ERP_ADMIN,
            "SC-014 has no ERP to go to: no connection takes it, a subcontract of company co-1 and project Harbour",
            "Add a [[connection]] that takes it, with co-1 among its companies, to the file that ERP_CONNECTIONS names",
        ),
        (
            unknown_connection("main", "SC-014", None),
            Owner.ERP_ADMIN,
            "The ERP connection main, through which SC-014 goes, is not configured.",
            'If main was only renamed, say formerly = ["main"] in its [[connection]] in the file that ERP_CONNECTIONS',
        ),
        (
            content_differs(ABOUT),
            Owner.ERP_ADMIN,
            "What is stored of SC-014 is not the content that was approved: their hashes differ. Nothing was sent",
            "Find out what changed the exporter's database, then retry the export",
        ),
        (
            content_unreadable(ABOUT),
            Owner.APPROVER,
            "What is stored of SC-014 is missing or cannot be read. Nothing was sent to Main books.",
            "Retry the export: that stores the approved content again.",
        ),
        (
            connector_broken(ABOUT, "It failed.", 10),
            Owner.ERP_ADMIN,
            "The connector to Main books failed in 10 attempts to write SC-014; the exporter's log says where. It fail",
            "Send the lines export.attempt_failed of the exporter's log to those who made the connector;",
        ),
        (
            unmarked_document(ABOUT, "PO-7"),
            Owner.ERP_ADMIN,
            "Main books already holds PO-7 under the reference of SC-014, without a marker of Countersign.",
            "Remove the reference from it in Main books, or delete it there,",
        ),
        (
            duplicate_reference(ABOUT, "c-1"),
            Owner.ERP_ADMIN,
            "Main books holds more than one document under c-1, the reference of SC-014.",
            "Leave the reference on only one of them in Main books, then retry the export.",
        ),
        (
            reference_held(ABOUT, "c-1", "PO-7", "No such document."),
            Owner.ERP_ADMIN,
            "Main books refuses a new document for SC-014 because PO-7 has the reference c-1, but cannot update PO-7.",
            "Restore PO-7 in Main books, or free its reference there; then retry the export.",
        ),
        (
            given_up(ABOUT, "No answer.", 10),
            Owner.APPROVER,
            "Main books could not take SC-014 in 10 attempts. No answer.",
            "Retry the export once Main books is available again. If this stays, show the message to the ERP admin.",
        ),
    ],
)
def test_a_failure_names_what_it_is_about_and_what_its_owner_does(
    refused: Refused, owner: Owner, message: str, next_step: str
) -> None:
    failure = failure_of(refused, is_in_erp=False)

    assert failure.owner == owner
    assert failure.message.startswith(message)
    assert failure.next_step.startswith(next_step)


def test_what_was_not_stored_is_said_before_the_erps_earlier_words_and_their_next_step() -> None:
    doubtful = "It is not known whether anything was stored (HTTP 500)."
    said = Refused(FailureClass.FIX_DATA, doubtful, "CC-1", Owner.APPROVER, "Open it.")

    failure = failure_of(not_stored(ABOUT, said), is_in_erp=False)

    assert failure.message == (
        "Main books has stored nothing of this revision of SC-014, as a search has shown. It had answered to the "
        "write: It is not known whether anything was stored (HTTP 500)."
    )
    assert (failure.code, failure.owner, failure.next_step) == ("CC-1", Owner.APPROVER, "Open it.")


def test_a_document_that_is_gone_is_named_with_its_erp_and_its_commitment() -> None:
    gone = DocumentGone(ErpDocument(connection="main", id="d-1", number="PO-7"), "No such document.", ABOUT)

    failure = failure_of(gone, is_in_erp=True)

    assert failure.message == "Main books no longer has PO-7, the document of SC-014."
    assert failure.next_step == (
        "If PO-7 was deleted on purpose, choose Create anew; otherwise restore it in Main books, then retry."
    )


def test_a_document_in_an_erp_that_is_no_longer_configured_is_named_with_both_ways_out() -> None:
    document = ErpDocument(connection="main", id="d-1", number="PO-7")

    failure = failure_of(unknown_connection("main", "SC-014", document), is_in_erp=True)

    assert failure.message == (
        "PO-7, the document of SC-014, is in main, which is no longer configured. Nothing was written."
    )
    assert failure.next_step.startswith('If main was only renamed, say formerly = ["main"]')
    assert "an accounting approver chooses Create anew" in failure.next_step
    assert (failure.code, failure.document, failure.in_erp) == ("unknown_connection", document, True)


def test_an_erp_without_a_title_is_called_the_erp() -> None:
    assert given_up(About("SC-014"), "No.", 3).message == "The ERP could not take SC-014 in 3 attempts. No."
    assert given_up(About("SC-014"), "No.", 3).next_step == (
        "Retry the export once the ERP is available again. If this stays, show the message to the ERP admin."
    )
