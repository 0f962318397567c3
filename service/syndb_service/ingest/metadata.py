"""The metadata file of a dataset: ``dataset.toml`` or ``dataset.json``."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from syndb_service.domain.access import parse_reader
from syndb_service.domain.datasets import TABLES, VISIBILITIES, Visibility
from syndb_service.ingest.issues import IssueList, advise
from syndb_service.text.truncation import MESSAGE_CHARACTERS, METADATA_CHARACTERS, NAME_CHARACTERS, shorten

FILES: Final = ("dataset.toml", "dataset.json", "metadata.toml", "metadata.json")
MINIMAL: Final = 'name = "my_connectome_2026"\nspecies = "Drosophila melanogaster"'

NAME_RULE: Final = "1 to 80 small letters, digits, '_', '-' and '.', the first a letter or a digit"

_SYNONYMS: Final = {"dataset_id": "id", "license": "licence"}
_TEXTS: Final = ("id", "name", "title", "species", "version", "licence", "citation", "doi", "description")
_KEYS: Final = (*_TEXTS, "visibility", "restricted_to", "units", "ignore_columns")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
_DOI: Final = re.compile(r"10\.\d{4,9}/\S+")
_LINE_NUMBER: Final = re.compile(r"line (\d+)")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The content of the metadata file, with defaults.

    ``units`` contains the stated units by table and column, ``ignored`` the columns to leave out;
    ``visibility`` is None if the file does not state it.
    """

    id: str | None
    name: str
    title: str
    species: str
    version: str
    licence: str
    citation: str
    doi: str
    visibility: Visibility | None
    readers: tuple[str, ...]
    description: str
    units: Mapping[str, Mapping[str, str]]
    ignored: frozenset[str]


def read_metadata(folder: Path, issues: IssueList) -> Metadata | None:
    """Read a folder's metadata file; return None and record issues if it is unusable."""
    found = [name for name in FILES if (folder / name).is_file()]
    if not found:
        lines = "".join(f"\n      {line}" for line in MINIMAL.splitlines())
        issues.add("dataset.toml", f"is missing; two lines are enough:{lines}")
        return None
    if len(found) > 1:
        issues.add(found[1], f"is a second metadata file beside {found[0]}; keep one")
        return None
    plain = _parse(folder / found[0], issues)
    return None if plain is None else _Reader(found[0], plain, issues).metadata()


def state_metadata(
    folder: Path | None,
    defaults: Mapping[str, str],
    stated: Mapping[str, str],
    units: Mapping[str, Mapping[str, str]],
    issues: IssueList,
) -> Metadata | None:
    """Combine the options, the metadata file and the defaults, in this order of precedence.

    Parameters
    ----------
    folder : Path or None
        The folder that may contain a metadata file.
    defaults : mapping of str to str
        Values for keys that are not stated. A ``name`` is converted to a valid one.
    stated : mapping of str to str
        The values of the options, by the keys of the metadata file.
    units : mapping
        Units that the file does not state, by table and column.
    issues : IssueList
        Receives what is wrong or missing.
    """
    file = next((name for name in FILES if folder and (folder / name).is_file()), None)
    written = _parse(folder / file, issues) if folder and file else {}
    if written is None:
        return None
    plain: dict[str, Any] = {**defaults, **written, **stated}
    if "name" not in {*written, *stated} and "name" in defaults:
        plain["name"] = re.sub(r"[^a-z0-9]+", "_", defaults["name"].lower()).strip("_")[:80]
    if not plain.get("species"):
        issues.add("--species", 'is missing: the Latin name, such as --species "Drosophila melanogaster"')
        return None
    reader = _Reader(file or "the options", plain, issues)
    metadata = reader.metadata()
    return replace(
        metadata, units={table: {**units.get(table, {}), **of} for table, of in metadata.units.items()}
    )


def _parse(path: Path, issues: IssueList) -> dict[str, Any] | None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        plain = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except UnicodeDecodeError:
        issues.add(path.name, "is not UTF-8 text")
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        place = _LINE_NUMBER.search(str(error))
        row = int(place.group(1)) if place else None
        issues.add(path.name, f"is not valid {path.suffix[1:].upper()}: {error}", row=row)
    except OSError as error:
        issues.add(path.name, f"can't be read: {error.strerror}")
    else:
        if isinstance(plain, dict):
            return plain
        issues.add(path.name, "must hold keys and values")
    return None


class _Reader:
    """Parser of one metadata file."""

    def __init__(self, file: str, plain: dict[str, Any], issues: IssueList) -> None:
        self._file = file
        self._issues = issues
        self._plain: dict[str, Any] = {}
        for key, value in plain.items():
            known = _SYNONYMS.get(key.lower(), key.lower())
            if known not in _KEYS:
                self._note(f"is not a key that is known{advise(key, (*_KEYS, *_SYNONYMS))}", key)
            elif known in self._plain:
                self._note(f"says the same as another key ({known})", key)
            else:
                self._plain[known] = value

    def metadata(self) -> Metadata:
        title = self._text("title")
        name = self._name(title)
        readers = self._readers()
        if not self._text("species"):
            self._note('is missing; the Latin name, such as species = "Drosophila melanogaster"', "species")
        return Metadata(
            id=self._id(),
            name=name,
            title=title or name,
            species=self._text("species"),
            version=self._text("version") or "1",
            licence=self._text("licence"),
            citation=self._text("citation"),
            doi=self._doi(),
            visibility=self._visibility(readers),
            readers=readers,
            description=self._text("description"),
            units=self._units(),
            ignored=self._ignored_fields(),
        )

    def _note(self, message: str, key: str) -> None:
        self._issues.add_key(self._file, shorten(message, MESSAGE_CHARACTERS), shorten(key, NAME_CHARACTERS))

    def _text(self, key: str) -> str:
        value = self._plain.get(key, "")
        if isinstance(value, str) and len(value) > METADATA_CHARACTERS:
            self._note(f"has {len(value):,} characters; at most {METADATA_CHARACTERS:,} are taken", key)
            return ""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int | float) and key == "version":
            return str(value)
        self._note(f"is {value!r}; it must be text", key)
        self._plain[key] = ""
        return ""

    def _name(self, title: str) -> str:
        given = self._text("name")
        slug = re.sub(r"[^a-z0-9]+", "_", (given or title).lower()).strip("_")[:80]
        if given and not _NAME.fullmatch(given):
            example = f", such as {slug}" if slug else ""
            self._note(f"is {given!r}; it must be {NAME_RULE}{example}", "name")
        elif not slug:
            self._note("is missing; give the dataset a short name or a title", "name")
        return given or slug

    def _id(self) -> str | None:
        given = self._text("id")
        try:
            return str(UUID(given)) if given else None
        except ValueError:
            self._note(f"is {given!r}, which is no UUID; leave it out to have one made", "id")
            return None

    def _doi(self) -> str:
        given = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", "", self._text("doi"), flags=re.IGNORECASE)
        if given and not _DOI.fullmatch(given):
            self._note(f"is {given!r}; a DOI looks like 10.1371/journal.pcbi.1001066", "doi")
        return given

    def _units(self) -> dict[str, dict[str, str]]:
        given = self._plain.get("units", {})
        units: dict[str, dict[str, str]] = {table: {} for table in TABLES}
        if not isinstance(given, dict):
            self._note("must be a table of columns and their units", "units")
            return units
        for key, value in given.items():
            if not isinstance(value, dict):
                self._take_unit(units, tuple(TABLES), key, value)
            elif key in TABLES:
                for column, unit in value.items():
                    self._take_unit(units, (key,), column, unit)
            else:
                self._note(f"names the table {key!r}, which is not known{advise(key, TABLES)}", "units")
        return units

    def _take_unit(
        self, units: dict[str, dict[str, str]], tables: tuple[str, ...], column: str, unit: object
    ) -> None:
        having = [table for table in tables if column in {each.name for each in TABLES[table]}]
        if not having:
            known = sorted({each.name for table in tables for each in TABLES[table]})
            self._note(f"names the column {column!r}, which is not known{advise(column, known)}", "units")
        elif not isinstance(unit, str):
            self._note(f"gives {column} the unit {unit!r}; it must be text", "units")
        else:
            for table in having:
                units[table][column] = unit

    def _visibility(self, readers: Sequence[str]) -> Visibility | None:
        given = self._plain.get("visibility")
        if given is not None and given not in VISIBILITIES:
            self._note(f"is {given!r}; it may be {' or '.join(VISIBILITIES)}", "visibility")
        if given == "public" and readers:
            self._note("names readers, but the dataset is public", "restricted_to")
        return "restricted" if given == "restricted" or readers else "public" if given else None

    def _readers(self) -> tuple[str, ...]:
        given = self._plain.get("restricted_to", [])
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            self._note('must be a list, such as ["user:ada", "group:lab"]', "restricted_to")
            return ()
        readers = []
        for each in given:
            try:
                readers.append(parse_reader(each))
            except ValueError as error:
                self._note(f"holds {error}", "restricted_to")
        return tuple(dict.fromkeys(readers))

    def _ignored_fields(self) -> frozenset[str]:
        given = self._plain.get("ignore_columns", [])
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            self._note('must be a list of names, such as ["my_notes"]', "ignore_columns")
            return frozenset()
        return frozenset(name.strip().lower() for name in given)
