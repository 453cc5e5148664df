"""What the fault runs share: how long they are, what chance decides in them, and the figures that they report."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.side_by_side import close_with

FOLDER = Path(__file__).parent
SHORT_TIMEOUT_SECONDS = 600
LONG_TIMEOUT_SECONDS = 3_600


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A long run may take long, and a module without a SHORT size belongs to `make chaos` only."""
    is_long = config.getoption("--long")
    ours = [item for item in items if item.path.is_relative_to(FOLDER)]
    for item in ours:
        item.add_marker(pytest.mark.timeout(LONG_TIMEOUT_SECONDS if is_long else SHORT_TIMEOUT_SECONDS))
    left_out = [] if is_long else [item for item in ours if getattr(item.module, "SHORT", "") is None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def size(request: pytest.FixtureRequest) -> Any:
    """LONG or SHORT of the test's module: how much the run does in `make chaos`, and how much in `make test`."""
    return request.module.LONG if request.config.getoption("--long") else request.module.SHORT


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """Decides what a run leaves to chance, the same in every run with the same --fault-seed."""
    return Random(request.config.getoption("--fault-seed"))  # noqa: S311 - nobody is to be kept from guessing


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Each call adds a line of figures to the end of the test run's output."""
    length = "long" if request.config.getoption("--long") else "short"
    return partial(close_with, request.config, f"faults, {length}, seed {request.config.getoption('--fault-seed')}")
