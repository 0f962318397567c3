"""The composer of core ipywidgets: fields that were replaced are gone, and typing meanwhile goes on."""

from __future__ import annotations

import threading

import pytest

from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.notebook.composer.plain_widget import PlainComposer


def field(name: str) -> dict[str, str]:
    return {"name": name, "kind": "text", "text": ""}


@pytest.mark.slow
def test_fields_are_replaced_while_somebody_types() -> None:
    composer = PlainComposer("key", "http://service", Draft().as_dict(), {}, [])
    composer._show_parameters([field("a"), field("b")])
    first = composer._parameters.children
    wrong: list[Exception] = []
    over = threading.Event()

    def type_on() -> None:
        try:
            while not over.is_set():
                composer._write(None)
        except Exception as error:
            wrong.append(error)

    typing = threading.Thread(target=type_on)
    typing.start()
    for number in range(100):
        composer._show_parameters([field(f"x{number}")] * (number % 3))
    over.set()
    typing.join(120)
    assert wrong == []
    assert [part.comm for box in first for part in (box, *box.children)] == [None] * 8
