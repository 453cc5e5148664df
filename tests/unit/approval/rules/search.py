"""An exhaustive search through every order in which a few events can arrive and answers can be granted.

A node is a set of events: those that arrived and those of granted answers. Every order of them is a path through such
sets, so if all edges into a node lead to the same state, all orders do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.decision_chain import Decision
from schemas.envelope import Event
from schemas.events import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    EventData,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    QuestionAnswered,
    QuestionAsked,
    Submission,
)
from schemas.fields import Status
from services.approval.rules import joins, question_joins
from services.approval.rules.commitment import CommitmentFacts, current_status
from tests.unit.approval.rules.event_builders import COMPANY, ID, without_version
from tests.unit.approval.rules.granted_answers import granted

Joins = Mapping[type[EventData], Callable[[CommitmentFacts, Event[Any]], CommitmentFacts]]
Answers = Callable[[CommitmentFacts], Iterator[tuple[str, CommitmentFacts, Event[Decision]]]]
Given = tuple[str, CommitmentFacts, Event[Decision]]
Node = frozenset[int]

JOINS: Joins = {
    CommitmentSent: joins.submitted,
    CommitmentResent: joins.submitted,
    CommitmentRetrieved: joins.retrieved,
    DecisionFirstApproved: joins.first_approved,
    DecisionAccepted: joins.accepted,
    DecisionRejected: joins.rejected,
    DecisionResolved: joins.resolved,
    DecisionDriftAccepted: joins.drift_accepted,
    ExportInDoubt: joins.in_doubt,
    ExportFailed: joins.failed,
    ExportSucceeded: joins.succeeded,
    ExportDrifted: joins.drifted,
    QuestionAsked: question_joins.asked,
    QuestionAnswered: question_joins.replied,
}


class CounterexampleError(AssertionError):
    """A set of events that breaks a promise."""


@dataclass
class Search:
    """Explores all orders of `arriving` events, with every answer that is granted on the way.

    `joins`, `restoring` (the joins of a restored database) and `answers` can be replaced by wrong ones.
    """

    arriving: Sequence[Event[EventData]]
    joins: Joins = field(default_factory=lambda: JOINS)
    restoring: Joins | None = None
    answers: Answers = granted
    needs_two: bool = False
    events: list[Event[EventData]] = field(default_factory=list)
    states: dict[Node, CommitmentFacts] = field(default_factory=dict)
    _indexes: dict[tuple[object, ...], int] = field(default_factory=dict)
    _joins_made: dict[tuple[CommitmentFacts, int, bool], CommitmentFacts] = field(default_factory=dict)
    _answers_given: dict[CommitmentFacts, list[tuple[Given, CommitmentFacts]]] = field(default_factory=dict)

    def run(self) -> int:
        """The number of sets of events that can be reached; CounterexampleError if one breaks a promise."""
        self.events.extend(self.arriving)
        self.states[frozenset()] = CommitmentFacts(ID, company_id=COMPANY)
        reached: list[Node] = [frozenset()]
        for node in reached:  # the smallest sets first, so that a counterexample is small
            self._check(node)
            reached.extend(self._reached_from(node))
        return len(self.states)

    def _reached_from(self, node: Node) -> Iterator[Node]:
        state = self.states[node]
        for index in set(range(len(self.arriving))) - node:
            yield from self._reach(node | {index}, self._joined(state, index))
        for (name, granted_state, event), joined in self._answered(state):
            self._check_answer(node, name, event)
            if self.joins is JOINS:
                self._require(without_version(granted_state) == joined, "an answer is the join of its event", node)
            yield from self._reach(node | {self._index_of(event)}, joined)

    def _reach(self, node: Node, state: CommitmentFacts) -> Iterator[Node]:
        if node not in self.states:
            self.states[node] = state
            yield node
        self._require(self.states[node] == state, "every order ends in the same state", node)

    def _joined(self, state: CommitmentFacts, index: int, *, is_restoring: bool = False) -> CommitmentFacts:
        """The join of an event, computed once: many sets of events end in the same state."""
        key = (state, index, is_restoring)
        if key not in self._joins_made:
            joins = (self.restoring if is_restoring else None) or self.joins
            self._joins_made[key] = joins[type(self.events[index].data)](state, self.events[index])
        return self._joins_made[key]

    def _answered(self, state: CommitmentFacts) -> list[tuple[Given, CommitmentFacts]]:
        """The answers that are granted in a state, each with the join of its event; computed once."""
        if state not in self._answers_given:
            given = list(self.answers(state))
            self._answers_given[state] = [(each, self.joins[type(each[2].data)](state, each[2])) for each in given]
        return self._answers_given[state]

    def _index_of(self, event: Event[Decision]) -> int:
        """The index of a granted answer's event, the same on every path."""
        data = event.data
        identity = (data.topic, data.revision, getattr(data, "reopened", 0), data.decided_by.id, *_content(data))
        if identity not in self._indexes:
            self._indexes[identity] = len(self.events)
            self.events.append(event)
        return self._indexes[identity]

    def _check(self, node: Node) -> None:
        """The promises that hold at every node."""
        state = self.states[node]
        for index in node:
            repeated = self._joined(state, index, is_restoring=True)
            self._require(repeated == state, "a repetition changes nothing", node)
        for order in (sorted(node), sorted(node, reverse=True)):
            replayed = self.states[frozenset()]
            for index in order:
                replayed = self._joined(replayed, index, is_restoring=True)
            self._require(replayed == state, "a replay onto an empty row ends in the same state", node)
        current = current_status(state)
        found = (current.status, current.revision) if current else None
        self._require(found == expected_status(self._data(node)), "the status follows from the events", node)
        numbers = _standing_numbers(self._data(node))
        self._require(len(state.erp_ids) == len(numbers), "a document is one, whatever it is known by", node)
        named = state.document and state.document.number
        self._require(named in numbers if numbers else named is None, "a replaced document is not shown", node)

    def _check_answer(self, node: Node, name: str, event: Event[Decision]) -> None:
        """The promises that hold for each answer that is granted at `node`."""
        known, data = self._data(node), event.data
        status = expected_status(known)
        self._require(status is not None and status[1] == data.revision, "only the current revision is answered", node)
        if status and status[0] is Status.IN_DOUBT:
            self._require(name.startswith("settle"), "an export in doubt can only be settled", node)
        if isinstance(data, DecisionResolved) and (data.confirmed_by or data.withdrawn_by):
            self._check_confirmation(known, data)
        if isinstance(data, DecisionFirstApproved) or (isinstance(data, DecisionAccepted) and data.round == 1):
            self._require(status == (Status.READY, data.revision), "only a ready revision is accepted", node)
            self._require(
                _contents(known, data.revision) == {data.content_hash}, "only a single content is accepted", node
            )
            self._require(not self._was_granted(node, data.revision), "a revision is accepted once", node)
            self._check_approvers(node, data)
        elif isinstance(data, DecisionDriftAccepted):
            self._require(status == (Status.SYNCED, data.revision), "only what is in the ERP may differ", node)
        elif getattr(data, "reopened", 0) > max((getattr(each, "reopened", 0) for each in known), default=0):
            self._require(status == (Status.SYNCED, data.revision), "only what is in the ERP is reopened", node)
            unlinked = data.unlinks if isinstance(data, DecisionRejected) else getattr(data, "replaces", None)
            is_its_own = unlinked is None or unlinked.number in _standing_numbers(known)
            self._require(is_its_own, "only a document of its own is unlinked", node)
        elif isinstance(data, DecisionAccepted):
            failures = [each.failure for each in _of(known, ExportFailed) if each.revision == data.revision]
            is_gone = any(failure.document == data.replaces for failure in failures)
            self._require(data.replaces is None or is_gone, "only a document that is gone is replaced", node)
            approved = {other.content_hash for other in _of(known, DecisionAccepted) if other.revision == data.revision}
            self._require(data.content_hash in approved, "a retry repeats the approved content", node)

    def _check_confirmation(self, known: Sequence[EventData], data: DecisionResolved) -> None:
        """What is confirmed or withdrawn was named before by somebody else, and the ERP could not say so."""
        other = data.confirmed_by is None or data.confirmed_by.id != data.decided_by.id
        self._require(other, "nobody confirms their own evidence", frozenset())
        about = [each for each in _of(known, DecisionResolved) if each.evidence == data.evidence]
        is_open = any(not each.confirmed_by for each in about) and not any(each.withdrawn_by for each in about)
        self._require(is_open, "only evidence that is open is confirmed or withdrawn", frozenset())
        asked = [each.checks_evidence for each in _of(known, ExportInDoubt)]
        self._require(data.evidence in asked, "only what the ERP was asked about is confirmed", frozenset())

    def _check_approvers(self, node: Node, data: DecisionFirstApproved | DecisionAccepted) -> None:
        """Where two have to accept it, the second one is another person, and accepts what the first one approved."""
        if not self.needs_two:
            return
        firsts = [each for each in _of(self._data(node), DecisionFirstApproved) if each.revision == data.revision]
        known = {(each.content_hash, each.decided_by.id) for each in firsts}
        if isinstance(data, DecisionFirstApproved):
            self._require(not known, "a revision is approved once", node)
            return
        first = data.first_approved_by
        self._require(first is not None and (data.content_hash, first.id) in known, "the first one approved it", node)
        self._require(first is None or first.id != data.decided_by.id, "two people accept it", node)

    def _was_granted(self, node: Node, revision: int) -> bool:
        answers = self._data(frozenset(index for index in node if index >= len(self.arriving)))
        return any(each.revision == revision and each.round == 1 for each in _of(answers, DecisionAccepted))

    def _data(self, node: Node) -> list[EventData]:
        return [self.events[index].data for index in sorted(node)]

    def _require(self, holds: bool, promise: str, node: Node) -> None:  # noqa: FBT001 - reads as `assert`
        if not holds:
            events = [(each.topic, _revision(each), getattr(each, "round", None)) for each in self._data(node)]
            raise CounterexampleError(f"not true that {promise}: {events}")


def expected_status(events: Sequence[EventData]) -> tuple[Status, int] | None:
    """Status and revision, computed from all events at once as a second opinion on the joins."""
    submitted = {_revision(event) for event in events if isinstance(event, Submission)}
    if not submitted:
        return None
    neutral = (ExportDrifted, DecisionDriftAccepted, DecisionFirstApproved, QuestionAsked, QuestionAnswered)
    others = (Submission, CommitmentRetrieved, *neutral)
    rulings = [event for event in events if not isinstance(event, others)]
    ruled = max((_revision(ruling) for ruling in rulings), default=0)
    retrieved = max((event.revision for event in _of(events, CommitmentRetrieved)), default=0)
    current = max(ruled, retrieved, *submitted)
    outcome = _outcome([ruling for ruling in rulings if _revision(ruling) == ruled])
    if outcome in (Status.EXPORTING, Status.IN_DOUBT) or (outcome and ruled == current):
        return outcome, ruled
    if retrieved == current:
        return Status.RETRIEVED, current
    return (Status.DISPUTED if len(_contents(events, current)) > 1 else Status.READY), current


def _outcome(rulings: Sequence[Any]) -> Status | None:
    """The outcome of one revision: a success is final until it is reopened, else it is that of its last round."""
    if not rulings:
        return None
    reopened = max(ruling.reopened for ruling in rulings)
    rulings = [ruling for ruling in rulings if ruling.reopened == reopened]
    if _of(rulings, ExportSucceeded):
        return Status.SYNCED
    last_round = max(ruling.round for ruling in rulings)
    last = [ruling for ruling in rulings if ruling.round == last_round]
    if _of(last, DecisionRejected):
        return Status.REJECTED
    if _of(last, ExportFailed):
        return Status.FAILED
    return Status.IN_DOUBT if _of(last, ExportInDoubt) or _of(last, DecisionResolved) else Status.EXPORTING


def _standing_numbers(events: Sequence[EventData]) -> set[str | None]:
    """The numbers of the documents that were written since the last answer that unlinked them, if there was one."""
    orders = [(each, each.replaces) for each in _of(events, DecisionAccepted) if each.replaces]
    rejections = [(each, each.unlinks) for each in _of(events, DecisionRejected) if each.unlinks]
    unlinked = [((each.revision, each.reopened), document.number) for each, document in (*orders, *rejections)]
    written = {((each.revision, each.reopened), each.erp_document.number) for each in _of(events, ExportSucceeded)}
    return {number for at, number in written if not any(at < until and number == gone for until, gone in unlinked)}


def _content(data: Decision) -> tuple[Any, ...]:
    match data:
        case DecisionAccepted():
            return (data.round, data.content_hash, data.note, data.replaces)
        case DecisionRejected():
            return (data.round, data.unlinks)
        case DecisionResolved():
            who = data.confirmed_by or data.withdrawn_by
            return (data.round, data.evidence_step, data.document, who and who.id)
        case DecisionFirstApproved():
            return (data.content_hash,)
        case DecisionDriftAccepted():
            return (data.version,)


def _of(events: Sequence[EventData], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def _contents(events: Sequence[EventData], revision: int) -> set[str]:
    return {event.commitment.content_hash for event in _of(events, Submission) if event.revision == revision}


def _revision(event: Any) -> int:
    return int(event.revision)
