"""Immutable values that are made for every event, and so have to be cheap."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def value(cls: type[T]) -> type[T]: ...
@overload
def value(*, slots: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T] | None = None, *, slots: bool = True) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a dataclass whose instances nobody changes: the type checker refuses it.

    `dataclass(frozen=True)` also refuses it at run time, which makes creating an instance ten times as slow.
    """

    def made(of: type[T]) -> type[T]:
        return dataclass(slots=slots, unsafe_hash=True)(of)

    return made if cls is None else made(cls)
