"""Which batches may be computed side by side, and what one learns of the one before it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

import pytest

from services.pipeline.errors import OvertakenError, StaleBatchError
from services.pipeline.turns import Touched, Turn, Turns


def touched(*keys: str, kind: str | None = "commitment") -> Touched:
    return Touched(kind, frozenset(keys))


@dataclass
class Batches:
    """Settles batches as the processor does, and notes the steps in the order in which they happen."""

    turns: Turns = field(default_factory=Turns)
    steps: list[str] = field(default_factory=list)

    async def settle(
        self, name: str, keys: str, *, first_write: Exception | None = None, is_given_up: bool = False
    ) -> None:
        """Settle a batch of `keys`, whose first attempt to write raises `first_write`, and each if `is_given_up`."""
        with self.turns.next(touched(*keys)) as turn:
            try:
                await turn.wait_to_load()
                await self.step(f"{name} loads")
                await turn.wait_to_write()
                await self.step(f"{name} writes")
                if first_write:
                    raise first_write
            except (OvertakenError, ZeroDivisionError):
                await self.step(f"{name} fails")
                await turn.wait_to_retry()
                if is_given_up:
                    raise
                await turn.wait_to_load()
                await self.step(f"{name} loads again")
                await turn.wait_to_write()
                await self.step(f"{name} writes again")
            self.steps.append(f"{name} ends")

    async def step(self, what: str) -> None:
        """Note `what`, and let the others go on as far as they can."""
        self.steps.append(what)
        for _ in range(20):
            await asyncio.sleep(0)

    async def side_by_side(self, *settling: Coroutine[None, None, None]) -> list[BaseException | None]:
        """Begin all in their order, and return how each has ended."""
        return await asyncio.gather(*settling, return_exceptions=True)


@pytest.mark.parametrize(
    ("one", "other", "is_apart"),
    [
        (touched("a"), touched("b"), True),
        (touched("a", "b"), touched("b", "c"), False),
        (touched("a"), touched("b", kind="mail"), False),
        (touched("a", kind=None), touched("b"), False),
        (touched("a", kind=None), touched("b", kind=None), False),
    ],
)
def test_batches_are_apart_only_with_other_keys_of_the_same_independent_kind(
    one: Touched, other: Touched, *, is_apart: bool
) -> None:
    assert one.is_apart_from(other) is other.is_apart_from(one) is is_apart


async def test_a_batch_loads_while_the_one_before_writes_and_writes_when_it_is_committed() -> None:
    batches = Batches()
    await batches.side_by_side(batches.settle("a", "a"), batches.settle("b", "b"))
    assert batches.steps == ["a loads", "a writes", "b loads", "a ends", "b writes", "b ends"]


async def test_a_batch_with_a_key_of_the_one_before_loads_when_that_is_committed() -> None:
    batches = Batches()
    await batches.side_by_side(batches.settle("a", "xy"), batches.settle("b", "yz"))
    assert batches.steps == ["a loads", "a writes", "a ends", "b loads", "b writes", "b ends"]


async def test_what_was_computed_beside_a_failed_attempt_is_computed_again_after_it() -> None:
    batches = Batches()
    ends = await batches.side_by_side(
        batches.settle("a", "a", first_write=ZeroDivisionError()), batches.settle("b", "b"), batches.settle("c", "c")
    )
    assert ends == [None, None, None]
    steps = [step for step in batches.steps if not step.startswith("c")]
    assert steps[:3] == ["a loads", "a writes", "b loads"]
    assert steps.index("b fails") < steps.index("a writes again") < steps.index("b loads again")
    assert batches.steps.index("b writes again") < batches.steps.index("c loads")


async def test_a_batch_that_fails_beside_another_waits_for_it_before_it_tries_again() -> None:
    batches = Batches()

    async def failing_to_load() -> None:
        with batches.turns.next(touched("b")) as turn:
            await turn.wait_to_load()
            await turn.wait_to_retry()
            batches.steps.append("b tries again")

    await batches.side_by_side(batches.settle("a", "a"), failing_to_load())
    assert batches.steps == ["a loads", "a writes", "a ends", "b tries again"]


async def test_after_a_batch_that_is_given_up_no_other_that_has_begun_is_written() -> None:
    batches = Batches()
    given_up, *others = await batches.side_by_side(
        batches.settle("a", "a", first_write=ZeroDivisionError(), is_given_up=True),
        batches.settle("b", "b"),
        batches.settle("c", "a"),
    )
    assert isinstance(given_up, ZeroDivisionError)
    assert [type(each) for each in others] == [StaleBatchError, StaleBatchError]
    assert not {"b writes", "b writes again", "c writes"} & set(batches.steps)


async def test_a_batch_that_begins_after_one_was_given_up_is_settled() -> None:
    batches = Batches()
    with pytest.raises(ZeroDivisionError):
        await batches.settle("a", "a", first_write=ZeroDivisionError(), is_given_up=True)
    await batches.settle("b", "a")
    assert batches.steps[-1] == "b ends"


async def test_a_batch_that_is_cancelled_while_it_waits_does_not_disturb_the_one_before() -> None:
    batches = Batches()
    before = asyncio.create_task(batches.settle("a", "a"))
    waiting = asyncio.create_task(batches.settle("b", "a"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await before
    assert batches.steps == ["a loads", "a writes", "a ends"]


async def test_settled_batches_do_not_hold_each_other_in_memory() -> None:
    first = Turn(touched("a"), None)
    second = Turn(touched("b"), first)
    first.finish(is_settled=True)
    second.finish(is_settled=True)
    assert second.previous is None
