"""`python -m schemas.publish` writes the published files and detects any difference."""

from pathlib import Path

import pytest

from schemas.publish import PUBLISHED, drift, files, main, write

SCHEMA = "commitment.sent.v1.schema.json"
EXAMPLE = "examples/commitment.sent.v1/concrete-works.json"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with everything published in it."""
    write(tmp_path)
    return tmp_path


def test_the_committed_files_are_up_to_date() -> None:
    assert drift(PUBLISHED) == {}


def test_publishing_twice_writes_the_same_bytes(published: Path) -> None:
    before = {path: path.read_bytes() for path in published.rglob("*.json")}
    assert main(["--to", str(published)]) == 0
    assert {path: path.read_bytes() for path in published.rglob("*.json")} == before
    assert files() == files()


def test_checking_up_to_date_files_prints_nothing(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--to", str(published)]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", [SCHEMA, EXAMPLE, EXAMPLE.replace("examples", "examples-binary")])
def test_a_changed_file_is_reported(published: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = published / name
    path.write_bytes(path.read_bytes().replace(b"USD", b"EUR"))
    assert main(["--check", "--to", str(published)]) == 1
    assert f"{path}: differs from the models" in capsys.readouterr().err


def test_a_missing_and_an_orphaned_file_are_reported(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (published / SCHEMA).rename(published / "commitment.posted.v1.schema.json")
    assert main(["--check", "--to", str(published)]) == 1
    printed = capsys.readouterr().err
    assert f"{published / SCHEMA}: is missing" in printed
    assert f"{published / 'commitment.posted.v1.schema.json'}: belongs to no topic or example" in printed
    assert "Run `python -m schemas.publish`" in printed


def test_a_changed_line_ending_is_drift(published: Path) -> None:
    path = published / EXAMPLE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(drift(published)) == [path]


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    assert main(["--check", "--to", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []


def test_publishing_fixes_every_drift(published: Path) -> None:
    (published / SCHEMA).unlink()
    (published / EXAMPLE).write_text("{}")
    (published / "examples" / "old.json").write_text("{}")
    assert len(drift(published)) == 3
    assert main(["--to", str(published)]) == 0
    assert drift(published) == {}
