"""Asks a Prometheus over its HTTP API."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx2

TIMEOUT_SECONDS = 30


class QueryFailedError(Exception):
    """Prometheus refused a query, or did not answer; the text has the query and what it said."""


@dataclass(frozen=True, slots=True)
class Series:
    """The labels of a series, and its samples as (seconds since 1970, value)."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]

    @property
    def latest(self) -> float:
        """The last value."""
        return self.samples[-1][1]


class Prometheus:
    """The Prometheus at `url`, used in a `with` block; each call raises QueryFailedError if it is refused."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx2.Client(base_url=f"{url.rstrip('/')}/api/v1", timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def at(self, query: str, moment: float) -> list[Series]:
        """The series of `query` at a moment."""
        return [_series(each, [each["value"]]) for each in self._result("query", query=query, time=moment)]

    def between(self, query: str, begin: float, end: float, step: float) -> list[Series]:
        """The series of `query` with a sample every `step` seconds."""
        asked = self._result("query_range", query=query, start=begin, end=end, step=step)
        return [_series(each, each["values"]) for each in asked]

    def values_of(self, label: str, metric: str, begin: float, end: float) -> list[str]:
        """The values that `label` of `metric` had in a span of time."""
        return sorted(
            str(each) for each in self._ask(f"label/{label}/values", start=begin, end=end, **{"match[]": metric})
        )

    def _result(self, path: str, **parameters: Any) -> Any:
        return self._ask(path, **parameters)["result"]

    def _ask(self, path: str, **parameters: Any) -> Any:
        try:
            answer = self._client.get(f"/{path}", params=parameters)
            content = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise QueryFailedError(f"{self._url} does not answer: {error}") from error
        if content.get("status") != "success":
            raise QueryFailedError(f"{parameters.get('query', path)}: {content.get('error')}")
        return content["data"]


def _series(result: Mapping[str, Any], samples: Sequence[Sequence[Any]]) -> Series:
    numbers = [(float(moment), float(value)) for moment, value in samples]
    return Series(result["metric"], [each for each in numbers if math.isfinite(each[1])])
