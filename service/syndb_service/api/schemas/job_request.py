"""What is asked for: the bodies of requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from syndb_service.api.schemas.field_types import GivenMoment, Label, Parameters
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import JobRequest

STRONGEST: dict[str, JsonValue] = {
    "query": "SELECT pre_neuron_id, post_neuron_id, synapse_count FROM connections "
    "WHERE synapse_count >= $weakest ORDER BY synapse_count DESC LIMIT 5",
    "parameters": {"weakest": 5},
    "format": "parquet",
    "label": "strongest connections",
    "time_limit_s": 60,
}
MOST_HOURS = 1_000_000
EPOCH = datetime.fromtimestamp(0, UTC)


def _without_default(schema: dict[str, JsonValue]) -> None:
    del schema["default"]


class QueryBody(BaseModel):
    """A query job."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"query": "FROM neurons LIMIT 10"}, STRONGEST]},
    )

    query: str = Field(
        description="One SQL query on the tables of /v1/datasets, and on stored results of your own jobs: "
        "`FROM {{job id}}`."
    )
    format: Literal["arrow", "parquet", "csv"] = Field("arrow", description="The format of the result.")
    parameters: Parameters | None = Field(
        None,
        description="Values for $name in the SQL; never text that becomes SQL.",
    )
    label: Label | None = Field(None, description="A name of your own, to find the job again.")
    time_limit_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Seconds after which the job is ended."
    )
    reuse: bool = Field(
        False,
        description="Take the result of a finished job of yours, where one has the same query, values, "
        "format, datasets, engine and `reproducible`; `result.reused_from` names it. What asks for something "
        "else at each run (`random()`, `now()`) is computed each time.",
    )

    reproducible: bool = Field(
        False,
        description="Compute it so that each run on the same data gives the same file, byte by byte: on one "
        "thread, which may take as many times as long as a job has threads. SQL with random(), now() and the "
        "like is refused then.",
    )

    def request(self) -> JobRequest:
        """Return what is asked for."""
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
    """What its owner may change of a job; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: Label | None = Field(None, description="The new name; null takes the old one away.")
    expires_at: GivenMoment = Field(
        EPOCH,
        json_schema_extra=_without_default,
        description="When the result is destroyed: in the future, and within the service's maximum.",
    )
    keep_hours: float = Field(
        1.0,
        gt=0,
        le=MOST_HOURS,
        allow_inf_nan=False,
        json_schema_extra=_without_default,
        description="In how many hours the result is destroyed, by the service's clock; instead of "
        "`expires_at`.",
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if {"expires_at", "keep_hours"} <= self.model_fields_set:
            raise ValueError("expires_at and keep_hours exclude each other")
        return self

    def changes(self) -> dict[str, Any]:
        """Return what was sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}
