"""What is shown outside the widgets: listings, previews and progress lines.

Everything above imports it; ``http`` stands beside it.
"""
