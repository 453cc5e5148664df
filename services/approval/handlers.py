"""All events that approval handles, each with its handler, and all that it publishes."""

from schemas.events import (
    ApprovalRequested,
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    CommitmentStatus,
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    DigestPreference,
    DirectoryPerson,
    DirectoryPersonRemoved,
    ErpConnection,
    ErpReference,
    ErpReferenceRemoved,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    MailSettled,
    QuestionAnswered,
    QuestionAsked,
    SubmissionRefused,
)
from services.approval.rules import joins
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.event_handlers import (
    accepted,
    asked,
    drift_accepted,
    entry_removed,
    first_approved,
    joining,
    mail_settled,
    person_removed,
    rejected,
    replied,
    resolved,
    submission_refused,
    submitted,
)
from services.approval.rules.rows import StoredRow
from services.pipeline.fold import Handlers, On
from services.pipeline.newest import Newest, keep_newest

HANDLERS: Handlers[CommitmentFacts, StoredRow] = (
    On(CommitmentSent, submitted),
    On(CommitmentResent, submitted),
    On(CommitmentRetrieved, joining(joins.retrieved)),
    On(DecisionFirstApproved, first_approved),  # our own decisions, so that a restored database catches up
    On(DecisionAccepted, accepted),
    On(DecisionRejected, rejected),
    On(DecisionResolved, resolved),
    On(DecisionDriftAccepted, drift_accepted),
    On(QuestionAsked, asked),  # our own as well
    On(QuestionAnswered, replied),
    On(ExportInDoubt, joining(joins.in_doubt)),
    On(ExportFailed, joining(joins.failed)),
    On(ExportSucceeded, joining(joins.succeeded)),
    On(ExportDrifted, joining(joins.drifted)),
    On(MailSettled, mail_settled),
    On(SubmissionRefused, submission_refused),
)

PEOPLE_HANDLERS: Handlers[Newest[DirectoryPerson], None] = (
    On(DirectoryPerson, keep_newest),
    On(DirectoryPersonRemoved, person_removed),
)

PREFERENCE_HANDLERS: Handlers[Newest[DigestPreference], None] = (
    On(DigestPreference, keep_newest),  # our own, so that a restored database catches up
)

CONNECTION_HANDLERS: Handlers[Newest[ErpConnection], None] = (On(ErpConnection, keep_newest),)

REFERENCE_HANDLERS: Handlers[Newest[ErpReference], None] = (
    On(ErpReference, keep_newest),
    On(ErpReferenceRemoved, entry_removed),
)

PUBLISHED = (
    ApprovalRequested,
    CommitmentStatus,
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionFirstApproved,
    DecisionRejected,
    DecisionResolved,
    DigestPreference,
    QuestionAnswered,
    QuestionAsked,
    SubmissionRefused,
)
