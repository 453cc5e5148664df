"""Which metrics, labels and values PromQL names that nothing exports; parsed, so that no name is overlooked.

The labels of every part of an expression follow from those of its metrics, so that `by (company)` is found where
nothing below has a company.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatrixSelector,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

Labels = frozenset[str]
Known = Mapping[str, Labels]
"""The labels of each series that exists, by its name."""

Values = Mapping[tuple[str, str], Sequence[str]]
"""The values that a label of a series can have, where they are few."""

GRAFANA = {"$__rate_interval": "1m", "$__interval": "1m", "$connection": ".*", "$service": ".*"}
"""What Grafana puts in the place of its variables, or something of that form."""


def without_variables(expr: str) -> str:
    """A panel's query as Prometheus gets it."""
    return re.sub(r"\$\w+", lambda found: GRAFANA.get(found[0], found[0]), expr)


def problems(expr: str, known: Known, values: Values) -> list[str]:
    """What `expr` names and does not exist: `metric`, `metric.label`, `metric.label=value`, or a label alone.

    Raises ValueError with the parser's sentence if it is no PromQL.
    """
    reading = _Reading(known, values)
    reading.labels(promql_parser.parse(without_variables(expr)))
    return reading.problems


def labels_of(expr: str, known: Known) -> Labels:
    """The labels of the result of `expr`."""
    return _Reading(known, {}).labels(promql_parser.parse(without_variables(expr)))


def series_in(expr: str) -> set[str]:
    """The names of all series that `expr` reads."""
    return set(_names(promql_parser.parse(without_variables(expr))))


def _names(part: object) -> Iterator[str]:
    if isinstance(part, VectorSelector):
        yield part.name or ""
    for each in _parts(part):
        yield from _names(each)


def _parts(part: object) -> Sequence[object]:
    """The parts of which an expression consists."""
    if isinstance(part, BinaryExpr):
        return (part.lhs, part.rhs)
    if isinstance(part, MatrixSelector):
        return (part.vector_selector,)
    if isinstance(part, Call):
        return tuple(part.args)
    inner = (AggregateExpr, ParenExpr, SubqueryExpr, UnaryExpr)
    return (part.expr,) if isinstance(part, inner) else ()


@dataclass
class _Reading:
    """Reads an expression from its leaves up and collects what does not exist."""

    known: Known
    values: Values
    problems: list[str] = field(default_factory=list)

    def labels(self, part: object) -> Labels:
        """The labels of the result of `part`."""
        if isinstance(part, VectorSelector):
            return self._selected(part)
        below = [self.labels(each) for each in _parts(part)]
        if isinstance(part, AggregateExpr):
            return self._aggregated(part, below[0])
        if isinstance(part, BinaryExpr):
            return self._combined(part, below[0], below[1])
        if isinstance(part, Call):
            return self._called(part, below)
        return below[0] if below else frozenset()

    def _selected(self, selector: VectorSelector) -> Labels:
        name = selector.name or ""
        if name not in self.known:
            self.problems.append(name)
            return frozenset()
        for matcher in selector.matchers.matchers:
            self._match(name, matcher.name, matcher.value)
        return self.known[name]

    def _match(self, name: str, label: str, value: str) -> None:
        if label not in self.known[name]:
            self.problems.append(f"{name}.{label}")
        possible = self.values.get((name, label))
        if possible is not None and value != ".*":
            self.problems += [f"{name}.{label}={each}" for each in value.split("|") if each not in possible]

    def _need(self, labels: Sequence[str], there: Labels) -> None:
        self.problems += [label for label in labels if label not in there]

    def _aggregated(self, part: AggregateExpr, below: Labels) -> Labels:
        modifier = part.modifier
        if modifier is None:
            return frozenset()
        named = [label for label in modifier.labels if label]
        self._need(named, below)
        return frozenset(named) if "By" in str(modifier.type) else below - set(named)

    def _combined(self, part: BinaryExpr, left: Labels, right: Labels) -> Labels:
        matching = part.modifier.matching if part.modifier else None
        if matching is not None and matching.type == LabelModifierType.Include:
            for side in (left, right):
                self._need(matching.labels, side)
        if str(part.op) == "or":
            return left | right
        return left or right

    def _called(self, part: Call, below: Sequence[Labels]) -> Labels:
        together = frozenset().union(*below)
        if part.func.name == "label_replace":
            target, _, source, _ = (each.val for each in part.args[1:] if isinstance(each, StringLiteral))
            self._need([source] if source else [], together)
            return together | {target}
        if part.func.name == "label_join":
            target, _, *sources = (each.val for each in part.args[1:] if isinstance(each, StringLiteral))
            self._need(sources, together)
            return together | {target}
        return together - {"le"} if part.func.name == "histogram_quantile" else together
