"""The input of an import: files, and the options that describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """Files to import as a dataset.

    Parameters
    ----------
    paths : tuple of Path
        A dataset folder; or the files of an export, or a folder with them.
    format : str, optional
        The kind of export, one of ``FORMATS``, or ``folder`` for a dataset folder. By default it is detected
        from the names and columns of the files; a folder with a metadata file is a dataset folder.
    facts : mapping of str to str
        Keys of the metadata file, such as ``species``. They override the file.
    voxel_nm : tuple of three floats, optional
        The size of a voxel in nm, by which positions of a CAVE table are multiplied.
    transposed : bool
        Whether the columns of an adjacency matrix are presynaptic.
    readers : tuple of str
        The only readers, whatever the metadata says: ``user:NAME`` and ``group:NAME``.
    """

    paths: tuple[Path, ...]
    format: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    voxel_nm: tuple[float, float, float] | None = None
    transposed: bool = False
    readers: tuple[str, ...] = ()
