"""The tree of errors in the docstring is the tree of errors."""

import inspect

from services.pipeline import errors
from services.pipeline.errors import CountersignError


def test_the_drawn_tree_holds_every_error_under_its_base() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    drawn = (errors.__doc__ or "").splitlines()
    for kind in kinds:
        (line,) = [line for line in drawn if line.lstrip("│ ├└─").split(" ")[0] == kind.__name__]
        depth = (len(line) - len(line.lstrip("│ ├└─"))) // 4
        assert kind.__mro__.index(CountersignError) == depth, kind


def test_every_error_says_what_it_means() -> None:
    assert all(kind.__doc__ for _, kind in inspect.getmembers(errors, inspect.isclass))
