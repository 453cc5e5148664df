"""Texts that a company's approvers keep, so that they need not type the same reason for rejecting again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from schemas.commitment import Person
from schemas.fields import REASON_PATTERN, Reason
from services.pipeline.legible import seen

MAX_TEMPLATES = 50
"""Of one company: more than anybody would look through."""
MAX_TITLE_CHARACTERS = 80
TOO_MANY = f"Your company has {MAX_TEMPLATES} reasons already. Delete one that is not used any more."


class ReasonText(BaseModel):
    """What an approver enters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=MAX_TITLE_CHARACTERS, pattern=REASON_PATTERN),
        BeforeValidator(seen),
    ] = Field(description="What it is called in the list.")
    text: Annotated[Reason, BeforeValidator(seen)] = Field(
        description="The reason, as the creator and the sender get it by email."
    )


@dataclass(frozen=True, slots=True)
class ReasonTemplate:
    """One of a company's texts, and who added it, or changed it last."""

    id: str
    title: str
    text: str
    created_by: Person
    at: datetime


def reason_with(template_text: str, typed: str) -> str:
    """The reason of a form: the text of the chosen template, then what was typed."""
    return "\n".join(part for part in (template_text.strip(), typed.strip()) if part)


def by_title(templates: Sequence[ReasonTemplate]) -> list[ReasonTemplate]:
    """`templates` in the order in which people look for one."""
    return sorted(templates, key=lambda each: (each.title.casefold(), each.id))
