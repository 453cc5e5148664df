"""The project's Commitments tool, which is upstream of us: it sends, re-sends and retrieves, and shows ribbons."""

from sandbox.commitments.draft import VENDORS, Draft, DraftLine
from sandbox.commitments.running import running_commitments
from sandbox.commitments.tool import CommitmentsTool, NotAllowedError, NotPublishedError

__all__ = [
    "VENDORS",
    "CommitmentsTool",
    "Draft",
    "DraftLine",
    "NotAllowedError",
    "NotPublishedError",
    "running_commitments",
]
