"""Conversion of every error of a public call to an error of this package, with a hint."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

from syndb_lab.conversion.plain_values import article
from syndb_lab.errors import ParameterError, SyndbError
from syndb_lab.text.terminal_text import shorten

T = TypeVar("T")
LONGEST: Final = 300
LAB: Final = "anywidget duckdb IPython ipywidgets matplotlib networkx numpy pandas polars pyarrow pytz scipy"
IN_LAB: Final = frozenset(LAB.split())


def convert_errors(kind: type[T]) -> type[T]:
    """Make all public methods and property setters of a class raise only errors of this package.

    The error for a missing package says what to install; the error for any other exception names the call.
    ``__cause__`` is the original error.
    """
    for name, held in list(vars(kind).items()):
        if name.startswith("_"):
            continue
        if isinstance(held, property) and held.fset is not None:
            setattr(kind, name, property(held.fget, convert_call_errors(held.fset), held.fdel, held.__doc__))
        elif callable(held) and not isinstance(held, type | staticmethod | classmethod):
            setattr(kind, name, convert_call_errors(held))
    return kind


def convert_call_errors(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap one public call, and check its boolean options."""
    parameters = inspect.signature(call).parameters.values()
    flags = [parameter.name for parameter in parameters if isinstance(parameter.default, bool)]

    @functools.wraps(call)
    def call_and_convert(*args: Any, **options: Any) -> Any:
        for name in flags:
            if name in options and not is_flag(options[name]):
                raise ParameterError(
                    f"{name} is {article(options[name])}; it takes True or False",
                    hint=f"For example: {name}=True.",
                )
        try:
            return call(*args, **options)
        except SyndbError:
            raise
        except ModuleNotFoundError as error:
            raise missing_package(call.__name__, error) from error
        except Exception as error:
            trace = error.__traceback__
            if isinstance(error, TypeError) and trace is not None and trace.tb_next is None:
                raise  # a call with a wrong name or number of arguments keeps Python's message
            raise unexpected_error(call.__name__, error) from error

    return call_and_convert


def is_flag(value: Any) -> bool:
    """Whether a value is a boolean, also of NumPy, or an integer, such as 0 or 1 for it."""
    return isinstance(value, bool | int) or type(value).__name__ in {"bool", "bool_"}


def missing_package(name: str, error: ModuleNotFoundError) -> SyndbError:
    """Build the error for a missing package; its hint says what to install."""
    package = str(error.name or "").partition(".")[0]
    wanted = "'syndb-lab[lab]'" if package in IN_LAB else package or "'syndb-lab[lab]'"
    return SyndbError(
        f"{name}() needs the package {package or 'that is missing'}, which is not installed",
        hint=f"pip install {wanted}",
    )


def unexpected_error(name: str, error: Exception) -> SyndbError:
    """Build the error for an exception that this package did not expect."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an error whose own text fails is reported by its type alone
        text = ""
    text = shorten(text.encode("utf-8", "backslashreplace").decode(), LONGEST)
    return SyndbError(
        f"{name}() failed: {type(error).__name__}{': ' if text else ''}{text}",
        hint=f"Check the arguments against help({name}); if they are as it says, report this as a fault.",
    )
