"""S3 as this service speaks it: one bucket's prefix, with what goes wrong told apart.

Importing this package loads boto3 (a third of a second), so only what has an ``s3://`` URL does.
"""

from syndb_service.s3.answers import ObjectNotFound, PreconditionFailed, RangeNotSatisfiableInS3
from syndb_service.s3.bucket import Bucket, Entry, Opened, Upload
from syndb_service.s3.patience import retry_during_outage
from syndb_service.s3.reading import chunks_of

__all__ = [
    "Bucket",
    "Entry",
    "ObjectNotFound",
    "Opened",
    "PreconditionFailed",
    "RangeNotSatisfiableInS3",
    "Upload",
    "chunks_of",
    "retry_during_outage",
]
