"""The commands that say who may see what: readers of datasets, and groups."""

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


def checked_readers(_context: click.Context, _parameter: click.Parameter, given: Sequence[str]) -> list[str]:
    """Return readers as they are stored; a wrong one is the command's refusal."""
    try:
        return list(dict.fromkeys(parse_reader(each) for each in given))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@data_dir_option
@click.argument("dataset")
@click.argument("readers", nargs=-1, required=True, callback=checked_readers, metavar="READER...")
@report_errors
def share(data_dir: Path | None, dataset: str, readers: list[str]) -> None:
    """Let further readers see a restricted dataset: user:NAME or group:NAME."""
    found = _require_restricted(data_dir, dataset)
    _open_to(data_dir, found.id, "restricted", list(dict.fromkeys([*found.readers, *readers])))


@click.command()
@data_dir_option
@click.argument("dataset")
@click.argument("readers", nargs=-1, required=True, callback=checked_readers, metavar="READER...")
@report_errors
def unshare(data_dir: Path | None, dataset: str, readers: list[str]) -> None:
    """Take readers of a restricted dataset away. Their results of it are closed to them at once."""
    found = _require_restricted(data_dir, dataset)
    strangers = [each for each in readers if each not in found.readers]
    if strangers:
        raise BadSetting(
            f"{strangers[0]} is not among the readers of {found.name}",
            hint="`syndb-lab dataset list` shows them.",
        )
    _open_to(data_dir, found.id, "restricted", [each for each in found.readers if each not in readers])


@click.command()
@data_dir_option
@click.argument("dataset")
@click.argument("readers", nargs=-1, callback=checked_readers, metavar="[READER]...")
@report_errors
def restrict(data_dir: Path | None, dataset: str, readers: list[str]) -> None:
    """Make a dataset visible to these readers alone (none: to nobody)."""
    _open_to(data_dir, dataset, "restricted", readers)


@click.command()
@data_dir_option
@click.argument("dataset")
@report_errors
def publish(data_dir: Path | None, dataset: str) -> None:
    """Make a dataset visible to everybody who may query."""
    _open_to(data_dir, dataset, "public", [])


def id_of(warehouse: DatasetStore, named: str) -> str:
    """Return the id of a dataset that is named by its id or its name; what is neither stays as it is."""
    return next((dataset.id for dataset in warehouse.datasets() if dataset.name == named), named)


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


def _open_to(data_dir: Path | None, dataset: str, visibility: Visibility, readers: Sequence[str]) -> None:
    from syndb_service.container import open_warehouse

    warehouse = open_warehouse(require_data_dir(data_dir))
    changed = warehouse.open_to(id_of(warehouse, dataset), visibility, readers)
    whom = "everybody" if visibility == "public" else ", ".join(readers) or "nobody"
    print_plain(f"{changed.name} is open to {whom}.")


@click.group()
def group() -> None:
    """Put users into groups, to which datasets can be restricted."""


@group.command("add")
@data_dir_option
@click.argument("name")
@click.argument("users", nargs=-1, required=True, metavar="USER...")
@report_errors
def group_add(data_dir: Path | None, name: str, users: tuple[str, ...]) -> None:
    """Put users into a group; the first one makes it. A user is named as `token list` shows them."""
    from syndb_service.container import open_groups

    if not is_group(name):
        raise BadSetting(f"{name[:100]!r} is no name of a group", hint=f"A group's name is {GROUP_RULE}.")
    wrong = [user for user in users if not is_user(user)]
    if wrong:
        raise BadSetting("a user's name of 1 to 255 printable characters is needed")
    people = open_groups(require_data_dir(data_dir))
    for user in users:
        people.add(name, user)
    print_plain(f"In {name}: {', '.join(users)}.")


@group.command("remove")
@data_dir_option
@click.argument("name")
@click.argument("user")
@report_errors
def group_remove(data_dir: Path | None, name: str, user: str) -> None:
    """Take a user out of a group. What the group may see is closed to them at once."""
    from syndb_service.container import open_groups

    open_groups(require_data_dir(data_dir)).remove(name, user)
    print_plain(f"No longer in {name}: {user}.")


@group.command("list")
@data_dir_option
@report_errors
def group_list(data_dir: Path | None) -> None:
    """List who is in which group, and by whose word."""
    from syndb_service.container import open_groups

    rows: list[Sequence[str]] = [("group", "user", "by")]
    rows += [
        (each.group, each.user, each.issuer or "operator")
        for each in open_groups(require_data_dir(data_dir)).memberships()
    ]
    print_table(rows)
