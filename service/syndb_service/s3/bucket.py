"""One prefix of a bucket, by the calls that results and warehouse need."""

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
    """An object that is being read: ``bytes`` in ``body``, of ``size`` in all."""

    body: BinaryIO
    bytes: int
    etag: str
    size: int


class Bucket:
    """One prefix of a bucket; keys are relative to it.

    Parameters
    ----------
    place : S3Place
        Bucket and prefix.
    part : str
        What it is to the service, for messages: ``"result store"``.
    endpoint_url : str, optional
        URL of an S3 that is not Amazon's.
    public_url : str, optional
        URL under which users reach that S3, for presigned links, where it is another one.

    Raises
    ------
    BadSetting
        If the endpoint is no URL. Nothing is sent before the first call.

    Notes
    -----
    Credentials come by the ways that all AWS tools share (``AWS_ACCESS_KEY_ID``…, a profile, a role).
    Every call raises ``TransientError`` with the code ``store_unavailable`` when S3 can't do it, after
    botocore's bounded retries; :class:`ObjectNotFound` and :class:`PreconditionFailed` are the two answers
    that callers act on.
    """

    def __init__(
        self, place: S3Location, part: str, endpoint_url: str | None = None, public_url: str | None = None
    ) -> None:
        self.place = place
        self.part = part
        self.client = connect(endpoint_url)
        self._prober = connect(endpoint_url, patient=False)
        self._public = connect(public_url) if public_url else self.client

    def translate_errors(self) -> AbstractContextManager[None]:
        """Tell apart what a call of :attr:`client` raises."""
        return translate_s3_errors(self.part)

    def at(self, key: str) -> dict[str, str]:
        """Return the arguments that name an object."""
        return {"Bucket": self.place.bucket, "Key": self.place.prefix + key}

    def check(self, *, writing: bool = True) -> None:
        """Make sure at start that the bucket is there and that these credentials may use it.

        Parameters
        ----------
        writing : bool
            Write and delete a small object too.

        Raises
        ------
        BadSetting
            If a setting has to be mended: no bucket, wrong credentials or none, missing rights.
        TransientError
            If the store does not answer now.
        """
        probe = self.at(f".probe-{uuid.uuid4().hex}")
        try:
            self._list_one(self.client)
            if writing:
                self.client.put_object(**probe, Body=b"")
                self.client.delete_object(**probe)
        except (BotoCoreError, ClientError) as error:
            raise at_start(self.part, self.place.bucket, error) from error

    def ready(self) -> None:
        """Return if the store answers within some three seconds.

        Raises
        ------
        TransientError
            Naming the part, if it does not.
        """
        try:
            self._list_one(self._prober)
        except (BotoCoreError, ClientError) as error:
            raise s3_unavailable(self.part, error) from error

    def put(self, key: str, data: bytes | bytearray, **options: Any) -> str:
        """Write a small object; return its ETag."""
        with self.translate_errors():
            return str(self.client.put_object(**self.at(key), Body=data, **options)["ETag"])

    def put_if(self, key: str, data: bytes, replaces: str | None) -> None:
        """Write a small object only where there is none, or in the place of the one with that ETag.

        Raises
        ------
        Taken
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
        """Tell whether an object was written with ``writer`` = ``mark``: a lost answer is no lost write."""
        try:
            with self.translate_errors():
                found = self.client.head_object(**self.at(key))
        except ObjectNotFound:
            return False
        return bool(found["Metadata"].get("writer") == mark)

    def upload(self, path: Path, key: str) -> None:
        """Write a file as an object, in parts where it is large."""
        with self.translate_errors():
            try:
                self.client.upload_file(str(path), *self.at(key).values(), Config=_TRANSFER)
            except S3UploadFailedError as error:
                cause = error.__context__
                raise s3_unavailable(self.part, cause if isinstance(cause, Exception) else error) from error

    def copy(self, key: str, target: str) -> None:
        """Have the store copy an object, in parts where it is large.

        Raises
        ------
        Missing
            If there is none.
        TransientError
            If the store does not do it.
        """
        with self.translate_errors():
            self.client.copy(self.at(key), *self.at(target).values(), Config=_TRANSFER)

    def state(self, key: str) -> tuple[int, str]:
        """Return the size of an object in bytes, and its ETag.

        Raises
        ------
        Missing
            If there is none.
        """
        with self.translate_errors():
            answer = self.client.head_object(**self.at(key))
        return int(answer["ContentLength"]), str(answer["ETag"])

    def size(self, key: str) -> int:
        """Return the size of an object in bytes.

        Raises
        ------
        Missing
            If there is none.
        """
        with self.translate_errors():
            return int(self.client.head_object(**self.at(key))["ContentLength"])

    def open(self, key: str, start: int = 0, stop: int | None = None, etag: str | None = None) -> Opened:
        """Begin to read an object, or the bytes from ``start`` up to ``stop``.

        Raises
        ------
        Missing
            If there is none.
        Beyond
            If it ends before ``start``.
        """
        options = {"IfMatch": etag} if etag else {}
        if start or stop is not None:
            options["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        with self.translate_errors():
            answer = self.client.get_object(**self.at(key), **options)
        many = int(answer["ContentLength"])
        whole = answer.get("ContentRange", f"/{many}").rpartition("/")[2]
        return Opened(cast("BinaryIO", answer["Body"]), many, answer["ETag"], int(whole))

    def delete(self, key: str) -> None:
        """Delete an object; nothing happens if there is none."""
        with self.translate_errors():
            self.client.delete_object(**self.at(key))

    def entries(self, below: str = "") -> Iterator[Entry]:
        """List the objects whose keys begin with ``below``, in the order of their keys."""
        for each in self._pages("list_objects_v2", "Contents", below):
            key = each["Key"].removeprefix(self.place.prefix)
            yield Entry(key, int(each["Size"]), each["ETag"], each["LastModified"])

    def uploads(self, below: str = "") -> Iterator[Upload]:
        """List the unfinished multipart uploads whose keys begin with ``below``."""
        for each in self._pages("list_multipart_uploads", "Uploads", below):
            key = each["Key"].removeprefix(self.place.prefix)
            yield Upload(key, each["UploadId"], each["Initiated"])

    def abort(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload; nothing happens if it is gone."""
        with self.translate_errors():
            try:
                self.client.abort_multipart_upload(**self.at(key), UploadId=upload_id)
            except self.client.exceptions.NoSuchUpload:
                return

    def link(self, key: str, seconds: int, headers: Mapping[str, str]) -> str:
        """Return a URL that gives an object to whoever holds it, for a while; nothing is sent for it."""
        with self.translate_errors():
            asked = {**self.at(key), **headers}
            return str(self._public.generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds))

    def _list_one(self, client: Any) -> None:
        client.list_objects_v2(Bucket=self.place.bucket, Prefix=self.place.prefix, MaxKeys=1)

    def _pages(self, call: str, field: str, below: str) -> Iterator[Mapping[str, Any]]:
        pages = iter(
            self.client.get_paginator(call).paginate(
                Bucket=self.place.bucket, Prefix=self.place.prefix + below
            )
        )
        while True:
            with self.translate_errors():
                page = next(pages, None)
            if page is None:
                return
            yield from page.get(field, ())
