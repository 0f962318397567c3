"""The lifecycle rule by which S3 deletes results that the sweeper has missed."""

from __future__ import annotations

import logging
import math
from typing import Any, Final

from botocore.exceptions import ClientError

from syndb_service.errors import TransientError
from syndb_service.s3 import Bucket, ObjectNotFound, PreconditionFailed

MARGIN_DAYS: Final = 2
UPLOAD_DAYS: Final = 1

_log: Final = logging.getLogger(__name__)


def extend_lifecycle(bucket: Bucket, max_ttl_hours: float) -> bool:
    """Set the rule of this prefix, or lengthen it; keep the bucket's other rules. Return whether it is set.

    Without a prefix no rule is set: the bucket may contain other files than results.
    """
    if not bucket.location.prefix:
        _log.warning("%s has no prefix, so no lifecycle rule is set: set one by hand", bucket.location)
        return False
    target = {"Bucket": bucket.location.bucket}
    try:
        rules = _rules(bucket, target)
        wanted = _rule(bucket, math.ceil(max_ttl_hours / 24) + MARGIN_DAYS)
        present = next((rule for rule in rules if rule.get("ID") == wanted["ID"]), None)
        if present is not None and _days(present) >= _days(wanted):
            return True
        others = [rule for rule in rules if rule is not present]
        with bucket.translate_errors():
            bucket.client.put_bucket_lifecycle_configuration(
                **target, LifecycleConfiguration={"Rules": [*others, wanted]}
            )
    except (TransientError, ObjectNotFound, PreconditionFailed) as error:
        _log.warning("no lifecycle rule could be set on %s: %s", bucket.location, error)
        return False
    return True


def _rules(bucket: Bucket, target: dict[str, str]) -> list[dict[str, Any]]:
    with bucket.translate_errors():
        try:
            answer = bucket.client.get_bucket_lifecycle_configuration(**target)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchLifecycleConfiguration":
                return []
            raise
    return list(answer.get("Rules", []))


def _rule(bucket: Bucket, days: int) -> dict[str, Any]:
    return {
        "ID": f"syndb-lab results {bucket.location.prefix}",
        "Status": "Enabled",
        "Filter": {"Prefix": bucket.location.prefix},
        "Expiration": {"Days": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UPLOAD_DAYS},
    }


def _days(rule: dict[str, Any]) -> int:
    return int(rule.get("Expiration", {}).get("Days", 0))
