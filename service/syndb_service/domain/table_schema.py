"""The schema of the tables of a dataset: columns, types and units, and the SQL that reads them.

The first column of each table is ``dataset_id``, which comes from the partition of a file, not from the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        The name in SQL.
    type : str
        The type as DuckDB names it: ``BIGINT``, ``DOUBLE`` or ``VARCHAR``.
    unit : str or None
        The unit of its values, unless a dataset states another one.
    description : str
        Its meaning, in a few words.
    required : bool
        Whether a dataset with this table must have the column.
    range : tuple of two floats, optional
        Minimum and maximum of its values; an import rejects others.
    """

    name: str
    type: str
    unit: str | None
    description: str
    required: bool = False
    range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A relation computed from a table: its columns, its source table and its SQL."""

    columns: tuple[Column, ...]
    source: str
    sql: str


def _id(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name, "BIGINT", None, description, required)


def _text(name: str, description: str) -> Column:
    return Column(name, "VARCHAR", None, description)


def _measure(name: str, unit: str | None, description: str) -> Column:
    return Column(name, "DOUBLE", unit, description)


def _size(name: str, unit: str | None, description: str) -> Column:
    return Column(name, "DOUBLE", unit, description, range=_POSITIVE)


def _count(name: str, description: str) -> Column:
    return Column(name, "BIGINT", None, description, range=_POSITIVE)


def _xyz(prefix: str, of: str) -> tuple[Column, ...]:
    return tuple(_measure(f"{prefix}{axis}", "nm", f"{of}, {axis}") for axis in "xyz")


_POSITIVE: Final = (0, inf)
DATASET_ID: Final = Column("dataset_id", "VARCHAR", None, "the dataset the row belongs to", True)
_PRE: Final = _id("pre_neuron_id", "the presynaptic neuron")
_POST: Final = _id("post_neuron_id", "the postsynaptic neuron")
_OWNER: Final = _id("neuron_id", "the neuron it belongs to")
_REGION: Final = _text("brain_structure", "the brain structure it lies in")
_TRANSMITTER: Final = _text("neurotransmitter", "the neurotransmitter it releases")
_LENGTH: Final = _size("cable_length", "nm", "summed length of the skeleton")
_CENTROID: Final = _xyz("centroid_", "centroid")
_SHAPE: Final = (
    _size("voxel_volume", "nm³", "volume, counted in voxels"),
    _size("mesh_volume", "nm³", "volume of the mesh"),
    _size("mesh_surface_area", "nm²", "surface area of the mesh"),
    _size("mesh_sphericity", "1", "sphericity of the mesh: 1 is a sphere"),
)
_MITOCHONDRIA: Final = (
    _count("mitochondria_count", "number of mitochondria in it"),
    _size("total_mitochondria_volume", "nm³", "summed volume of the mitochondria in it"),
)
_BODY: Final = (*_CENTROID, *_SHAPE)
_BRANCH: Final = (_OWNER, _REGION, *_BODY, _LENGTH, *_MITOCHONDRIA)

TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "neurons": (
        DATASET_ID,
        _id("neuron_id", "the neuron, unique within the dataset"),
        _text("name", "the name the field uses"),
        _text("cell_class", "sensory, interneuron, motor, …"),
        _text("cell_type", "the type within the class"),
        _text("majority_neurotransmitter", "the neurotransmitter that most of its synapses release"),
        _text("species", "the species, in Latin"),
        _REGION,
        _text("description", "free text"),
        *_xyz("soma_", "centre of the soma"),
        _size("soma_volume", "nm³", "volume of the soma"),
        *_SHAPE,
        _LENGTH,
        *_MITOCHONDRIA,
    ),
    "synapses": (
        DATASET_ID,
        _id("synapse_id", "the synapse, unique within the dataset", required=False),
        _PRE,
        _POST,
        *_xyz("", "position"),
        _TRANSMITTER,
        _REGION,
        Column("confidence", "DOUBLE", "1", "confidence of the detection, 0 to 1", range=(0, 1)),
        _measure("cleft_score", None, "score of the cleft's segmentation"),
    ),
    "neuron_relations": (
        DATASET_ID,
        _id("pre_neuron_id", "the one neuron; a gap junction has no direction"),
        _id("post_neuron_id", "the other neuron; the dataset says if pairs are listed once or both ways"),
        Column("relation", "VARCHAR", None, "what relates them: gap_junction", True),
        _size("weight", None, "its strength: the number of gap junctions"),
    ),
    "axons": (
        DATASET_ID,
        _id("axon_id", "the axon, unique within the dataset"),
        *_BRANCH,
        _count("terminal_count", "number of presynaptic terminals on it"),
    ),
    "dendrites": (
        DATASET_ID,
        _id("dendrite_id", "the dendrite, unique within the dataset"),
        *_BRANCH,
        _count("dendritic_spine_count", "number of spines on it"),
    ),
    "dendritic_spines": (
        DATASET_ID,
        _id("dendritic_spine_id", "the spine, unique within the dataset"),
        _OWNER,
        _id("dendrite_id", "the dendrite it sits on", required=False),
        *_BODY,
        _size("neck_length", "nm", "length of the neck"),
    ),
    "pre_synaptic_terminals": (
        DATASET_ID,
        _id("pre_synaptic_terminal_id", "the terminal, unique within the dataset"),
        _OWNER,
        _id("axon_id", "the axon it belongs to", required=False),
        *_BODY,
        *_MITOCHONDRIA,
        _count("vesicle_count", "number of vesicles in it"),
        _size("total_vesicle_volume", "nm³", "summed volume of the vesicles in it"),
    ),
    "vesicles": (
        DATASET_ID,
        _id("vesicle_id", "the vesicle, unique within the dataset"),
        _OWNER,
        _id("pre_synaptic_terminal_id", "the terminal it lies in", required=False),
        *_CENTROID,
        _size("voxel_radius", "nm", "radius, from the voxels"),
        _size("distance_to_active_zone", "nm", "distance to the nearest active zone"),
        _size("minimum_normal_length", "nm", "shortest distance to the membrane, along its normal"),
        _text("neurotransmitter", "the neurotransmitter it holds"),
    ),
    "mitochondria": (
        DATASET_ID,
        _id("mitochondrion_id", "the mitochondrion, unique within the dataset"),
        _OWNER,
        *_BODY,
    ),
}

VIEWS: Final[dict[str, View]] = {
    "connections": View(
        columns=(
            DATASET_ID,
            _PRE,
            _POST,
            Column("synapse_count", "BIGINT", "synapses", "synapses from the one neuron to the other", True),
        ),
        source="synapses",
        sql="SELECT dataset_id, pre_neuron_id, post_neuron_id, count(*) AS synapse_count FROM synapses "
        "GROUP BY dataset_id, pre_neuron_id, post_neuron_id",
    )
}


def quote_text(text: str) -> str:
    """Quote a text as an SQL string.

    Examples
    --------
    >>> print(quote_text("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Quote a name as an SQL identifier.

    Examples
    --------
    >>> print(quote_name('pre"id'))
    "pre""id"
    """
    return '"' + name.replace('"', '""') + '"'


def view_sql(table: str, paths: Sequence[str]) -> str:
    """Build the SELECT that reads a table in place.

    A filter on ``dataset_id`` reads only the files of that dataset, because the id is the partition key.

    Parameters
    ----------
    table : str
        A table's name, one of ``TABLES``.
    paths : sequence of str
        Its Parquet files, each below a folder ``dataset_id=…``; without files the relation is empty.

    Returns
    -------
    str
        One SELECT without a semicolon: ``dataset_id`` first, then the table's columns in their order.

    Examples
    --------
    >>> view_sql("neuron_relations", [])[:53]
    'SELECT CAST(NULL AS VARCHAR) AS dataset_id, CAST(NULL'
    >>> print(view_sql("neuron_relations", ["/w/dataset_id=7/a.parquet"]).partition(" FROM ")[2])
    read_parquet(['/w/dataset_id=7/a.parquet'], hive_partitioning=true, hive_types={'dataset_id': VARCHAR})
    """
    columns = TABLES[table]
    if not paths:
        nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in columns)
        return f"SELECT {nulls} WHERE false"
    names = ", ".join(column.name for column in columns)
    files = ", ".join(quote_text(path) for path in paths)
    options = "hive_partitioning=true, hive_types={'dataset_id': VARCHAR}"
    return f"SELECT {names} FROM read_parquet([{files}], {options})"  # noqa: S608 - quoted, and ours
