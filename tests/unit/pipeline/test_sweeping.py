"""What a refused request leaves behind is collected after so many bytes, however seldom Python would."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from services.pipeline.sweeping import Sweeping


class Body:
    """As large as one likes, and in a cycle with the error about it."""

    def __init__(self) -> None:
        self.error = ValueError(self)


@pytest.fixture
def _seldom_collected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_seldom_collected")
def test_what_holds_itself_is_freed_once_enough_was_received() -> None:
    left = ref(Body())
    sweeping = Sweeping(1_000)
    sweeping.received(999)
    assert left() is not None
    sweeping.received(1)
    assert left() is None
