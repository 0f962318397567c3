"""Dataset folders and exports: read, checked, and made into what the warehouse takes."""

from syndb_service.intake.bundled import install_bundled
from syndb_service.intake.exports import FORMATS, describe_exports
from syndb_service.intake.format import describe_format
from syndb_service.intake.offer import DatasetInput
from syndb_service.intake.origin import FOLDER
from syndb_service.intake.preparing import add_dataset, add_folder, prepare_dataset
from syndb_service.intake.watching import Progress

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
