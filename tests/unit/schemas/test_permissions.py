"""What a person of the directory may do."""

import pytest

from schemas.events import DirectoryPerson
from schemas.examples.cast import DANA
from schemas.fields import ToolLevel


def person(level: ToolLevel, *, can_push: bool) -> DirectoryPerson:
    return DirectoryPerson(
        company_id="company-204",
        person_id=DANA.id,
        version=1,
        name=DANA.name,
        email=DANA.email,
        erp_tool=level,
        can_push_to_accounting=can_push,
    )


@pytest.mark.parametrize(
    ("level", "can_push", "views", "decides"),
    [
        (ToolLevel.NONE, True, False, False),
        (ToolLevel.NONE, False, False, False),
        (ToolLevel.READ_ONLY, True, True, False),
        (ToolLevel.READ_ONLY, False, True, False),
        (ToolLevel.STANDARD, True, True, True),
        (ToolLevel.STANDARD, False, True, False),
        (ToolLevel.ADMIN, True, True, True),
        (ToolLevel.ADMIN, False, True, False),
    ],
)
def test_approving_needs_both_the_level_and_the_privilege(
    level: ToolLevel, *, can_push: bool, views: bool, decides: bool
) -> None:
    asking = person(level, can_push=can_push)

    assert (asking.may_view, asking.is_approver) == (views, decides)
