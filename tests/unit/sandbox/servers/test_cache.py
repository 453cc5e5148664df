from pathlib import Path

import pytest

from sandbox.servers.cache import cache_folder, kept


def test_a_second_clone_finds_what_the_first_one_fetched(tmp_path: Path) -> None:
    fetched: list[Path] = []

    def fetch(folder: Path) -> None:
        fetched.append(folder)
        (folder / "kafka.jar").write_text("jar")

    for _clone in range(2):
        folder = kept(tmp_path / "cache" / "kafka", fetch)

    assert (folder / "kafka.jar").read_text() == "jar"
    assert len(fetched) == 1


def test_a_fetch_that_breaks_off_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    def break_off(folder: Path) -> None:
        (folder / "half.jar").write_text("ja")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        kept(tmp_path / "kafka", break_off)

    assert list(tmp_path.iterdir()) == []


def test_of_two_fetches_at_a_time_the_first_to_finish_wins(tmp_path: Path) -> None:
    def overtaken(folder: Path) -> None:
        (folder / "kafka.jar").write_text("second")
        kept(tmp_path / "kafka", lambda winner: (winner / "kafka.jar").write_text("first") and None)

    folder = kept(tmp_path / "kafka", overtaken)

    assert (folder / "kafka.jar").read_text() == "first"
    assert list(tmp_path.iterdir()) == [folder]


def test_the_cache_lies_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "countersign"

    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "countersign"
