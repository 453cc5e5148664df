"""Any order, any repetition, any replay: searched exhaustively in small worlds, and at random in larger ones."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import Event, decode, encode
from schemas.events import CommitmentStatus, DecisionAccepted, DecisionRejected, EventData, Submission
from schemas.examples.cast import DANA, KIM
from schemas.fields import Status
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.facts import Ruling, canonical
from tests.unit.approval.rules.event_builders import (
    HANDLE,
    ID,
    NOW,
    A,
    B,
    accepted,
    failed,
    in_doubt,
    rejected,
    resolved,
    retrieved,
    sent,
    succeeded,
    without_version,
)
from tests.unit.approval.rules.granted_answers import Decision, granted
from tests.unit.approval.rules.search import JOINS, Answers, CounterexampleError, Joins, Search

WORLDS: dict[str, tuple[Event[Any], ...]] = {
    "an export with every outcome, and a newer revision": (
        sent(1, A), sent(2, B), retrieved(1), in_doubt(1, 1), failed(1, 1), succeeded(1)
    ),
    "a dispute, and both revisions taken back": (sent(1, A), sent(1, B), sent(2, A), retrieved(1), retrieved(2)),
    "a second round in doubt, and an update": (
        sent(1, A), sent(2, A), failed(1, 1), in_doubt(1, 2), succeeded(2), succeeded(1, number="PO-1002")
    ),
    "our own decisions read back by a restored database": (
        sent(1, A), sent(2, B), accepted(1, 1), accepted(1, 2), rejected(1, 2), rejected(2, 0), succeeded(1)
    ),
    "a doubt, asked about twice, settled and refused": (
        sent(1, A), accepted(1, 1), in_doubt(1, 1), in_doubt(1, 1, probes=1), resolved(1, 1), failed(1, 1)
    ),
    "facts of one rank that say different things": (
        sent(1, A), retrieved(1), retrieved(1, by=DANA), failed(1, 1), failed(1, 1, "Another word."),
        rejected(1, 0), rejected(1, 0, "Another reason.", KIM),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_every_order_of_facts_and_answers_ends_in_the_same_state(name: str) -> None:
    assert Search(WORLDS[name]).run() > 2 ** len(WORLDS[name])


def by_arrival(rank: Callable[[Ruling], object]) -> Joins:
    """Joins that compare rulings by `rank` alone; of two equal ones the later to arrive stands."""

    def join(kind: type[EventData], known: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
        joined, arrived = JOINS[kind](known, event), JOINS[kind](CommitmentFacts(ID), event).ruling
        if arrived is None:
            return joined
        stands = known.ruling is None or rank(arrived) >= rank(known.ruling)  # type: ignore[operator]
        return replace(joined, ruling=arrived if stands else known.ruling)

    return {kind: partial(join, kind) for kind in JOINS}


def changed(
    *kinds: type[EventData], by: Callable[[CommitmentFacts, CommitmentFacts, Event[Any]], CommitmentFacts]
) -> Joins:
    """Joins of which those of `kinds`, or all, end in `by(before, after, event)`."""

    def join(kind: type[EventData], known: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
        return by(known, JOINS[kind](known, event), event)

    return {kind: partial(join, kind) if not kinds or issubclass(kind, kinds) else JOINS[kind] for kind in JOINS}


def last_retrieve_stands(_: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    taken_back = JOINS[type(event.data)](CommitmentFacts(ID), event).retrieved
    return replace(after, retrieved=taken_back) if taken_back else after


def last_content_stands(_: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    if not isinstance(event.data, Submission):
        return after
    arrived = event.data.commitment.content_hash
    kept = [
        known for known in after.submissions if known.revision != event.data.revision or known.content_hash == arrived
    ]
    return replace(after, submissions=tuple(kept))


def late_submissions_are_ignored(before: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    is_late = isinstance(event.data, Submission) and event.data.revision < before.submitted_revision
    return before if is_late else after


def last_document_stands(before: CommitmentFacts, after: CommitmentFacts, _: Event[Any]) -> CommitmentFacts:
    return replace(after, documents=(after.documents - before.documents) or after.documents)


def nothing_is_known_before_it_was_sent(
    before: CommitmentFacts, after: CommitmentFacts, event: Event[Any]
) -> CommitmentFacts:
    return after if before.submissions or isinstance(event.data, Submission) else before


def first_order_stands(before: CommitmentFacts, after: CommitmentFacts, _: Event[Any]) -> CommitmentFacts:
    return replace(after, approved=before.approved or after.approved)


MUTANTS: dict[str, Joins] = {
    "rulings without the order of stages": by_arrival(lambda ruling: ruling.rank[:3]),
    "rulings without the round": by_arrival(lambda ruling: (*ruling.rank[:2], ruling.stage, canonical(ruling))),
    "rulings without success": by_arrival(lambda ruling: (ruling.revision, *ruling.rank[2:], canonical(ruling))),
    "rulings without the revision": by_arrival(lambda ruling: (*ruling.rank[1:], canonical(ruling))),
    "rulings of equal rank by arrival": by_arrival(lambda ruling: ruling.rank),
    "rulings by arrival": by_arrival(lambda _: 0),
    "the last retrieve stands": changed(by=last_retrieve_stands),
    "a second content replaces the first": changed(by=last_content_stands),
    "late submissions are ignored": changed(by=late_submissions_are_ignored),
    "the last document stands": changed(by=last_document_stands),
    "nothing is remembered before the submission": changed(by=nothing_is_known_before_it_was_sent),
    "the first order stands": changed(by=first_order_stands),
}


def is_refuted(**wrong: Any) -> bool:
    for world in WORLDS.values():
        try:
            Search(world, **wrong).run()
        except CounterexampleError:
            return True
    return False


@pytest.mark.parametrize("name", MUTANTS)
def test_the_search_refutes(name: str) -> None:
    assert is_refuted(joins=MUTANTS[name])


def test_the_search_refutes_decisions_that_are_not_read_back() -> None:
    ignored = changed(DecisionAccepted, DecisionRejected, by=lambda before, *_: before)
    assert is_refuted(read_back=ignored)


def careless(status: Status, answer: Callable[[CommitmentFacts, int], Event[Decision]]) -> Answers:
    """Answers that are granted whenever the status allows, whatever the guards say."""

    def answers(commitment: CommitmentFacts) -> Iterator[tuple[str, CommitmentFacts, Event[Decision]]]:
        yield from granted(commitment)
        status_after = current_status(commitment)
        if status_after and status_after.status is status:
            event = answer(commitment, status_after.revision)
            yield "careless", HANDLE[type(event.data)](commitment, event, NOW).state, event

    return answers


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(careless(Status.DISPUTED, lambda _, revision: accepted(revision)), id="accept a dispute"),
        pytest.param(careless(Status.READY, lambda _, revision: accepted(revision, content=B)), id="accept unread"),
        pytest.param(
            careless(Status.RETRIEVED, lambda _, revision: accepted(revision)), id="accept what was retrieved"
        ),
        pytest.param(careless(Status.EXPORTING, lambda _, revision: accepted(revision, by=KIM)), id="accept twice"),
        pytest.param(careless(Status.IN_DOUBT, lambda _, revision: rejected(revision, 1)), id="reject in doubt"),
        pytest.param(careless(Status.FAILED, lambda _, revision: accepted(revision, 2, B)), id="retry another content"),
    ],
)
def test_the_search_refutes_a_guard_that_lets_through(answers: Answers) -> None:
    assert is_refuted(answers=answers)


HAPPENINGS: tuple[Event[Any], ...] = (
    *(sent(revision, content) for revision in (1, 2, 3) for content in (A, B)),
    *(retrieved(revision, by) for revision in (1, 2, 3) for by in (DANA, KIM)),
    *(in_doubt(revision, n, probes) for revision in (1, 2) for n in (1, 2) for probes in (0, 1)),
    *(failed(revision, n, message) for revision in (1, 2) for n in (1, 2) for message in ("One.", "Two.")),
    *(succeeded(revision, n, number) for revision in (1, 2) for n in (1, 2) for number in ("PO-1", "PO-2")),
    *(accepted(revision, n, by=by) for revision in (1, 2) for n in (1, 2) for by in (DANA, KIM)),
    *(rejected(revision, n, by=by) for revision in (1, 2) for n in (0, 1) for by in (DANA, KIM)),
    *(resolved(revision, 1, number) for revision in (1, 2) for number in ("PO-1", "PO-2")),
)
ARRIVING = st.lists(st.sampled_from(HAPPENINGS), max_size=10)


def read_back(event: Event[EventData]) -> Event[EventData]:
    return decode(event.data.topic, event.subject.encode(), encode(event), [], NOW)


@settings(deadline=None)  # a shared machine may pause
@given(ARRIVING, st.data())
def test_a_replay_in_any_order_ends_where_the_service_was(arriving: list[Event[Any]], data: st.DataObject) -> None:
    commitment, facts = CommitmentFacts(ID), list(arriving)
    for step, event in enumerate(arriving):
        commitment = HANDLE[type(event.data)](commitment, event, NOW).state
        possible = list(granted(commitment, NOW + timedelta(seconds=step)))
        is_answered = data.draw(st.booleans(), label="answered")
        if possible and is_answered:
            _, commitment, decision = data.draw(st.sampled_from(possible), label="answer")
            facts.append(decision)
    repeated = facts + data.draw(st.lists(st.sampled_from(facts), max_size=4) if facts else st.just([]))
    replayed = CommitmentFacts(ID)
    for event in data.draw(st.permutations(repeated)):
        again = read_back(event)
        replayed = HANDLE[type(again.data)](replayed, again, NOW).state
    assert without_version(replayed) == without_version(commitment)


@settings(deadline=None)
@given(ARRIVING)
def test_what_arrived_changes_nothing_when_it_arrives_again(arriving: list[Event[Any]]) -> None:
    commitment = CommitmentFacts(ID)
    for event in arriving:
        commitment = HANDLE[type(event.data)](commitment, event, NOW).state
    for event in arriving:
        decided = HANDLE[type(event.data)](commitment, event, NOW)
        assert (decided.state, decided.publish, decided.is_changed) == (commitment, (), False)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(-3, 3)), max_size=10))
def test_status_versions_strictly_rise_whatever_the_clock_does(arriving: list[tuple[Event[Any], int]]) -> None:
    commitment, versions = CommitmentFacts(ID), [0]
    for event, seconds in arriving:
        decided = HANDLE[type(event.data)](commitment, event, NOW + timedelta(seconds=seconds))
        versions += [told.data.version for told in decided.publish if isinstance(told.data, CommitmentStatus)]
        commitment = decided.state
    assert versions == sorted(set(versions))
    assert commitment.status_version == versions[-1]
