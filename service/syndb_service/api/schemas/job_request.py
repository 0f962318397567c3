"""The bodies of requests: a query job, and changes of a job."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from syndb_service.api.schemas.field_types import GivenMoment, Label, Parameters
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import JobRequest

EXAMPLE: dict[str, JsonValue] = {
    "query": "SELECT pre_neuron_id, post_neuron_id, synapse_count FROM connections "
    "WHERE synapse_count >= $weakest ORDER BY synapse_count DESC LIMIT 5",
    "parameters": {"weakest": 5},
    "format": "parquet",
    "label": "strongest connections",
    "time_limit_s": 60,
}
MAX_HOURS = 1_000_000
EPOCH = datetime.fromtimestamp(0, UTC)


def _without_default(schema: dict[str, JsonValue]) -> None:
    del schema["default"]


class QueryBody(BaseModel):
    """A query job."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"query": "FROM neurons LIMIT 10"}, EXAMPLE]},
    )

    query: str = Field(
        description="One SQL query on the tables of /v1/datasets, and on stored results of your own jobs: "
        "`FROM {{job id}}`."
    )
    format: Literal["arrow", "parquet", "csv"] = Field("arrow", description="The format of the result.")
    parameters: Parameters | None = Field(
        None,
        description="Values for $name in the SQL; they are bound, and never become SQL text.",
    )
    label: Label | None = Field(None, description="A name of your choice, to find the job again.")
    time_limit_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Seconds after which the job is stopped."
    )
    reuse: bool = Field(
        False,
        description="Use the result of a finished job of yours with the same query, values, format, "
        "datasets, engine and `reproducible`, if there is one; `result.reused_from` names it. A query "
        "whose result changes with each run (`random()`, `now()`) is always computed.",
    )

    reproducible: bool = Field(
        False,
        description="Run on one thread, so that each run on the same data gives the same file, byte by byte. "
        "It may take as many times longer as a job has threads. SQL with random(), now() and similar "
        "functions is rejected.",
    )

    def request(self) -> JobRequest:
        """Return the request of the job."""
        return JobRequest(
            kind=Kind.QUERY,
            query=self.query,
            format=self.format,
            parameters=self.parameters or {},
            time_limit_s=self.time_limit_s,
            reuse=self.reuse,
            reproducible=self.reproducible,
        )


class PatchBody(BaseModel):
    """Changes of a job by its owner; a field that is left out does not change."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: Label | None = Field(None, description="The new label; null removes it.")
    expires_at: GivenMoment = Field(
        EPOCH,
        json_schema_extra=_without_default,
        description="When the result is destroyed: in the future, and within the service's maximum.",
    )
    keep_hours: float = Field(
        1.0,
        gt=0,
        le=MAX_HOURS,
        allow_inf_nan=False,
        json_schema_extra=_without_default,
        description="Hours until the result is destroyed, by the service's clock; an alternative to "
        "`expires_at`.",
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if {"expires_at", "keep_hours"} <= self.model_fields_set:
            raise ValueError("expires_at and keep_hours exclude each other")
        return self

    def changes(self) -> dict[str, Any]:
        """Return the fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}
