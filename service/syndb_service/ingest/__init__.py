"""Dataset folders and exports of other tools: read, checked, converted, and added to the warehouse.

The processes and the commands import it.
"""

from syndb_service.ingest.bundled import install_bundled
from syndb_service.ingest.dataset_input import FOLDER, DatasetInput
from syndb_service.ingest.exports import FORMATS, describe_exports
from syndb_service.ingest.format_help import describe_format
from syndb_service.ingest.load_progress import Progress
from syndb_service.ingest.pipeline import add_dataset, add_folder, prepare_dataset

__all__ = [
    "FOLDER",
    "FORMATS",
    "DatasetInput",
    "Progress",
    "add_dataset",
    "add_folder",
    "describe_exports",
    "describe_format",
    "install_bundled",
    "prepare_dataset",
]
