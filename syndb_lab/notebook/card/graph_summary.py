"""The main measures of a graph analysis, in a few lines."""

from __future__ import annotations

from typing import Any, Final

from syndb_lab.errors import SyndbError
from syndb_lab.notebook.notebook_job import NotebookJob

MEASURES: Final = (
    ("neuron_count", "neurons"),
    ("connection_count", "connections"),
    ("synapse_count", "synapses"),
    ("density", "density"),
    ("reciprocity", "reciprocity"),
)


def summarize_answer(job: NotebookJob) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return the main measures of a graph job, and its dataset."""
    try:
        answer = job.answer()
    except SyndbError:
        return [], {}
    lines = [(word, number(answer[name])) for name, word in MEASURES if name in answer]
    return lines, {"datasets": [answer["dataset"]] if isinstance(answer.get("dataset"), dict) else []}


def number(value: Any) -> str:
    """Format a measure.

    Examples
    --------
    >>> number(2194), number(0.02829)
    ('2,194', '0.0283')
    """
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)
    )
