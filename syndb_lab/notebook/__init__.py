"""The widgets of a notebook: card, explorer, composer, table and monitor; their JavaScript is in ``static``.

``Job`` and ``Lab`` open the widgets. A widget uses the ``NotebookJob`` protocol and imports neither of them.
"""
