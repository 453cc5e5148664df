import pytest

from schemas.events import DirectoryPerson
from schemas.examples.cast import DANA
from schemas.fields import ToolLevel
from services.approval.rules.permissions import may_decide, may_view


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
def test_deciding_needs_both_the_level_and_the_privilege(
    level: ToolLevel, *, can_push: bool, views: bool, decides: bool
) -> None:
    asking = person(level, can_push=can_push)
    assert (may_view(asking, "company-204"), may_decide(asking, "company-204")) == (views, decides)


def test_rights_end_at_the_company() -> None:
    admin = person(ToolLevel.ADMIN, can_push=True)
    assert not may_view(admin, "company-999")
    assert not may_decide(admin, "company-999")


def test_who_is_not_in_the_directory_has_no_right() -> None:
    assert not may_view(None, "company-204")
    assert not may_decide(None, "company-204")
