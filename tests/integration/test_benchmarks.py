"""`make bench-quick`: every question can be asked, and what comes out can be read. No figure is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import QUESTIONS
from benchmarks.report import BEGIN, END, markdown, save, write_block
from benchmarks.statistics import Answer, Row, Target, percentile

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(1200)
def test_every_question_can_be_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1150)
    assert done.returncode == 0, done.stderr
    saved = json.loads((tmp_path / "results.json").read_text())["answers"]
    assert list(saved) == sorted(QUESTIONS)
    shown = (tmp_path / "results.md").read_text()
    for answer in saved.values():
        assert answer["rows"] or answer["missing"], answer
        assert answer["title"] in shown
        if os.environ.get("CI") == "true":
            assert not [reason for reason in answer["missing"] if "JupySQL" not in reason]


def test_the_tables_say_what_was_held_and_what_was_missed(tmp_path: Path) -> None:
    rows = [
        Row("ours", [10.0, 20.0, 30.0], against="theirs", targets=(Target("median", 20), Target("ratio", 1))),
        Row("theirs", [5.0]),
        Row("speed", [0.5], "GB/s", targets=(Target("worst", 0.4, "higher"),)),
    ]
    answer = Answer("A question", rows, ["Noted."]).as_dict() | {"at": "today", "load": "0", "seconds": 1.0}
    machine = {"processor": "P", "processors": 2, "memory_gib": 24.0, "system": "S", "versions": {"a": "1"}}
    whole = save(tmp_path / "results.json", machine, {"one": answer})
    text = markdown(save(tmp_path / "results.json", machine, {"two": answer}), ["two", "one"])
    assert set(whole["answers"]) == {"one"}
    assert text.count("### A question") == 2
    assert (
        "| ours | 20.0 ms | 29.0 | 15.0–25.0 | 3 | 4 × theirs | median ≤ 20.0: held; ratio ≤ 1: **missed** |"
        in text
    )
    assert "| speed | 0.5 GB/s |  |  | 1 |  | worst ≥ 0.4: held |" in text
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_block(readme, text)
    write_block(readme, text)
    assert readme.read_text() == f"before\n{BEGIN}\n{text}{END}\nafter\n"


def test_a_percentile_lies_between_samples() -> None:
    assert percentile([1.0, 3.0], 50) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 100) == 4.0


def test_the_tables_of_the_readme_are_those_that_were_saved() -> None:
    saved = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    shown = (ROOT / "service" / "README.md").read_text()
    assert markdown(saved, list(QUESTIONS)) in shown
