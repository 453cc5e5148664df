"""All events of Countersign, one frozen model per topic: the data; the envelope says when and to whom it happened."""

from schemas.events.answers import (
    ApprovalRequested,
    Change,
    CommitmentStatus,
    DecisionAccepted,
    DecisionDriftAccepted,
    DecisionRejected,
    DecisionResolved,
    DigestPreference,
    UnlinkedDocument,
)
from schemas.events.base import CommitmentData, EventData
from schemas.events.exports import (
    DOCUMENT_GONE,
    UNKNOWN_CONNECTION,
    ErpConnection,
    ExportDrifted,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
    Failure,
)
from schemas.events.limits_profile import LimitsProfile
from schemas.events.mails import CurrencyTotal, DigestReady, DigestRow, DigestSection, MailSettled
from schemas.events.refusals import SubmissionRefused
from schemas.events.upstream import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    DirectoryPerson,
    DirectoryPersonRemoved,
    Submission,
)

__all__ = [
    "DOCUMENT_GONE",
    "UNKNOWN_CONNECTION",
    "ApprovalRequested",
    "Change",
    "CommitmentData",
    "CommitmentResent",
    "CommitmentRetrieved",
    "CommitmentSent",
    "CommitmentStatus",
    "CurrencyTotal",
    "DecisionAccepted",
    "DecisionDriftAccepted",
    "DecisionRejected",
    "DecisionResolved",
    "DigestPreference",
    "DigestReady",
    "DigestRow",
    "DigestSection",
    "DirectoryPerson",
    "DirectoryPersonRemoved",
    "ErpConnection",
    "EventData",
    "ExportDrifted",
    "ExportFailed",
    "ExportInDoubt",
    "ExportSucceeded",
    "Failure",
    "LimitsProfile",
    "MailSettled",
    "Submission",
    "SubmissionRefused",
    "UnlinkedDocument",
]
