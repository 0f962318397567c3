"""Access to one prefix of an S3 bucket, with errors translated to those of the service.

Only ``results`` and ``warehouse`` import it, for an ``s3://`` URL: boto3 takes a third of a second to load.
"""

from syndb_service.s3.bucket import Bucket, Opened
from syndb_service.s3.errors import ObjectNotFound, PreconditionFailed, RangeNotSatisfiableInS3
from syndb_service.s3.streaming import chunks_of

__all__ = ["Bucket", "ObjectNotFound", "Opened", "PreconditionFailed", "RangeNotSatisfiableInS3", "chunks_of"]
