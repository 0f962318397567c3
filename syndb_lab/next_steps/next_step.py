"""The next step after an error: an action with its arguments, formatted for Python or the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final


class Audience(StrEnum):
    """The reader of an error: a user of Python (a notebook or a script) or of the command line."""

    PYTHON = "python"
    CLI = "cli"


class Action(StrEnum):
    """An action that a user can take next."""

    RERUN = "rerun"
    DOWNLOAD_AGAIN = "download_again"
    WAIT = "wait"
    RETRY = "retry"
    FETCH_RESULT = "fetch_result"
    FETCH_GRAPH_RESULT = "fetch_graph_result"
    NARROW_QUERY = "narrow_query"
    MAKE_NEURON_TABLE = "make_neuron_table"
    CHOOSE_EXPIRY = "choose_expiry"
    LIST_JOBS = "list_jobs"
    GIVE_JOB_ID = "give_job_id"
    LIST_DATASETS = "list_datasets"
    ASK_FOR_ACCESS = "ask_for_access"
    GIVE_TOKEN = "give_token"  # noqa: S105 - an action's name
    ASK_FOR_TOKEN = "ask_for_token"  # noqa: S105 - an action's name
    STORE_TOKEN = "store_token"  # noqa: S105 - an action's name
    VERIFY_AFFILIATION = "verify_affiliation"
    GIVE_PARAMETERS = "give_parameters"
    SHOW_HELP = "show_help"
    UPGRADE = "upgrade"
    START_SERVICE = "start_service"
    START_OWN_SERVICE = "start_own_service"
    INSTALL_SERVICE = "install_service"
    CHOOSE_DATA_DIR = "choose_data_dir"


@dataclass(frozen=True, slots=True)
class NextStep:
    """An action and its known arguments.

    Parameters
    ----------
    action : Action
        The action.
    arguments : mapping, optional
        ``job_id``: the job that it applies to; ``seconds``: the wait before it.

    Examples
    --------
    >>> render(NextStep(Action.RERUN), Audience.PYTHON)
    'Run it again: job.rerun()'
    >>> render(NextStep(Action.RERUN, {"job_id": "6e1f"}), Audience.CLI)
    'Run it again: `syndb-lab rerun 6e1f`'
    """

    action: Action
    arguments: Mapping[str, Any] = field(default_factory=dict)


UNKNOWN: Final = MappingProxyType({"job_id": "JOB", "seconds": "a few"})
"""Placeholders for arguments that are unknown."""

TEXTS: Final[Mapping[Action, tuple[str, str]]] = MappingProxyType(
    {
        Action.RERUN: ("Run it again: job.rerun()", "Run it again: `syndb-lab rerun {job_id}`"),
        Action.DOWNLOAD_AGAIN: (
            "Ask again; if it stays so, run the job again with job.rerun().",
            "Ask again; if it stays so, run the job again with `syndb-lab rerun {job_id}`.",
        ),
        Action.WAIT: ("Wait for it: job.wait()", "Wait for it: `syndb-lab result {job_id}`"),
        Action.RETRY: ("Try again in {seconds} seconds.", "Try again in {seconds} seconds."),
        Action.FETCH_RESULT: (
            "The whole result is in the file at job.result_path().",
            "`syndb-lab result {job_id}` gives the whole result.",
        ),
        Action.FETCH_GRAPH_RESULT: (
            "Use job.answer(), job.plot() or job.to_networkx(); a job that was submitted with "
            'node_table=True has a table of neurons: part="neurons".',
            "`syndb-lab result {job_id}` gives its figures, and with --neurons FILE its table of neurons, "
            "where it made one.",
        ),
        Action.NARROW_QUERY: (
            "Ask for less (columns, WHERE, LIMIT), or take it as it is with allow_truncated=True.",
            "Ask for less (columns, WHERE, LIMIT).",
        ),
        Action.MAKE_NEURON_TABLE: (
            "A graph job that is submitted with node_table=True has the part neurons.",
            "`syndb-lab graph DATASET --neurons FILE` submits a graph job that makes it.",
        ),
        Action.CHOOSE_EXPIRY: (
            "Choose a time between now and then; job.purge() destroys it now.",
            "Choose a time between now and then.",
        ),
        Action.LIST_JOBS: ("lab.jobs() lists yours.", "`syndb-lab jobs` lists yours."),
        Action.GIVE_JOB_ID: (
            "An id looks like 0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10; lab.jobs() lists yours.",
            "An id looks like 0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10; `syndb-lab jobs` lists yours.",
        ),
        Action.LIST_DATASETS: (
            "lab.datasets() lists them with their ids.",
            "`syndb-lab datasets` lists them with their ids.",
        ),
        Action.ASK_FOR_ACCESS: (
            "Ask those who keep it; lab.datasets() lists what you may query.",
            "Ask those who keep it; `syndb-lab datasets` lists what you may query.",
        ),
        Action.GIVE_TOKEN: (
            "Give a valid token: connect(url, token), or set SYNDB_TOKEN.",
            "Give a valid token: set SYNDB_TOKEN.",
        ),
        Action.ASK_FOR_TOKEN: (
            "Ask its operator for a token, and give it: connect(url, token).",
            "Ask its operator for a token, and give it: SYNDB_TOKEN.",
        ),
        Action.STORE_TOKEN: (
            "Fix the folder's permissions, or give the token in each notebook: connect(url, token).",
            "Fix the folder's permissions, or give the token to each command: SYNDB_TOKEN.",
        ),
        Action.VERIFY_AFFILIATION: (
            "Log in with an institution that names your affiliation (syndb_lab.login()), or ask your "
            "operator for an academic token (`syndb-lab token create --user NAME --academic`).",
            "Log in from Python with an institution that names your affiliation (syndb_lab.login()), or ask "
            "your operator for an academic token (`syndb-lab token create --user NAME --academic`).",
        ),
        Action.GIVE_PARAMETERS: (
            "Give each its value by name: lab.sql(query, parameters={{…}}).",
            "Give each its value: -p name=value.",
        ),
        Action.SHOW_HELP: (
            "help(lab.sql), help(lab.graph) and help(lab.jobs) say what may be given.",
            "`syndb-lab COMMAND --help` says what may be given.",
        ),
        Action.UPGRADE: (
            "The service may be older or newer than this package.",
            "The service may be older or newer than this package.",
        ),
        Action.START_SERVICE: (
            "Start a service with `syndb-lab up`, or give another address: connect(url, token).",
            "Start a service with `syndb-lab up`, or give another address: --url.",
        ),
        Action.START_OWN_SERVICE: (
            "Start a service of your own with `syndb-lab up`, or give a token: connect(url, token).",
            "Start a service of your own with `syndb-lab up`, or give a token: SYNDB_TOKEN.",
        ),
        Action.INSTALL_SERVICE: (
            "Install it with `pip install 'syndb-lab[service]'`, or name another: connect(url, token).",
            "Install it with `pip install 'syndb-lab[service]'`, or name another: --url, and its token in "
            "SYNDB_TOKEN.",
        ),
        Action.CHOOSE_DATA_DIR: (
            "Name another one: connect(data_dir=…), or SYNDB_DATA_DIR.",
            "Name another one: --data-dir, or SYNDB_DATA_DIR.",
        ),
    }
)
"""Each action as a sentence: for Python, and for the command line."""


def render(step: NextStep, audience: Audience) -> str:
    """Format a step as a sentence for an audience, with its own methods or commands."""
    text = TEXTS[step.action][0 if audience is Audience.PYTHON else 1]
    return text.format_map({**UNKNOWN, **step.arguments})
