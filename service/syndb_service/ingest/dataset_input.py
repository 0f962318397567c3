"""What is offered as a dataset: files, and what its owner says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """Files that are to become a dataset.

    Parameters
    ----------
    paths : tuple of Path
        A dataset folder; or the files of an export, or a folder with them.
    format : str, optional
        Which export it is, one of ``FORMATS``, or ``folder`` for a dataset folder. Without it the names and
        the columns of the files tell; a folder with a metadata file is a dataset folder.
    facts : mapping of str to str
        Keys of the metadata file, such as ``species``. They go before what the file says.
    voxel_nm : tuple of three floats, optional
        The size of a voxel in nm: positions of a CAVE table are multiplied by it.
    transposed : bool
        Whether the columns of an adjacency matrix are presynaptic.
    readers : tuple of str
        Who alone may see it, whatever its metadata says: ``user:NAME`` and ``group:NAME``.
    """

    paths: tuple[Path, ...]
    format: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    voxel_nm: tuple[float, float, float] | None = None
    transposed: bool = False
    readers: tuple[str, ...] = ()
