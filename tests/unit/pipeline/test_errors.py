"""The tree in the docstring of errors.py shows every error under its base class."""

import inspect

from services.pipeline import errors
from services.pipeline.errors import CountersignError


def test_the_docstring_shows_every_error_under_its_base_class() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    drawn = (errors.__doc__ or "").splitlines()
    for kind in kinds:
        (line,) = [line for line in drawn if line.lstrip("│ ├└─").split(" ")[0] == kind.__name__]
        depth = (len(line) - len(line.lstrip("│ ├└─"))) // 4
        assert kind.__mro__.index(CountersignError) == depth, kind


def test_every_error_has_a_docstring() -> None:
    assert all(kind.__doc__ for _, kind in inspect.getmembers(errors, inspect.isclass))
