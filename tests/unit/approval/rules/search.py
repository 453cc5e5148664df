"""An exhaustive search through everything that can happen to a commitment in a small world.

A node is a set of facts: events that arrived and answers that were granted. Every order of them is a path through
such sets, so when all edges into a node lead to one state, all orders do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.envelope import Event
from schemas.events import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    DecisionAccepted,
    DecisionRejected,
    DecisionResolved,
    EventData,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    Submission,
)
from schemas.fields import Status
from services.approval.rules import joins
from services.approval.rules.commands import Decision
from services.approval.rules.commitment import CommitmentFacts, current_status
from tests.unit.approval.rules.event_builders import COMPANY, ID, without_version
from tests.unit.approval.rules.granted_answers import granted

Joins = Mapping[type[EventData], Callable[[CommitmentFacts, Event[Any]], CommitmentFacts]]
Answers = Callable[[CommitmentFacts], Iterator[tuple[str, CommitmentFacts, Event[Decision]]]]
Node = frozenset[int]

JOINS: Joins = {
    CommitmentSent: joins.submitted,
    CommitmentResent: joins.submitted,
    CommitmentRetrieved: joins.retrieved,
    DecisionAccepted: joins.accepted,
    DecisionRejected: joins.rejected,
    DecisionResolved: joins.resolved,
    ExportInDoubt: joins.in_doubt,
    ExportFailed: joins.failed,
    ExportSucceeded: joins.succeeded,
}


class CounterexampleError(AssertionError):
    """The facts that break a promise."""


@dataclass
class Search:
    """Explores `world`: its events arrive in any order, and answers are given wherever they are granted.

    `joins`, `read_back` (the joins of a restored database) and `answers` can be replaced by wrong ones.
    """

    world: Sequence[Event[EventData]]
    joins: Joins = field(default_factory=lambda: JOINS)
    read_back: Joins | None = None
    answers: Answers = granted
    facts: list[Event[EventData]] = field(default_factory=list)
    states: dict[Node, CommitmentFacts] = field(default_factory=dict)
    _names: dict[tuple[object, ...], int] = field(default_factory=dict)

    def run(self) -> int:
        """How many sets of facts can be reached; CounterexampleError where one breaks a promise."""
        self.facts.extend(self.world)
        self.states[frozenset()] = CommitmentFacts(ID, company_id=COMPANY)
        reached: list[Node] = [frozenset()]
        for node in reached:  # fewest facts first, so that a counterexample is a small one
            self._check(node)
            reached.extend(self._reached_from(node))
        return len(self.states)

    def _reached_from(self, node: Node) -> Iterator[Node]:
        state = self.states[node]
        for arriving in set(range(len(self.world))) - node:
            yield from self._reach(node | {arriving}, self._joined(state, self.facts[arriving], self.joins))
        for name, granted_state, event in self.answers(state):
            self._check_answer(node, name, event)
            joined = self._joined(state, event, self.joins)
            if self.joins is JOINS:
                self._require(without_version(granted_state) == joined, "an answer is the join of its event", node)
            yield from self._reach(node | {self._named(event)}, joined)

    def _reach(self, node: Node, state: CommitmentFacts) -> Iterator[Node]:
        if node not in self.states:
            self.states[node] = state
            yield node
        self._require(self.states[node] == state, "every order ends in the same state", node)

    def _joined(self, state: CommitmentFacts, event: Event[EventData], joins: Joins) -> CommitmentFacts:
        return joins[type(event.data)](state, event)

    def _named(self, event: Event[Decision]) -> int:
        """The number of a granted answer, the same on every path."""
        data = event.data
        content = (data.content_hash, data.note) if isinstance(data, DecisionAccepted) else ()
        name = (data.topic, data.revision, data.round, data.decided_by.id, *content)
        if name not in self._names:
            self._names[name] = len(self.facts)
            self.facts.append(event)
        return self._names[name]

    def _check(self, node: Node) -> None:
        """The promises that hold wherever a commitment stands."""
        state, joins = self.states[node], self.read_back or self.joins
        for fact in node:
            repeated = self._joined(state, self.facts[fact], joins)
            self._require(repeated == state, "a repetition changes nothing", node)
        for order in (sorted(node), sorted(node, reverse=True)):
            replayed = self.states[frozenset()]
            for fact in order:
                replayed = self._joined(replayed, self.facts[fact], joins)
            self._require(replayed == state, "a replay onto an empty row ends in the same state", node)
        shown = current_status(state)
        stands = (shown.status, shown.revision) if shown else None
        self._require(stands == where_it_stands(self._data(node)), "the view is what the facts say", node)

    def _check_answer(self, node: Node, name: str, event: Event[Decision]) -> None:
        """The promises that hold for each answer that is granted after the facts of `node`."""
        known, data = self._data(node), event.data
        stands = where_it_stands(known)
        self._require(stands is not None and stands[1] == data.revision, "only what stands is answered", node)
        if stands and stands[0] is Status.IN_DOUBT:
            self._require(name.startswith("settle"), "a doubt permits nothing but to settle it", node)
        if isinstance(data, DecisionAccepted) and data.round == 1:
            self._require(stands == (Status.READY, data.revision), "only what is ready is accepted", node)
            self._require(
                _contents(known, data.revision) == {data.content_hash}, "only the one content is accepted", node
            )
            self._require(not self._was_granted(node, data.revision), "a revision is accepted once", node)
        elif isinstance(data, DecisionAccepted):
            approved = {fact.content_hash for fact in _of(known, DecisionAccepted) if fact.revision == data.revision}
            self._require(data.content_hash in approved, "a retry repeats what was approved", node)

    def _was_granted(self, node: Node, revision: int) -> bool:
        answers = self._data(frozenset(fact for fact in node if fact >= len(self.world)))
        return any(fact.revision == revision and fact.round == 1 for fact in _of(answers, DecisionAccepted))

    def _data(self, node: Node) -> list[EventData]:
        return [self.facts[fact].data for fact in sorted(node)]

    def _require(self, holds: bool, promise: str, node: Node) -> None:  # noqa: FBT001 - reads as `assert`
        if not holds:
            facts = [(fact.topic, _revision(fact), getattr(fact, "round", None)) for fact in self._data(node)]
            raise CounterexampleError(f"not true that {promise}: {facts}")


def where_it_stands(facts: Sequence[EventData]) -> tuple[Status, int] | None:
    """Status and revision, told from all facts at once and without a state: the search's second opinion."""
    submitted = {_revision(fact) for fact in facts if isinstance(fact, Submission)}
    if not submitted:
        return None
    rulings = [fact for fact in facts if not isinstance(fact, (Submission, CommitmentRetrieved))]
    ruled = max((_revision(fact) for fact in rulings), default=0)
    retrieved = max((fact.revision for fact in _of(facts, CommitmentRetrieved)), default=0)
    current = max(ruled, retrieved, *submitted)
    outcome = _outcome([fact for fact in rulings if _revision(fact) == ruled])
    if outcome in (Status.EXPORTING, Status.IN_DOUBT) or (outcome and ruled == current):
        return outcome, ruled
    if retrieved == current:
        return Status.RETRIEVED, current
    return (Status.DISPUTED if len(_contents(facts, current)) > 1 else Status.READY), current


def _outcome(rulings: Sequence[Any]) -> Status | None:
    """What became of one revision: a success for good, else whatever ends its last round."""
    if not rulings:
        return None
    if _of(rulings, ExportSucceeded):
        return Status.SYNCED
    last_round = max(ruling.round for ruling in rulings)
    last = [ruling for ruling in rulings if ruling.round == last_round]
    if _of(last, DecisionRejected):
        return Status.REJECTED
    if _of(last, ExportFailed):
        return Status.FAILED
    return Status.IN_DOUBT if _of(last, ExportInDoubt) or _of(last, DecisionResolved) else Status.EXPORTING


def _of(facts: Sequence[EventData], kind: type[Any]) -> list[Any]:
    return [fact for fact in facts if isinstance(fact, kind)]


def _contents(facts: Sequence[EventData], revision: int) -> set[str]:
    return {fact.commitment.content_hash for fact in _of(facts, Submission) if fact.revision == revision}


def _revision(fact: Any) -> int:
    return int(fact.revision)
