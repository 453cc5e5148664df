"""The history of a commitment is written in pieces, and reads as if it were written at once."""

from datetime import UTC, datetime

import pytest

from services.approval.web.api import examples
from services.approval.web.audit_trail import AuditTrail, trail_json


def trail(lines: int) -> AuditTrail:
    example = AuditTrail.model_validate(examples.AUDIT_TRAIL)
    (line, *_) = example.history
    told = tuple(line.model_copy(update={"text": f'{n} "history": []\n', "at": at(n)}) for n in range(lines))
    return example.model_copy(update={"history": told})


def at(n: int) -> datetime:
    return datetime.fromtimestamp(n, UTC)


@pytest.mark.parametrize("indent", [None, 1, 2])
@pytest.mark.parametrize("lines", [0, 1, 499, 500, 501, 1_700])
def test_it_is_the_same(lines: int, indent: int | None) -> None:
    assert trail_json(trail(lines), indent).decode() == trail(lines).model_dump_json(indent=indent)
