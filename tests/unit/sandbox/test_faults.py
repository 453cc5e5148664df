"""Faults come in order, count down, and fit or do not fit."""

from sandbox.faults import Fault, FaultInjector


def everything(fault: Fault) -> bool:
    del fault
    return True


def test_nothing_happens_where_no_fault_is_switched_on() -> None:
    assert FaultInjector[Fault]().take(everything) is None


def test_a_fault_with_a_number_happens_that_often() -> None:
    board = FaultInjector[Fault]()
    board.switch_on(Fault(times=2))
    assert [board.take(everything) is not None for _ in range(3)] == [True, True, False]


def test_a_fault_without_a_number_happens_until_it_is_switched_off() -> None:
    board = FaultInjector[Fault]()
    board.switch_on(Fault())
    assert all(board.take(everything) for _ in range(5))
    board.switch_off(0)
    assert board.take(everything) is None


def test_the_first_fault_that_fits_is_the_one_and_the_others_are_not_counted() -> None:
    board = FaultInjector[Fault]()
    board.replace([Fault(times=9), Fault(times=1), Fault(times=5)])
    taken = board.take(lambda fault: fault.times != 9)
    assert taken == Fault(times=1)
    assert board.faults == (Fault(times=9), Fault(times=5))
