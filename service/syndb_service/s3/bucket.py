"""One prefix of an S3 bucket, with the calls that results and warehouse need."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from boto3.s3.transfer import S3UploadFailedError, TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from syndb_service.s3.client import connect
from syndb_service.s3.errors import (
    ObjectNotFound,
    PreconditionFailed,
    at_start,
    s3_unavailable,
    translate_s3_errors,
)
from syndb_service.storage_url import S3Location

_TRANSFER: Final = TransferConfig(
    multipart_threshold=16 * 1024**2, multipart_chunksize=16 * 1024**2, max_concurrency=2, max_io_queue=4
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of a listing; ``key`` is relative to the prefix."""

    key: str
    bytes: int
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that was neither completed nor aborted."""

    key: str
    upload_id: str
    initiated: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """An open object: ``body`` yields ``bytes`` bytes of an object of ``size`` bytes."""

    body: BinaryIO
    bytes: int
    etag: str
    size: int


class Bucket:
    """One prefix of a bucket; keys are relative to it.

    Parameters
    ----------
    location : S3Location
        Bucket and prefix.
    dependency : str
        Name for messages: ``"result store"`` or ``"warehouse"``.
    endpoint_url : str, optional
        URL of an S3 that is not Amazon's.
    public_url : str, optional
        URL under which users reach that S3, for presigned links, if it differs.

    Raises
    ------
    BadSetting
        If the endpoint is no URL. Nothing is sent before the first call.

    Notes
    -----
    Credentials come from the sources that all AWS tools use (``AWS_ACCESS_KEY_ID``…, a profile, a role).
    Every call raises ``TransientError`` with the code ``store_unavailable`` if S3 fails, after botocore's
    bounded retries; callers handle :class:`ObjectNotFound` and :class:`PreconditionFailed`.
    """

    def __init__(
        self,
        location: S3Location,
        dependency: str,
        endpoint_url: str | None = None,
        public_url: str | None = None,
    ) -> None:
        self.location = location
        self.dependency = dependency
        self.client = connect(endpoint_url)
        self._prober = connect(endpoint_url, is_probe=True)
        self._public = connect(public_url) if public_url else self.client

    def translate_errors(self) -> AbstractContextManager[None]:
        """Translate the errors of calls of :attr:`client`."""
        return translate_s3_errors(self.dependency)

    def at(self, key: str) -> dict[str, str]:
        """Return the arguments that name an object."""
        return {"Bucket": self.location.bucket, "Key": self.location.prefix + key}

    def check(self, *, writing: bool = True) -> None:
        """Require at start that the bucket exists and that the credentials may use it.

        Parameters
        ----------
        writing : bool
            Write and delete a small object too.

        Raises
        ------
        BadSetting
            If a setting is wrong: no bucket, wrong or missing credentials, missing rights.
        TransientError
            If the store is unavailable.
        """
        probe = self.at(f".probe-{uuid.uuid4().hex}")
        try:
            self._list_one(self.client)
            if writing:
                self.client.put_object(**probe, Body=b"")
                self.client.delete_object(**probe)
        except (BotoCoreError, ClientError) as error:
            raise at_start(self.dependency, self.location.bucket, error) from error

    def ready(self) -> None:
        """Require that the store responds within about three seconds.

        Raises
        ------
        TransientError
            If it does not; the message names the dependency.
        """
        try:
            self._list_one(self._prober)
        except (BotoCoreError, ClientError) as error:
            raise s3_unavailable(self.dependency, error) from error

    def put(self, key: str, data: bytes | bytearray, **options: Any) -> str:
        """Write a small object; return its ETag."""
        with self.translate_errors():
            return str(self.client.put_object(**self.at(key), Body=data, **options)["ETag"])

    def put_if(self, key: str, data: bytes, replaces: str | None) -> None:
        """Write a small object if there is none, or replace the one with that ETag.

        Raises
        ------
        PreconditionFailed
            If there is another one.
        """
        mark = uuid.uuid4().hex
        condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        try:
            self.put(key, data, Metadata={"writer": mark}, **condition)
        except (PreconditionFailed, ObjectNotFound) as error:
            if not self.was_written_by(key, mark):
                raise PreconditionFailed(key) from error

    def was_written_by(self, key: str, mark: str) -> bool:
        """Return whether an object has the metadata ``writer`` = ``mark``: a response can get lost."""
        try:
            with self.translate_errors():
                found = self.client.head_object(**self.at(key))
        except ObjectNotFound:
            return False
        return bool(found["Metadata"].get("writer") == mark)

    def upload(self, path: Path, key: str) -> None:
        """Upload a file as an object; a large file is sent in parts."""
        with self.translate_errors():
            try:
                self.client.upload_file(str(path), *self.at(key).values(), Config=_TRANSFER)
            except S3UploadFailedError as error:
                cause = error.__context__
                raise s3_unavailable(
                    self.dependency, cause if isinstance(cause, Exception) else error
                ) from error

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the store; a large object is copied in parts.

        Raises
        ------
        ObjectNotFound
            If there is none.
        TransientError
            If the store fails.
        """
        with self.translate_errors():
            self.client.copy(self.at(key), *self.at(target).values(), Config=_TRANSFER)

    def state(self, key: str) -> tuple[int, str]:
        """Return the size of an object in bytes, and its ETag.

        Raises
        ------
        ObjectNotFound
            If there is none.
        """
        with self.translate_errors():
            answer = self.client.head_object(**self.at(key))
        return int(answer["ContentLength"]), str(answer["ETag"])

    def size(self, key: str) -> int:
        """Return the size of an object in bytes.

        Raises
        ------
        ObjectNotFound
            If there is none.
        """
        with self.translate_errors():
            return int(self.client.head_object(**self.at(key))["ContentLength"])

    def open(self, key: str, start: int = 0, stop: int | None = None, etag: str | None = None) -> Opened:
        """Open an object for reading, or its bytes from ``start`` up to ``stop``.

        Raises
        ------
        ObjectNotFound
            If there is none.
        RangeNotSatisfiableInS3
            If it ends before ``start``.
        """
        options = {"IfMatch": etag} if etag else {}
        if start or stop is not None:
            options["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        with self.translate_errors():
            answer = self.client.get_object(**self.at(key), **options)
        length = int(answer["ContentLength"])
        size = answer.get("ContentRange", f"/{length}").rpartition("/")[2]
        return Opened(cast("BinaryIO", answer["Body"]), length, answer["ETag"], int(size))

    def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        with self.translate_errors():
            self.client.delete_object(**self.at(key))

    def entries(self, below: str = "") -> Iterator[Entry]:
        """List the objects whose keys begin with ``below``, in the order of their keys."""
        for entry in self._pages("list_objects_v2", "Contents", below):
            key = entry["Key"].removeprefix(self.location.prefix)
            yield Entry(key, int(entry["Size"]), entry["ETag"], entry["LastModified"])

    def uploads(self, below: str = "") -> Iterator[Upload]:
        """List the unfinished multipart uploads whose keys begin with ``below``."""
        for upload in self._pages("list_multipart_uploads", "Uploads", below):
            key = upload["Key"].removeprefix(self.location.prefix)
            yield Upload(key, upload["UploadId"], upload["Initiated"])

    def abort(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload, if it exists."""
        with self.translate_errors():
            try:
                self.client.abort_multipart_upload(**self.at(key), UploadId=upload_id)
            except self.client.exceptions.NoSuchUpload:
                return

    def link(self, key: str, seconds: int, headers: Mapping[str, str]) -> str:
        """Return a presigned URL of an object, valid for ``seconds``; no request is sent."""
        with self.translate_errors():
            parameters = {**self.at(key), **headers}
            return str(
                self._public.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
            )

    def _list_one(self, client: Any) -> None:
        client.list_objects_v2(Bucket=self.location.bucket, Prefix=self.location.prefix, MaxKeys=1)

    def _pages(self, call: str, field: str, below: str) -> Iterator[Mapping[str, Any]]:
        pages = iter(
            self.client.get_paginator(call).paginate(
                Bucket=self.location.bucket, Prefix=self.location.prefix + below
            )
        )
        while True:
            with self.translate_errors():
                page = next(pages, None)
            if page is None:
                return
            yield from page.get(field, ())
