from dataclasses import replace
from datetime import UTC, timedelta, timezone

from pydantic import TypeAdapter

from schemas.commitment import ErpDocument
from schemas.examples.cast import DANA, KIM
from services.approval.rules.facts import Retrieved, WrittenDocument, canonical, later
from tests.unit.approval.rules.event_builders import NOW

BY_DANA = Retrieved(2, DANA, NOW)


def test_the_fact_with_higher_precedence_is_kept_in_any_order() -> None:
    older = replace(BY_DANA, revision=1)
    assert later(older, BY_DANA) == later(BY_DANA, older) == later(None, BY_DANA) == BY_DANA


def test_of_two_facts_with_equal_precedence_the_same_one_is_kept_in_any_order() -> None:
    by_kim = replace(BY_DANA, by=KIM)
    assert later(BY_DANA, by_kim) == later(by_kim, BY_DANA)


def test_a_stored_fact_compares_as_before() -> None:
    stored = TypeAdapter(Retrieved)
    assert canonical(stored.validate_json(stored.dump_json(BY_DANA))) == canonical(BY_DANA)
    assert NOW.astimezone(timezone(timedelta(hours=2))).astimezone(UTC) == NOW


def test_members_in_another_order_are_the_same_fact() -> None:
    first, second = (
        WrittenDocument(1, ErpDocument.model_validate({"connection": "erp", "id": "1"} | extra))
        for extra in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert canonical(first) == canonical(second)
