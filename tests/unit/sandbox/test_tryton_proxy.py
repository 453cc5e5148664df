"""Tests of which calls to Tryton a fault hits."""

import json
from typing import Any

import pytest

from sandbox.erp.faults import Calls
from sandbox.tryton.faults import RpcCall, TrytonFault, TrytonFaultKind
from sandbox.tryton.proxy import call_in

CREATE = "model.purchase.purchase.create"
WRITE = "model.purchase.purchase.write"
SEARCH = "model.purchase.purchase.search_read"


def called(method: str, *parameters: Any) -> RpcCall:
    return call_in(json.dumps({"id": 1, "method": method, "params": parameters}).encode())


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (CREATE, ([{"company": 1, "reference": "c-1", "lines": []}], {"company": 1})),
        (WRITE, ([7], {"reference": "c-1"}, {})),
        (SEARCH, ([["reference", "=", "c-1"]], 0, None, [["id", "ASC"]], ["id"], {})),
    ],
)
def test_the_reference_of_a_call_is_found(method: str, parameters: tuple[Any, ...]) -> None:
    assert called(method, *parameters) == RpcCall(method, "c-1")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"method": 1}', b'{"method": "x", "params": null}'])
def test_a_call_that_cannot_be_read_has_no_reference(body: bytes) -> None:
    assert call_in(body).reference is None


@pytest.mark.parametrize(
    ("calls", "hit"),
    [
        (Calls.WRITES, {CREATE, WRITE}),
        (Calls.SEARCHES, {SEARCH}),
        (Calls.EVERY, {CREATE, WRITE, SEARCH, "common.db.login"}),
    ],
)
def test_a_fault_hits_its_kind_of_calls(calls: Calls, hit: set[str]) -> None:
    fault = TrytonFault(kind=TrytonFaultKind.SLOW, calls=calls)

    assert {each for each in (CREATE, WRITE, SEARCH, "common.db.login") if fault.matches(RpcCall(each, None))} == hit


def test_a_fault_of_one_commitment_hits_no_other() -> None:
    fault = TrytonFault(kind=TrytonFaultKind.LOSE_ANSWER, reference="c-1")

    assert fault.matches(RpcCall(CREATE, "c-1"))
    assert not fault.matches(RpcCall(CREATE, "c-2"))
