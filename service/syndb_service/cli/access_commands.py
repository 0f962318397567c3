"""The commands for access: readers of datasets, and groups of users."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syndb_service.cli.options import (
    data_dir_option,
    print_plain,
    print_table,
    report_errors,
    require_data_dir,
)
from syndb_service.domain.access import GROUP_RULE, is_group, is_user, parse_reader
from syndb_service.domain.datasets import Dataset, Visibility
from syndb_service.errors import BadSetting

if TYPE_CHECKING:
    from syndb_service.warehouse import DatasetStore


def parse_readers(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> list[str]:
    """Parse readers (``user:NAME``, ``group:NAME``); raise ``BadParameter`` for an invalid one."""
    try:
        return list(dict.fromkeys(parse_reader(value) for value in values))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@data_dir_option
@click.argument("dataset")
@click.argument("readers", nargs=-1, required=True, callback=parse_readers, metavar="READER...")
@report_errors
def share(data_dir: Path | None, dataset: str, readers: list[str]) -> None:
    """Add readers to a restricted dataset: user:NAME or group:NAME."""
    found = _require_restricted(data_dir, dataset)
    _set_readers(data_dir, found.id, "restricted", list(dict.fromkeys([*found.readers, *readers])))


@click.command()
@data_dir_option
@click.argument("dataset")
@click.argument("readers", nargs=-1, required=True, callback=parse_readers, metavar="READER...")
@report_errors
def unshare(data_dir: Path | None, dataset: str, readers: list[str]) -> None:
    """Remove readers from a restricted dataset. They lose access to their results of it at once."""
    found = _require_restricted(data_dir, dataset)
    unknown = [reader for reader in readers if reader not in found.readers]
    if unknown:
        raise BadSetting(
            f"{unknown[0]} is not among the readers of {found.name}",
            hint="`syndb-lab dataset list` shows them.",
        )
    remaining = [reader for reader in found.readers if reader not in readers]
    _set_readers(data_dir, found.id, "restricted", remaining)


@click.command()
@data_dir_option
@click.argument("dataset")
@click.argument("readers", nargs=-1, callback=parse_readers, metavar="[READER]...")
@report_errors
def restrict(data_dir: Path | None, dataset: str, readers: list[str]) -> None:
    """Make a dataset visible to these readers only; without readers, to no user."""
    _set_readers(data_dir, dataset, "restricted", readers)


@click.command()
@data_dir_option
@click.argument("dataset")
@report_errors
def publish(data_dir: Path | None, dataset: str) -> None:
    """Make a dataset visible to all users."""
    _set_readers(data_dir, dataset, "public", [])


def id_of(warehouse: DatasetStore, id_or_name: str) -> str:
    """Return the id of a dataset with this name; any other text is returned unchanged."""
    return next((dataset.id for dataset in warehouse.datasets() if dataset.name == id_or_name), id_or_name)


def _require_restricted(data_dir: Path | None, dataset: str) -> Dataset:
    from syndb_service.container import open_warehouse

    warehouse = open_warehouse(require_data_dir(data_dir))
    found = warehouse.get(id_of(warehouse, dataset))
    if found.visibility == "public":
        raise BadSetting(
            f"{found.name} is public: everybody may see it",
            hint=f"`syndb-lab dataset restrict {found.id} READER...` names its only readers.",
        )
    return found


def _set_readers(data_dir: Path | None, dataset: str, visibility: Visibility, readers: Sequence[str]) -> None:
    from syndb_service.container import open_warehouse

    warehouse = open_warehouse(require_data_dir(data_dir))
    changed = warehouse.open_to(id_of(warehouse, dataset), visibility, readers)
    audience = "everybody" if visibility == "public" else ", ".join(readers) or "nobody"
    print_plain(f"{changed.name} is open to {audience}.")


@click.group()
def group() -> None:
    """Put users into groups, to which datasets can be restricted."""


@group.command("add")
@data_dir_option
@click.argument("name")
@click.argument("users", nargs=-1, required=True, metavar="USER...")
@report_errors
def group_add(data_dir: Path | None, name: str, users: tuple[str, ...]) -> None:
    """Put users into a group, which its first user creates. `token list` shows the names of users."""
    from syndb_service.container import open_groups

    if not is_group(name):
        raise BadSetting(f"{name[:100]!r} is no name of a group", hint=f"A group's name is {GROUP_RULE}.")
    if not all(is_user(user) for user in users):
        raise BadSetting("a user's name of 1 to 255 printable characters is needed")
    groups = open_groups(require_data_dir(data_dir))
    for user in users:
        groups.add(name, user)
    print_plain(f"In {name}: {', '.join(users)}.")


@group.command("remove")
@data_dir_option
@click.argument("name")
@click.argument("user")
@report_errors
def group_remove(data_dir: Path | None, name: str, user: str) -> None:
    """Remove a user from a group. The user loses the group's access at once."""
    from syndb_service.container import open_groups

    open_groups(require_data_dir(data_dir)).remove(name, user)
    print_plain(f"No longer in {name}: {user}.")


@group.command("list")
@data_dir_option
@report_errors
def group_list(data_dir: Path | None) -> None:
    """List the groups, their users, and who added each user: the operator or an issuer."""
    from syndb_service.container import open_groups

    rows: list[Sequence[str]] = [("group", "user", "by")]
    rows += [
        (membership.group, membership.user, membership.issuer or "operator")
        for membership in open_groups(require_data_dir(data_dir)).memberships()
    ]
    print_table(rows)
