"""Hypothesis strategies for every event, derived from the annotations of the models."""

from datetime import UTC, date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic import BaseModel

from schemas import fields, limits
from schemas.commitment import Commitment
from schemas.envelope import Event, new_event
from schemas.events import EventData
from schemas.snapshot import Snapshot
from schemas.topics import Topic

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
_IDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=20).filter(
    lambda text: text not in (".", "..")
)
_INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2026, 11, 23), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
"""Believed in a message of BROKER_TIME."""
_DECIMALS = st.decimals(min_value=-(10**9), max_value=10**9, places=4).map(str)

_BY_ALIAS: dict[Any, st.SearchStrategy[Any]] = {
    fields.Id: _IDS,
    fields.Name: TEXTS.filter(bool),
    fields.Title: TEXTS.filter(bool),
    fields.Reason: TEXTS.filter(str.strip),
    fields.Code: TEXTS,
    fields.Text: TEXTS,
    fields.Note: TEXTS,
    fields.Excerpt: TEXTS,
    fields.Url: st.text("abcXYZ019-_.~/?&=%é", max_size=20).map("https://pm.example/{}".format),
    fields.Email: st.just("ana.gil@harbor-builders.example"),
    fields.Money: _DECIMALS,
    fields.Quantity: _DECIMALS,
    fields.Percent: st.just("10.0"),
    fields.Currency: st.sampled_from(["USD", "EUR", "JPY"]),
    fields.OpenKind: st.text("abcxyz_", min_size=1, max_size=64),
    fields.ContentHash: st.binary(min_size=32, max_size=32).map(bytes.hex),
    fields.Revision: st.integers(1, limits.MAX_REVISION),
    fields.ExportRound: st.integers(1, limits.MAX_ROUND),
    fields.DecisionRound: st.integers(0, limits.MAX_ROUND),
    fields.Version: st.integers(0, limits.MAX_VERSION),
    fields.Count: st.integers(0, 10_000),
    fields.Instant: _INSTANTS,
}
_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(1, 20_000),
    str: st.sampled_from(["UTC", "America/Chicago", "Asia/Kolkata"]),
    date: st.dates(),
    NoneType: st.none(),
}


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of `annotation`, the type of a member in one of our models."""
    if annotation in _BY_ALIAS:
        return _BY_ALIAS[annotation]
    if annotation in _BY_TYPE:
        return _BY_TYPE[annotation]
    if annotation is Snapshot:
        return records(Commitment).map(lambda made: Snapshot.of(made.model_dump(mode="json", exclude_none=True)))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return records(annotation)
    return _composed(get_origin(annotation), get_args(annotation))


def _composed(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin is Annotated:
        return values(arguments[0])
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    raise NotImplementedError(f"no strategy for {origin}{arguments}")


def records(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Valid instances of `model`."""
    hints = get_type_hints(model, include_extras=True)
    return st.builds(model, **{field.alias or name: values(hints[name]) for name, field in model.model_fields.items()})


def events_of(topic: Topic) -> st.SearchStrategy[Event[EventData]]:
    """Events on `topic`."""
    return st.builds(
        new_event,
        records(topic.event),
        source=_IDS,
        time=_INSTANTS,
        traceparent=st.none() | st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    )
