"""Events end in the same facts in any order and repetition: all orders of a few, random orders of many."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import Event, decode, encode
from schemas.events import (
    CommitmentResent,
    CommitmentStatus,
    DecisionAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    EventData,
    MailSettled,
    Submission,
    SubmissionRefused,
)
from schemas.examples.cast import DANA, KIM
from schemas.fields import Status
from services.approval.handlers import HANDLERS
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.facts import Ruling, canonical
from tests.unit.approval.rules.event_builders import (
    HANDLE,
    ID,
    NOW,
    A,
    B,
    accepted,
    asked,
    confirmed,
    document,
    drift_accepted,
    drifted,
    erp_left,
    failed,
    first_approved,
    gone,
    in_doubt,
    rejected,
    replied,
    resolved,
    retrieved,
    sent,
    succeeded,
    without_version,
)
from tests.unit.approval.rules.granted_answers import Decision, granted, granted_to_two
from tests.unit.approval.rules.search import JOINS, Answers, CounterexampleError, Joins, Search

SCENARIOS: dict[str, tuple[Event[Any], ...]] = {
    "an export with every outcome, and a newer revision": (
        sent(1, A), sent(2, B), retrieved(1), in_doubt(1, 1), failed(1, 1), succeeded(1)
    ),
    "a dispute, and both revisions retrieved": (sent(1, A), sent(1, B), sent(2, A), retrieved(1), retrieved(2)),
    "a second round in doubt, and an update": (
        sent(1, A), sent(2, A), failed(1, 1), in_doubt(1, 2), succeeded(2), succeeded(1, number="PO-1002")
    ),
    "our own decisions, read by a restored database": (
        sent(1, A), sent(2, B), accepted(1, 1), accepted(1, 2), rejected(1, 2), rejected(2, 0), succeeded(1)
    ),
    "a doubt, probed twice, settled and then failed": (
        sent(1, A), accepted(1, 1), in_doubt(1, 1), in_doubt(1, 1, probes=1, checks_evidence=1), resolved(1, 1),
        failed(1, 1)
    ),
    "evidence by number, and the ERP's own ids": (
        sent(1, A), in_doubt(1, 1), resolved(1, 1), confirmed(1, 1), succeeded(1), succeeded(2)
    ),
    "a document that is gone, and one in its place": (
        sent(1, A), sent(2, A), accepted(2, 1), succeeded(1), gone(2, 1), succeeded(2, 2, "PO-1002")
    ),
    "a document that was replaced, but is there after all": (
        sent(2, A), accepted(2, 2, replaces=document()), gone(2, 1), succeeded(1), confirmed(1), succeeded(2, 2)
    ),
    "a document in an ERP that was left, and one in the next ERP": (
        sent(2, A), erp_left(2, 1), accepted(2, 2, replaces=document(), moves=True), succeeded(1),
        succeeded(2, 2, "PO-1002")
    ),
    "a synced revision that is exported again": (
        sent(1, A), accepted(1, 1), succeeded(1), in_doubt(1, 2, reopened=1), failed(1, 2, reopened=1),
        succeeded(1, 2, "PO-1002", reopened=1)
    ),
    "a synced revision that is given back, and re-sent": (
        sent(1, A), accepted(1, 1), failed(1, 1), succeeded(1), sent(2, B),
        rejected(1, 2, unlinks=document(), reopened=1)
    ),
    "evidence that turned out to be none, and other evidence": (
        sent(1, A), accepted(1, 1), in_doubt(1, 1), in_doubt(1, 1, 1, refused_evidence=1), resolved(1, 1, "PO-9"),
        resolved(1, 1, "PO-8", evidence=2)
    ),
    "evidence that the ERP cannot confirm": (
        sent(1, A), accepted(1, 1), in_doubt(1, 1), resolved(1, 1, "PO-9"),
        in_doubt(1, 1, 1, is_probed=False, checks_evidence=1), in_doubt(1, 1, 2, refused_evidence=1)
    ),
    "evidence that was confirmed, and withdrawn in another execution": (
        sent(1, A), accepted(1, 1), in_doubt(1, 1), resolved(1, 1, "PO-9"), resolved(1, 1, "PO-9", confirmed_by=KIM),
        resolved(1, 1, "PO-9", withdrawn_by=KIM), succeeded(1)
    ),
    "documents that differ in the ERP": (
        sent(1, A), accepted(1, 1), succeeded(1), drifted(1, 1), drifted(1, 2, is_missing=True), drifted(1, 3, ())
    ),
    "questions about two revisions, and replies": (
        sent(1, A), asked(1, 1), asked(1, 2), replied(1, 2), sent(2, B), asked(2, 1)
    ),
    "different facts of the same rank": (
        sent(1, A), retrieved(1), retrieved(1, by=DANA), failed(1, 1), failed(1, 1, "Another word."),
        rejected(1, 0), rejected(1, 0, "Another reason.", KIM),
    ),
}  # fmt: skip

OF_TWO_APPROVERS: dict[str, tuple[Event[Any], ...]] = {
    "two contents, a retrieve, and a newer revision": (sent(1, A), sent(1, B), sent(2, A), retrieved(1)),
    "approvals that a restored database reads again": (
        sent(1, A), sent(2, B), first_approved(1, A), first_approved(2, B), rejected(1, 0), accepted(2, 1, B)
    ),
}  # fmt: skip


def test_the_search_and_the_random_orders_cover_every_handled_event() -> None:
    handled = {on.data_type for on in HANDLERS} - {MailSettled, SubmissionRefused}  # which join no fact

    assert JOINS.keys() == handled
    assert {type(event.data) for event in EVENTS} == handled


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_order_of_events_and_answers_ends_in_the_same_facts(name: str) -> None:
    assert Search(SCENARIOS[name]).run() > 2 ** len(SCENARIOS[name])


def by_arrival(rank: Callable[[Ruling], object]) -> Joins:
    """Joins that compare rulings by `rank` alone; of two equal ones the last to arrive is kept."""

    def join(kind: type[EventData], known: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
        joined, arrived = JOINS[kind](known, event), JOINS[kind](CommitmentFacts(ID), event).ruling
        if arrived is None:
            return joined
        is_kept = known.ruling is None or rank(arrived) >= rank(known.ruling)  # type: ignore[operator]
        return replace(joined, ruling=arrived if is_kept else known.ruling)

    return {kind: partial(join, kind) for kind in JOINS}


def changed(
    *kinds: type[EventData], by: Callable[[CommitmentFacts, CommitmentFacts, Event[Any]], CommitmentFacts]
) -> Joins:
    """Joins of which those of `kinds`, or all, result in `by(before, after, event)`."""

    def join(kind: type[EventData], known: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
        return by(known, JOINS[kind](known, event), event)

    return {kind: partial(join, kind) if not kinds or issubclass(kind, kinds) else JOINS[kind] for kind in JOINS}


def keep_last_retrieve(_: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    arrived = JOINS[type(event.data)](CommitmentFacts(ID), event).retrieved
    return replace(after, retrieved=arrived) if arrived else after


def keep_last_content(_: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    if not isinstance(event.data, Submission):
        return after
    arrived = event.data.commitment.content_hash
    kept = [
        known for known in after.submissions if known.revision != event.data.revision or known.content_hash == arrived
    ]
    return replace(after, submissions=tuple(kept))


def ignore_late_submissions(before: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    is_late = isinstance(event.data, Submission) and event.data.revision < before.submitted_revision
    return before if is_late else after


def keep_last_document(before: CommitmentFacts, after: CommitmentFacts, _: Event[Any]) -> CommitmentFacts:
    return replace(after, documents=(after.documents - before.documents) or after.documents)


def forget_what_was_replaced(before: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    """Drop a replaced document when its order arrives, instead of remembering that it was replaced."""
    if not isinstance(event.data, DecisionAccepted) or event.data.replaces is None:
        return after
    return replace(after, documents=after.standing, replaced=before.replaced)


def ignore_events_before_the_submission(
    before: CommitmentFacts, after: CommitmentFacts, event: Event[Any]
) -> CommitmentFacts:
    return after if before.submissions or isinstance(event.data, Submission) else before


def keep_first_order(before: CommitmentFacts, after: CommitmentFacts, _: Event[Any]) -> CommitmentFacts:
    return replace(after, approved=before.approved or after.approved)


def forget_who_confirmed(_: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    """Take a confirmation for evidence like any other: the next event brings back what was not confirmed."""
    is_settled = isinstance(event.data, DecisionResolved) and after.ruling and after.ruling.confirmed_by
    return replace(after, ruling=replace(after.ruling, confirmed_by=None)) if is_settled and after.ruling else after


def keep_last_approval(before: CommitmentFacts, after: CommitmentFacts, _: Event[Any]) -> CommitmentFacts:
    return replace(after, first_approvals=(after.first_approvals - before.first_approvals) or after.first_approvals)


def forget_approvals(_: CommitmentFacts, after: CommitmentFacts, event: Event[Any]) -> CommitmentFacts:
    """Drop what was approved when a later revision arrives, instead of finding it void."""
    return replace(after, first_approvals=frozenset()) if isinstance(event.data, CommitmentResent) else after


MUTANTS: dict[str, Joins] = {
    "rulings without the order of stages": by_arrival(lambda ruling: ruling.rank[:4]),
    "rulings without the round": by_arrival(lambda ruling: (*ruling.rank[:3], ruling.stage, canonical(ruling))),
    "rulings without success": by_arrival(lambda ruling: (*ruling.rank[:2], *ruling.rank[3:], canonical(ruling))),
    "rulings without reopening": by_arrival(lambda ruling: (ruling.revision, *ruling.rank[2:], canonical(ruling))),
    "rulings without the revision": by_arrival(lambda ruling: (*ruling.rank[1:], canonical(ruling))),
    "rulings of equal rank by arrival": by_arrival(lambda ruling: ruling.rank),
    "rulings by arrival": by_arrival(lambda _: 0),
    "who confirmed evidence is forgotten": changed(by=forget_who_confirmed),
    "the last retrieve is kept": changed(by=keep_last_retrieve),
    "a second content replaces the first": changed(by=keep_last_content),
    "late submissions are ignored": changed(by=ignore_late_submissions),
    "the last document is kept": changed(by=keep_last_document),
    "replaced documents are dropped": changed(by=forget_what_was_replaced),
    "events before the submission are ignored": changed(by=ignore_events_before_the_submission),
    "the first order is kept": changed(by=keep_first_order),
}


@pytest.mark.parametrize("name", OF_TWO_APPROVERS)
def test_of_two_approvers_every_order_ends_in_the_same_facts(name: str) -> None:
    assert Search(OF_TWO_APPROVERS[name], answers=granted_to_two, needs_two=True).run() > 2 ** len(
        OF_TWO_APPROVERS[name]
    )


@pytest.mark.parametrize("by", [keep_last_approval, forget_approvals], ids=lambda by: by.__name__)
def test_the_search_finds_a_wrong_join_of_approvals(by: Callable[..., CommitmentFacts]) -> None:
    wrong = {"joins": changed(by=by), "answers": granted_to_two, "needs_two": True}
    assert has_counterexample(OF_TWO_APPROVERS, **wrong)


def test_the_search_finds_approvals_that_are_not_read_back() -> None:
    ignored = changed(DecisionFirstApproved, by=lambda before, *_: before)
    assert has_counterexample(OF_TWO_APPROVERS, restoring=ignored, answers=granted_to_two)


def test_the_search_finds_that_one_approver_was_enough() -> None:
    assert has_counterexample(OF_TWO_APPROVERS, answers=granted, needs_two=True)


def has_counterexample(scenarios: Mapping[str, tuple[Event[Any], ...]] = SCENARIOS, **wrong: Any) -> bool:
    for events in scenarios.values():
        try:
            Search(events, **wrong).run()
        except CounterexampleError:
            return True
    return False


@pytest.mark.parametrize("name", MUTANTS)
def test_the_search_finds_a_wrong_join(name: str) -> None:
    assert has_counterexample(joins=MUTANTS[name])


def test_the_search_finds_decisions_that_are_not_read_back() -> None:
    ignored = changed(DecisionAccepted, DecisionRejected, by=lambda before, *_: before)
    assert has_counterexample(restoring=ignored)


def unguarded(status: Status, answer: Callable[[CommitmentFacts, int], Event[Decision]]) -> Answers:
    """Answers that are granted at `status`, whatever the guards say."""

    def answers(facts: CommitmentFacts) -> Iterator[tuple[str, CommitmentFacts, Event[Decision]]]:
        yield from granted(facts)
        current = current_status(facts)
        if current and current.status is status:
            event = answer(facts, current.revision)
            yield "unguarded", HANDLE[type(event.data)](facts, event, NOW).state, event

    return answers


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(unguarded(Status.DISPUTED, lambda _, revision: accepted(revision)), id="accept a dispute"),
        pytest.param(unguarded(Status.READY, lambda _, revision: accepted(revision, content=B)), id="accept unread"),
        pytest.param(
            unguarded(Status.RETRIEVED, lambda _, revision: accepted(revision)), id="accept what was retrieved"
        ),
        pytest.param(unguarded(Status.EXPORTING, lambda _, revision: accepted(revision, by=KIM)), id="accept twice"),
        pytest.param(unguarded(Status.IN_DOUBT, lambda _, revision: rejected(revision, 1)), id="reject in doubt"),
        pytest.param(unguarded(Status.FAILED, lambda _, revision: accepted(revision, 2, B)), id="retry other content"),
        pytest.param(
            unguarded(Status.FAILED, lambda _, revision: accepted(revision, 2, reopened=1)), id="reopen what failed"
        ),
        pytest.param(
            unguarded(Status.SYNCED, lambda _, revision: rejected(revision, 2, unlinks=document("PO-9"), reopened=1)),
            id="unlink another document",
        ),
        pytest.param(
            unguarded(Status.FAILED, lambda _, revision: accepted(revision, 2, replaces=document("PO-9"))),
            id="replace a document that is not gone",
        ),
    ],
)
def test_the_search_finds_a_missing_guard(answers: Answers) -> None:
    assert has_counterexample(answers=answers)


EVENTS: tuple[Event[Any], ...] = (
    *(sent(revision, content) for revision in (1, 2, 3) for content in (A, B)),
    *(retrieved(revision, by) for revision in (1, 2, 3) for by in (DANA, KIM)),
    *(in_doubt(revision, n, probes) for revision in (1, 2) for n in (1, 2) for probes in (0, 1)),
    *(failed(revision, n, message) for revision in (1, 2) for n in (1, 2) for message in ("One.", "Two.")),
    *(succeeded(revision, n, number) for revision in (1, 2) for n in (1, 2) for number in ("PO-1", "PO-2")),
    *(confirmed(revision, n, number) for revision in (1, 2) for n in (1, 2) for number in ("PO-1", "PO-2")),
    *(accepted(revision, n, by=by) for revision in (1, 2) for n in (1, 2) for by in (DANA, KIM)),
    *(accepted(revision, 2, replaces=document(number)) for revision in (1, 2) for number in ("PO-1", "PO-2")),
    *(first_approved(revision, content, by) for revision in (1, 2) for content in (A, B) for by in (DANA, KIM)),
    *(gone(revision, n, number) for revision in (1, 2) for n in (1, 2) for number in ("PO-1", "PO-2")),
    *(rejected(revision, n, by=by) for revision in (1, 2) for n in (0, 1) for by in (DANA, KIM)),
    *(resolved(revision, 1, number) for revision in (1, 2) for number in ("PO-1", "PO-2")),
    *(resolved(1, 1, number, evidence=2) for number in ("PO-1", "PO-2")),
    *(in_doubt(1, 1, probes, refused_evidence=refused) for refused in (1, 2) for probes in (0, 1)),
    *(in_doubt(1, 1, 2 + number, is_probed=False, checks_evidence=number) for number in (1, 2)),
    *(resolved(1, 1, "PO-1", evidence=number, confirmed_by=KIM) for number in (1, 2)),
    *(resolved(1, 1, "PO-1", evidence=number, withdrawn_by=by) for number in (1, 2) for by in (DANA, KIM)),
    *(accepted(1, 3, replaces=replaces, reopened=1) for replaces in (None, document("PO-1"))),
    *(rejected(1, 3, unlinks=document(number), reopened=1) for number in ("PO-1", "PO-2")),
    *(failed(1, 3, reopened=1), in_doubt(1, 3, reopened=1)),
    *(drifted(revision, version) for revision in (1, 2) for version in (1, 2)),
    *(drifted(1, 3, ()), drifted(1, 4, is_missing=True), drifted(1, 5, reopened=1)),
    *(drift_accepted(1, version, by=by) for version in (1, 2) for by in (DANA, KIM)),
    *(succeeded(1, 3, number, reopened=1) for number in ("PO-1", "PO-2")),
    *(asked(revision, number, by=by) for revision in (1, 2) for number in (1, 2) for by in (DANA, KIM)),
    *(replied(revision, number, answer) for revision in (1, 2) for number in (1, 2) for answer in ("Yes.", "No.")),
)
SOME_EVENTS = st.lists(st.sampled_from(EVENTS), max_size=10)


def round_trip(event: Event[EventData]) -> Event[EventData]:
    return decode(event.data.topic, event.subject.encode(), encode(event), [], NOW)


@settings(deadline=None)  # a shared machine may pause
@given(SOME_EVENTS, st.data())
def test_a_replay_in_any_order_ends_in_the_same_facts(arriving: list[Event[Any]], data: st.DataObject) -> None:
    facts, events = CommitmentFacts(ID), list(arriving)
    for step, event in enumerate(arriving):
        facts = HANDLE[type(event.data)](facts, event, NOW).state
        now = NOW + timedelta(seconds=step)
        possible = [*granted(facts, now), *granted_to_two(facts, now)]
        is_answered = data.draw(st.booleans(), label="answered")
        if possible and is_answered:
            _, facts, decision = data.draw(st.sampled_from(possible), label="answer")
            events.append(decision)
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=4) if events else st.just([]))
    replayed = CommitmentFacts(ID)
    for event in data.draw(st.permutations(repeated)):
        again = round_trip(event)
        replayed = HANDLE[type(again.data)](replayed, again, NOW).state
    assert without_version(replayed) == without_version(facts)


@settings(deadline=None)
@given(SOME_EVENTS)
def test_repeated_events_change_nothing(arriving: list[Event[Any]]) -> None:
    facts = CommitmentFacts(ID)
    for event in arriving:
        facts = HANDLE[type(event.data)](facts, event, NOW).state
    for event in arriving:
        decided = HANDLE[type(event.data)](facts, event, NOW)
        assert (decided.state, decided.publish, decided.is_changed) == (facts, (), False)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(-3, 3)), max_size=10))
def test_status_versions_strictly_rise_whatever_the_clock_does(arriving: list[tuple[Event[Any], int]]) -> None:
    facts, versions = CommitmentFacts(ID), [0]
    for event, seconds in arriving:
        decided = HANDLE[type(event.data)](facts, event, NOW + timedelta(seconds=seconds))
        versions += [each.data.version for each in decided.publish if isinstance(each.data, CommitmentStatus)]
        facts = decided.state
    assert versions == sorted(set(versions))
    assert facts.status_version == versions[-1]
