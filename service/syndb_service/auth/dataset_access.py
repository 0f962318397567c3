"""What a user may see of the warehouse; asked at submission, at the start of a job, and at every download."""

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
    """Decides by the readers of each dataset as they are now.

    Parameters
    ----------
    warehouse : DatasetStore
        The datasets and their readers.
    people : People
        Who is in which group.
    """

    def __init__(self, warehouse: DatasetStore, people: GroupStore) -> None:
        self._warehouse = warehouse
        self._people = people

    def owner(self, job: Job) -> Principal:
        """Return the owner of a job as somebody who reads, with today's groups."""
        return Principal(job.owner, academic=True, groups=self._people.groups_of(job.owner))

    def datasets(self, principal: Principal) -> Sequence[Dataset]:
        """Return the datasets that somebody may query, by name."""
        return [dataset for dataset in self._warehouse.datasets() if dataset.open_to(principal)]

    def dataset(self, principal: Principal, dataset_id: str) -> Dataset:
        """Return one dataset that somebody may query.

        Raises
        ------
        InvalidRequest
            If the id is no UUID.
        DatasetForbidden
            If it is restricted to others.
        NotFound
            If there is none of that id; the hint names only what may be seen.
        """
        datasets = self._warehouse.datasets()
        wanted = _dataset_id(dataset_id, [each for each in datasets if each.open_to(principal)])
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
        """Say whether there is a dataset of this id, restricted to others."""
        return any(
            dataset.id == dataset_id.lower() and not dataset.open_to(principal)
            for dataset in self._warehouse.datasets()
        )

    def may_see(self, principal: Principal, read: Mapping[str, str] | None) -> bool:
        """Say whether somebody may see now what was read from some datasets.

        Parameters
        ----------
        principal : Principal
            Who wants to see it.
        read : mapping of str to str, optional
            ``Job.datasets``: ids, and the visibility at the time of reading. Of a dataset that is gone, what
            was public stays visible, and what was restricted does not.
        """
        if not read:
            return True
        present = {dataset.id: dataset for dataset in self._warehouse.datasets()}
        return all(
            present[dataset_id].open_to(principal) if dataset_id in present else visibility == "public"
            for dataset_id, visibility in read.items()
        )

    def check(self, principal: Principal, job: Job) -> None:
        """Make sure that the owner of a job may still see what it read.

        Raises
        ------
        DatasetForbidden
            If the access to one of its datasets was withdrawn.
        """
        if not self.may_see(principal, job.datasets):
            raise DatasetForbidden(
                "this job read a dataset that you may no longer see",
                hint="Ask those who keep the dataset, or submit a new query on what you may see.",
            )


def dataset_forbidden(dataset_id: str) -> DatasetForbidden:
    """Say that a dataset is restricted to others; its id is all that the caller is told, and knew."""
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
