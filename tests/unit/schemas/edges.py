"""Every event at the edges of its types: each member as short, low and early, or as long, high and late, as can be."""

from datetime import date
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from schemas import fields, limits
from schemas.commitment import Commitment
from schemas.snapshot import Snapshot

WIDE = "🏗"
"""A character of four bytes."""
Edge = Literal["least", "most"]
_FEW = 3
"""Of a list without a bound of its own: how many are configured, and not how many were sent, decides about it."""
_EARLIEST, _LATEST = "0001-01-01T00:00:00-14:00", "9999-12-31T23:59:59.999999+14:00"

_BY_ALIAS: dict[Any, tuple[Any, Any]] = {
    fields.Id: ("x", WIDE * limits.MAX_ID_CHARACTERS),
    fields.ErpId: ("x", WIDE * limits.MAX_ID_CHARACTERS),
    fields.Name: ("x", WIDE * limits.MAX_NAME_CHARACTERS),
    fields.Code: ("", WIDE * limits.MAX_NAME_CHARACTERS),
    fields.Title: ("x", WIDE * limits.MAX_TITLE_CHARACTERS),
    fields.Text: ("", WIDE * limits.MAX_TEXT_CHARACTERS),
    fields.Excerpt: ("", WIDE * limits.MAX_EXCERPT_CHARACTERS),
    fields.Reason: ("x", WIDE * limits.MAX_REASON_CHARACTERS),
    fields.QuestionText: ("x", WIDE * limits.MAX_QUESTION_CHARACTERS),
    fields.Note: ("", WIDE * limits.MAX_NOTE_CHARACTERS),
    fields.Url: ("http://x", "https://" + WIDE * (limits.MAX_URL_CHARACTERS - 8)),
    fields.Email: ("a@b", WIDE * (limits.MAX_EMAIL_CHARACTERS - 2) + "@b"),
    fields.Money: ("-999999999999999.999999", "999999999999999.999999"),
    fields.Quantity: ("-999999999999999.999999", "999999999999999.999999"),
    fields.Percent: ("0", "999.9999"),
    fields.Currency: ("AAA", "ZZZ"),
    fields.OpenKind: ("_", "z" * 64),
    fields.ContentHash: ("0" * 64, "f" * 64),
    fields.Revision: (1, limits.MAX_REVISION),
    fields.ExportRound: (1, limits.MAX_ROUND),
    fields.DecisionRound: (0, limits.MAX_ROUND),
    fields.Version: (0, limits.MAX_VERSION),
    fields.Count: (0, limits.MAX_COUNT),
    fields.Instant: (_EARLIEST, _LATEST),
    fields.Day: ("0001-01-01", "9999-12-31"),
}
_KNOWN = _BY_ALIAS | {
    bool: (False, True),
    str: ("UTC", "America/Argentina/ComodRivadavia"),
    date: ("0001-01-01", "9999-12-31"),
}


def record(model: type[BaseModel], edge: Edge) -> dict[str, Any]:
    """Return the members of a `model` at one edge, as JSON; at the least, optional ones are absent."""
    hints = get_type_hints(model, include_extras=True)
    made = {
        info.alias or name: value(hints[name], edge, info.metadata)
        for name, info in model.model_fields.items()
        if edge == "most" or info.is_required()
    }
    return {name: member for name, member in made.items() if member is not None}


def value(annotation: Any, edge: Edge, metadata: Any = ()) -> Any:
    """Return a value of `annotation` at one edge, as JSON."""
    place = 0 if edge == "least" else 1
    if annotation in _KNOWN:
        return _KNOWN[annotation][place]
    if annotation is int:
        lows, highs = ([getattr(each, name, None) for each in metadata] for name in ("ge", "le"))
        return [next((low for low in lows if low is not None), 0), next(high for high in highs if high is not None)][
            place
        ]
    if annotation is Snapshot:
        return record(Commitment, "least") | {"total": "1"}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return list(annotation)[-place].value
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return record(annotation, edge)
    return _composed(get_origin(annotation), get_args(annotation), edge, metadata)


def _composed(origin: Any, arguments: tuple[Any, ...], edge: Edge, metadata: Any) -> Any:
    if origin is Annotated:
        return value(arguments[0], edge, (*metadata, *_flat(arguments[1:])))
    if origin in (Union, UnionType):
        return value(next(each for each in arguments if each is not NoneType), edge, metadata)
    longest = next((each.max_length for each in metadata if getattr(each, "max_length", None)), _FEW)
    if origin is tuple:
        return [] if edge == "least" else [value(arguments[0], edge)] * longest
    if origin is dict:
        return {} if edge == "least" else {value(arguments[0], edge): value(arguments[1], edge)}
    raise NotImplementedError(f"no edges of {origin}{arguments}")


def _flat(given: Any) -> list[Any]:
    """The bounds in an annotation: those of a FieldInfo are in its metadata."""
    return [inner for each in given for inner in (getattr(each, "metadata", None) or [each])]
