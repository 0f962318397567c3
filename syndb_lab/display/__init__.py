"""Output outside the widgets: listings, previews and progress lines.

Everything above imports it; ``http`` is on the same layer.
"""
