"""The report: JSON, and the Markdown that ``service/README.md`` shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from benchmarks.statistics import NAMES

BEGIN: Final = "<!-- make bench writes from here -->"
END: Final = "<!-- to here -->"
HEAD: Final = "| | median | 95th | middle half | samples | ratio | target |\n|---|---|---|---|---|---|---|"


def save(file: Path, machine: dict[str, Any], answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Merge the answers with the saved answers of other questions; write and return the results."""
    earlier = json.loads(file.read_text())["answers"] if file.exists() else {}
    results = {"machine": machine, "answers": earlier | answers}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    return results


def markdown(results: dict[str, Any], order: list[str]) -> str:
    """Return the tables, in the order of the questions."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine["versions"].items()))
    lines = [
        f"{machine['processor']}, {machine['processors']} processors, {machine['memory_gib']:.0f} GiB, "
        f"{machine['system']}; {versions}. Ratios are to the row that is named, measured in turn with it"
        " in the same run. The load is that of the machine when the question was asked: others may have"
        " worked on it.",
    ]
    lines += [_section(results["answers"][name]) for name in order if name in results["answers"]]
    return "\n\n".join(lines) + "\n"


def write_block(readme: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Replace the text between the marks of a Markdown file by the tables."""
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.S)
    before = readme.read_text()
    if not pattern.search(before):
        raise SystemExit(f"{readme} lacks the marks {begin} and {end}")
    readme.write_text(pattern.sub(lambda _: f"{begin}\n{text}{end}", before))


def _section(answer: dict[str, Any]) -> str:
    lines = [f"### {answer['title']}", ""]
    if answer["rows"]:
        lines += [HEAD, *(_line(row) for row in answer["rows"]), ""]
    lines += [f"- Not measured: {reason}" for reason in answer["missing"]]
    lines += [f"- {note}" for note in answer["notes"]]
    lines += [f"- {answer['at']}, load {answer['load']}, {answer['seconds']:.0f} s."]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    unit = row["unit"]
    ratio = f"{_figure(row['ratio'])} × {row['against']}" if row["against"] else ""
    cells = [
        row["what"],
        f"{_figure(row['median'])} {unit}",
        f"{_figure(row['p95'])}" if row["samples"] > 2 else "",
        f"{_figure(row['p25'])}–{_figure(row['p75'])}" if row["samples"] > 2 else "",
        str(row["samples"]),
        ratio,
        "; ".join(_target(target) for target in row["targets"]),
    ]
    return f"| {' | '.join(cells)} |"


def _target(target: dict[str, Any]) -> str:
    sign = "≤" if target["better"] == "lower" else "≥"
    outcome = "held" if target["held"] else "**missed**"
    return f"{NAMES[target['of']]} {sign} {_figure(target['limit'])}: {outcome}"


def _figure(value: float) -> str:
    """Format a number with three significant digits.

    Examples
    --------
    >>> [_figure(value) for value in (1234.5, 56.78, 1.234, 0.0456)]
    ['1,234', '56.8', '1.23', '0.046']
    """
    size = abs(value)
    if size >= 10:
        return f"{value:,.0f}" if size >= 100 else f"{value:.1f}"
    return f"{value:.{2 if size >= 1 else 3}f}".rstrip("0").rstrip(".") or "0"
