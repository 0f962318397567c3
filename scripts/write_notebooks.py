"""Run the notebooks on a temporary service and save them with their outputs: all, or the named ones.

    python scripts/write_notebooks.py [notebooks/02_long_jobs.ipynb …]

The saved outputs are for readers without a kernel: static cards and tables, images with few colors, and no
information about this machine.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from jupyter_core.utils import ensure_async
from nbclient.exceptions import CellExecutionComplete
from nbformat.v4 import new_code_cell
from PIL import Image

from syndb_lab.connection.local_service import temporary_service

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
COLOURS = 128
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
METADATA["language_info"] = {"name": "python"}


AFTERWARDS = "import time; time.sleep(1)"


class Client(nbclient.NotebookClient):
    """Client that also handles updates of a card after its cell has ended, as a browser does."""

    async def _async_poll_output_msg(self, parent_msg_id: str, cell: Any, cell_index: int) -> None:
        while True:
            message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=None))
            ours = message["parent_header"].get("msg_id") == parent_msg_id
            if not ours and message["msg_type"] != "update_display_data":
                continue
            try:
                self.process_message(message, cell, cell_index)
            except CellExecutionComplete:
                return


def main(paths: Sequence[Path]) -> None:
    """Run and save each notebook."""
    with tempfile.TemporaryDirectory() as home, temporary_service(Path(home) / "data") as service:
        os.environ |= notebook_environment(service.data_dir)
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            with tempfile.TemporaryDirectory() as folder:
                run(notebook, Path(folder))
            for cell in notebook.cells:
                cell.metadata = {}
                if cell.cell_type == "code":
                    cell.outputs = [reduce_output(output) for output in join_streams(cell.outputs)]
            notebook.metadata = nbformat.from_dict(METADATA)
            nbformat.write(notebook, path)
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def notebook_environment(data_dir: Path) -> dict[str, str]:
    """Return the environment in which a notebook finds this service and the command ``syndb-lab``."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"SYNDB_DATA_DIR": str(data_dir), "PATH": path, "COLUMNS": "110"}


def run(notebook: Any, folder: Path) -> None:
    """Run a notebook in a folder; raise if a cell fails."""
    notebook.cells.append(new_code_cell(AFTERWARDS))
    client = Client(
        notebook,
        timeout=120,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    notebook.cells.pop()


def join_streams(outputs: Sequence[Any]) -> Iterator[Any]:
    """Join the chunks of each stream into the text that a terminal shows at the end."""
    before: Any = None
    for output in outputs:
        if output.output_type == "stream" and before is not None and before.get("name") == output.name:
            before.text += output.text
            continue
        if before is not None:
            yield before
        before = output
    if before is not None:
        yield before


def reduce_output(output: Any) -> Any:
    """Reduce an output to text without control sequences, small images and no widget."""
    if output.output_type == "stream":
        lines = CONTROL.sub("", output.text.replace("\r\n", "\n")).split("\n")
        output.text = "\n".join(line.rpartition("\r")[2] for line in lines)
    data = output.get("data", {})
    data.pop("application/vnd.jupyter.widget-view+json", None)
    if "image/png" in data:
        data["image/png"] = reduce_colors(data["image/png"])
    return output


def reduce_colors(picture: str) -> str:
    """Convert an image to a palette: a third of the size, with no visible difference in a diagram."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    written = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")))
