"""``python -m benchmarks [--quick] [QUESTION…]``: measure the questions, print and save the answers."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmarks.locations import SKIPPED, Bench
from benchmarks.machine import load, machine
from benchmarks.processes import ROOT
from benchmarks.report import markdown, save, write_block
from benchmarks.statistics import Answer

QUESTIONS: Final = (
    "small_query",
    "many_small",
    "notification",
    "cancelling",
    "large_result",
    "fetching",
    "many_rows",
    "large_warehouse",
    "start",
)
SAVED: Final = ROOT / "benchmarks" / "results.json"
README: Final = ROOT / "service" / "README.md"
DATA_FOLDER: Final = Path(tempfile.gettempdir()) / "syndb-bench-data"


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", choices=[[], *QUESTIONS], help="default: all")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, about a minute; README.md is not changed"
    )
    parser.add_argument("--out", type=Path, help="write only results.json and results.md, to this folder")
    return parser.parse_args(words)


def measure_question(name: str, bench: Bench) -> dict[str, Any]:
    """Measure one question; add the time, the duration and the load of the machine."""
    before, started = load(), time.monotonic()
    module = import_module(f"benchmarks.questions.{name}")
    try:
        answer: Answer = module.answer(bench)
    except SKIPPED as missing:
        answer = Answer(module.TITLE, missing=[str(missing)])
    return answer.as_dict() | {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load": f"{before} before, {load()} after",
        "seconds": time.monotonic() - started,
    }


def main(words: list[str] | None = None) -> int:
    """Return the exit status: 1 if a question could not be measured; a missed target is not a failure."""
    options = parse_arguments(words)
    names = options.questions or list(QUESTIONS)
    answers: dict[str, dict[str, Any]] = {}
    failed = []
    with tempfile.TemporaryDirectory(prefix="syndb-bench-") as folder:
        bench = Bench(Path(folder), DATA_FOLDER, options.quick)
        try:
            for name in names:
                print(f"… {name}", file=sys.stderr, flush=True)
                try:
                    answers[name] = measure_question(name, bench)
                except Exception:
                    traceback.print_exc()
                    failed.append(name)
        finally:
            bench.close()
    this_machine = machine()
    print(markdown({"machine": this_machine, "answers": answers}, names))
    if options.out is not None:
        text = markdown(save(options.out / "results.json", this_machine, answers), list(QUESTIONS))
        (options.out / "results.md").write_text(text)
    elif not options.quick:
        write_block(README, markdown(save(SAVED, this_machine, answers), list(QUESTIONS)))
    for name in failed:
        print(f"{name} could not be measured", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
