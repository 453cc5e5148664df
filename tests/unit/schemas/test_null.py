"""Null means the same as leaving a member out, wherever a member may be left out."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from schemas.commitment import Commitment
from schemas.events import EventData
from schemas.topics import TOPICS


def models(of: Any) -> Iterator[type[BaseModel]]:
    """Every model that the annotation `of` is made of."""
    if isinstance(of, type) and issubclass(of, BaseModel):
        yield of
        for member in of.model_fields.values():
            yield from models(member.annotation)
    for part in get_args(of):
        yield from models(part)


MODELS = {model for root in (*(topic.event for topic in TOPICS), Commitment) for model in models(root)}
OPTIONAL = [
    pytest.param(model, name, id=f"{model.__name__}.{name}")
    for model in sorted(MODELS, key=lambda each: each.__name__)
    for name, member in model.model_fields.items()
    if not member.is_required()
]


@pytest.mark.parametrize(("model", "name"), OPTIONAL)
def test_null_is_absent(model: type[BaseModel], name: str) -> None:
    member = model.model_fields[name]
    kind: Any = Annotated[member.annotation, *member.metadata] if member.metadata else member.annotation
    assert TypeAdapter(kind).validate_python(None) == member.get_default(call_default_factory=True)


def test_every_event_is_among_the_models() -> None:
    assert {topic.event for topic in TOPICS} <= MODELS
    assert all(issubclass(topic.event, EventData) for topic in TOPICS)
