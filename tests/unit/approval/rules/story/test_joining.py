"""Who acts, what people may see of a story, and how it reads on a command line."""

from typing import Any

import pytest

from schemas.story import Place
from services.approval.rules.story.joining import for_people, join
from services.approval.rules.story.lines import lines
from services.approval.rules.story.story import OPERATOR, MissingPart, Parts
from tests.unit.approval.rules.story.parts import (
    MINUTE,
    NOW,
    SINCE,
    approval,
    attempt,
    connection,
    export,
    exporter,
    line,
    mail,
    notifier,
    reading,
)

READ = Place(topic="commitment.sent", partition=3, offset=1207)
STUCK = Parts(
    approval(lines=(line("commitment.sent", "Sam Lee sent revision 1.", place=READ),)),
    exporter(traffic=reading("decision.accepted", 17, 21)),
)
PUT_OFF = "QuickBooks could not take it yet: The vendor is being edited."
GONE = MissingPart(service="digest", text="The digest does not answer; its part is missing.", why="it has no token")


def test_who_acts_is_as_approval_says_while_nothing_holds_it_up() -> None:
    story = join("8841", Parts(approval(), exporter(export()), notifier(mail("failed"))), (), NOW)
    assert (story.who, story.step) == ("Countersign", "Nothing to do.")
    assert len(story.troubles) == 1


def test_whoever_has_to_end_what_holds_it_up_acts_first() -> None:
    story = join("8841", STUCK, (), NOW)
    assert (story.who, story.step) == (OPERATOR, "See that the exporter runs and reads.")


def test_without_approval_nobody_knows_who_acts() -> None:
    story = join("8841", Parts(exporter=exporter(export())), (), NOW)
    assert story.who == "Not known, since approval's part is missing"


def test_people_see_the_same_words_without_offsets_commands_and_causes() -> None:
    story = join("8841", STUCK, (GONE,), NOW)
    shown = for_people(story)
    assert [each.text for each in shown.troubles] == [each.text for each in story.troubles]
    text = shown.model_dump_json()
    assert "decision.accepted" not in text
    assert "1207" not in text
    assert "countersign lag" not in text
    assert GONE.why not in text
    assert GONE.text in text


def test_it_reads_as_lines() -> None:
    waiting = export(doubt="The connection was lost.", state="in_doubt", probes=2)
    parts = Parts(
        approval(lines=(line("commitment.sent", "Sam Lee sent revision 1.", SINCE - MINUTE, READ),)),
        exporter(
            waiting, attempts=(attempt(), attempt(minutes=1)), connection=connection(last_contact=SINCE, queue_length=1)
        ),
        notifier(traffic=reading("decision.rejected", 3, 5)),
    )
    told = list(lines(join("8841", parts, (GONE,), SINCE), parts))
    assert told[-3:] == [
        "Time line, in UTC:",
        "  2026-11-29 02:54:00  approval  Sam Lee sent revision 1.  [commitment.sent/3/1207]",
        f"  2026-11-29 02:55:00  exporter  Revision 1: {PUT_OFF} 2 times, last at 2026-11-29 02:56:00.",
    ]
    assert {
        "Missing: The digest does not answer; its part is missing. (it has no token)",
        "Connection: QuickBooks (books) answers, last heard 2026-11-29 02:55:00, 1 commitment waiting",
        "Export of revision 1, round 1: in doubt since 2026-11-29 02:55:00; 1 attempt, 2 probes",
        "  In doubt because of this: The connection was lost.",
        "  Marker: 8841/1/abc",
        "Mails: none",
        "  2026-11-29 03:01:00  exporter  QuickBooks is asked again whether it has it.",
        "  notifier reads decision.rejected/3 from 3, 2 messages before its end",
    } <= set(told)


def test_a_story_that_begins_in_the_middle_says_so() -> None:
    whole, cut = (
        Parts(approval(), exporter()),
        Parts(approval().model_copy(update={"may_be_cut": True}), exporter(may_be_cut=True)),
    )
    assert join("8841", whole, (), NOW).missing == ()
    told = list(lines(join("8841", cut, (GONE,), NOW), cut))
    assert "Missing: Approval tells only the last of what it knows." in told
    assert "Missing: The exporter tells only the last of what it knows." in told


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"last_contact": SINCE}, "answers, last heard 2026-11-29 02:55:00"),
        ({}, "was not called yet, not heard yet"),
        (
            {"is_configured": False, "last_contact": SINCE},
            "is in the file of no running exporter, last heard",
        ),
        ({"open_since": SINCE}, "does not answer since 2026-11-29 02:55:00"),
        ({"paused_until": NOW}, "asked us to wait until 2026-11-29 03:00:00"),
        ({"is_polled": True}, "is polled, not heard yet"),
    ],
)
def test_a_connection_is_only_said_to_answer_where_it_does(changes: dict[str, Any], state: str) -> None:
    parts = Parts(approval(), exporter(export(), connection=connection(**changes)))
    told = lines(join("8841", parts, (), NOW), parts)
    assert any(each.startswith(f"Connection: QuickBooks (books) {state}") for each in told)


def test_what_does_not_fit_reads_with_who_acts_and_what_to_run() -> None:
    told = list(lines(join("8841", STUCK, (), NOW), STUCK))
    at = told.index(
        "Does not fit: The exporter has not received the order to export it from approval. Since 2026-11-29 02:55:00."
    )
    assert told[at + 1 : at + 4] == [
        "  Countersign's operator: See that the exporter runs and reads.",
        "  decision.accepted/3: read up to 17, ends at 21, so 4 messages unread",
        "  $ countersign lag exporter",
    ]


def test_without_approval_it_reads_from_its_id_on() -> None:
    parts = Parts(exporter=exporter(export()))
    assert next(iter(lines(join("8841", parts, (), NOW), parts))) == "Commitment 8841"
