"""Exports of the field's tools, read as they are: one module a kind, and how they are told apart."""

from syndb_service.intake.exports.plan import Options
from syndb_service.intake.exports.recognising import (
    FORMATS,
    READERS,
    describe_exports,
    reader_named,
    recognise,
)
from syndb_service.intake.exports.seen import look

__all__ = ["FORMATS", "READERS", "Options", "describe_exports", "look", "reader_named", "recognise"]
