"""Approval and exporter with one commitment, without servers: their rules, a faulty ERP, and events under way."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from random import Random
from uuid import uuid4

from schemas.envelope import Event
from schemas.events import DecisionAccepted, EventData
from services.approval.rules.commitment import CommitmentFacts
from services.exporter.attempt import Attempt, ExportJob
from services.exporter.claiming import job_of
from services.exporter.connections import Connection
from services.exporter.connectors.http import HttpSettings
from services.exporter.handlers import handlers
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.export import CommitmentExports
from services.exporter.rules.policy import policy_for
from services.exporter.rules.recheck import Recheck, after_look, first_rechecks
from services.exporter.rules.settling import begin_attempt, settle_attempt
from services.pipeline.lease_clock import ClaimTime
from services.pipeline.logs import FailureLog
from tests.chaos.faulty_erp import FaultyErp, ProcessDiedError
from tests.unit.approval.rules.event_builders import COMPANY, HANDLE, ID, NOW, A, B, sent
from tests.unit.approval.rules.granted_answers import granted

SETTINGS = HttpSettings(
    name="erp-1",
    kind="http",
    title="Main books",
    companies=(COMPANY,),
    url="http://erp.invalid",
    timeout_seconds=1,
    settle_seconds=3,
    max_attempts=4,
    first_retry_seconds=0.3,
    first_probe_seconds=0.3,
)
PASSES_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 70.0)
LEASE_SECONDS, CALL_SECONDS = 8, 3
ENDS = {"reject", "unlink"}
"""Answers after which little happens any more, so they are given less often."""
MOST_STEPS_IN_PEACE = 400
Events = defaultdict[str, list[Event[EventData]]]


class OneCommitment:
    """Everything about one commitment; the events of a topic keep their order, and those of different topics do not.

    `is_compared` says that the ERP's document is compared with what was exported, because a late update has changed it.
    """

    def __init__(self, chance: Random) -> None:
        self.now = NOW
        self.facts = CommitmentFacts(ID)
        self.exports = CommitmentExports(ID)
        self.looks: dict[str, Recheck] = {}
        self.erp = FaultyErp(chance, lambda: self.now)
        self.story: list[str] = []
        self.is_compared = False
        self._chance = chance
        self._connection = Connection(SETTINGS, self.erp)
        self._policy = policy_for(SETTINGS)
        self._handlers = {on.data_type: on.handle for on in handlers(lambda *_: SETTINGS.name)}
        self._approved: dict[tuple[int, int], str] = {}
        self._to_approval: Events = defaultdict(list)
        self._to_exporter: Events = defaultdict(list)
        self._jobs: list[ExportJob] = []
        self._approve(sent(1, A))

    async def happens(self) -> None:
        """Let one thing happen that may happen now."""
        may_happen: list[Callable[[], object]] = [self._time_passes, self._claim, self._claim, self._answer]
        may_happen += [self._deliver_to_approval] * 3 * any(self._to_approval.values())
        may_happen += [self._deliver_to_exporter] * 3 * any(self._to_exporter.values())
        self._chance.choice(may_happen)()
        if self._jobs and self._chance.random() < 1 / 3:
            await self._perform()
        if self._chance.random() < 1 / 10:
            await self._look()
        if self._chance.random() < 1 / 40:
            self._approve(sent(2, B))

    async def in_peace(self) -> bool:
        """Let everything go on without faults and answers, and return whether it comes to an end, looks and all."""
        self.erp.is_calm = True
        self.story.append("peace")
        for _ in range(MOST_STEPS_IN_PEACE):
            await self._settle_down()
            due = [self.exports.due_at, *(each.due_at for each in self.looks.values())]
            if any(self._to_approval.values()):
                continue
            if not any(due):
                return True
            self.now = max(self.now, min(each for each in due if each))
            await self._look()
        return False

    async def _settle_down(self) -> None:
        while any(self._to_approval.values()):
            self._deliver_to_approval()
        while any(self._to_exporter.values()):
            self._deliver_to_exporter()
        self._claim()
        while self._jobs:
            await self._perform()

    def _time_passes(self) -> None:
        self.now += timedelta(seconds=self._chance.choice(PASSES_SECONDS))

    def _answer(self) -> None:
        """An approver gives one of the answers that the desk permits."""
        permitted = list(granted(self.facts, self.now))
        left_out = ENDS if self._chance.random() < 2 / 3 else set()
        kinds = sorted({name for name, *_ in permitted} - left_out)
        if kinds and self._chance.random() < 1 / 3:
            kind = self._chance.choice(kinds)
            _, self.facts, event = self._chance.choice([each for each in permitted if each[0] == kind])
            self.story.append(f"answer {kind} {event.data.revision}")
            self._to_exporter[event.data.topic].append(event)

    def _deliver_to_approval(self) -> None:
        self._approve(self._next(self._to_approval))

    def _approve(self, event: Event[EventData]) -> None:
        self.story.append(f"approval reads {event.data.topic} {getattr(event.data, 'revision', '')}")
        self.facts = HANDLE[type(event.data)](self.facts, event, self.now).state

    def _deliver_to_exporter(self) -> None:
        event = self._next(self._to_exporter)
        self.story.append(f"exporter reads {event.data.topic} {getattr(event.data, 'revision', '')}")
        if isinstance(event.data, DecisionAccepted):
            self._approved[event.data.revision, event.data.round] = event.data.commitment.text
        decided = self._handlers[type(event.data)](self.exports, event, self.now)
        self._changed(decided.state, decided.publish)

    def _claim(self) -> None:
        """Lease the current export, also where whoever had leased it has not been heard of since."""
        if self.exports.due_at is None or self.exports.due_at > self.now:
            return
        until = self.now + timedelta(seconds=LEASE_SECONDS)
        self.exports = begin_attempt(self.exports, uuid4(), until, self._policy, self.now)
        current = self.exports.current
        assert current is not None
        text = self._approved[current.revision, current.round]
        self._jobs.append(job_of(self.exports, text, ClaimTime(self.now, 0, 0, lambda: 0), self._connection))

    async def _perform(self) -> None:
        """Carry out one of the leased exports, unless too little of its lease is left or its process dies."""
        job = self._jobs.pop(self._chance.randrange(len(self._jobs)))
        if job.lease.until - self.now < timedelta(seconds=CALL_SECONDS):
            return
        try:
            result = await Attempt(self._connection, job, FailureLog()).run()
        except ProcessDiedError:
            self.story.append("the process died")
            return
        self.story.append(f"{job.export.revision}: {result.outcome}")
        decided = settle_attempt(self.exports, job.lease.token, result.outcome, self._policy, self.now, self._circuit())
        if decided is not None:
            self._changed(decided.state, decided.publish)

    def _circuit(self) -> Circuit:
        is_open = not self.erp.is_calm and self._chance.random() < 1 / 8
        return Circuit(missed_calls=5, open_since=self.now, try_at=self.now) if is_open else Circuit()

    async def _look(self) -> None:
        for name, planned in list(self.looks.items()):
            if planned.due_at <= self.now:
                looked = after_look(self.exports, planned, await self.erp.find(ID), self.now)
                self.story.append(f"look: {len(looked.late)} late documents")
                self.is_compared = self.is_compared or looked.is_overwritten
                del self.looks[name]
                if looked.following:
                    self.looks[name] = looked.following
                self._changed(looked.exports, looked.publish)

    def _changed(self, exports: CommitmentExports, publish: tuple[Event[EventData], ...]) -> None:
        self.looks |= {each.connection: each for each in first_rechecks(self.exports, exports)}
        self.exports = exports
        for event in publish:
            self._to_approval[event.data.topic].append(event)

    def _next(self, events: Events) -> Event[EventData]:
        topic: str = self._chance.choice([each for each in events if events[each]])
        return events[topic].pop(0)
