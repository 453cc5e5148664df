"""How values are written in the units that our panels use, and the expression by which charts write the same."""

from collections.abc import Sequence

_SCALES: dict[str, Sequence[tuple[float, float, str]]] = {
    "s": ((604_800, 604_800, " wk"), (86_400, 86_400, " d"), (3_600, 3_600, " h"), (60, 60, " min"),
          (1, 1, " s"), (0.001, 0.001, " ms"), (0, 0.000_001, " µs")),
    "bytes": ((2**30, 2**30, " GiB"), (2**20, 2**20, " MiB"), (2**10, 2**10, " KiB"), (0, 1, " B")),
    "percentunit": ((0, 0.01, "%"),),
    "cps": ((1000, 1000, "K/s"), (0, 1, "/s")),
    "short": ((1_000_000, 1_000_000, " Mil"), (1_000, 1_000, " K"), (0, 1, "")),
}  # fmt: skip
"""For each unit, from the largest: from which value on, divided by what, and written with what after it."""

UNITS = frozenset(_SCALES)


def written(value: float, unit: str) -> str:
    """`value` as people read it: 90 s are 1.5 min."""
    if value == 0:
        return "0"
    _, divisor, name = next(each for each in _SCALES[unit] if abs(value) >= each[0])
    return f"{value / divisor:.3g}{name}" if abs(value / divisor) < 1000 else f"{value / divisor:,.0f}{name}"  # noqa: PLR2004


_STEPS: dict[str, Sequence[float]] = {
    "s": (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800,
          3_600, 7_200, 14_400, 43_200, 86_400, 172_800, 604_800, 2_419_200),
    "bytes": tuple(float(2**power) for power in range(50)),
}  # fmt: skip
"""Between which values people expect lines, where these are no decimal ones."""

_LINES = 6


def marks(largest: float, unit: str) -> list[float] | None:
    """Where an axis up to `largest` has its lines; None where decimal ones will do."""
    step = next((each for each in _STEPS.get(unit, ()) if largest / each <= _LINES), None)
    return [step * place for place in range(int(largest / step) + 2)] if step and largest > 0 else None


def expression(unit: str) -> str:
    """The same as an expression of Vega over `datum.value`."""
    chain = "'0'"
    for least, divisor, name in reversed(_SCALES[unit]):
        chain = f"datum.value >= {least} ? format(datum.value / {divisor}, '.3~g') + '{name}' : {chain}"
    return f"datum.value == 0 ? '0' : {chain}"
