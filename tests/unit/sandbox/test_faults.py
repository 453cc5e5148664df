"""Faults are used in order, are counted down, and hit only the calls they match."""

from sandbox.faults import Fault, FaultInjector


def every_call(fault: Fault) -> bool:
    del fault
    return True


def test_no_call_is_hit_while_no_fault_is_switched_on() -> None:
    assert FaultInjector[Fault]().take(every_call) is None


def test_a_fault_with_a_number_hits_that_many_calls() -> None:
    injector = FaultInjector[Fault]()
    injector.switch_on(Fault(times=2))
    assert [injector.take(every_call) is not None for _ in range(3)] == [True, True, False]


def test_a_fault_without_a_number_hits_calls_until_it_is_switched_off() -> None:
    injector = FaultInjector[Fault]()
    injector.switch_on(Fault())
    assert all(injector.take(every_call) for _ in range(5))
    injector.switch_off(0)
    assert injector.take(every_call) is None


def test_the_first_matching_fault_is_used_and_no_other_is_counted_down() -> None:
    injector = FaultInjector[Fault]()
    injector.replace([Fault(times=9), Fault(times=1), Fault(times=5)])
    taken = injector.take(lambda fault: fault.times != 9)
    assert taken == Fault(times=1)
    assert injector.faults == (Fault(times=9), Fault(times=5))
