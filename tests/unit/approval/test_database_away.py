"""However many requests come while the database is away, the log says so once."""

import pytest
from fastapi import Request
from structlog.testing import capture_logs

from services.approval.web.api.problems import DatabaseAway


async def test_a_thousand_refused_requests_are_one_line_without_their_paths() -> None:
    away = DatabaseAway()
    with capture_logs() as logged:
        for number in range(1_000):
            request = Request({"type": "http", "path": f"/api/v1/commitments/{number}", "headers": []})
            response = await away(request, ConnectionRefusedError())

    assert response.status_code == 503
    (line,) = logged
    assert (line["event"], line["cause"]) == ("api.database_away", "ConnectionRefusedError")
    assert "/api/" not in str(line)


async def test_an_error_that_waiting_does_not_mend_is_raised() -> None:
    with pytest.raises(KeyError):
        await DatabaseAway()(Request({"type": "http", "path": "/", "headers": []}), KeyError())
