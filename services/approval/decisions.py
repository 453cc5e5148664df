"""Carries out an approver's answer in one transaction on the commitment's row, and publishes the decision."""

from collections.abc import Callable, Collection

from schemas.events import DirectoryPerson
from services.approval.continuing import continuing
from services.approval.judging import Answered, Asked, Judge
from services.approval.rules.answers import Answer, Granted
from services.approval.rules.approval_rules import DEFAULTS, ApprovalRules, CompanyRules
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.controls import Authority
from services.approval.storage import audit, queries
from services.approval.storage.store import CommitmentStore
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction
from services.pipeline.fold import StateChange
from services.pipeline.outbox import Outbox, Written
from services.pipeline.writes import Writes


class OutdatedError(Exception):
    """The commitment is not in one of the states that the answer was bound to; `facts` are what it is now."""

    def __init__(self, facts: CommitmentFacts) -> None:
        super().__init__(facts.id)
        self.facts = facts


class Decisions:
    """Carries out the answers of approvers."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        require_caught_up: Callable[[], None],
        rules: ApprovalRules = DEFAULTS,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._require_caught_up = require_caught_up
        self._judge = Judge(rules)
        self._store = CommitmentStore()

    async def answer(
        self,
        commitment_id: str,
        who: DirectoryPerson,
        answer: Answer,
        traceparent: str | None = None,
        *,
        versions: Collection[int] | None = None,
    ) -> Answered | None:
        """Carry out `answer` by `who`, an approver; None if their company has no such commitment.

        With `versions`, only if the commitment's status has one of them: else OutdatedError, unless the same answer was
        given before. Raises CatchingUpError, and records nothing, until everything that was decided before is known.
        """
        self._require_caught_up()
        async with self._database.begin() as db:
            if await queries.find(db, who.company_id, commitment_id) is None:
                return None
            facts = (await self._store.load(db, [commitment_id]))[commitment_id]
            judged = await self.judge(db, facts, who, answer, traceparent)
            if isinstance(judged.result, Granted):
                if versions is not None and facts.status_version not in versions:
                    raise OutdatedError(facts)
                written = await record(db, self._store, self._outbox, facts, judged.result)
        if not isinstance(judged.result, Granted):
            return judged
        crash_at("approval.after_decision")
        self._outbox.hand_over(written)
        return Answered(judged.result, judged.result.decided.state)

    async def judge(
        self, db: Transaction, facts: CommitmentFacts, who: DirectoryPerson, answer: Answer, traceparent: str | None
    ) -> Answered:
        """Return the result of `answer` as the next decision on a commitment that is locked; `record` writes it."""
        last, sent = await audit.before_decision(db, facts.id, answer.revision)
        act = f"decide {type(answer).__name__.lower()}"
        with continuing(act, facts.id, answer.revision, sent=sent, asked_by=traceparent) as continued:
            (judged,) = await self._judge.judge(
                db, who, [Asked(facts, answer)], traceparent=continued, last=last, is_recorded=True
            )
        return judged

    async def check(self, db: Transaction, who: DirectoryPerson, *asked: Asked) -> list[Answered]:
        """Return what each answer of `who` to a commitment of their company would do now, without recording it."""
        return await self._judge.judge(db, who, asked)

    def rules_of(self, company_id: str) -> CompanyRules:
        """Return the rules of the company."""
        return self._judge.rules_of(company_id)

    async def authority(self, db: Transaction, who: DirectoryPerson) -> Authority | None:
        """Return what `who` may accept by the rules of their company; None if they are no approver."""
        return await self._judge.authority(db, who)


async def record(
    db: Transaction, store: CommitmentStore, outbox: Outbox, before: CommitmentFacts, granted: Granted
) -> Written:
    """Write what was granted: facts, rows, and the events to publish."""
    decided = granted.decided
    writes = Writes()
    requests = await store.save(db, writes, [StateChange(before.id, before, decided.state, decided.rows)])
    written = await outbox.write(writes, [*decided.publish, *requests])
    await writes.execute(db)
    crash_at("approval.before_decision_commit")
    return written
