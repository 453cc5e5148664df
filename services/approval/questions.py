"""Asks the sender of a commitment, and takes the reply, each in one transaction on the commitment's row."""

from collections.abc import Callable

from pydantic import SecretStr

from schemas.events import DirectoryPerson
from schemas.links import QuestionLink, sign_question
from schemas.zones import zone_info
from services.approval.continuing import continuing
from services.approval.decisions import record
from services.approval.judging import Answered
from services.approval.rules import asking
from services.approval.rules.answers import AlreadyGranted, Ask, Granted
from services.approval.rules.commitment import CommitmentFacts
from services.approval.storage import directory, queries, submissions
from services.approval.storage.store import CommitmentStore
from services.pipeline.clock import utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.outbox import Outbox


class Questions:
    """Carries out questions and replies; links begin with `public_url`."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        require_caught_up: Callable[[], None],
        link_secret: SecretStr,
        public_url: str,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._require_caught_up = require_caught_up
        self._link_secret = link_secret
        self._public_url = public_url.rstrip("/")
        self._store = CommitmentStore()

    async def ask(
        self, commitment_id: str, who: DirectoryPerson, question: Ask, traceparent: str | None = None
    ) -> Answered | None:
        """Ask the sender; None if the company of `who` has no such commitment. Raises CatchingUpError as answers do."""
        self._require_caught_up()
        async with self._database.begin() as db:
            if await queries.find(db, who.company_id, commitment_id) is None:
                return None
            facts = (await self._store.load(db, [commitment_id]))[commitment_id]

            def link_of(number: int) -> str:
                link = QuestionLink(who.company_id, commitment_id, question.revision, number)
                return f"{self._public_url}/q/{sign_question(self._link_secret, link)}"

            zone = zone_info(who.time_zone)
            sent = await submissions.traceparent(db, facts.id, question.revision)
            with continuing("ask", facts.id, question.revision, sent=sent, asked_by=traceparent) as continued:
                result = asking.ask(facts, question, who.as_person, utc_now(), zone, link_of, continued)
            if not isinstance(result, Granted):
                return Answered(result, facts)
            written = await record(db, self._store, self._outbox, facts, result)
        self._outbox.hand_over(written)
        return Answered(result, result.decided.state)

    async def reply(self, link: QuestionLink, text: str, traceparent: str | None = None) -> CommitmentFacts | None:
        """Take the reply of whoever has `link`; None once the revision no longer waits, or has another reply."""
        self._require_caught_up()
        async with self._database.begin() as db:
            if await queries.find(db, link.company_id, link.commitment_id) is None:
                return None
            facts = (await self._store.load(db, [link.commitment_id]))[link.commitment_id]
            tells_asker = await _may_asker_answer(db, link, facts)
            sent = await submissions.traceparent(db, facts.id, link.revision)
            with continuing("reply", facts.id, link.revision, sent=sent, asked_by=traceparent) as continued:
                result = asking.reply(
                    facts, link.revision, link.number, text, utc_now(), continued, tells_asker=tells_asker
                )
            if not isinstance(result, Granted):
                return facts if isinstance(result, AlreadyGranted) else None
            written = await record(db, self._store, self._outbox, facts, result)
        self._outbox.hand_over(written)
        return result.decided.state


async def _may_asker_answer(db: Transaction, link: QuestionLink, facts: CommitmentFacts) -> bool:
    """Whether the approver who asked the question of `link` still is one, and may be told the reply."""
    asked = asking.question_of(facts, link.revision, link.number)
    asker = asked and await directory.person(db, asked.question.by.id)
    return bool(asker and asker.company_id == link.company_id and asker.is_approver)
