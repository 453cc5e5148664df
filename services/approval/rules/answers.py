"""The answers that an approver may give, each as one value: built by the API or a form, then carried as it is."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.commitment import ErpDocument
from schemas.fields import Code, ContentHash, Day, ExportRound, Note, Reason, Revision


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: Revision


class Accept(_Answer):
    """Accept exactly the content that was read."""

    content_hash: ContentHash
    erp_code: Code | None = None
    accounting_date: Day | None = None
    note: Note | None = None


class Reject(_Answer):
    """Give the revision back to its project, with a reason."""

    content_hash: ContentHash
    reason: Reason


class Retry(_Answer):
    """Order a failed export once more."""

    round: ExportRound = Field(description="The round that failed.")


class Settle(_Answer):
    """Settle an export in doubt: with the document found in the ERP, or without, as not there."""

    round: ExportRound = Field(description="The round in doubt.")
    document: ErpDocument | None = Field(default=None, description="Absent: nothing is in the ERP, export again.")
    note: Annotated[Note, Field(min_length=1)] = Field(description="The evidence, in words.")


Answer = Accept | Reject | Retry | Settle
