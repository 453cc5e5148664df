"""Tests of several processes share the room, except who asks to be alone; nobody is overtaken for ever."""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Self

import pytest

from tests.side_by_side import Turns

IN_A_MOMENT, BEFORE_LONG = 0.2, 30.0


class Visitor:
    """Takes a turn in a thread, until it is told to leave."""

    def __init__(self, room: Path, pool: ThreadPoolExecutor, *, is_alone: bool = False) -> None:
        self._turns, self._is_alone, self._may_leave = Turns(room), is_alone, Event()
        self._entered: Future[None] = Future()
        pool.submit(self._visit)

    def _visit(self) -> None:
        with self._turns.turn(is_alone=self._is_alone):
            self._entered.set_result(None)
            self._may_leave.wait(BEFORE_LONG)

    def enters(self) -> bool:
        self._entered.result(BEFORE_LONG)
        return True

    def waits(self) -> bool:
        with pytest.raises(NotYetError):
            self._entered.result(IN_A_MOMENT)
        return True

    def leave(self) -> None:
        self._may_leave.set()


class Room:
    """Visitors of one room; all leave at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack = folder, ExitStack()

    def __enter__(self) -> Self:
        self._pool = self._stack.enter_context(ThreadPoolExecutor())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def visitor(self, *, is_alone: bool = False) -> Visitor:
        made = Visitor(self._folder, self._pool, is_alone=is_alone)
        self._stack.callback(made.leave)
        return made


def test_tests_run_side_by_side(tmp_path: Path) -> None:
    with Room(tmp_path) as room:
        assert room.visitor().enters()
        assert room.visitor().enters()


def test_a_test_that_is_alone_waits_for_the_others_and_keeps_them_out(tmp_path: Path) -> None:
    with Room(tmp_path) as room:
        before = room.visitor()
        assert before.enters()
        alone = room.visitor(is_alone=True)
        assert alone.waits()
        after = room.visitor()
        assert after.waits()

        before.leave()
        assert alone.enters()
        assert after.waits()
        alone.leave()
        assert after.enters()
