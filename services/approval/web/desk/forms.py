"""Reads the desk's forms: fields and choices, and the problems to show beside a field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from schemas.fields import ERP_ID_PATTERN, HASH_PATTERN, ID_PATTERN, Day
from schemas.limits import (
    MAX_ID_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    MAX_QUESTION_CHARACTERS,
    MAX_REASON_CHARACTERS,
    MAX_REVISION,
    MAX_VERSION,
)
from services.approval.rules.marks import Mark, Verb
from services.pipeline.apart import apart
from services.pipeline.legible import seen

MAX_CHOICES = 50
"""Answers in one submit: a page of the list."""

MAX_FIELDS = 1_000
MAX_FORM_BYTES = 262_144
"""Several times what our largest form can be, with all of its texts escaped."""

Fields = Mapping[str, str]
_FORM_TYPE = "application/x-www-form-urlencoded"
_AT_ONCE_BYTES = 16_384
"""A longer form, in which every character may be escaped, is read beside the event loop."""
_DAY: TypeAdapter[date] = TypeAdapter(Day)


class BadFormError(HTTPException):
    """A form lacks what our own pages always send."""

    def __init__(self) -> None:
        super().__init__(400, "This form is not complete. Go back, load the page anew and try again.")


class DriftVerb(StrEnum):
    """What can be done with the chosen rows of the view of what differs in the ERP."""

    WRITE = "write"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class FormProblem:
    """What is wrong with a field; `field` is the id of its element, for the link to it."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer chosen for a row, bound to the content that was read."""

    verb: Verb
    revision: int
    content_hash: str
    commitment_id: str

    @property
    def value(self) -> str:
        """The choice as a form carries it; the id comes last because it may contain colons."""
        return f"{self.verb}:{self.revision}:{self.content_hash}:{self.commitment_id}"

    @classmethod
    def marked(cls, mark: Mark) -> "Choice":
        """The choice that was marked."""
        return cls(mark.verb, mark.revision, mark.content_hash, mark.commitment_id)

    @classmethod
    def of(cls, value: str) -> "Choice":
        """The choice that a form carries as `value`; BadFormError if it is none."""
        verb, _, rest = value.partition(":")
        revision, _, rest = rest.partition(":")
        content_hash, _, commitment_id = rest.partition(":")
        if (
            verb not in set(Verb)
            or not re.fullmatch(HASH_PATTERN, content_hash)
            or not re.fullmatch(ID_PATTERN, commitment_id)
        ):
            raise BadFormError
        return cls(Verb(verb), positive_number(revision), content_hash, commitment_id)


@dataclass(frozen=True, slots=True)
class DriftChoice:
    """A row chosen in the view of what differs in the ERP, bound to the comparison and the document that were read."""

    version: int
    revision: int
    reopened: int
    is_missing: bool
    commitment_id: str
    document_id: str

    @property
    def value(self) -> str:
        """The choice as a form carries it, without the document; the id comes last because it may contain colons."""
        return f"{self.version}:{self.revision}:{self.reopened}:{int(self.is_missing)}:{self.commitment_id}"

    @classmethod
    def of(cls, value: str, document_id: str) -> "DriftChoice":
        """The choice that a form carries as `value`; BadFormError if it is none."""
        numbers, commitment_id = value.split(":", 4)[:4], value.split(":", 4)[-1]
        if len(numbers) != 4 or not re.fullmatch(ID_PATTERN, commitment_id):  # noqa: PLR2004 - as many as `value` has
            raise BadFormError
        version, revision, reopened, is_missing = map(whole_number, numbers)
        return cls(version, revision, reopened, bool(is_missing), commitment_id, document_id)


def drift_choices(fields: Fields) -> list[DriftChoice]:
    """The rows that are chosen in a form, in the order of the page; BadFormError if there are more than MAX_CHOICES."""
    chosen = [
        DriftChoice.of(value, fields.get(f"document-{name.removeprefix('drift-')}", ""))
        for name, value in fields.items()
        if name.startswith("drift-") and value
    ]
    if len(chosen) > MAX_CHOICES:
        raise BadFormError
    return chosen


@dataclass(frozen=True, slots=True)
class RetryChoice:
    """A failed export to be retried, bound to the round that failed."""

    revision: int
    round: int
    commitment_id: str

    @property
    def value(self) -> str:
        """The choice as a form carries it; the id comes last because it may contain colons."""
        return f"{self.revision}:{self.round}:{self.commitment_id}"

    @classmethod
    def of(cls, value: str) -> "RetryChoice":
        """The choice that a form carries as `value`; BadFormError if it is none."""
        revision, _, rest = value.partition(":")
        failed_round, _, commitment_id = rest.partition(":")
        if not re.fullmatch(ID_PATTERN, commitment_id):
            raise BadFormError
        return cls(positive_number(revision), positive_number(failed_round), commitment_id)


def retry_choices(fields: Fields) -> list[RetryChoice]:
    """All failed exports that a form names; BadFormError if there are more than MAX_CHOICES."""
    chosen = [RetryChoice.of(value) for name, value in fields.items() if name.startswith("retry-") and value]
    if len(chosen) > MAX_CHOICES:
        raise BadFormError
    return chosen


def choices(fields: Fields) -> list[Choice]:
    """All choices of a form in the order of the page; BadFormError if there are more than MAX_CHOICES."""
    chosen = [Choice.of(value) for name, value in fields.items() if name.startswith("choice-") and value]
    if len(chosen) > MAX_CHOICES:
        raise BadFormError
    return chosen


async def text_fields(request: Request) -> dict[str, str]:
    """The fields of the form that was sent, with line feeds as line ends; BadFormError if it has too many.

    Without the files of one that has files, which none of ours has.
    """
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM_TYPE
    body = await request.body() if is_form else b""
    if len(body) > MAX_FORM_BYTES:
        sentence = f"The form is larger than {MAX_FORM_BYTES:,} bytes. Nothing of it was used."
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
    return await apart(partial(_fields, body)) if len(body) > _AT_ONCE_BYTES else _fields(body)


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadFormError from error
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


def seen_text(fields: Fields, name: str) -> str:
    """What was typed into a field, without spaces around it; empty if nobody could see any of it."""
    return str(seen(fields.get(name, ""))).strip()


def positive_number(digits: str) -> int:
    """`digits` as the number of a revision or a round, which have the same limit; BadFormError if they are none."""
    number = whole_number(digits)
    if not 1 <= number <= MAX_REVISION:
        raise BadFormError
    return number


def whole_number(digits: str) -> int:
    """`digits` as a number, also 0; BadFormError if they are none."""
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(MAX_VERSION))):
        raise BadFormError
    return int(digits)


def reason_problems(reason: str, rejected: str) -> list[FormProblem]:
    """What is wrong with the reason for rejecting `rejected`."""
    if not reason:
        return [FormProblem("reason", f"Enter a reason for rejecting {rejected}")]
    return _text_problems("reason", "reason", reason, MAX_REASON_CHARACTERS)


def question_problems(field: str, text: str, missing: str) -> list[FormProblem]:
    """What is wrong with a question, or with its answer; `missing` asks for one that was left out."""
    if not text:
        return [FormProblem(field, missing)]
    return _text_problems(field, "text", text, MAX_QUESTION_CHARACTERS)


def kept_reason_problems(fields: Fields, most_title_characters: int) -> list[FormProblem]:
    """What is wrong with a reason for rejecting that is to be kept under a title."""
    title, text = (seen_text(fields, name) for name in ("title", "text"))
    problems = _text_problems("title", "title", title, most_title_characters)
    if not title:
        problems = [FormProblem("title", "Enter a title")]
    if not text:
        return [*problems, FormProblem("text", "Enter a reason")]
    return [*problems, *_text_problems("text", "reason", text, MAX_REASON_CHARACTERS)]


def note_problems(note: str) -> list[FormProblem]:
    """What is wrong with an optional note."""
    return _text_problems("note", "note", note, MAX_NOTE_CHARACTERS)


def erp_note_problems(note: str) -> list[FormProblem]:
    """What is wrong with an optional note for the ERP."""
    return _text_problems("erp_note", "note", note, MAX_NOTE_CHARACTERS)


def evidence_problems(evidence: str) -> list[FormProblem]:
    """What is wrong with the evidence that settles a doubt."""
    if not evidence:
        return [FormProblem("evidence", "Enter what you looked at, and what you saw")]
    return _text_problems("evidence", "evidence", evidence, MAX_NOTE_CHARACTERS)


def why_problems(why: str) -> list[FormProblem]:
    """What is wrong with the words that say why a commitment in the ERP is exported again, or left as it is."""
    if not why:
        return [FormProblem("why", "Enter why, for those who read the history")]
    return _text_problems("why", "text", why, MAX_NOTE_CHARACTERS)


def code_problems(field: str, label: str, code: str) -> list[FormProblem]:
    """What is wrong with a code or number of the ERP."""
    if not code.isprintable():
        return [FormProblem(field, f"The {label} contains a character that cannot be read")]
    return _text_problems(field, label, code, MAX_NAME_CHARACTERS)


def id_problems(field: str, label: str, text: str) -> list[FormProblem]:
    """What is wrong with an optional id of the ERP."""
    if text and not re.fullmatch(ERP_ID_PATTERN, text):
        return [FormProblem(field, f"The {label} contains a character that cannot be read")]
    return _text_problems(field, label, text, MAX_ID_CHARACTERS)


def read_date(text: str) -> tuple[date | None, list[FormProblem]]:
    """The optional accounting date, and what is wrong with it."""
    if not text:
        return None, []
    try:
        return _DAY.validate_python(text), []
    except ValidationError:  # any other form as well, such as 20261122 or 2026-W47
        return None, [FormProblem("accounting_date", "Enter the accounting date as year-month-day, such as 2026-11-22")]


def _text_problems(field: str, label: str, text: str, limit: int) -> list[FormProblem]:
    if len(text) > limit:
        return [FormProblem(field, f"The {label} has {len(text):,} characters; shorten it to {limit:,} or fewer")]
    if "\x00" in text:
        return [FormProblem(field, f"The {label} contains a character that cannot be stored (U+0000)")]
    return []
