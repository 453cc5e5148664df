"""Requests are counted by who sends them."""

import pytest

from services.approval.identity.request_limits import RequestLimits
from services.approval.identity.sign_in.errors import TooManyRequestsError


async def test_each_person_has_an_own_count() -> None:
    limits = RequestLimits(sign_ins_per_minute=1, commands_per_minute=2)
    for person in ("person-5", "person-6"):
        await limits.count_command(person)
        await limits.count_command(person)
        with pytest.raises(TooManyRequestsError) as refused:
            await limits.count_command(person)
        assert 1 <= refused.value.retry_after_seconds <= 60
