"""The production image contains the whole product and no sandbox; the wheel of the checkout contains both.

No Docker is needed: the image's wheel is built from the files that .dockerignore lets Docker see.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from docker.utils.build import exclude_paths

ROOT = Path(__file__).parents[2]
IGNORED = (ROOT / ".dockerignore").read_text()
PRODUCT = ("schemas", "services")


def build_context(folder: Path, dockerignore: str) -> Path:
    """Copy the files that Docker would see into `folder`."""
    patterns = [line for line in dockerignore.splitlines() if line and not line.startswith("#")]
    for path in filter(Path.is_file, (ROOT / name for name in exclude_paths(str(ROOT), patterns))):
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def wheel(source: Path, folder: Path) -> ZipFile:
    """Build the wheel of `source` into `folder`, as the Dockerfile does but with the installed build backend."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    built = subprocess.run([*command, folder, source], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [path] = folder.glob("countersign-*.whl")
    return ZipFile(path)


def contents(built: ZipFile) -> set[str]:
    """The files in a wheel, without its metadata."""
    return {name for name in built.namelist() if ".dist-info/" not in name}


def sources(*packages: str) -> set[str]:
    """Every file of `packages` in the checkout: modules, templates, assets, migrations, published schemas."""
    paths = (path for package in packages for path in (ROOT / package).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel that the production image installs."""
    return wheel(build_context(tmp_path_factory.mktemp("context"), IGNORED), tmp_path_factory.mktemp("image"))


def test_the_image_contains_the_whole_product_and_nothing_else(image: ZipFile) -> None:
    assert contents(image) == sources(*PRODUCT)
    assert {Path(name).suffix for name in contents(image)} >= {".py", ".html", ".css", ".j2", ".mako", ".yaml", ".json"}


def test_a_dockerignore_that_lets_the_sandbox_through_is_detected(tmp_path: Path) -> None:
    context = build_context(tmp_path / "context", f"{IGNORED}!sandbox\n")

    built = wheel(context, tmp_path / "image")

    assert contents(built) - sources(*PRODUCT) == sources("sandbox")


def test_the_wheel_of_the_checkout_contains_the_sandbox_with_its_pages(tmp_path: Path) -> None:
    built = contents(wheel(ROOT, tmp_path))

    assert built == sources(*PRODUCT, "sandbox")
    assert {"sandbox/pages/style.css", "sandbox/pages/commitments/list.html"} <= built


def test_the_demo_fails_with_a_sentence_if_only_the_image_is_installed(image: ZipFile, tmp_path: Path) -> None:
    image.extractall(tmp_path)
    # Our environment has the checkout on its path; without it, only the working folder has our packages.
    program = f"import sys; sys.path.remove({str(ROOT)!r}); from services.command import main; main(['demo'])"

    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: The demo needs sandbox, which is not installed here: ")
    assert ended.stdout == ""
