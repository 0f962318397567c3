"""Writing a job in a notebook: SQL with live checks, or a graph analysis by its form."""

from typing import Any

from syndb_lab.composer.composer import Composer
from syndb_lab.errors import SyndbError
from syndb_lab.progress import in_notebook
from syndb_lab.widgets import notebook_namespace

__all__ = ["Composer", "in_this_notebook"]


def in_this_notebook() -> dict[str, Any]:
    """Find the notebook's variables.

    Raises
    ------
    SyndbError
        There is no notebook to show a composer in.
    """
    if not in_notebook():
        raise SyndbError(
            "the composer needs a notebook",
            hint="Elsewhere: lab.sql(query), lab.graph(dataset), or the command `syndb-lab query`.",
        )
    return notebook_namespace()
