"""Downloads are shared between checkouts, and are there completely or not at all."""

from pathlib import Path

import pytest

from sandbox.servers import ServerStartFailed
from sandbox.servers.cache import cache_folder, cached


def test_a_second_checkout_uses_what_the_first_one_downloaded(tmp_path: Path) -> None:
    downloaded: list[Path] = []

    def download(folder: Path) -> None:
        downloaded.append(folder)
        (folder / "kafka.jar").write_text("jar")

    for _checkout in range(2):
        folder = cached(tmp_path / "cache" / "kafka", download)

    assert (folder / "kafka.jar").read_text() == "jar"
    assert len(downloaded) == 1


def test_a_broken_download_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_down(folder: Path) -> None:
        (folder / "half.jar").write_text("ja")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        cached(tmp_path / "kafka", break_down)

    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_concurrent_downloads_to_finish_wins(tmp_path: Path) -> None:
    def overtaken(folder: Path) -> None:
        (folder / "kafka.jar").write_text("second")
        cached(tmp_path / "kafka", lambda winner: (winner / "kafka.jar").write_text("first") and None)

    folder = cached(tmp_path / "kafka", overtaken)

    assert (folder / "kafka.jar").read_text() == "first"
    assert list(tmp_path.iterdir()) == [folder]


def test_the_cache_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "countersign"

    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "countersign"


@pytest.mark.parametrize("parent", ["file", "file/below"])
def test_a_cache_that_cannot_be_written_is_said_with_the_variable_that_names_another(
    tmp_path: Path, parent: str
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ServerStartFailed, match=r"cannot be kept in .*\. Set XDG_CACHE_HOME"):
        cached(tmp_path / parent / "kafka", Path.touch)
