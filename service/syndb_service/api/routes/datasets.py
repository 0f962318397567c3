"""The routes of datasets."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from syndb_service.api.dependencies import Caller, Wired
from syndb_service.api.openapi_responses import error_responses
from syndb_service.api.routes.parameters import DatasetId
from syndb_service.domain.datasets import dataset_json

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])


class DatasetColumn(BaseModel):
    """A column of a dataset's table."""

    name: str
    type: str
    unit: str | None
    description: str


class DatasetTable(BaseModel):
    """A table of a dataset."""

    name: str
    rows: int
    columns: list[DatasetColumn]


class DatasetRecord(BaseModel):
    """A dataset that the user may query."""

    id: str
    name: str
    title: str
    species: str
    citation: str
    doi: str
    licence: str
    version: str
    visibility: str
    description: str
    tables: list[DatasetTable]


class DatasetList(BaseModel):
    """The datasets that the user may query."""

    datasets: list[DatasetRecord]


@router.get(
    "", summary="List the datasets that I may query", response_model=DatasetList, responses=error_responses()
)
def list_datasets(caller: Caller, service: Wired) -> Any:
    """Return every dataset with its tables, columns, units and row counts."""
    return {"datasets": [dataset_json(dataset) for dataset in service.jobs.datasets(caller)]}


@router.get(
    "/{dataset_id}",
    summary="Show a dataset",
    response_model=DatasetRecord,
    responses=error_responses(404, 422),
)
def show_dataset(dataset_id: DatasetId, caller: Caller, service: Wired) -> Any:
    """Return one dataset."""
    return dataset_json(service.jobs.dataset(caller, dataset_id))
