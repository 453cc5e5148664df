"""What a person in the directory may do."""

import pytest

from schemas.examples.cast import DANA, DIRECTORY
from schemas.fields import ToolLevel


@pytest.mark.parametrize(
    ("level", "can_push", "may_view", "is_approver"),
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
    level: ToolLevel, *, can_push: bool, may_view: bool, is_approver: bool
) -> None:
    rights = {"erp_tool": level, "can_push_to_accounting": can_push}
    person = DIRECTORY[DANA.id].model_copy(update=rights)

    assert (person.may_view, person.is_approver) == (may_view, is_approver)
