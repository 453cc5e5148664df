"""A large reply is read in a thread of its own, and a small one at once."""

from threading import get_ident

import pytest

from services.exporter.connectors.pull import Reply
from services.exporter.polling.large_replies import LARGE_CHARACTERS, reading


@pytest.mark.parametrize(("characters", "is_apart"), [(0, False), (LARGE_CHARACTERS, False), (LARGE_CHARACTERS, True)])
async def test_only_large_replies_are_read_in_a_thread(characters: int, *, is_apart: bool) -> None:
    replies = [Reply("x" * characters), Reply("y" * is_apart)]

    assert (await reading(replies, get_ident) != get_ident()) is is_apart


async def test_an_error_in_reading_is_raised_all_the_same() -> None:
    def read() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await reading([Reply("x" * LARGE_CHARACTERS * 2)], read)
