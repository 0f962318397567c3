from __future__ import annotations

from pathlib import Path

import pytest

from syndb_service.errors import BadSetting
from syndb_service.storage_url import S3Location, parse_storage_url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/srv/results", Path("/srv/results")),
        ("file:///srv/my%20results", Path("/srv/my results")),
        ("file://localhost/srv", Path("/srv")),
        ("s3://lab", S3Location("lab")),
        ("s3://lab/", S3Location("lab")),
        ("s3://lab/a/b/", S3Location("lab", "a/b/")),
    ],
)
def test_a_place(url: str, place: Path | S3Location) -> None:
    assert parse_storage_url(url, "SYNDB_RESULTS_URL") == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "results",
        "ftp://host/x",
        "file://host/x",
        "file:x",
        "s3://",
        "s3:///a",
        "s3://B_x/y",
        "s3://ab/y",
        "s3://lab/a//b",
        "s3://lab/../b",
        "s3://lab/a?b",
        "s3://lab/a#b",
        "s3://lab/a b",
        "https://lab/x",
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(url: str) -> None:
    with pytest.raises(BadSetting) as caught:
        parse_storage_url(url, "SYNDB_RESULTS_URL")
    assert f"SYNDB_RESULTS_URL = {url!r}" in caught.value.message
    assert "s3://bucket/prefix" in str(caught.value.hint)


@pytest.mark.parametrize("url", ["s3://AKIA:secret@lab/x", "https://AKIA:secret@lab/x"])
def test_a_secret_is_not_repeated(url: str) -> None:
    with pytest.raises(BadSetting) as caught:
        parse_storage_url(url, "SYNDB_RESULTS_URL")
    assert "secret@" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.message == "SYNDB_RESULTS_URL holds credentials"


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [("a/", "a/b/", True), ("a/", "ab/", False), ("", "a/", True), ("a/", "a/", True), ("a/", "b/", False)],
)
def test_places_that_lie_in_each_other(one: str, other: str, overlap: bool) -> None:
    assert S3Location("lab", one).overlaps(S3Location("lab", other)) is overlap
    assert S3Location("lab", other).overlaps(S3Location("lab", one)) is overlap
    assert not S3Location("lab", one).overlaps(S3Location("another", other))
