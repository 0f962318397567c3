"""Bindings of the compiled C kernels: loops over millions of connections, called with arrays.

The kernels are built when the package is installed (``build.py``). A call checks the type and the layout of
every array and releases the interpreter's lock, so that several calls run in parallel.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from syndb_service.errors import FatalError
from syndb_service.graph.kernels.build import library_path

_SCALARS: dict[str, Any] = {"n": ctypes.c_int64, "h": ctypes.c_int32, "x": ctypes.c_double}
_ARRAYS: dict[str, Any] = {"b": np.uint8, "i": np.int32, "l": np.int64, "w": np.uint64, "d": np.float64}
SIGNATURES = {
    "sort_connections": "nniilliill",
    "transpose": "nlilii",
    "merge_dyads": "nlililib",
    "order_by_degree": "nlibiilib",
    "count_triangles": "nnlibblL",
    "search_together": "nliLninwwwiillli",
    "find_weak": "nliii",
    "find_strong": "nliiiiili",
    "fill_set": "niihnw",
    "trade_partners": "nlinilbwILILI",
    "switch_connections": "nniinwnhw",
    "move_nodes": "nlillnxiliibliiw",
    "refine": "nlillnxililliiliw",
    "merge_parts": "nlilinillilli",
    "find_cores": "nnliiiili",
    "pass_rank": "nliildxxd",
    "find_path": "nlidnndiii",
}
"""Arguments: numbers n (64 bits), h (32), x (double); arrays b, i, l, w, d; a capital allows None."""


class KernelsMissing(FatalError):
    """The compiled library is missing or was built from other sources."""

    code = "kernels_missing"


def kernel(name: str) -> Callable[..., int]:
    """Return the kernel of this name.

    Raises
    ------
    KernelsMissing
        If the library was not built from the sources that are installed.

    Examples
    --------
    >>> start, to = np.array([0, 1, 1]), np.array([1], np.int32)
    >>> scratch, label = np.zeros(2, np.int32), np.zeros(2, np.int32)
    >>> kernel("find_weak")(2, start, to, scratch, label)
    1
    """
    found: Callable[..., int] = _load_library()[name]
    return found


@cache
def _load_library() -> dict[str, Any]:
    path = library_path()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise KernelsMissing(
            f"the compiled graph kernels can't be loaded: {error}",
            hint="Install the service again (make, or pip install): that builds them.",
        ) from None
    kernels = {}
    for name, codes in SIGNATURES.items():
        function = library[name]
        function.argtypes = [_argument(code) for code in codes]
        function.restype = ctypes.c_int64
        kernels[name] = function
    return kernels


def _argument(code: str) -> Any:
    if code in _SCALARS:
        return _SCALARS[code]
    array = np.ctypeslib.ndpointer(_ARRAYS[code.lower()], flags="C_CONTIGUOUS")
    return _optional(array) if code.isupper() else array


def _optional(array: Any) -> Any:
    """Return an array type that also accepts None."""

    def from_param(cls: Any, value: Any) -> Any:
        return None if value is None else array.from_param(value)

    return type(f"Optional{array.__name__}", (array,), {"from_param": classmethod(from_param)})
