"""What a notebook shows of jobs while they live."""

from syndb_lab.widgets.explorer import Explorer
from syndb_lab.widgets.job_card import JobCard, show_card
from syndb_lab.widgets.monitor import Monitor, notebook_namespace

__all__ = ["Explorer", "JobCard", "Monitor", "notebook_namespace", "show_card"]
