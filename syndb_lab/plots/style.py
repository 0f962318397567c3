"""Colours that stay apart for colour-blind readers (Okabe & Ito 2008), and the look of an Axes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK = "#222222"
MUTED = "#6b6b6b"
FAINT = "#d9d9d9"
BLUE = "#0072b2"
VERMILION = "#d55e00"
CLASSES = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00")
LONGEST_READ = 10_000
DARK = (BLUE, VERMILION)
UNKNOWN = "#d0d0d0"
OTHER = "#9a9a9a"


def style_axes(ax: Axes, title: str, note: str = "") -> None:
    """Give an Axes its title, a note beside it, and no more lines than it needs.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes.
    title : str
        Stands at the upper left, bold.
    note : str, optional
        Stands at the upper right, small.
    """
    ax.set_title(title, loc="left", fontsize=13, fontweight="bold", color=INK, pad=10, parse_math=False)
    ax.set_title(note, loc="right", fontsize=10, color=MUTED, pad=10, parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(MUTED)
    ax.tick_params(colors=INK, labelsize=10)


def count_axis(axis: Axis, highest: float) -> None:
    """Label a logarithmic axis of counts by the counts themselves, without a crowd.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        The axis.
    highest : float
        The highest count on it.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if highest <= 500 else (1.0,)))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


def add_note(ax: Axes, text: str) -> None:
    """Write in the middle of an Axes that has nothing to draw why that is so."""
    ax.text(
        0.5,
        0.5,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        fontsize=12,
        color=MUTED,
        parse_math=False,
    )
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)


def drawable_text(text: str, longest: int | None = None) -> str:
    """Replace what the font has no picture of, or what would turn a text around, and shorten it.

    Every text of others goes this way into a picture, and with ``parse_math=False``. Of a long id the end is
    kept: ids of one dataset begin alike. A text of blanks alone is a box: something stands there.

    Examples
    --------
    >>> drawable_text("AVAL \N{BRAIN}"), drawable_text("posterior", 5), drawable_text("720575940602256915", 7)
    ('AVAL □', 'post…', '…256915')
    """
    from matplotlib.font_manager import findfont, get_font

    fonts = [get_font(findfont(f"sans\\-serif:weight={weight}")) for weight in ("normal", "bold")]
    shown = "".join(
        character
        if all(font.get_char_index(ord(character)) for font in fonts)
        and unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
        else "□"
        for character in " ".join(text[:LONGEST_READ].split()) or "\0" * bool(text)
    )
    if longest is None or len(shown) <= longest:
        return shown
    return f"…{shown[1 - longest :]}" if shown.isdigit() else f"{shown[: longest - 1]}…"


def draw_legend(
    holder: Axes | Figure, handles: Sequence[Artist], labels: Sequence[str], **options: Any
) -> None:
    """Draw a legend whose texts stand as they are: neither mathematics, nor left out for a leading ``_``.

    Parameters
    ----------
    holder : Axes or Figure
        Where it goes.
    handles : sequence of Artist
        What it explains.
    labels : sequence of str
        What each is.
    **options
        As of ``legend``; ``title`` too.
    """
    legend = holder.legend(handles, [""] * len(labels), **options)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)
    legend.get_title().set_color(MUTED)


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return the width and the height of an Axes in points, as it stands on its figure."""
    box = ax.get_window_extent()
    figure = ax.get_figure(root=True)
    dots = figure.dpi if figure is not None else 72.0
    return box.width * 72 / dots, box.height * 72 / dots
