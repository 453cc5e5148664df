"""What the directory allows a person on ERP Integrations, in words, and what they lack for the rest."""

from dataclasses import dataclass

from schemas.events import DirectoryPerson
from schemas.fields import ToolLevel

LEVEL_WORDS = {
    ToolLevel.NONE: "None",
    ToolLevel.READ_ONLY: "Read Only",
    ToolLevel.STANDARD: "Standard",
    ToolLevel.ADMIN: "Admin",
}
ANY_LEVEL = "Read Only, Standard or Admin on ERP Integrations"
ANSWERING_LEVEL = "Standard or Admin on ERP Integrations"
PRIVILEGE = "'Can Push to Accounting'"
LISTED = "an entry in your company's directory"
WHO_GIVES_RIGHTS = "Your company's directory administrator can give you what is missing."
VIEWING = "View commitments, their history and the directory"
ANSWERING = "Accept, reject, retry and settle"
SENDING = "Send and re-send commitments to accounting"


@dataclass(frozen=True, slots=True)
class Right:
    """One entry of the directory about a person, and what it allows."""

    name: str
    value: str
    allows: str


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that can be done here; `missing` is what the person lacks for it, empty if they can do it."""

    name: str
    missing: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether the person can do it."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Rights:
    """All that the directory says of a person's rights; no entries if it does not list them."""

    entries: tuple[Right, ...]
    view: Ability
    answer: Ability

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What can be done on the desk, the least first."""
        return self.view, self.answer


def rights_of(person: DirectoryPerson | None) -> Rights:
    """Return the rights of `person`, None if the directory does not list them."""
    if person is None:
        return Rights(
            (), Ability(VIEWING, (LISTED, ANY_LEVEL)), Ability(ANSWERING, (LISTED, ANSWERING_LEVEL, PRIVILEGE))
        )
    projects = sorted(person.commitments_tool.items())
    entries = (_tool(person), _privilege(person), *(_project(name, level) for name, level in projects))
    return Rights(entries, _viewing(person), _answering(person))


def _viewing(person: DirectoryPerson) -> Ability:
    return Ability(VIEWING, () if person.may_view else (ANY_LEVEL,))


def _answering(person: DirectoryPerson) -> Ability:
    missing = []
    if not _is_answering_level(person):
        missing.append(ANSWERING_LEVEL)
    if not person.can_push_to_accounting:
        missing.append(PRIVILEGE)
    return Ability(ANSWERING, tuple(missing))


def _tool(person: DirectoryPerson) -> Right:
    if not person.may_view:
        allows = "Nothing."
    elif not _is_answering_level(person):
        allows = f"{VIEWING}."
    else:
        allows = f"{VIEWING}. With {PRIVILEGE} also: {ANSWERING[0].lower()}{ANSWERING[1:]}."
    return Right("ERP Integrations", LEVEL_WORDS[person.erp_tool], allows)


def _privilege(person: DirectoryPerson) -> Right:
    if not person.can_push_to_accounting:
        return Right("Can Push to Accounting", "No", "Nothing.")
    with_level = "" if _is_answering_level(person) else f", once you have {ANSWERING_LEVEL}"
    return Right("Can Push to Accounting", "Yes", f"{ANSWERING}{with_level}.")


def _project(project_id: str, level: ToolLevel) -> Right:
    allows = f"{SENDING}." if level is ToolLevel.ADMIN else f"Nothing here. {SENDING}: this needs Admin."
    return Right(f"Commitments in project {project_id}", LEVEL_WORDS[level], allows)


def _is_answering_level(person: DirectoryPerson) -> bool:
    return person.erp_tool in (ToolLevel.STANDARD, ToolLevel.ADMIN)
