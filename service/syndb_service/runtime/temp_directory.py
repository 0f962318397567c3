"""The folder of a worker's temporary files, and the errors if it can't be used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from syndb_service.errors import TransientError
from syndb_service.runtime.disk_probe import is_full, write_probe

HINT: Final = "The job is tried again; an operator has to look at the worker's data folder."


def make_temp_folder(folder: Path) -> None:
    """Create the folder of one attempt.

    Raises
    ------
    TransientError
        If it can't be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(error) from error


def check_temp_folder(folder: Path) -> None:
    """Require that temporary files can be written.

    Raises
    ------
    TransientError
        If they can't.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_probe(folder)
    except OSError as error:
        raise _unusable(error) from error


def _unusable(error: OSError) -> TransientError:
    if is_full(error):
        return TransientError("the disk of the temporary files is full", code="temp_full", hint=HINT)
    reason = os.strerror(error.errno or 0).lower()
    return TransientError(f"temporary files can't be written ({reason})", code="temp_unavailable", hint=HINT)
