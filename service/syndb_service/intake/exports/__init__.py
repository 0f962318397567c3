"""Exports of the field's tools, read as they are: one module a kind, and how they are told apart."""

from syndb_service.intake.exports.plan import Options
from syndb_service.intake.exports.recognising import (
    FORMATS,
    READERS,
    describe_exports,
    detect_format,
    get_reader,
)
from syndb_service.intake.exports.seen import probe_files

__all__ = ["FORMATS", "READERS", "Options", "describe_exports", "detect_format", "get_reader", "probe_files"]
