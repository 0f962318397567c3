"""A synthetic connectome as a dataset folder for ``syndb-lab dataset add``, with one row per synapse."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.connectome import WHOLE_BRAIN, Shape, wire

FIRST_ID = 720_575_940_600_000_000  # like FlyWire's ids, above 2**53
CHUNK = 500_000  # connections whose synapses are written at a time
STRUCTURES = 78  # neuropils of the fly's brain
CLASSES = {
    "optic": 0.56,
    "central": 0.23,
    "sensory": 0.12,
    "visual_projection": 0.058,
    "ascending": 0.017,
    "descending": 0.0093,
    "visual_centrifugal": 0.0038,
    "motor": 0.0013,
    "endocrine": 0.0006,
}
TRANSMITTERS = {
    "acetylcholine": 0.60,
    "glutamate": 0.19,
    "GABA": 0.16,
    "dopamine": 0.03,
    "serotonin": 0.015,
    "octopamine": 0.005,
}
METADATA = """\
name = "{name}"
title = "Made-up connectome: {neurons:,} neurons, {connections:,} connections, seed {seed}"
version = "1"
citation = "Generated with the statistics of Lin A et al. (2024), Nature 634: 153-165, \
doi:10.1038/s41586-024-07968-y; not a real brain."
species = "Drosophila melanogaster"
visibility = "public"
"""


def write_dataset(folder: Path, shape: Shape, seed: int, name: str = "made_up_brain") -> int:
    """Write ``dataset.toml``, ``neurons.parquet`` and ``synapses.parquet``; return the number of synapses.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    shape : Shape
        Size and statistics of the connectome.
    seed : int
        The same seed gives the same files.
    name : str
        The dataset's name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wiring, rng = wire(shape, seed), np.random.default_rng([seed, 1])
    text = METADATA.format(name=name, neurons=shape.neurons, connections=shape.connections, seed=seed)
    (folder / "dataset.toml").write_text(text)
    neurons = _neurons(shape.neurons, rng)
    pq.write_table(neurons, folder / "neurons.parquet")
    ids = neurons["neuron_id"].to_numpy()
    structure = neurons["brain_structure"].combine_chunks().dictionary_encode()
    transmitter = neurons["majority_neurotransmitter"].combine_chunks().dictionary_encode()
    codes = structure.indices.to_numpy(), transmitter.indices.to_numpy()
    with pq.ParquetWriter(folder / "synapses.parquet", _SYNAPSES, compression="zstd") as writer:
        for first in range(0, shape.connections, CHUNK):
            part = slice(first, first + CHUNK)
            rows = np.repeat(np.arange(first, min(first + CHUNK, shape.connections)), wiring.synapses[part])
            rows = rng.permutation(rows)
            pre, post = wiring.pre[rows], wiring.post[rows]
            columns = [
                pa.array(ids[pre]),
                pa.array(ids[post]),
                pa.DictionaryArray.from_arrays(codes[1][pre], transmitter.dictionary),
                pa.DictionaryArray.from_arrays(codes[0][post], structure.dictionary),
            ]
            writer.write_table(pa.table(columns, schema=_SYNAPSES))
    return int(wiring.synapses.sum())


_NAMES = pa.dictionary(pa.int32(), pa.string())
_SYNAPSES = pa.schema(
    [
        ("pre_neuron_id", pa.int64()),
        ("post_neuron_id", pa.int64()),
        ("neurotransmitter", _NAMES),
        ("brain_structure", _NAMES),
    ]
)


def _neurons(count: int, rng: np.random.Generator) -> pa.Table:
    """Draw ids, names, classes and neurotransmitters; a brain structure is an interval of the line."""
    borders = np.sort(rng.choice(count, max(min(STRUCTURES, count) - 1, 0), replace=False))
    structure = np.searchsorted(borders, np.arange(count), side="right")
    return pa.table(
        {
            "neuron_id": FIRST_ID + np.cumsum(rng.integers(1, 400, count)),
            "name": [f"N{number:06d}" for number in range(count)],
            "cell_class": _draw(CLASSES, count, rng),
            "majority_neurotransmitter": _draw(TRANSMITTERS, count, rng),
            "brain_structure": [f"neuropil_{number + 1:02d}" for number in structure.tolist()],
        }
    )


def _draw(shares: dict[str, float], count: int, rng: np.random.Generator) -> list[str]:
    weights = np.array(list(shares.values()))
    drawn: list[str] = rng.choice(list(shares), count, p=weights / weights.sum()).tolist()
    return drawn


def main() -> None:
    """Write a dataset folder: ``python -m benchmarks.dataset FOLDER [--neurons N] [--connections M] …``."""
    parser = argparse.ArgumentParser(description="Write a synthetic connectome as a dataset folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--neurons", type=int, default=WHOLE_BRAIN.neurons)
    parser.add_argument("--connections", type=int, default=WHOLE_BRAIN.connections)
    parser.add_argument("--reciprocity", type=float, default=WHOLE_BRAIN.reciprocity)
    parser.add_argument("--least-synapses", type=int, default=WHOLE_BRAIN.least_synapses)
    parser.add_argument("--mean-synapses", type=float, default=WHOLE_BRAIN.mean_synapses)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shape = Shape(
        neurons=options.neurons,
        connections=options.connections,
        reciprocity=options.reciprocity,
        least_synapses=options.least_synapses,
        mean_synapses=options.mean_synapses,
    )
    synapses = write_dataset(options.folder, shape, options.seed)
    print(
        f"{options.folder}: {options.neurons:,} neurons, {options.connections:,} connections, "
        f"{synapses:,} synapses"
    )


if __name__ == "__main__":
    main()
