"""The words of each mail, as text."""

from textwrap import dedent

import pytest

from schemas.events import Change, CurrencyTotal, DigestSection
from schemas.fields import FailureClass, Owner, Status
from services.notifier.composing import Composer
from services.notifier.rules.mails import MailData
from tests.unit.notifier.occasions import (
    SUMMARY,
    digest_ready,
    digest_row,
    export_failed,
    failure,
    mail_of,
    rejected,
    resent,
)

NOTHING = DigestSection(count=0)


def text_of(data: MailData, max_rows: int = 100) -> str:
    composer = Composer("Countersign <erp@desk.example>", "https://desk.example/")
    return composer.parts(mail_of(data), max_rows)[0]


def lines(text: str) -> str:
    return dedent(text).strip()


def test_a_rejection_says_who_why_and_what_to_do() -> None:
    assert text_of(rejected()) == lines("""
        Dana Ruiz rejected SC-014. It will not be exported to QuickBooks.
        Reason: Line 3: cost code 03-300 is closed. Use 03-310.
        What to do: open it, correct it, choose "Re-send to ERP".
        https://pm.example/commitments/8841
        SC-014 Concrete works, revision 1, USD 480,250.00
        You created or sent this commitment.
        """)


def test_a_reason_of_several_lines_is_indented_so_that_none_of_them_can_pose_as_ours() -> None:
    assert "Reason: Closed.\n  What to do: pay https://evil.example\nWhat to do: open it" in text_of(
        rejected(reason="Closed.\n\nWhat to do: pay https://evil.example")
    )


def test_an_unknown_erp_is_the_erp() -> None:
    unknown = SUMMARY.model_copy(update={"connection": None})
    assert "It will not be exported to the ERP." in text_of(rejected(unknown))
    assert text_of(export_failed(unknown)).startswith("The ERP refused SC-014.")


def test_a_refused_export_says_why_and_who_acts() -> None:
    assert text_of(export_failed()) == lines("""
        QuickBooks refused SC-014. Nothing was created there.
        Why: 15 characters in the number; QuickBooks takes 11 (3070).
        1. Dana Ruiz rejects it: https://desk.example/commitments/8841
        2. Sam Lee corrects it and re-sends it.
        SC-014 Concrete works, revision 2, USD 480,250.00
        https://pm.example/commitments/8841
        """)


def test_a_set_up_at_fault_is_mended_before_the_approver_retries() -> None:
    setup = failure(
        FailureClass.FIX_SETUP,
        owner=Owner.ERP_ADMIN,
        code=None,
        message="The company has no ERP connection.",
        next_step="Mend the ERP connection.",
    )
    assert text_of(export_failed(failure=setup)).splitlines()[:4] == [
        "SC-014 was not exported to QuickBooks. Nothing was created there.",
        "Why: The company has no ERP connection.",
        "1. The ERP administrator: Mend the ERP connection.",
        "2. Dana Ruiz retries it: https://desk.example/commitments/8841",
    ]


def test_an_export_that_the_approver_can_repeat_names_one_step() -> None:
    later = failure(FailureClass.RETRY_LATER, owner=Owner.APPROVER, next_step="Retry the export.", in_erp=True)
    assert text_of(export_failed(failure=later)).splitlines()[:3] == [
        "SC-014 was not exported to QuickBooks. An earlier revision stands there, unchanged.",
        "Why: 15 characters in the number; QuickBooks takes 11 (3070).",
        "1. Dana Ruiz: Retry the export: https://desk.example/commitments/8841",
    ]


def test_a_code_that_the_message_already_names_is_not_repeated() -> None:
    named = failure(message="Error 3070: the number is too long.")
    assert "Why: Error 3070: the number is too long.\n" in text_of(export_failed(failure=named))


def test_a_commitment_id_cannot_leave_its_place_in_a_link() -> None:
    assert "https://desk.example/commitments/..%2F..%2Fu%3Fx\n" in text_of(export_failed(commitment_id="../../u?x"))


def test_a_resent_revision_says_what_changed_since() -> None:
    assert text_of(resent()) == lines("""
        Sam Lee re-sent SC-014. It waits for your answer.
        You rejected revision 1: Line 3: cost code 03-300 is closed.
        Changed: line 3 cost code 03-300 -> 03-310. Total unchanged.
        Sam's note: Moved to 03-310.
        https://desk.example/commitments/8841
        """)


def test_a_changed_total_is_not_called_unchanged() -> None:
    changes = (
        Change(field="Total", before="480250.00", after="480300.00"),
        Change(field="Description", before="", after="Walls"),
    )
    assert "Changed: total 480250.00 -> 480300.00; description (empty) -> Walls.\n" in text_of(resent(changes=changes))


def test_without_changes_or_a_note_the_mail_says_so_or_nothing() -> None:
    assert text_of(resent(changes=(), note=None)).splitlines()[2:] == [
        "Changed: nothing.",
        "https://desk.example/commitments/8841",
    ]


def test_many_changes_are_counted_instead_of_listed() -> None:
    changes = tuple(Change(field=f"Line {number} amount", before="1", after="2") for number in range(100))
    text = text_of(resent(changes=changes))
    assert "line 19 amount 1 -> 2; and 80 more. Total unchanged.\n" in text
    assert "line 20 amount" not in text


def test_the_daily_summary_gives_figures_then_what_waits_failed_and_is_in_doubt() -> None:
    assert text_of(digest_ready()) == lines("""
        1 waits for you, USD 480,250.00, 9 days. 1 failed. 1 in doubt.
        WAITING
        9 days SC-014 Acme Concrete USD 480,250.00 https://desk.example/commitments/id-SC-014
        FAILED
        SC-009 Number too long. Next: you reject, Sam Lee corrects. https://desk.example/commitments/id-SC-009
        IN DOUBT
        PO-099 QuickBooks did not confirm. Next check 07:10 CST. https://desk.example/commitments/id-PO-099
        YESTERDAY 5 synced, 1 rejected
        As of Sunday, November 22, 2026, 06:00 CST
        Stop this summary: https://desk.example/u/TOKEN
        """)


def test_the_oldest_waits_first_and_totals_are_kept_apart_by_currency() -> None:
    waiting = DigestSection(
        count=3,
        totals=(CurrencyTotal(currency="EUR", total="7"), CurrencyTotal(currency="USD", total="960500")),
        oldest_days=9,
        rows=(
            digest_row("SC-3", Status.READY, 0),
            digest_row("SC-1", Status.READY, 9),
            digest_row("SC-2", Status.DISPUTED, 1, currency="EUR", total="7"),
        ),
    )
    assert text_of(digest_ready(waiting=waiting, failed=NOTHING, in_doubt=NOTHING)).splitlines()[:5] == [
        "3 wait for you, EUR 7.00 and USD 960,500.00, the oldest 9 days.",
        "WAITING",
        "9 days SC-1 Acme Concrete USD 480,250.00 https://desk.example/commitments/id-SC-1",
        "1 day SC-2 Acme Concrete EUR 7.00 disputed https://desk.example/commitments/id-SC-2",
        "today SC-3 Acme Concrete USD 480,250.00 https://desk.example/commitments/id-SC-3",
    ]


def test_rows_beyond_the_limit_are_counted_with_a_link_in_the_order_of_need() -> None:
    text = text_of(digest_ready(waiting=DigestSection(count=5, rows=digest_ready().waiting.rows)), max_rows=1)
    assert "9 days SC-014" in text
    assert "and 4 more: https://desk.example/\nFAILED\nand 1 more: https://desk.example/\nIN DOUBT\n" in text
    assert "SC-009" not in text


@pytest.mark.parametrize(
    ("yesterday", "expected"),
    [
        (NOTHING, None),
        (DigestSection(count=1, rows=(digest_row("SC-1", Status.IN_DOUBT, 1),)), "YESTERDAY 1 in doubt"),
        (DigestSection(count=3, rows=(digest_row("SC-1", Status.SYNCED, 1),)), "YESTERDAY 1 synced, 2 more"),
    ],
)
def test_yesterday_is_told_in_figures(yesterday: DigestSection, expected: str | None) -> None:
    told = [line for line in text_of(digest_ready(yesterday=yesterday)).splitlines() if "YESTERDAY" in line]
    assert told == ([expected] if expected else [])


def test_an_empty_summary_says_that_nothing_waits() -> None:
    empty = digest_ready(waiting=NOTHING, failed=NOTHING, in_doubt=NOTHING, yesterday=NOTHING)
    assert text_of(empty).splitlines()[0] == "Nothing waits for you."
    assert "WAITING" not in text_of(empty)
