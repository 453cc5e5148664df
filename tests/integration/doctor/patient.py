"""An environment that the check-up looks at, and what it says of it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from services.doctor.checks import CHECKS
from services.doctor.checkup import check_up
from services.doctor.findings import Finding, Verdict
from services.doctor.surroundings import Surroundings, settings_of
from services.pipeline.clock import utc_now
from services.pipeline.names import SERVICES
from services.pipeline.settings import OperationsSettings


class Patient:
    """Variables, which replace all of ours that the tests' own environment has."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
        self._monkeypatch = monkeypatch
        for settings in (*map(settings_of, SERVICES), OperationsSettings):
            for name in settings.model_fields:
                monkeypatch.delenv(name.upper(), raising=False)
        for service in SERVICES:
            monkeypatch.delenv(f"{service.upper()}_DATABASE_URL", raising=False)
        self.set(**variables)

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    async def look(self, check: str, clock: Callable[[], datetime] = utc_now) -> Sequence[Finding]:
        """Return what one check finds, alone."""
        [chosen] = [each for each in CHECKS if each.name == check]
        [checked] = await check_up([chosen], Surroundings(clock=clock))
        return checked.findings

    def looked(self, check: str) -> Sequence[Finding]:
        """Return what `look` does, where no event loop runs."""
        return asyncio.run(self.look(check))


def problems(found: Sequence[Finding]) -> list[str]:
    """Return what is not fine, each with something to do."""
    notable = [each for each in found if each.verdict in {Verdict.WARNING, Verdict.WRONG}]
    assert all(each.remedy for each in notable)
    return [f"{each.verdict.value} {each.about}: {each.what}" for each in notable]


def unchecked(found: Sequence[Finding]) -> list[str]:
    """Return why things could not be looked at."""
    return [f"{each.about}: {each.what}" for each in found if each.verdict is Verdict.NOT_CHECKED]
