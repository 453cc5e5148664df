"""The mail about a re-sent commitment."""

from schemas.events import Change
from tests.unit.notifier.event_builders import lines, mail_of, recipients_of, resent, text_of


def test_it_goes_to_the_approver_who_rejected_the_revision_before() -> None:
    assert recipients_of(resent()) == ["Dana Ruiz"]


def test_its_subject_names_the_new_revision() -> None:
    assert mail_of(resent()).subject == "Re-sent: SC-014 Concrete works (Riverside Tower), revision 2"


def test_it_says_what_changed_since_the_rejection() -> None:
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


def test_without_changes_it_says_so_and_without_a_note_it_has_none() -> None:
    assert text_of(resent(changes=(), note=None)).splitlines()[2:] == [
        "Changed: nothing.",
        "https://desk.example/commitments/8841",
    ]


def test_only_the_first_20_changes_are_listed() -> None:
    changes = tuple(Change(field=f"Line {number} amount", before="1", after="2") for number in range(100))
    text = text_of(resent(changes=changes))
    assert "line 19 amount 1 -> 2; and 80 more. Total unchanged.\n" in text
    assert "line 20 amount" not in text
