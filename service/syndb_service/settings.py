"""The settings of the service, read from environment variables.

A field ``name`` is the variable ``SYNDB_NAME``, unless its alias names another one. Only
:mod:`syndb_service.container` and the command line build :class:`Settings`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from syndb_service.errors import BadSetting

GIBIBYTE = 1024**3
BASE_ADDRESS_SPACE = 4 * GIBIBYTE
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-fA-F:]+\](:\d{1,5})?")
_DOMAIN = re.compile(r"(\*\.)?([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MAXIMA = {"time_limit_s": "max_time_limit_s", "result_ttl_hours": "max_result_ttl_hours"}
YEAR_S = 366 * 86400
PEBIBYTE = 1024**5
MIN_SIMILARITY = 0.85
_PASSWORD = re.compile(r"//[^/@\s]*@")


def default_data_dir() -> Path:
    """Return the folder of the embedded mode: ``SYNDB_DATA_DIR`` or the platform's folder for user data."""
    try:
        return Path(os.environ.get("SYNDB_DATA_DIR") or user_data_path("syndb-lab"))
    except RuntimeError:  # a user in a container may have no home folder; the client uses this path, too
        return Path(tempfile.gettempdir()) / f"syndb-lab-{os.getuid()}" / "data"


class Settings(BaseSettings):
    """The settings, read from the environment.

    Examples
    --------
    >>> Settings(data_dir=Path("/srv/syndb")).result_ttl_hours
    24.0
    """

    model_config = SettingsConfigDict(env_prefix="SYNDB_", populate_by_name=True, extra="ignore")

    data_dir: Path = Field(default_factory=default_data_dir, description="Folder of the embedded mode.")

    log_format: Literal["text", "json"] = Field(default="text", description="Format of log records.")
    database_url: SecretStr = Field(default=SecretStr(""), description="URL of the database.")
    broker_url: SecretStr = Field(
        default=SecretStr("embedded"),
        description="URL of the broker, which sends job messages to the workers.",
    )
    results_url: str = Field(default="", description="Folder or S3 prefix of the results.")
    warehouse_url: str = Field(default="", description="Folder or S3 prefix of the datasets.")
    s3_endpoint_url: str = Field(default="", description="URL of an S3 server other than Amazon's.")
    s3_public_url: str = Field(default="", description="URL at which users reach that S3 server.")
    cache_bytes: int = Field(
        default=64 * GIBIBYTE,
        ge=1024**2,
        description="Disk space for datasets from S3 on a worker's host, in bytes.",
    )
    wait_s: float = Field(
        default=0.0,
        ge=0,
        description="Seconds to wait at start for an unavailable database, broker or store; 0 fails at once.",
    )
    max_workers: int = Field(
        default=4,
        ge=1,
        le=256,
        validation_alias="JOB_QUEUE_MAX_WORKERS",
        description="Jobs that a worker process runs at a time.",
    )
    result_ttl_hours: float = Field(
        default=24.0,
        gt=0,
        le=24 * 366,
        validation_alias="JOB_RESULT_TTL_HOURS",
        description="Hours after which a result is destroyed.",
    )
    max_result_ttl_hours: float = Field(
        default=24.0 * 30,
        gt=0,
        le=24 * 366,
        description="Longest time that an owner may keep a result, in hours.",
    )
    max_result_bytes: int = Field(
        default=GIBIBYTE,
        ge=1024,
        le=5 * 1024**4,  # the largest object of S3
        validation_alias="JOB_MAX_RESULT_BYTES",
        description="Maximum size of a result, in bytes.",
    )

    lease_s: float = Field(
        default=30.0, ge=1, le=3600, description="Seconds without a heartbeat after which a job is requeued."
    )
    max_deaths: int = Field(
        default=3, ge=1, le=100, description="Crashes of a job's process after which the job fails."
    )
    max_outages: int = Field(
        default=60,
        ge=1,
        description="Outages of a dependency after which a job fails; pauses between retries grow to 60 s.",
    )
    time_limit_s: float = Field(
        default=3600.0, gt=0, le=YEAR_S, description="Time limit of a job that sets none, in seconds."
    )
    max_time_limit_s: float = Field(
        default=86400.0, gt=0, le=YEAR_S, description="Longest time limit that a job may set, in seconds."
    )
    job_memory_bytes: int = Field(
        default=4 * GIBIBYTE,
        ge=256 * 1024**2,
        le=PEBIBYTE,
        description="DuckDB's memory limit of one job, in bytes.",
    )
    job_temp_bytes: int = Field(
        default=16 * GIBIBYTE,
        ge=0,
        le=PEBIBYTE,
        description="Disk space for temporary files of one job, in bytes.",
    )
    job_threads: int = Field(
        default=0, ge=0, le=1024, description="Threads of one job; 0 for all processors."
    )
    max_open_jobs: int = Field(
        default=5000, ge=1, description="Jobs that one user may have pending and running."
    )
    max_query_bytes: int = Field(default=1024**2, ge=1024, description="Longest SQL text, in bytes of UTF-8.")
    rate_requests: int = Field(
        default=2000, ge=0, description="Requests of one user within the window; 0 for no limit."
    )
    rate_window_s: int = Field(
        default=10, ge=1, le=3600, description="Length of the window of the rate limit, in seconds."
    )
    cors_origins: str = Field(default="", description="Origins whose web pages may read responses (CORS).")
    oidc_issuer: str = Field(default="", description="URL of the OpenID provider whose users are accepted.")
    oidc_audience: str = Field(
        default="",
        validate_default=True,
        description="Required audience (`aud`) of the provider's access tokens.",
    )
    oidc_client_id: str = Field(
        default="", description="Client id with which notebooks log in at the provider."
    )
    oidc_scope: str = Field(default="openid", description="Scopes that a login requests.")
    oidc_leeway_s: int = Field(
        default=60, ge=0, le=300, description="Seconds by which the provider's clock may differ."
    )
    oidc_refetch_s: float = Field(
        default=10.0, ge=0, le=3600, description="Minimum seconds between two fetches of the provider's keys."
    )
    oidc_token_days: float = Field(
        default=30.0, gt=0, le=36_500, description="Days for which a token created at a login is valid."
    )
    oidc_affiliation_claims: str = Field(
        default="eduperson_scoped_affiliation,affiliation", description="Claims that contain affiliations."
    )
    oidc_affiliations: str = Field(
        default="faculty,staff,student,employee,member", description="Affiliations that count as academic."
    )
    oidc_domains: str = Field(default="", description="Domains at which affiliations count; empty for all.")
    oidc_groups_claim: str = Field(default="", description="Claim with a user's groups; empty to read none.")
    academic_days: float = Field(
        default=365.0, gt=0, le=36_500, description="Days for which a verified academic status is valid."
    )
    sweep_s: float = Field(
        default=5.0, gt=0, le=3600, description="Seconds between two sweeps of the maintenance."
    )
    orphan_sweep_s: float = Field(
        default=60.0,
        gt=0,
        le=86400,
        description="Seconds between two searches for files without a row.",
    )
    scrub_s: float = Field(
        default=600.0,
        gt=0,
        le=86400 * 7,
        description="Seconds between two checks of size and state of all stored results.",
    )
    scrub_bytes_s: int = Field(
        default=8 * 1024**2,
        ge=0,
        le=PEBIBYTE,
        description="Bytes of stored results that the scrubber hashes per second; 0 turns hashing off.",
    )
    hint_s: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="Seconds after which the job message of a pending job is sent again.",
    )

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in split_list(value):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("each must be an origin such as https://lab.example.edu; `*` is not taken")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if not value:
            return value
        if parts.username is not None or parts.query or parts.fragment or not parts.hostname:
            raise ValueError("must be a URL such as https://login.example.edu, as its tokens name it")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("must be https; http only on this computer")
        return value

    @field_validator("oidc_audience")
    @classmethod
    def _audience(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not value:
            raise ValueError("must be set with SYNDB_OIDC_ISSUER: the audience (aud) of its access tokens")
        return value

    @field_validator("oidc_affiliation_claims", "oidc_affiliations")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not split_list(value):
            raise ValueError("must name at least one")
        return value

    @field_validator("oidc_domains")
    @classmethod
    def _domains(cls, value: str) -> str:
        for domain in split_list(value):
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"{domain!r} is no domain such as example.edu or *.example.edu")
        return value

    @model_validator(mode="after")
    def _defaults_are_within_maxima(self) -> Self:
        """Adjust a default to its maximum, or the maximum to its default, whichever is not set."""
        for default, maximum in _MAXIMA.items():
            value, limit = getattr(self, default), getattr(self, maximum)
            if value > limit and maximum not in self.model_fields_set:
                setattr(self, maximum, value)
            elif value > limit and default not in self.model_fields_set:
                setattr(self, default, limit)
            elif value > limit:
                raise ValueError(
                    f"{_variable((default,))} = {value:.15g} must be at most "
                    f"{_variable((maximum,))} = {limit:.15g}"
                )
        return self

    @property
    def threads(self) -> int:
        """Threads of one job; a setting of 0 is the number of this machine's processors."""
        return self.job_threads or os.cpu_count() or 1

    @property
    def job_address_space_bytes(self) -> int:
        """Limit of a child's address space: its memory, and its mapped libraries and files."""
        return 2 * self.job_memory_bytes + BASE_ADDRESS_SPACE

    @property
    def database(self) -> str:
        """The URL of the database: by default a SQLite file in the data folder."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'jobs.sqlite'}"

    @property
    def broker(self) -> str:
        """The URL of the broker, or ``embedded``."""
        return self.broker_url.get_secret_value()

    @property
    def cors_allowed(self) -> list[str]:
        """The origins whose web pages may read responses."""
        return split_list(self.cors_origins)

    @property
    def results(self) -> str:
        """The storage URL of the results: by default a folder in the data folder."""
        return self.results_url or str(self.data_dir / "results")

    @property
    def warehouse_path(self) -> Path:
        """The folder of the datasets in the data folder."""
        return self.data_dir / "warehouse"

    @property
    def warehouse(self) -> str:
        """The storage URL of the datasets: by default a folder in the data folder."""
        return self.warehouse_url or str(self.warehouse_path)

    @property
    def cache_path(self) -> Path:
        """The folder of the file cache for datasets from S3."""
        return self.data_dir / "cache"

    @property
    def temp_path(self) -> Path:
        """The folder that contains the temporary folder of each job."""
        return self.data_dir / "tmp"


def split_list(text: str) -> list[str]:
    """Split a list that is separated by commas, semicolons or spaces.

    Examples
    --------
    >>> split_list("faculty, staff student")
    ['faculty', 'staff', 'student']
    """
    return [member for member in re.split(r"[,;\s]+", text) if member]


PRIVATE = 0o077
"""The umask of the service's processes and commands: only this user can read their files."""


def load_settings(data_dir: Path | None = None) -> Settings:
    """Load the settings from the environment.

    Parameters
    ----------
    data_dir : Path, optional
        Overrides ``SYNDB_DATA_DIR``.

    Raises
    ------
    BadSetting
        If settings are invalid; the message has each variable, its value and the allowed values.
    """
    try:
        settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as error:
        lines = [f"  {_describe_invalid(item['loc'], item['input'], item['msg'])}" for item in error.errors()]
        raise BadSetting(
            "\n".join(["these settings are invalid:", *lines]),
            hint="Correct or unset them in the environment and start again.",
        ) from None
    settings.data_dir = settings.data_dir.expanduser().absolute()
    return settings


def find_misspelled(names: Iterable[str]) -> dict[str, str]:
    """Find variables that look like misspelled settings.

    Parameters
    ----------
    names : iterable of str
        Names of environment variables.

    Returns
    -------
    dict of str to str
        The most similar setting, by the name of the variable.

    Examples
    --------
    >>> find_misspelled(["SYNDB_JOB_TREADS", "SYNDB_JOB_THREADS", "SYNDB_URL", "JOB_NAME"])
    {'SYNDB_JOB_TREADS': 'SYNDB_JOB_THREADS'}
    """
    known = [_variable((name,)) for name in Settings.model_fields]
    found = {}
    for name in names:
        if name.startswith(("SYNDB_", "JOB_")) and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=MIN_SIMILARITY)
            if near:
                found[name] = near[0]
    return found


def _describe_invalid(location: tuple[int | str, ...], value: object, message: str) -> str:
    """Describe an invalid variable, with its value unless it may contain a password."""
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    secret = any(
        isinstance(Settings.model_fields[str(part)].default, SecretStr)
        for part in location
        if part in Settings.model_fields
    )
    shown = "(not shown)" if secret else _PASSWORD.sub("//…@", repr(value))
    return f"{_variable(location)} = {shown}: {message}"


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    field = Settings.model_fields.get(name)
    alias = None if field is None else field.validation_alias
    return str(alias) if alias else name if name.isupper() else f"SYNDB_{name.upper()}"
