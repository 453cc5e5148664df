"""Write the dashboards that Grafana reads, or check that the committed ones are current.

`python -m ops.grafana` writes them; with `--check`, it exits 1 and names each file that differs. `--desk` and `--docs`
are where the links of your own copy lead, for example with `--to /etc/grafana/dashboards`.
"""

import argparse
import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from ops.grafana.overview import DESK, DOCS, UID, overview

COMMITTED = Path(__file__).parent / "dashboards"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the dashboards; 1 when a check finds a difference."""
    asked = _parser().parse_args(arguments)
    wanted = files(asked.desk, asked.docs)
    if not asked.check:
        write(asked.to, wanted)
        return 0
    differing = drift(asked.to, wanted)
    for path in differing:
        sys.stderr.write(
            f"{path}: differs from the modules in ops/grafana. Run `make dashboards` and commit what it writes.\n"
        )
    return int(bool(differing))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.grafana", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 naming each file that differs")
    parser.add_argument("--to", type=Path, default=COMMITTED, help="the folder of the dashboards")
    parser.add_argument("--desk", default=DESK, help="address of the approval desk (default: %(default)s)")
    parser.add_argument("--docs", default=DOCS, help="address at which docs is read (default: %(default)s)")
    return parser


def files(desk: str = DESK, docs: str = DOCS) -> dict[str, str]:
    """The dashboards by the names of their files."""
    board = json.dumps(overview(desk, docs), cls=JSONEncoder, indent=2, ensure_ascii=False)
    return {f"{UID}.json": f"{board}\n"}


def drift(folder: Path, wanted: dict[str, str]) -> list[Path]:
    """The files in `folder` that are missing, differ, or belong to no dashboard."""
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return [folder / name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]


def write(folder: Path, wanted: dict[str, str]) -> None:
    """Make the files in `folder` what is wanted, and remove others."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in drift(folder, wanted):
        if path.name in wanted:
            path.write_text(wanted[path.name], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
