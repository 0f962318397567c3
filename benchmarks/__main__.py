"""``python -m benchmarks [--quick] [QUESTION…]``: ask, print, save."""

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

from benchmarks.figures import Answer
from benchmarks.machine import load, machine
from benchmarks.places import SKIPPED, Bench
from benchmarks.processes import ROOT
from benchmarks.report import markdown, save, write_block

QUESTIONS: Final = (
    "small_query",
    "many_small",
    "being_told",
    "cancelling",
    "large_result",
    "fetching",
    "many_rows",
    "large_warehouse",
    "start",
)
SAVED: Final = ROOT / "benchmarks" / "results.json"
README: Final = ROOT / "service" / "README.md"
KEPT: Final = Path(tempfile.gettempdir()) / "syndb-bench-data"


def asked(words: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", choices=[[], *QUESTIONS], help="all, if none is named")
    parser.add_argument("--quick", action="store_true", help="about a minute, for function; README stays")
    parser.add_argument("--out", type=Path, help="write results.json and results.md there, and nothing else")
    return parser.parse_args(words)


def answer_to(name: str, bench: Bench) -> dict[str, Any]:
    """Ask one question; say when, how long it took and what else the machine did."""
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
    """Return the exit status: 1 where a question could not be asked; a missed target is told, no failure."""
    options = asked(words)
    names = options.questions or list(QUESTIONS)
    answers: dict[str, dict[str, Any]] = {}
    failed = []
    with tempfile.TemporaryDirectory(prefix="syndb-bench-") as folder:
        bench = Bench(Path(folder), KEPT, options.quick)
        try:
            for name in names:
                print(f"… {name}", file=sys.stderr, flush=True)
                try:
                    answers[name] = answer_to(name, bench)
                except Exception:
                    traceback.print_exc()
                    failed.append(name)
        finally:
            bench.close()
    here = machine()
    print(markdown({"machine": here, "answers": answers}, names))
    if options.out is not None:
        text = markdown(save(options.out / "results.json", here, answers), list(QUESTIONS))
        (options.out / "results.md").write_text(text)
    elif not options.quick:
        write_block(README, markdown(save(SAVED, here, answers), list(QUESTIONS)))
    for name in failed:
        print(f"{name} could not be asked", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
