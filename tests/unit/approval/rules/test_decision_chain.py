"""The chain of decisions is the same however often, and in which order, a restored database reads them again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from schemas.decision_chain import START, Decision, decision_form, link_hash
from schemas.envelope import Event, decode, encode
from schemas.examples.cast import DANA
from schemas.snapshot import Snapshot
from services.approval.rules.answers import Accept, Answer, Granted, Reject, Retry
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.rows import Chained, HistoryEntry
from tests.unit.approval.rules.event_builders import CHICAGO, HANDLE, ID, NOW, A, B, failed, sent

STEPS: tuple[Event[Any] | tuple[Answer, Snapshot | None], ...] = (
    sent(1, A),
    (Reject(revision=1, content_hash=A.content_hash, reason="Use 03-310: “Köln”, 混凝土."), None),
    sent(2, B),
    (Accept(revision=2, content_hash=B.content_hash, note="As agreed."), B),
    failed(2, 1),
    (Retry(revision=2, round=1), B),
)


def played() -> tuple[Sequence[Event[Decision]], dict[int, Chained]]:
    """The decisions of a commitment's life, and their places in the chain by position."""
    facts, last, decisions, places = CommitmentFacts(ID), None, [], {}
    for step, each in enumerate(STEPS):
        if isinstance(each, Event):
            facts = HANDLE[type(each.data)](facts, each, NOW).state
            continue
        context = AnswerContext(DANA, CHICAGO, NOW + timedelta(seconds=step, microseconds=123), last=last)
        result = carry_out(facts, each[0], context, snapshot=each[1])
        assert isinstance(result, Granted)
        facts = result.decided.state
        decisions.append(result.decided.publish[0])
        for place in chained(result.decided.rows):
            places[place.position] = place
            last = place.position, place.hash
    return decisions, places


def chained(rows: Sequence[object]) -> list[Chained]:
    return [row.chained for row in rows if isinstance(row, HistoryEntry) and row.chained]


def read_again(event: Event[Any]) -> Event[Any]:
    return decode(event.data.topic, event.subject.encode(), encode(event), [], NOW + timedelta(hours=1))


def test_each_decision_names_the_hash_of_the_one_before() -> None:
    decisions, places = played()

    links = [event.data.link for event in decisions]
    assert [link and link.position for link in links] == [1, 2, 3] == sorted(places)
    assert [link and link.previous for link in links] == [START, places[1].hash, places[2].hash]
    for event, place in zip(decisions, places.values(), strict=True):
        assert event.data.link
        assert place.hash == link_hash(event.data.link.previous, place.form.encode())


def test_the_form_of_a_decision_leaves_out_the_content_whose_hash_it_names() -> None:
    decisions, places = played()

    assert B.content_hash in places[2].form
    assert "Moved to" not in places[2].form
    assert '"commitment":' not in places[2].form
    assert len(places[2].form) < len(encode(decisions[1]))


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("start", [0, 1, 3])
def test_decisions_read_again_in_any_order_give_the_same_chain(order: tuple[int, ...], start: int) -> None:
    decisions, places = played()
    facts, found = CommitmentFacts(ID), {}
    for each in STEPS[:start]:
        facts = HANDLE[type(each.data)](facts, each, NOW).state if isinstance(each, Event) else facts

    for index in (*order, *order):
        event = read_again(decisions[index])
        decided = HANDLE[type(event.data)](facts, event, NOW + timedelta(hours=1))
        facts = decided.state
        for place in chained(decided.rows):
            assert found.setdefault(place.position, place) == place

    assert found == places


def test_a_decision_of_a_later_release_keeps_its_form_here() -> None:
    """A member that is not known here is kept, one that has its default value is left out."""
    decisions, places = played()
    newer = decisions[0].data.model_copy(update={"approved_limit": "1000.00"})
    read = read_again(replace(decisions[0], data=newer))

    assert b'"approved_limit":"1000.00"' in decision_form(read.data)
    assert b'"reopened"' not in decision_form(read.data)
    assert decision_form(read_again(decisions[0]).data).decode() == places[1].form


def test_decisions_made_before_there_was_a_chain_stay_outside_it() -> None:
    decisions, _ = played()
    old = replace(decisions[0], data=decisions[0].data.model_copy(update={"link": None}))

    first = HANDLE[type(old.data)](CommitmentFacts(ID), old, NOW)
    again = HANDLE[type(old.data)](first.state, old, NOW)

    assert chained(first.rows) == []
    assert again.rows == ()
