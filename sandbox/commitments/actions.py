"""Which actions the tool offers for a commitment, given its latest status and the person's rights."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.commitment import Commitment
from schemas.events import CommitmentStatus, SubmissionRefused
from schemas.fields import Status, ToolLevel

STATUS_LABELS = {
    Status.READY: "Sent to ERP",
    Status.EXPORTING: "Exporting",
    Status.IN_DOUBT: "In doubt",
    Status.FAILED: "Failed to export",
    Status.REJECTED: "Rejected",
    Status.RETRIEVED: "Retrieved",
    Status.SYNCED: "Synced",
    Status.DISPUTED: "Blocked",
}
"""The text of each status's ribbon."""

_ANSWERED = {
    Status.EXPORTING: "An accounting approver has accepted it; it is being exported.",
    Status.IN_DOUBT: "It was accepted, but the ERP has not confirmed it yet. It cannot be taken back until then.",
    Status.FAILED: "Its export failed; an accounting approver can retry or reject it.",
    Status.REJECTED: "It was rejected and can be edited.",
    Status.RETRIEVED: "It was retrieved and can be edited.",
    Status.SYNCED: "It is in the ERP.",
}
_RESENDABLE = (Status.REJECTED, Status.RETRIEVED, Status.SYNCED)
_UNCONFIRMED = "ERP Integrations has not confirmed the latest revision yet."
_NEEDS_ADMIN = "This needs Admin on the project's Commitments tool."
_NEEDS_STANDARD = "This needs Standard or Admin on the project's Commitments tool."


@dataclass(frozen=True)
class TrackedCommitment:
    """A commitment in the tool, what has been published about it, and its latest status."""

    commitment: Commitment
    sent: Commitment | None = None
    sent_revision: int = 0
    retrieved_revision: int = 0
    status: CommitmentStatus | None = None
    refused: SubmissionRefused | None = None

    @property
    def is_changed(self) -> bool:
        """Whether it differs from what was sent last."""
        return self.commitment != self.sent

    @property
    def is_refused(self) -> bool:
        """Whether accounting has not taken what was sent last."""
        return self.refused is not None and not self._is_confirmed

    @property
    def is_unconfirmed(self) -> bool:
        """Whether a revision was sent that no status confirms and no answer refuses yet."""
        return not (self._is_confirmed or self.is_refused)

    @property
    def next_revision(self) -> int:
        """The revision of the next submission; a refused one was never taken, so that its number is free."""
        confirmed = self.status.revision if self.status else 0
        return 1 + (confirmed if self.is_refused else max(self.sent_revision, confirmed))

    @property
    def _is_confirmed(self) -> bool:
        return self.sent_revision <= (self.status.revision if self.status else 0)

    @property
    def locked_fields(self) -> frozenset[str]:
        """The fields that must not change even while the commitment can be edited."""
        return frozenset(self.status.locked_fields if self.status else ())


@dataclass(frozen=True)
class Action:
    """Whether a button is visible, and the reason why it is disabled, if it is."""

    is_shown: bool
    reason: str | None = None

    @property
    def is_enabled(self) -> bool:
        """Whether the button can be pressed."""
        return self.is_shown and self.reason is None


Rule = Callable[[TrackedCommitment, ToolLevel], Action]


def edit(tracked: TrackedCommitment, level: ToolLevel) -> Action:
    """Edit: before the first submission, and whenever the status allows it."""
    if level not in (ToolLevel.STANDARD, ToolLevel.ADMIN):
        return Action(is_shown=True, reason=_NEEDS_STANDARD)
    if tracked.is_unconfirmed:
        return Action(is_shown=True, reason=_UNCONFIRMED)
    if tracked.status and not tracked.status.editable:
        return Action(is_shown=True, reason="It is locked until it is rejected, retrieved or synced.")
    return Action(is_shown=True)


def send(tracked: TrackedCommitment, level: ToolLevel) -> Action:
    """Send to ERP: for a commitment that accounting has never received."""
    is_new = (tracked.sent_revision == 0 or tracked.is_refused) and tracked.status is None
    return Action(is_shown=is_new, reason=_reason_not_to_send(tracked, level))


def resend(tracked: TrackedCommitment, level: ToolLevel) -> Action:
    """Re-send to ERP: after a rejection, a retrieve or a sync."""
    is_resendable = tracked.status is not None and tracked.status.status in _RESENDABLE
    return Action(is_shown=is_resendable and not tracked.is_unconfirmed, reason=_reason_not_to_send(tracked, level))


def retrieve(tracked: TrackedCommitment, level: ToolLevel) -> Action:
    """Retrieve: while nobody has answered; afterwards disabled with the reason."""
    return Action(is_shown=tracked.next_revision > 1, reason=_reason_not_to_retrieve(tracked, level))


def actions_for(tracked: TrackedCommitment, level: ToolLevel) -> dict[str, Action]:
    """Every action, for a person with this level on the project's Commitments tool."""
    return {rule.__name__: rule(tracked, level) for rule in (edit, send, resend, retrieve)}


def _reason_not_to_send(tracked: TrackedCommitment, level: ToolLevel) -> str | None:
    if level != ToolLevel.ADMIN:
        return _NEEDS_ADMIN
    return None if tracked.commitment.lines else "It has no lines yet. Edit it, and enter at least one."


def _reason_not_to_retrieve(tracked: TrackedCommitment, level: ToolLevel) -> str | None:
    if level != ToolLevel.ADMIN:
        return _NEEDS_ADMIN
    if tracked.is_unconfirmed or tracked.status is None:
        return _UNCONFIRMED
    is_waiting = tracked.status.status in (Status.READY, Status.DISPUTED)
    if is_waiting and tracked.retrieved_revision >= tracked.status.revision:
        return "It is being retrieved."
    return _ANSWERED.get(tracked.status.status)
