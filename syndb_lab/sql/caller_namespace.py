"""The namespace of a magic: the variables of the code that called it, by Python's scoping rules."""

from __future__ import annotations

import inspect
import linecache
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, Final

MACHINERY: Final = frozenset({"IPython", "ipykernel", "decorator", "traitlets", __name__.partition(".")[0]})


class Scope(Mapping[str, Any]):
    """Variables in Python's order: the function's, its enclosing functions', its module's, the notebook's.

    An enclosing function provides values only while it still runs. A name that belongs to it is never looked
    up further out.

    Parameters
    ----------
    frame : FrameType or None
        The frame of the calling code; None for the notebook's variables alone.
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
        """Explain why a function's variable has no value; None if no function has the name."""
        for frame in self._inner:
            if name in owned_names(frame.f_code):
                return f"it is a variable of {frame.f_code.co_name}() that has no value yet"
        if name in self._ended:
            return f"it is a variable of {self._ended[name]}(), which has ended and did not keep it"
        return None


def find_scope(notebook: Mapping[str, Any]) -> Scope:
    """Find the scope of the code that called this package, past the frames of IPython."""
    frame = inspect.currentframe()
    while frame is not None and module_of(frame) in MACHINERY:
        frame = frame.f_back
    return Scope(frame, notebook)


def module_of(frame: FrameType) -> str:
    """Return the name of the top-level package of a frame's code."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def functions_around(frame: FrameType) -> Iterator[FrameType]:
    """Yield the running functions that enclose a frame's code in the source, innermost first.

    The body of a class is left out: functions in it do not see its names.
    """
    code, outer = frame.f_code, frame.f_back
    while outer is not None:
        if outer.f_code.co_flags & inspect.CO_OPTIMIZED and holds(outer.f_code, code):
            yield outer
            code = outer.f_code
        outer = outer.f_back


def names_of_ended_functions(frame: FrameType) -> dict[str, str]:
    """Map the variables of the enclosing functions, read from the source, to the names of those functions."""
    code = frame.f_code
    if "<locals>" not in code.co_qualname:
        return {}
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    try:
        module = compile(
            "".join(lines), code.co_filename, "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
    except (SyntaxError, ValueError):
        return {}
    enclosing = next(paths_to(module, (code.co_name, code.co_firstlineno)), ())
    return {name: outer.co_name for outer in enclosing for name in owned_names(outer)}


def paths_to(code: CodeType, wanted: tuple[str, int]) -> Iterator[tuple[CodeType, ...]]:
    """Yield each chain of code objects, outermost first, that encloses the one with this name and line."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if (const.co_name, const.co_firstlineno) == wanted:
                yield (code,)
            yield from ((code, *path) for path in paths_to(const, wanted))


def holds(outer: CodeType, inner: CodeType) -> bool:
    """Whether a code object is nested in another one, at any depth."""
    inside = [const for const in outer.co_consts if isinstance(const, CodeType)]
    return inner in inside or any(holds(code, inner) for code in inside)


def owned_names(code: CodeType) -> frozenset[str]:
    """Return the variables of a function, with or without a value; empty for other code."""
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return frozenset()
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
