"""Colours that colour-blind readers can distinguish (Okabe & Ito 2008), and the style of an Axes."""

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
    """Set the title, a note and the lines of an Axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes.
    title : str
        At the upper left, bold.
    note : str, optional
        At the upper right, small.
    """
    ax.set_title(title, loc="left", fontsize=13, fontweight="bold", color=INK, pad=10, parse_math=False)
    ax.set_title(note, loc="right", fontsize=10, color=MUTED, pad=10, parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(MUTED)
    ax.tick_params(colors=INK, labelsize=10)


def count_axis(axis: Axis, highest: float) -> None:
    """Label a logarithmic axis with counts, at few enough positions to be readable.

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
    """Write text in the middle of an Axes without data, and hide its axes."""
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
    """Replace characters that the font can't draw or that change the text direction, and shorten the text.

    Use it, with ``parse_math=False``, for every text in a picture that comes from data. A long id keeps its
    end, because ids of one dataset begin alike. Text of blanks only becomes a box, so that it stays visible.

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
    """Draw a legend with literal texts: no mathematics, and labels with a leading ``_`` are included.

    Parameters
    ----------
    holder : Axes or Figure
        The Axes or Figure of the legend.
    handles : sequence of Artist
        The artists of the legend's entries.
    labels : sequence of str
        The text of each entry.
    **options
        Passed to ``legend``, for example ``title``.
    """
    legend = holder.legend(handles, [""] * len(labels), **options)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)
    legend.get_title().set_color(MUTED)


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return the width and height of an Axes on its figure, in points."""
    box = ax.get_window_extent()
    figure = ax.get_figure(root=True)
    dots = figure.dpi if figure is not None else 72.0
    return box.width * 72 / dots, box.height * 72 / dots
