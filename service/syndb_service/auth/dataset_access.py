"""Dataset access: what a user may read, checked at submission, at the start of a job and at each download."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from syndb_service.domain.access import Principal
from syndb_service.domain.datasets import Dataset, nearest_datasets
from syndb_service.domain.jobs import Job
from syndb_service.errors import DatasetForbidden, InvalidRequest, NotFound
from syndb_service.store import GroupStore
from syndb_service.warehouse import DatasetStore


class DatasetAccess:
    """Decides by the present readers of each dataset.

    Parameters
    ----------
    warehouse : DatasetStore
        The datasets and their readers.
    groups : GroupStore
        The groups of each user.
    """

    def __init__(self, warehouse: DatasetStore, groups: GroupStore) -> None:
        self._warehouse = warehouse
        self._groups = groups

    def owner(self, job: Job) -> Principal:
        """Return the principal of a job's owner, with the owner's present groups."""
        return Principal(job.owner, academic=True, groups=self._groups.groups_of(job.owner))

    def datasets(self, principal: Principal) -> Sequence[Dataset]:
        """Return the datasets that a principal may query, sorted by name."""
        return [dataset for dataset in self._warehouse.datasets() if dataset.open_to(principal)]

    def dataset(self, principal: Principal, dataset_id: str) -> Dataset:
        """Return a dataset that a principal may query.

        Raises
        ------
        InvalidRequest
            If the id is not a UUID.
        DatasetForbidden
            If the dataset is restricted to other readers.
        NotFound
            If no dataset has the id; the hint names only datasets that the principal may query.
        """
        datasets = self._warehouse.datasets()
        wanted = _dataset_id(dataset_id, [dataset for dataset in datasets if dataset.open_to(principal)])
        found = next((dataset for dataset in datasets if dataset.id == wanted), None)
        if found is None:
            visible = [dataset for dataset in datasets if dataset.open_to(principal)]
            raise NotFound(
                f"There is no dataset {dataset_id!r}.",
                hint=nearest_datasets(dataset_id, visible),
                code="unknown_dataset",
            )
        if not found.open_to(principal):
            raise dataset_forbidden(wanted)
        return found

    def is_forbidden(self, principal: Principal, dataset_id: str) -> bool:
        """Return whether a dataset of this id is restricted to other readers."""
        return any(
            dataset.id == dataset_id.lower() and not dataset.open_to(principal)
            for dataset in self._warehouse.datasets()
        )

    def may_see(self, principal: Principal, read: Mapping[str, str] | None) -> bool:
        """Return whether a principal may still see what was read from some datasets.

        Parameters
        ----------
        principal : Principal
            The user who wants to see it.
        read : mapping of str to str, optional
            ``Job.datasets``: ids, with the visibility at the time of reading. Results from a removed dataset
            stay visible if it was public, and are hidden if it was restricted.
        """
        if not read:
            return True
        present = {dataset.id: dataset for dataset in self._warehouse.datasets()}
        return all(
            present[dataset_id].open_to(principal) if dataset_id in present else visibility == "public"
            for dataset_id, visibility in read.items()
        )

    def check(self, principal: Principal, job: Job) -> None:
        """Require that the owner of a job may still see the datasets that it read.

        Raises
        ------
        DatasetForbidden
            If access to one of these datasets was withdrawn.
        """
        if not self.may_see(principal, job.datasets):
            raise DatasetForbidden(
                "this job read a dataset that you may no longer see",
                hint="Ask those who keep the dataset, or submit a new query on what you may see.",
            )


def dataset_forbidden(dataset_id: str) -> DatasetForbidden:
    """Return the error of a restricted dataset; it contains nothing but the id that the user sent."""
    return DatasetForbidden(
        f"the dataset {dataset_id} is restricted, and you are not among its readers",
        hint="Ask those who keep it; GET /v1/datasets lists what you may query.",
    )


def _dataset_id(text: str, visible: Sequence[Dataset]) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidRequest(
            f"dataset_id: {text[:64]!r} is no UUID",
            code="invalid_dataset_id",
            hint=nearest_datasets(text[:200], visible),
        ) from None
