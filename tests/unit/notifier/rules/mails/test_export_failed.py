"""The mail about a failed export."""

from schemas.fields import FailureClass, Owner
from tests.unit.notifier.event_builders import (
    SAM,
    SUMMARY,
    export_failed,
    failure,
    lines,
    mail_of,
    recipients_of,
    rejected,
    text_of,
)


def test_it_goes_to_creator_sender_and_approver() -> None:
    assert recipients_of(export_failed()) == ["Ana Gil", "Sam Lee", "Dana Ruiz"]


def test_an_approver_who_also_sent_it_gets_one_mail() -> None:
    assert recipients_of(export_failed(decided_by=SAM)) == ["Ana Gil", "Sam Lee"]


def test_its_subject_names_commitment_and_project() -> None:
    assert mail_of(export_failed()).subject == "Export failed: SC-014 Concrete works (Riverside Tower)"


def test_it_says_why_the_export_failed_and_who_acts() -> None:
    assert text_of(export_failed()) == lines("""
        QuickBooks refused SC-014. Nothing was created there.
        Why: 15 characters in the number; QuickBooks takes 11 (3070).
        1. Dana Ruiz rejects it: https://desk.example/commitments/8841
        2. Sam Lee corrects it and re-sends it.
        SC-014 Concrete works, revision 2, USD 480,250.00
        https://pm.example/commitments/8841
        """)


def test_an_erp_without_a_name_is_called_the_erp() -> None:
    unknown = SUMMARY.model_copy(update={"connection": None})
    assert "It will not be exported to the ERP." in text_of(rejected(unknown))
    assert text_of(export_failed(unknown)).startswith("The ERP refused SC-014.")


def test_a_wrong_setup_is_fixed_before_the_approver_retries() -> None:
    setup = failure(
        FailureClass.FIX_SETUP,
        owner=Owner.ERP_ADMIN,
        code=None,
        message="The company has no ERP connection.",
        next_step="Fix the ERP connection.",
    )
    assert text_of(export_failed(failure=setup)).splitlines()[:4] == [
        "SC-014 was not exported to QuickBooks. Nothing was created there.",
        "Why: SC-014 could not be exported to QuickBooks yet: something in the set-up has to be corrected first.",
        "1. The ERP administrator does what the desk says: https://desk.example/commitments/8841",
        "2. Dana Ruiz retries it: https://desk.example/commitments/8841",
    ]


def test_an_export_that_only_needs_a_retry_lists_one_step() -> None:
    later = failure(FailureClass.RETRY_LATER, owner=Owner.APPROVER, next_step="Retry the export.", in_erp=True)
    assert text_of(export_failed(failure=later)).splitlines()[:3] == [
        "SC-014 was not exported to QuickBooks. An earlier revision stands there, unchanged.",
        "Why: QuickBooks could not take SC-014 when it was tried (3070).",
        "1. Dana Ruiz: Retry the export: https://desk.example/commitments/8841",
    ]


def test_an_error_code_in_the_message_is_not_repeated() -> None:
    named = failure(message="Error 3070: the number is too long.")
    assert "Why: Error 3070: the number is too long.\n" in text_of(export_failed(failure=named))


def test_a_commitment_id_cannot_change_the_path_of_a_link() -> None:
    assert "https://desk.example/commitments/..%2F..%2Fu%3Fx\n" in text_of(export_failed(commitment_id="../../u?x"))
