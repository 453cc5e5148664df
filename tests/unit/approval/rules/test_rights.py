"""What the directory allows a person agrees with what the desk lets them do, and what is missing is named."""

from itertools import product

import pytest

from schemas.events import DirectoryPerson
from schemas.fields import ToolLevel
from services.approval.rules.rights import ANSWERING_LEVEL, ANY_LEVEL, LISTED, PRIVILEGE, Right, rights_of


def person(level: ToolLevel, *, can_push: bool = False, **projects: ToolLevel) -> DirectoryPerson:
    return DirectoryPerson(
        company_id="company-1",
        person_id="person-1",
        version=1,
        name="Ana Gil",
        erp_tool=level,
        can_push_to_accounting=can_push,
        commitments_tool=projects,
    )


@pytest.mark.parametrize(("level", "can_push"), [*product(ToolLevel, (False, True))])
def test_the_words_agree_with_what_the_desk_checks(level: ToolLevel, *, can_push: bool) -> None:
    who = person(level, can_push=can_push)
    rights = rights_of(who)
    assert (rights.view.is_allowed, rights.answer.is_allowed) == (who.may_view, who.is_approver)
    tool, privilege = rights.entries
    assert (tool.allows != "Nothing.") is who.may_view
    assert (privilege.allows != "Nothing.") is can_push


@pytest.mark.parametrize(
    ("level", "can_push", "missing"),
    [
        (ToolLevel.NONE, False, (ANSWERING_LEVEL, PRIVILEGE)),
        (ToolLevel.READ_ONLY, True, (ANSWERING_LEVEL,)),
        (ToolLevel.STANDARD, False, (PRIVILEGE,)),
        (ToolLevel.ADMIN, True, ()),
    ],
)
def test_what_is_missing_for_an_answer_is_named(level: ToolLevel, *, can_push: bool, missing: tuple[str, ...]) -> None:
    assert rights_of(person(level, can_push=can_push)).answer.missing == missing


def test_whoever_the_directory_does_not_list_lacks_the_entry_first() -> None:
    rights = rights_of(None)
    assert rights.entries == ()
    assert rights.view.missing == (LISTED, ANY_LEVEL)
    assert rights.answer.missing[0] == LISTED


def test_levels_on_projects_are_listed_with_what_they_allow() -> None:
    who = person(ToolLevel.NONE, **{"project-2": ToolLevel.STANDARD, "project-1": ToolLevel.ADMIN})
    assert rights_of(who).entries[2:] == (
        Right("Commitments in project project-1", "Admin", "Send and re-send commitments to accounting."),
        Right(
            "Commitments in project project-2",
            "Standard",
            "Nothing here. Send and re-send commitments to accounting: this needs Admin.",
        ),
    )
