"""The page of the `lambda_erp` connector names every failure of the connector's own."""

from pathlib import Path

from services.exporter.connectors.lambda_erp_failure import FAILURES

PAGE = (Path(__file__).parents[2] / "docs" / "connectors" / "lambda_erp.md").read_text()


def missing_rows(page: str) -> list[str]:
    """Codes of our own whose class the table of `page` does not tell; a status stands for what the ERP says."""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    own = (each for each in FAILURES.entries if not each.code.startswith("http_"))
    return [
        each.code
        for each in own
        if not any(f"`{each.code}`" in row and f"`{each.failure_class.value}`" in row for row in rows)
    ]


def test_the_page_tells_the_class_of_every_failure() -> None:
    assert missing_rows(PAGE) == []


def test_a_failure_that_the_page_lacks_is_found() -> None:
    assert missing_rows(PAGE.replace("`order_cancelled`", "")) == ["order_cancelled"]
