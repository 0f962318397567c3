"""Text for HTML, escaped so that it contains no markup and does not change the direction of nearby text."""

from __future__ import annotations

from html import escape
from typing import Any

from syndb_lab.text.terminal_text import escape_control_characters


def html_text(value: Any) -> str:
    r"""Escape a text for HTML, also for use inside an attribute.

    Examples
    --------
    >>> html_text('<b title="a">\0')
    '&lt;b title=&quot;a&quot;&gt;�'
    """
    return escape(escape_control_characters(str(value)), quote=True)
