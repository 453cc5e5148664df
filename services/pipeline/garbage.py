"""When the garbage collector looks, and at how much: no thread runs while it does."""

import gc

COLLECT_SECONDS = 60.0
YOUNG_OBJECTS = 10_000


def tune_garbage_collector() -> None:
    """Exempt everything imported so far from garbage collection, and collect less often.

    With the defaults, half of the time for a batch of events went into walking all modules again. Beside those of
    `collect_garbage`, a collection looks at ten times YOUNG_OBJECTS at most, which takes some 10 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 500)


async def collect_garbage() -> None:
    """Look at all objects now, rather than in the middle of what makes very many, such as a large page."""
    gc.collect()
