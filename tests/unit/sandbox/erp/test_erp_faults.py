"""Which calls a fault hits, and what is answered instead of carrying them out."""

import pytest

from sandbox.erp.faults import Call, Calls, ErpFault, ErpFaultKind

WRITE = Call("POST", "c-1")
SEARCH = Call("GET", "c-1")


@pytest.mark.parametrize(
    ("calls", "hits_write", "hits_search"),
    [(Calls.WRITES, True, False), (Calls.SEARCHES, False, True), (Calls.EVERY, True, True)],
)
def test_a_fault_hits_writes_searches_or_every_call(calls: Calls, *, hits_write: bool, hits_search: bool) -> None:
    fault = ErpFault(kind=ErpFaultKind.SLOW, calls=calls)
    assert (fault.matches(WRITE), fault.matches(SEARCH)) == (hits_write, hits_search)


def test_a_fault_can_be_limited_to_one_reference() -> None:
    fault = ErpFault(kind=ErpFaultKind.SLOW, reference="c-2")
    assert not fault.matches(WRITE)
    assert fault.matches(Call("PUT", "c-2"))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErpFaultKind.REFUSE, 422),
        (ErpFaultKind.UNAVAILABLE, 503),
        (ErpFaultKind.ERROR_BEFORE_STORING, 500),
        (ErpFaultKind.ERROR_AFTER_STORING, None),
        (ErpFaultKind.LOSE_ANSWER, None),
        (ErpFaultKind.SLOW, None),
    ],
)
def test_only_faults_before_storing_replace_the_call(kind: ErpFaultKind, status: int | None) -> None:
    problem = ErpFault(kind=kind).problem
    assert (problem.status if problem else None) == status
