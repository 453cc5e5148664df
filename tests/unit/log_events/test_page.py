"""The page of log events is made of the code, and each guard of it finds what it is for."""

from pathlib import Path

import pytest

from services.log_events.__main__ import PAGE, main
from services.log_events.calls import found_in
from services.log_events.page import BEGIN, END, MEANINGS

ROOT = Path(__file__).parents[3]
LIBRARY = '[library.logged]\nmeans = "A library says so."\n'
GOOD = 'log.warning("stove.hot", degrees=240)\n'


def repository(folder: Path, code: str, meanings: str) -> Path:
    """Make a repository with this code and these meanings; its page has no table yet."""
    for path, text in (("services/kitchen/oven.py", code), (MEANINGS, LIBRARY + meanings), (PAGE, f"{BEGIN}{END}\n")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def checked(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is wrong with what `root` says about its events."""
    assert main(["--root", str(root)]) == 1
    return capsys.readouterr().err


def test_the_page_in_the_repository_is_up_to_date() -> None:
    assert main(["--check", "--root", str(ROOT)]) == 0


def test_a_page_that_differs_from_the_code_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = repository(tmp_path, GOOD, '[stove.hot]\nmeans = "Hot."\ndo = "Wait."')

    assert main(["--check", "--root", str(root)]) == 1
    assert "differs from the code" in capsys.readouterr().err
    assert main(["--root", str(root)]) == main(["--check", "--root", str(root)]) == 0
    assert "| `stove.hot` | warning | kitchen | `degrees` | Hot. | Wait. |" in (root / PAGE).read_text()


@pytest.mark.parametrize(
    ("code", "meanings", "problem"),
    [
        (GOOD, "", "oven.py:1: stove.hot has no meaning"),
        ("", '[stove.hot]\nmeans = "Hot."', "stove.hot: nothing logs it"),
        (GOOD, '[stove]\nhot.means = "A library says so."', "stove.hot and library.logged mean the same"),
        ('log.info("StoveHot")', "", "is not named subject.past_tense_or_state"),
        ('log.info(f"stove.{state}")', "", "oven.py:1: write the event's name there"),
        ("failures.defect(NAME, error)", "", "oven.py:1: write the event's name there"),
        ('log.info("stove.hot", **about())', '[stove.hot]\nmeans = "Hot."', "fields without constant names"),
    ],
)
def test_each_guard_finds_what_it_is_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str, meanings: str, problem: str
) -> None:
    assert problem in checked(repository(tmp_path, code, meanings), capsys)


def test_fields_are_found_however_they_are_given(tmp_path: Path) -> None:
    code = """
about = {"size": 1}
report = failures.expected if passes else failures.defect
report("stove.broken", error, **about)
log.exception("stove.hot", **({"lid": 1} if lid else {}))
log.info("stove.cold", **self.described(job))
class Work:
    def described(self, job):
        return {"dish": job}
"""
    found = {each.name: each for each in found_in(repository(tmp_path, code, ""))}

    assert found["stove.broken"].levels == ("warning", "error")
    assert found["stove.broken"].fields == ("cause", "exception", "repeats", "size")
    assert found["stove.hot"].fields == ("exception", "lid")
    assert found["stove.cold"].fields == ("dish",)
