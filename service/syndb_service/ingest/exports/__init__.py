"""Readers of the exports of other tools, one module per kind, and their detection.

Only ``ingest`` imports it.
"""

from syndb_service.ingest.exports.detection import FORMATS, describe_exports, detect_format, get_reader
from syndb_service.ingest.exports.file_probe import probe_files
from syndb_service.ingest.exports.import_plan import Options

__all__ = ["FORMATS", "Options", "describe_exports", "detect_format", "get_reader", "probe_files"]
