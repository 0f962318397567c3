"""The widgets of a notebook: card, explorer, composer, table and monitor; their JavaScript is in ``static``.

``Job`` and ``Lab`` open them. A widget knows a job as ``NotebookJob`` only, and imports neither of the two.
"""
