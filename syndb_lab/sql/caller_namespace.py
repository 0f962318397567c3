"""The names that a magic sees: those of the code that ran it, as Python looks them up."""

from __future__ import annotations

import inspect
import linecache
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, Final

MACHINERY: Final = frozenset({"IPython", "ipykernel", "decorator", "traitlets", __name__.partition(".")[0]})


class Scope(Mapping[str, Any]):
    """Names by Python's rules: a function's own, those of functions around it, its module's, the notebook's.

    Of the functions around it, only those that still run have values; a name that is theirs is never looked
    up further out.

    Parameters
    ----------
    frame : FrameType or None
        What runs; None for the notebook's names alone.
    notebook : mapping
        The notebook's variables.
    """

    def __init__(self, frame: FrameType | None, notebook: Mapping[str, Any]) -> None:
        self._inner = [] if frame is None else [frame, *functions_around(frame)]
        self._ended = {} if frame is None else names_of_ended_functions(frame)
        self._outer = [notebook] if frame is None else [frame.f_globals, notebook]

    def __getitem__(self, name: str) -> Any:
        for frame in self._inner:
            if name in frame.f_locals:
                return frame.f_locals[name]
            if name in owned_names(frame.f_code):
                raise KeyError(name)
        if name in self._ended:
            raise KeyError(name)
        for names in self._outer:
            if name in names:
                return names[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        names = [name for frame in self._inner for name in frame.f_locals]
        names += [name for outer in self._outer for name in outer]
        return iter(dict.fromkeys(names))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def why_missing(self, name: str) -> str | None:
        """Say why a name has no value, where it is a function's; None where nobody has it."""
        for frame in self._inner:
            if name in owned_names(frame.f_code):
                return f"it is a variable of {frame.f_code.co_name}() that has no value yet"
        if name in self._ended:
            return f"it is a variable of {self._ended[name]}(), which has ended and kept it for nobody"
        return None


def find_scope(notebook: Mapping[str, Any]) -> Scope:
    """Find what the code sees that called us: past the frames of IPython and of this package."""
    frame = inspect.currentframe()
    while frame is not None and module_of(frame) in MACHINERY:
        frame = frame.f_back
    return Scope(frame, notebook)


def module_of(frame: FrameType) -> str:
    """Name the package that a frame's code is of."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def functions_around(frame: FrameType) -> Iterator[FrameType]:
    """Yield the running functions in whose text a frame's code stands, the innermost first.

    The body of a class is none: what runs in it sees its names, the functions in it do not.
    """
    code, outer = frame.f_code, frame.f_back
    while outer is not None:
        if outer.f_code.co_flags & inspect.CO_OPTIMIZED and holds(outer.f_code, code):
            yield outer
            code = outer.f_code
        outer = outer.f_back


def names_of_ended_functions(frame: FrameType) -> dict[str, str]:
    """Map the variables of the functions around a nested one, as its source has them, to those functions."""
    code = frame.f_code
    if "<locals>" not in code.co_qualname:
        return {}
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    try:
        whole = compile(
            "".join(lines), code.co_filename, "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
    except (SyntaxError, ValueError):
        return {}
    around = next(paths_to(whole, (code.co_name, code.co_firstlineno)), ())
    return {name: outer.co_name for outer in around for name in owned_names(outer)}


def paths_to(code: CodeType, wanted: tuple[str, int]) -> Iterator[tuple[CodeType, ...]]:
    """Yield the codes that lead to one of this name and line, the outermost first."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if (const.co_name, const.co_firstlineno) == wanted:
                yield (code,)
            yield from ((code, *path) for path in paths_to(const, wanted))


def holds(outer: CodeType, inner: CodeType) -> bool:
    """Whether a code stands in the text of another."""
    inside = [const for const in outer.co_consts if isinstance(const, CodeType)]
    return inner in inside or any(holds(code, inner) for code in inside)


def owned_names(code: CodeType) -> frozenset[str]:
    """Return the variables that a function has, whether or not they have a value."""
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return frozenset()
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
