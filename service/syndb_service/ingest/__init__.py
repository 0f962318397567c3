"""Dataset folders and exports, read into the warehouse. The processes and the commands import it."""

from syndb_service.ingest.dataset_input import DatasetInput
from syndb_service.ingest.exports import describe_exports
from syndb_service.ingest.format_help import describe_format
from syndb_service.ingest.pipeline import add_dataset, add_folder

__all__ = ["DatasetInput", "add_dataset", "add_folder", "describe_exports", "describe_format"]
