"""Several answers in one request, and their results."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.fields import Id
from services.approval.rules.answers import Accept, AcceptDrift, Confirm, ExportAgain, Reject, Retry, Settle
from services.approval.web.api import examples
from services.approval.web.api.models import CommitmentState
from services.approval.web.api.problems import Problem

MAX_ANSWERS = 50
MAX_IF_MATCH_CHARACTERS = 1_000
"""Of some forty states; each of them is looked at."""


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    commitment_id: Id
    if_match: str | None = Field(
        default=None, max_length=MAX_IF_MATCH_CHARACTERS, description="As the header `If-Match` of a single answer."
    )


class GivenAccept(_Given):
    """An answer to `/commitments/{commitment_id}/accept`."""

    verb: Literal["accept"]
    answer: Accept


class GivenReject(_Given):
    """An answer to `/commitments/{commitment_id}/reject`."""

    verb: Literal["reject"]
    answer: Reject


class GivenRetry(_Given):
    """An answer to `/commitments/{commitment_id}/retry`."""

    verb: Literal["retry"]
    answer: Retry


class GivenSettle(_Given):
    """An answer to `/commitments/{commitment_id}/settle`."""

    verb: Literal["settle"]
    answer: Settle


class GivenConfirm(_Given):
    """An answer to `/commitments/{commitment_id}/confirm`."""

    verb: Literal["confirm"]
    answer: Confirm


class GivenExportAgain(_Given):
    """An answer to `/commitments/{commitment_id}/export-again`."""

    verb: Literal["export-again"]
    answer: ExportAgain


class GivenAcceptDrift(_Given):
    """An answer to `/commitments/{commitment_id}/accept-drift`."""

    verb: Literal["accept-drift"]
    answer: AcceptDrift


GivenAnswer = GivenAccept | GivenReject | GivenRetry | GivenSettle | GivenConfirm | GivenExportAgain | GivenAcceptDrift


def _few(given: object) -> object:
    """`given`; ValueError for more than MAX_ANSWERS, before each of them is looked at."""
    if isinstance(given, list) and len(given) > MAX_ANSWERS:
        raise ValueError(f"at most {MAX_ANSWERS} answers")
    return given


class Answers(BaseModel):
    """Answers to commitments, which are carried out in this order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answers: Annotated[
        tuple[Annotated[GivenAnswer, Field(discriminator="verb")], ...],
        Field(min_length=1, max_length=MAX_ANSWERS),
        BeforeValidator(_few),
    ]


class AnswerResult(BaseModel):
    """What became of one answer."""

    commitment_id: str
    status: int = Field(description="The status that the answer would have got alone.")
    etag: str | None = Field(default=None, description="The `ETag` of its new state.")
    commitment: CommitmentState | None = Field(default=None, description="Its new state, with 200.")
    problem: Problem | None = Field(default=None, description="Why it was not recorded, with any other status.")


class AnswersResult(BaseModel):
    """The results, in the order of the answers."""

    model_config = examples.shown(examples.RESULTS)

    results: tuple[AnswerResult, ...]
