"""The tool's state and commands: a command publishes to Kafka first, and only then changes what is shown."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from sandbox.commitments import actions
from sandbox.commitments.actions import Rule, TrackedCommitment
from sandbox.commitments.draft import Draft
from sandbox.people import PEOPLE, person
from schemas.commitment import Commitment
from schemas.envelope import Event, encode, new_event
from schemas.events import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    CommitmentStatus,
    DirectoryPerson,
    EventData,
    Submission,
    SubmissionRefused,
)
from schemas.examples.cast import COMPANY, RIVERSIDE
from schemas.fields import Note, ToolLevel
from schemas.snapshot import Snapshot, TooLargeError
from services.pipeline.broker import EventProducer

SOURCE = "sandbox/commitments"
CONFIRMATION_SECONDS = 2.0
START_ATTEMPTS = 3


class NotAllowedError(Exception):
    """The action is forbidden; the text is the reason shown beside its button."""


class NotPublishedError(Exception):
    """Kafka did not take the event, so nothing has changed."""


class Rights(BaseModel):
    """The rights of a person that can be changed in the directory."""

    model_config = ConfigDict(extra="forbid")

    erp_tool: ToolLevel
    can_push_to_accounting: bool = False
    digest_subscribed: bool = False


class CommitmentsTool:
    """The project's commitments and the company's directory; their pages are below `url`."""

    def __init__(self, url: str, producer: EventProducer) -> None:
        self.url = url
        self.people = dict(PEOPLE)
        self.tracked: dict[str, TrackedCommitment] = {}
        self._statuses: dict[str, CommitmentStatus] = {}
        self._producer = producer
        self._publishing = asyncio.Lock()
        self._changed = asyncio.Condition()

    def level(self, person_id: str) -> ToolLevel:
        """The person's level on the Commitments tool of Riverside Tower, which counts here for every project."""
        return self.people[person_id].commitments_tool.get(RIVERSIDE.id, ToolLevel.NONE)

    async def apply(self, data: EventData) -> None:
        """Apply an event about our company; repeated and older events change nothing."""
        match data:
            case CommitmentStatus(company_id=company_id) if company_id == COMPANY:
                self._apply_status(data)
            case SubmissionRefused(company_id=company_id) if company_id == COMPANY:
                self._apply_refusal(data)
            case Submission(company_id=company_id) if company_id == COMPANY:
                self._apply_submission(data)
            case DirectoryPerson(company_id=company_id) if company_id == COMPANY:
                self._apply_person(data)
        async with self._changed:
            self._changed.notify_all()

    def create(self, draft: Draft, person_id: str) -> TrackedCommitment:
        """Create a commitment. Raises NotAllowedError, or DraftError if the draft is not valid."""
        if self.level(person_id) not in (ToolLevel.STANDARD, ToolLevel.ADMIN):
            raise NotAllowedError("Creating needs Standard or Admin on the project's Commitments tool.")
        commitment_id = f"commitment-{uuid4().hex[:8]}"
        commitment = draft.new_commitment(
            commitment_id,
            url=f"{self.url}/commitments/{commitment_id}",
            creator=person(self.people[person_id]),
            project=RIVERSIDE,
        )
        return self._keep(TrackedCommitment(commitment))

    def require_editable(self, commitment_id: str, person_id: str) -> None:
        """Return if this person can edit the commitment now. Raises NotAllowedError otherwise."""
        self._require(commitment_id, actions.edit, person_id)

    def edit(self, commitment_id: str, draft: Draft, person_id: str) -> TrackedCommitment:
        """Change a commitment. Raises NotAllowedError if it or a changed field is locked, or DraftError."""
        tracked = self._require(commitment_id, actions.edit, person_id)
        locked = sorted(draft.changed_fields(tracked.commitment) & tracked.locked_fields)
        if locked:
            raise NotAllowedError(f"Locked while there is a document in the ERP: {', '.join(locked)}.")
        return self._keep(replace(tracked, commitment=draft.apply_to(tracked.commitment)))

    async def send(self, commitment_id: str, person_id: str, note: Note | None = None) -> TrackedCommitment:
        """Send a commitment to ERP Integrations for the first time."""
        return await self._submit(commitment_id, actions.send, CommitmentSent, person_id, note)

    async def resend(self, commitment_id: str, person_id: str, note: Note | None = None) -> TrackedCommitment:
        """Send it again as the next revision."""
        return await self._submit(commitment_id, actions.resend, CommitmentResent, person_id, note)

    async def retrieve(self, commitment_id: str, person_id: str) -> TrackedCommitment:
        """Take the latest revision back; an answer that comes first wins."""
        async with self._publishing:
            tracked = self._require(commitment_id, actions.retrieve, person_id)
            revision = tracked.next_revision - 1
            event = CommitmentRetrieved(
                company_id=COMPANY,
                project_id=tracked.commitment.project.id,
                commitment_id=commitment_id,
                revision=revision,
                retrieved_by=person(self.people[person_id]),
            )
            await self._publish(event)
            return self._keep(replace(self.tracked[commitment_id], retrieved_revision=revision))

    async def change_person(self, person_id: str, rights: Rights) -> DirectoryPerson:
        """Change a person's rights, and publish the entry as its next version."""
        async with self._publishing:
            version = self._version(person_id) + 1
            newer = self.people[person_id].model_copy(update=rights.model_dump() | {"version": version})
            await self._publish(newer)
            self._apply_person(newer)
            return self.people[person_id]

    async def publish_people(self) -> None:
        """Publish the current directory. Raises NotPublishedError if Kafka keeps refusing it."""
        for _ in range(START_ATTEMPTS - 1):
            try:
                return await self._publish(*self.people.values())
            except NotPublishedError:
                continue  # a broker that has just started may be slow; a repeat has the same event id
        return await self._publish(*self.people.values())

    async def wait_until_confirmed(self, commitment_id: str, timeout_seconds: float = CONFIRMATION_SECONDS) -> None:
        """Return once a status confirms the latest revision, or after `timeout_seconds`."""
        try:
            async with asyncio.timeout(timeout_seconds), self._changed:
                await self._changed.wait_for(lambda: not self.tracked[commitment_id].is_unconfirmed)
        except TimeoutError:
            return

    async def _submit(
        self,
        commitment_id: str,
        rule: Rule,
        kind: type[Submission],
        person_id: str,
        note: Note | None,
    ) -> TrackedCommitment:
        async with self._publishing:
            tracked = self._require(commitment_id, rule, person_id)
            revision = tracked.next_revision
            event = kind(
                company_id=COMPANY,
                project_id=tracked.commitment.project.id,
                commitment=_snapshot(tracked.commitment),
                revision=revision,
                sent_by=person(self.people[person_id]),
                note=note or None,
            )
            await self._publish(event)
            latest, content = self.tracked[commitment_id], tracked.commitment
            return self._keep(replace(latest, sent_revision=revision, sent=content, refused=None))

    def _require(self, commitment_id: str, rule: Rule, person_id: str) -> TrackedCommitment:
        tracked = self.tracked[commitment_id]
        action = rule(tracked, self.level(person_id))
        if not action.is_enabled:
            raise NotAllowedError(action.reason or "This is not possible now.")
        return tracked

    async def _publish(self, *data: EventData) -> None:
        now = datetime.now(UTC)
        events: list[Event[EventData]] = [new_event(each, source=SOURCE, time=now) for each in data]
        answers = await self._producer.send([(each.data.topic, each.subject, encode(each)) for each in events])
        for error in answers:
            if error is not None:
                raise NotPublishedError(f"Kafka did not accept the event: {error}")

    def _apply_status(self, status: CommitmentStatus) -> None:
        known = self._statuses.get(status.commitment_id)
        if known and known.version >= status.version:
            return
        self._statuses[status.commitment_id] = status
        if tracked := self.tracked.get(status.commitment_id):
            self._keep(replace(tracked, status=status))

    def _apply_refusal(self, refused: SubmissionRefused) -> None:
        """Show why accounting did not take what was sent last; an answer about an earlier revision is old news."""
        tracked = self.tracked.get(refused.commitment_id)
        if tracked and refused.revision in (None, tracked.sent_revision):
            self._keep(replace(tracked, refused=refused))

    def _apply_submission(self, sent: Submission) -> None:
        commitment = sent.commitment.commitment
        new = TrackedCommitment(commitment, status=self._statuses.get(commitment.id))
        tracked = self.tracked.get(commitment.id, new)
        if sent.revision > tracked.sent_revision:
            self._keep(replace(tracked, commitment=commitment, sent=commitment, sent_revision=sent.revision))

    def _apply_person(self, entry: DirectoryPerson) -> None:
        if entry.version > self._version(entry.person_id):
            self.people[entry.person_id] = entry

    def _version(self, person_id: str) -> int:
        return self.people[person_id].version if person_id in self.people else 0

    def _keep(self, tracked: TrackedCommitment) -> TrackedCommitment:
        self.tracked[tracked.commitment.id] = tracked
        return tracked


def _snapshot(commitment: Commitment) -> Snapshot:
    """The commitment as it is sent. Raises NotAllowedError if it is larger than accounting takes."""
    try:
        return Snapshot.of(commitment.model_dump(mode="json", exclude_none=True))
    except TooLargeError as error:
        raise NotAllowedError(f"It is too large to be sent: {error}.") from error
