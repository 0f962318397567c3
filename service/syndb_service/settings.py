"""Every setting of the service: name, unit, default and reason.

The names of the environment variables stand in the fields' aliases; only
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
ALIKE = 0.85
_PASSWORD = re.compile(r"//[^/@\s]*@")


def default_data_dir() -> Path:
    """Return the folder of the embedded mode: ``SYNDB_DATA_DIR`` or the platform's place for user data."""
    try:
        return Path(os.environ.get("SYNDB_DATA_DIR") or user_data_path("syndb-lab"))
    except RuntimeError:  # a user of a container may have no home; the client looks there, too
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

    log_format: Literal["text", "json"] = Field(default="text", description="The form of the log's lines.")
    database_url: SecretStr = Field(default=SecretStr(""), description="Where the rows are.")
    broker_url: SecretStr = Field(
        default=SecretStr("embedded"), description="What carries the hints to the workers."
    )
    results_url: str = Field(default="", description="Where the results are.")
    warehouse_url: str = Field(default="", description="Where the datasets are.")
    s3_endpoint_url: str = Field(default="", description="An S3 that is not Amazon's.")
    s3_public_url: str = Field(default="", description="Where users reach that S3.")
    cache_bytes: int = Field(
        default=64 * GIBIBYTE,
        ge=1024**2,
        description="Disk for datasets from S3 on a worker's host, in bytes.",
    )
    wait_s: float = Field(
        default=0.0, ge=0, description="Seconds to wait at start for a part that is not there."
    )
    max_workers: int = Field(
        default=4,
        ge=1,
        le=256,
        validation_alias="JOB_QUEUE_MAX_WORKERS",
        description="Jobs at a time in a worker process.",
    )
    result_ttl_hours: float = Field(
        default=24.0,
        gt=0,
        le=24 * 366,
        validation_alias="JOB_RESULT_TTL_HOURS",
        description="Hours that a result is kept.",
    )
    max_result_ttl_hours: float = Field(
        default=24.0 * 30,
        gt=0,
        le=24 * 366,
        description="Hours that an owner may have a result kept.",
    )
    max_result_bytes: int = Field(
        default=GIBIBYTE,
        ge=1024,
        le=5 * 1024**4,  # the largest object that S3 takes
        validation_alias="JOB_MAX_RESULT_BYTES",
        description="Largest result, in bytes.",
    )

    lease_s: float = Field(
        default=30.0, ge=1, le=3600, description="Seconds after which a silent worker's job is requeued."
    )
    max_deaths: int = Field(
        default=3, ge=1, le=100, description="Deaths of a job's process after which the job fails."
    )
    max_outages: int = Field(
        default=60,
        ge=1,
        description="Outages of a store after which the job fails; the pauses grow to a minute.",
    )
    time_limit_s: float = Field(
        default=3600.0, gt=0, le=YEAR_S, description="Seconds a job may run when it names no limit."
    )
    max_time_limit_s: float = Field(
        default=86400.0, gt=0, le=YEAR_S, description="Longest time limit a job may name, in seconds."
    )
    job_memory_bytes: int = Field(
        default=4 * GIBIBYTE, ge=256 * 1024**2, le=PEBIBYTE, description="Memory of one job, in bytes."
    )
    job_temp_bytes: int = Field(
        default=16 * GIBIBYTE, ge=0, le=PEBIBYTE, description="Disk one job may spill to, in bytes."
    )
    job_threads: int = Field(
        default=0, ge=0, le=1024, description="Threads of one job; 0 means all processors."
    )
    max_open_jobs: int = Field(
        default=5000, ge=1, description="Jobs that one user may have pending and running."
    )
    max_query_bytes: int = Field(default=1024**2, ge=1024, description="Longest SQL text, in bytes of UTF-8.")
    rate_requests: int = Field(
        default=2000, ge=0, description="Requests of one user in the window; 0 sets no limit."
    )
    rate_window_s: int = Field(default=10, ge=1, le=3600, description="Length of that window, in seconds.")
    cors_origins: str = Field(default="", description="Origins whose pages may read answers.")
    oidc_issuer: str = Field(default="", description="The OpenID provider whose users are let in.")
    oidc_audience: str = Field(
        default="", validate_default=True, description="Whom its access tokens must be meant for."
    )
    oidc_client_id: str = Field(default="", description="As what notebooks log in there.")
    oidc_scope: str = Field(default="openid", description="What a login asks for.")
    oidc_leeway_s: int = Field(default=60, ge=0, le=300, description="Seconds that clocks may differ.")
    oidc_refetch_s: float = Field(
        default=10.0, ge=0, le=3600, description="Seconds between two fetches of the provider's keys."
    )
    oidc_token_days: float = Field(
        default=30.0, gt=0, le=36_500, description="Days for which a token made at a login is valid."
    )
    oidc_affiliation_claims: str = Field(
        default="eduperson_scoped_affiliation,affiliation", description="Claims that hold affiliations."
    )
    oidc_affiliations: str = Field(
        default="faculty,staff,student,employee,member", description="Affiliations that make academic."
    )
    oidc_domains: str = Field(default="", description="Domains at which they do.")
    oidc_groups_claim: str = Field(default="", description="The claim that names a user's groups.")
    academic_days: float = Field(
        default=365.0, gt=0, le=36_500, description="Days for which an issuer's word on a standing holds."
    )
    sweep_s: float = Field(default=5.0, gt=0, le=3600, description="Seconds between two sweeps.")
    orphan_sweep_s: float = Field(
        default=60.0,
        gt=0,
        le=86400,
        description="Seconds between two searches for files that belong to no job.",
    )
    scrub_s: float = Field(
        default=600.0, gt=0, le=86400 * 7, description="Seconds between two looks at all stored results."
    )
    scrub_bytes_s: int = Field(
        default=8 * 1024**2,
        ge=0,
        le=PEBIBYTE,
        description="Bytes of stored results that are hashed in a second; 0 hashes none unasked.",
    )
    hint_s: float = Field(
        default=10.0, gt=0, le=3600, description="Seconds after which a pending job gets another hint."
    )

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, given: str) -> str:
        for origin in split_list(given):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("each must be an origin such as https://lab.example.edu; `*` is not taken")
        return given

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, given: str) -> str:
        parts = urlsplit(given)
        if not given:
            return given
        if parts.username is not None or parts.query or parts.fragment or not parts.hostname:
            raise ValueError("must be a URL such as https://login.example.edu, as its tokens name it")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("must be https; http only on this computer")
        return given

    @field_validator("oidc_audience")
    @classmethod
    def _audience(cls, given: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not given:
            raise ValueError("must be set with SYNDB_OIDC_ISSUER: whom access tokens must be meant for")
        return given

    @field_validator("oidc_affiliation_claims", "oidc_affiliations")
    @classmethod
    def _not_empty(cls, given: str) -> str:
        if not split_list(given):
            raise ValueError("must name at least one")
        return given

    @field_validator("oidc_domains")
    @classmethod
    def _domains(cls, given: str) -> str:
        for domain in split_list(given):
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(f"{domain!r} is no domain such as example.edu or *.example.edu")
        return given

    @model_validator(mode="after")
    def _defaults_are_within_maxima(self) -> Self:
        """Let the one that is set move the other; refuse two that contradict each other."""
        for default, most in _MAXIMA.items():
            given, longest = getattr(self, default), getattr(self, most)
            if given > longest and most not in self.model_fields_set:
                setattr(self, most, given)
            elif given > longest and default not in self.model_fields_set:
                setattr(self, default, longest)
            elif given > longest:
                raise ValueError(
                    f"{_variable((default,))} = {given:.15g} must be at most "
                    f"{_variable((most,))} = {longest:.15g}"
                )
        return self

    @property
    def threads(self) -> int:
        """Threads of one job, with 0 resolved to this machine's processors."""
        return self.job_threads or os.cpu_count() or 1

    @property
    def job_address_space_bytes(self) -> int:
        """How much a child may map: its libraries and files beside its memory."""
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
        """The origins whose pages may read answers."""
        return split_list(self.cors_origins)

    @property
    def results(self) -> str:
        """The place of the results: by default a folder in the data folder."""
        return self.results_url or str(self.data_dir / "results")

    @property
    def warehouse_path(self) -> Path:
        """The folder of the datasets in the data folder."""
        return self.data_dir / "warehouse"

    @property
    def warehouse(self) -> str:
        """The place of the datasets: by default a folder in the data folder."""
        return self.warehouse_url or str(self.warehouse_path)

    @property
    def cache_path(self) -> Path:
        """The folder in which a worker's host keeps datasets from S3."""
        return self.data_dir / "cache"

    @property
    def temp_path(self) -> Path:
        """The folder under which each job gets its own temporary one."""
        return self.data_dir / "tmp"


def split_list(text: str) -> list[str]:
    """Take a list apart that has commas or spaces between its members.

    Examples
    --------
    >>> split_list("faculty, staff student")
    ['faculty', 'staff', 'student']
    """
    return [each for each in re.split(r"[,;\s]+", text) if each]


PRIVATE = 0o077
"""The umask of the service's processes and commands: what they make is for this user alone."""


def load_settings(data_dir: Path | None = None) -> Settings:
    """Read the settings, or say which one makes no sense.

    Parameters
    ----------
    data_dir : Path, optional
        Overrides ``SYNDB_DATA_DIR``.

    Raises
    ------
    BadSetting
        Naming each variable, its value and what it may be.
    """
    try:
        settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as error:
        lines = [f"  {_describe_invalid(item['loc'], item['input'], item['msg'])}" for item in error.errors()]
        raise BadSetting(
            "\n".join(["these settings make no sense:", *lines]),
            hint="Correct or unset them in the environment and start again.",
        ) from None
    settings.data_dir = settings.data_dir.expanduser().absolute()
    return settings


def find_misspelled(names: Iterable[str]) -> dict[str, str]:
    """Find variables that are no settings and are written nearly like one.

    Parameters
    ----------
    names : iterable of str
        The names of an environment.

    Returns
    -------
    dict of str to str
        The setting that may be meant, by what is written.

    Examples
    --------
    >>> find_misspelled(["SYNDB_JOB_TREADS", "SYNDB_JOB_THREADS", "SYNDB_URL", "JOB_NAME"])
    {'SYNDB_JOB_TREADS': 'SYNDB_JOB_THREADS'}
    """
    known = [_variable((name,)) for name in Settings.model_fields]
    found = {}
    for name in names:
        if name.startswith(("SYNDB_", "JOB_")) and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=ALIKE)
            if near:
                found[name] = near[0]
    return found


def _describe_invalid(location: tuple[int | str, ...], value: object, message: str) -> str:
    """Say what is wrong with a variable, with its value unless that may hold a password."""
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
