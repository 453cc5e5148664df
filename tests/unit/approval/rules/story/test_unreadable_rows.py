"""A story of which rows cannot be read: it says so to everybody, which rows only to operators, and nothing wrong."""

import pytest

from schemas.fields import Status
from schemas.story import ExporterPart
from services.approval.rules.story.joining import for_people, join
from services.approval.rules.story.lines import lines
from services.approval.rules.story.story import OPERATOR, Parts, Story
from tests.unit.approval.rules.story.parts import NOW, approval, connection, digest, export, exporter, mail, notifier

ROW = "exporter.export has a row for 8841 1 that cannot be read"
WHAT = "Restore it: see “RowsUnreadable” in docs/runbook.md; the log names it under rows.unreadable."


def story(parts: Parts) -> Story:
    return join("8841", parts, (), NOW)


@pytest.mark.parametrize(
    ("service", "parts"),
    [
        ("Approval", Parts(approval(Status.READY).model_copy(update={"unreadable": (ROW,)}))),
        ("The exporter", Parts(approval(Status.READY), exporter(unreadable=(ROW,)))),
        ("The notifier", Parts(approval(Status.READY), notifier=notifier(unreadable=(ROW,)))),
        ("The digest", Parts(approval(Status.READY), digest=digest(Status.READY, unreadable=(ROW,)))),
    ],
)
def test_each_service_says_what_it_cannot_read_and_what_to_do(service: str, parts: Parts) -> None:
    (trouble,) = story(parts).troubles
    assert trouble.text == f"{service} cannot read some of what it stores, which is missing here."
    assert (trouble.who, trouble.what, trouble.details, trouble.holds_up) == (OPERATOR, WHAT, ROW, False)
    assert {f"Does not fit: {trouble.text}", f"  {OPERATOR}: {WHAT}", f"  {ROW}"} <= set(lines(story(parts), parts))


def test_people_are_told_without_the_ids_of_rows() -> None:
    shown = for_people(story(Parts(approval(Status.READY), exporter(unreadable=(ROW,)))))
    (trouble,) = shown.troubles
    assert (trouble.text, trouble.details) == (
        "The exporter cannot read some of what it stores, which is missing here.",
        None,
    )
    assert "exporter.export" not in shown.model_dump_json()


def test_several_rows_are_one_trouble() -> None:
    (trouble,) = story(Parts(approval(Status.READY), exporter(unreadable=(ROW, "another row")))).troubles
    assert trouble.details == f"{ROW}; another row"


def unreadable_exporter(**changes: object) -> ExporterPart:
    return exporter(unreadable=(ROW,), **changes)


@pytest.mark.parametrize(
    "parts",
    [
        Parts(approval(), unreadable_exporter()),
        Parts(approval(Status.REJECTED), notifier=notifier(unreadable=(ROW,))),
        Parts(approval(), digest=digest(None, unreadable=(ROW,))),
        Parts(approval(), exporter(export(), connection=None, unreadable=(ROW,))),
    ],
    ids=["an order", "the occasion of a mail", "a status", "a connection"],
)
def test_what_a_service_cannot_read_is_not_said_to_be_missing(parts: Parts) -> None:
    (trouble,) = story(parts).troubles
    assert trouble.what == WHAT


def test_a_connection_that_is_not_configured_is_said_beside_other_unreadable_rows() -> None:
    parts = Parts(approval(), exporter(export(), connection=connection(is_configured=False), unreadable=(ROW,)))
    assert len(story(parts).troubles) == 2


def test_a_mail_that_cannot_be_read_is_not_said_to_be_none() -> None:
    told, sound = Parts(notifier=notifier(unreadable=(ROW,))), Parts(notifier=notifier())
    assert "Mails: none" not in list(lines(story(told), told))
    assert "Mails: none" in list(lines(story(sound), sound))
    assert "Mails: none" not in list(lines(story(Parts(notifier=notifier(mail()))), Parts(notifier=notifier(mail()))))


def test_where_approval_can_read_nothing_of_it_an_operator_acts_and_the_others_tell() -> None:
    row = "approval.commitment has a row for 8841 that cannot be read"
    parts = Parts(exporter=exporter(export()), unreadable=(row,))
    told = story(parts)
    assert (told.who, told.step) == (OPERATOR, WHAT)
    assert [(each.text, each.details) for each in told.troubles] == [
        ("Approval cannot read what it stores of it.", row)
    ]
    printed = list(lines(told, parts))
    assert printed[:2] == ["Commitment 8841", f"Who acts next: {OPERATOR}"]
    assert any(each.startswith("Export of revision 1") for each in printed)
