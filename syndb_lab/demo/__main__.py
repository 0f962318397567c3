"""The demo, ``make demo``: both kinds of job on a real connectome, from submission to a table and a picture.

It starts its own service in its own folder, and always stops it at the end.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console

from syndb_lab.connection.local_service import ENDING, temporary_service
from syndb_lab.demo.report import hubs_table, measures_table, motifs_table, next_steps, result_table
from syndb_lab.display.progress import progress_line
from syndb_lab.errors import SyndbError
from syndb_lab.job import Job
from syndb_lab.lab import Lab

LOG_WIDTH: Final = 110
DATASET: Final = "celegans_varshney_2011"
STRONGEST: Final = """\
SELECT pre.name AS pre, pre.cell_class AS pre_class, pre.majority_neurotransmitter AS transmitter,
       post.name AS post, post.cell_class AS post_class, post.majority_neurotransmitter AS post_transmitter,
       synapse_count AS synapses
FROM connections
JOIN neurons AS pre ON pre.neuron_id = pre_neuron_id AND pre.dataset_id = connections.dataset_id
JOIN neurons AS post ON post.neuron_id = post_neuron_id AND post.dataset_id = connections.dataset_id
WHERE connections.dataset_id = :dataset
ORDER BY synapses DESC, pre, post
LIMIT 12"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    Parameters
    ----------
    arguments : sequence of str, optional
        ``--data-dir DIR`` keeps the service's folder in DIR; ``--output DIR`` is the folder of the figure.

    Returns
    -------
    int
        The exit code: 0 if everything worked.
    """
    parser = argparse.ArgumentParser(prog="syndb-lab demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder of the service (a temporary one)")
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="folder of the figure")
    options = parser.parse_args(arguments)
    width = None if sys.stdout.isatty() else LOG_WIDTH
    console = Console(highlight=False, width=width)
    endings = {number: signal.signal(number, end) for number in ENDING[1:]}
    try:
        with folder(options.data_dir) as data_dir:
            show(console, data_dir, options.output)
    except SyndbError as error:
        print(f"\nThe demo failed. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    finally:
        for number, ending in endings.items():
            signal.signal(number, ending)
    return 0


def end(number: int, _: FrameType | None) -> None:
    """Raise ``SystemExit`` on a signal, so that the service is stopped."""
    raise SystemExit(128 + number)


@contextmanager
def folder(named: Path | None) -> Iterator[Path]:
    """Yield the named folder, or a temporary one that is removed at the end."""
    if named is not None:
        yield named.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="syndb-lab-demo-") as temporary:
        yield Path(temporary)


def show(console: Console, data_dir: Path, output: Path) -> None:
    """Run both jobs and print their results."""
    console.print("Starting a service of its own on a free port …")
    with temporary_service(data_dir) as service, Lab(service.url, service.token()) as lab:
        console.print(f"It answers at {service.url}\n")
        dataset = lab.datasets().named(DATASET)
        query = lab.sql(STRONGEST, parameters={"dataset": dataset.id}, label="strongest connections")
        console.print(f"[bold]A query job[/] · the strongest chemical connections of {DATASET}")
        follow(query)
        console.print(result_table(query.to_polars()))
        console.print(f"[bold]A graph job[/] · the whole analysis of {DATASET}")
        graph = follow(lab.graph(dataset, label="full analysis"))
        answer = graph.answer()
        for table in (measures_table(answer), motifs_table(answer), hubs_table(answer)):
            console.print(table)
        output.mkdir(parents=True, exist_ok=True)
        picture = output / "celegans.png"
        graph.plot().savefig(picture)
        console.print(f"Data: {dataset.citation}", markup=False, soft_wrap=True)
        steps = next_steps(Path(sys.executable).parent)
        console.print(f"The figure is {picture}.\n{steps}", markup=False, soft_wrap=True)


def follow(job: Job) -> Job:
    """Wait for a job with a line of progress, also in a log."""
    return job.wait(progress=progress_line(wanted=True, stream=sys.stdout))


if __name__ == "__main__":
    sys.exit(main())
