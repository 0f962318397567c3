"""Settings that make no sense: named at start with what they may be, alone and beside each other."""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path

import pytest

from syndb_service.errors import BadSetting
from syndb_service.settings import Settings, default_data_dir, load_settings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("JOB_QUEUE_MAX_WORKERS", "0", "greater than or equal to 1"),
        ("JOB_QUEUE_MAX_WORKERS", "four", "valid integer"),
        ("JOB_RESULT_TTL_HOURS", "-1", "greater than 0"),
        ("JOB_RESULT_TTL_HOURS", "nan", "less than or equal"),
        ("JOB_MAX_RESULT_BYTES", "1GB", "valid integer"),
        ("JOB_MAX_RESULT_BYTES", "9" * 20, "less than or equal"),
        ("SYNDB_LEASE_S", "inf", "less than or equal to 3600"),
        ("SYNDB_TIME_LIMIT_S", "inf", "less than or equal"),
        ("SYNDB_MAX_TIME_LIMIT_S", "1e300", "less than or equal"),
        ("SYNDB_JOB_MEMORY_BYTES", "9" * 20, "less than or equal"),
        ("SYNDB_JOB_TEMP_BYTES", "9" * 20, "less than or equal"),
        ("SYNDB_LOG_FORMAT", "xml", "'text' or 'json'"),
    ],
)
def test_a_value_that_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting) as refusal:
        load_settings()
    assert f"{name} = '{value}': " in refusal.value.message
    assert says in refusal.value.message


def test_a_default_and_its_maximum_do_not_contradict_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    short = Settings(max_time_limit_s=5)
    assert (short.time_limit_s, short.max_time_limit_s) == (5, 5), "no job runs longer than the maximum"
    monkeypatch.setenv("JOB_RESULT_TTL_HOURS", "1000")
    monkeypatch.setenv("SYNDB_TIME_LIMIT_S", "100000")
    long = load_settings()
    assert (long.result_ttl_hours, long.max_result_ttl_hours) == (1000, 1000)
    assert (long.time_limit_s, long.max_time_limit_s) == (100_000, 100_000)
    monkeypatch.setenv("SYNDB_MAX_RESULT_TTL_HOURS", "999")
    with pytest.raises(BadSetting) as refusal:
        load_settings()
    assert "JOB_RESULT_TTL_HOURS = 1000 must be at most SYNDB_MAX_RESULT_TTL_HOURS = 999" in str(
        refusal.value
    )


def test_a_user_without_a_home_has_a_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one in which the client looks, too."""
    for name in ("XDG_DATA_HOME", "SYNDB_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert default_data_dir() == tmp_path / f"syndb-lab-{os.getuid()}" / "data"
