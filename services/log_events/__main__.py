"""`python -m services.log_events` writes the table of docs/log-events.md; with --check, it only compares."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from services.log_events.calls import OddCallError, found_in
from services.log_events.page import MEANINGS, problems, read_meanings, table, with_table

PAGE = Path("docs/log-events.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the page; return 0, or 1 with what is wrong on stderr."""
    parser = ArgumentParser(prog="python -m services.log_events", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if the page is not up to date")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository; the current folder")
    asked = parser.parse_args(arguments)
    wrong = _written_or_wrong(asked.root, is_check=asked.check)
    sys.stderr.writelines(f"{each}\n" for each in wrong)
    return 1 if wrong else 0


def _written_or_wrong(root: Path, *, is_check: bool) -> list[str]:
    try:
        found = found_in(root)
    except OddCallError as error:
        return [str(error)]
    meanings = read_meanings((root / MEANINGS).read_text())
    if wrong := problems(found, meanings):
        return wrong
    page = (root / PAGE).read_text()
    written = with_table(page, table(found, meanings))
    if is_check:
        return [] if page == written else [f"{PAGE}: differs from the code. Run `make schemas` and commit it."]
    (root / PAGE).write_text(written)
    return []


if __name__ == "__main__":
    sys.exit(main())
