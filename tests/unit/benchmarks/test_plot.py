"""The plot names every contender and every figure, in colours for light and dark pages."""

from xml.etree import ElementTree as ET

from benchmarks.measured import COUNTERSIGN, LOOP, Results
from benchmarks.plot import as_svg
from tests.unit.benchmarks.samples import latency, throughput

RESULTS = Results(
    throughput=[throughput(COUNTERSIGN, 5000), throughput(COUNTERSIGN, 7000), throughput(LOOP, 500)],
    latency=[latency(COUNTERSIGN, 10), latency(LOOP, None)],
)


def words(svg: str) -> list[str]:
    return [
        element.text or ""
        for element in ET.fromstring(svg).iter(  # noqa: S314 - we wrote it
            "{http://www.w3.org/2000/svg}text"
        )
    ]


def test_contenders_and_medians_are_written_beside_the_bars() -> None:
    found = words(as_svg(RESULTS))

    assert {"Countersign", "Per-message loop", "6,000", "500"} <= set(found)


def test_latency_has_its_percentiles_and_who_does_not_keep_up() -> None:
    found = words(as_svg(RESULTS))

    assert {"10 · 20 · 40", "does not keep up"} <= set(found)


def test_a_plot_without_latency_has_only_the_throughput() -> None:
    assert "Latency" not in " ".join(words(as_svg(Results(throughput=RESULTS.throughput))))


def test_it_has_colours_for_dark_pages() -> None:
    assert "prefers-color-scheme: dark" in as_svg(RESULTS)
