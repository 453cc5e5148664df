"""A fault says for which calls it is meant, and what is answered instead."""

import pytest

from sandbox.erp.faults import Call, Calls, ErpFault, ErpFaultKind

WRITE = Call("POST", "c-1")
SEARCH = Call("GET", "c-1")


@pytest.mark.parametrize(
    ("calls", "fits_write", "fits_search"),
    [(Calls.WRITES, True, False), (Calls.SEARCHES, False, True), (Calls.EVERY, True, True)],
)
def test_a_fault_is_for_writes_for_searches_or_for_every_call(
    calls: Calls, *, fits_write: bool, fits_search: bool
) -> None:
    fault = ErpFault(kind=ErpFaultKind.SLOW, calls=calls)
    assert (fault.fits(WRITE), fault.fits(SEARCH)) == (fits_write, fits_search)


def test_a_fault_may_be_for_one_reference_only() -> None:
    fault = ErpFault(kind=ErpFaultKind.SLOW, reference="c-2")
    assert not fault.fits(WRITE)
    assert fault.fits(Call("PUT", "c-2"))


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
def test_only_faults_before_storing_answer_instead_of_acting(kind: ErpFaultKind, status: int | None) -> None:
    problem = ErpFault(kind=kind).instead
    assert (problem.status if problem else None) == status
