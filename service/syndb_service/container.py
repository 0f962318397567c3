"""The container: builds every object of a process of the service, once."""

from __future__ import annotations

import contextlib
import logging
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from syndb_service import warehouse as warehouses
from syndb_service.auth.authenticator import Authenticator
from syndb_service.auth.dataset_access import DatasetAccess
from syndb_service.auth.result_references import ResultReferences
from syndb_service.broker import EMBEDDED, Broker, JobDispatcher, open_broker, register_actor
from syndb_service.errors import BadSetting, TransientError
from syndb_service.isolation.fork_server_client import ForkServerClient
from syndb_service.jobs.connection_counter import ConnectionCounter
from syndb_service.jobs.job_service import JobService
from syndb_service.jobs.query_checker import QueryChecker
from syndb_service.result_integrity import Integrity
from syndb_service.results import ResultStore, open_results
from syndb_service.retry import retry_until_available
from syndb_service.runtime.disk_probe import is_full, write_probe
from syndb_service.runtime.temp_directory import check_temp_folder
from syndb_service.settings import Settings, split_list
from syndb_service.storage_url import S3Location, parse_storage_url
from syndb_service.store import Database, GroupStore, JobStore, TokenStore
from syndb_service.store.database_errors import DATABASE_FULL, DATABASE_READ_ONLY, DATABASE_REFUSED
from syndb_service.store.upgrade import upgrade
from syndb_service.warehouse import DatasetStore
from syndb_service.worker.job_runner import JobRunner
from syndb_service.worker.scrubber import Scrubber
from syndb_service.worker.sweeper import Sweeper
from syndb_service.worker.task_builder import TaskBuilder
from syndb_service.worker.worker_monitor import LocalReports, Reports

if TYPE_CHECKING:
    from syndb_service.auth.oidc import AccessTokens

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_PAUSE_S = 0.25
NOT_RETRIED = frozenset(
    {DATABASE_REFUSED, DATABASE_FULL, DATABASE_READ_ONLY, "store_full", "temp_full", "temp_unavailable"}
)
MAX_OPEN_FILES = 65_536


@dataclass
class JobChangeNotifier:
    """Notifies listeners of changed job records."""

    listeners: list[Callable[[str], None]] = field(default_factory=list)

    def notify(self, job_id: str) -> None:
        """Call every listener with the job id; log its errors, since the change is already committed."""
        for listener in self.listeners:
            try:
                listener(job_id)
            except Exception:
                log.exception("job %s: a change listener failed", job_id)


@dataclass
class Container:
    """The wired objects of one process of the service."""

    settings: Settings
    database: Database
    store: JobStore
    tokens: TokenStore
    authentication: Authenticator
    results: ResultStore
    warehouse: DatasetStore
    jobs: JobService
    changes: JobChangeNotifier
    fork_server: ForkServerClient
    query_checker: QueryChecker
    supervisor: JobRunner
    sweeper: Sweeper
    scrubber: Scrubber
    broker: Broker
    dispatcher: JobDispatcher
    worker_reports: Reports

    def close(self) -> None:
        """End the child processes and close the connections."""
        self.query_checker.close()
        self.fork_server.close()
        self.dispatcher.close()
        self.database.close()


def require_writable_folder(folder: Path) -> None:
    """Create a folder that this process can write and other users can't read.

    Raises
    ------
    BadSetting
        If the folder can't be created or written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_probe(folder)
    except OSError as error:
        fix = "free space on its disk" if is_full(error) else "correct its permissions"
        raise BadSetting(
            f"the data folder {folder} can't be written: {error.strerror}",
            hint=f"Choose another one with --data-dir or SYNDB_DATA_DIR, or {fix}.",
        ) from error


def open_with_retry(settings: Settings, open_dependency: Callable[[], T]) -> T:
    """Open a dependency; retry for ``SYNDB_WAIT_S`` seconds while it is unavailable.

    An error that needs an operator (a wrong password, a full disk, a wrong clock) is raised at once.

    Raises
    ------
    BadSetting
        If the dependency can't be opened; the message names it.
    """
    reported = ""

    def report(error: BaseException) -> None:
        nonlocal reported
        if isinstance(error, TransientError) and error.message != reported:
            log.warning("waiting up to %g s: %s", settings.wait_s, error.message)
            reported = error.message

    try:
        return retry_until_available(
            open_dependency, settings.wait_s, RETRY_PAUSE_S, is_retried=_is_retried, on_error=report
        )
    except TransientError as error:
        hint = "Start it, correct its address, or have this service wait for it with SYNDB_WAIT_S."
        raise BadSetting(
            error.message, code=error.error_code, hint=hint if _is_retried(error) else error.hint
        ) from error


def _is_retried(error: BaseException) -> bool:
    return isinstance(error, TransientError) and error.error_code not in NOT_RETRIED


def open_database(settings: Settings) -> Database:
    """Open the database, and upgrade its schema to this version."""
    require_writable_folder(settings.data_dir)
    database = Database(settings.database)
    open_with_retry(settings, lambda: upgrade(database))
    return database


def open_tokens(settings: Settings) -> TokenStore:
    """Open the database, and return its tokens."""
    return TokenStore(open_database(settings), settings.academic_days)


def open_groups(settings: Settings) -> GroupStore:
    """Open the database, and return its groups."""
    return GroupStore(open_database(settings))


def open_warehouse(settings: Settings) -> DatasetStore:
    """Open the warehouse, local or on S3."""
    require_writable_folder(settings.data_dir)
    endpoint_url = settings.s3_endpoint_url or None
    warehouse = warehouses.open_warehouse(
        settings.warehouse, settings.cache_path, settings.cache_bytes, endpoint_url
    )
    open_with_retry(settings, warehouse.check)
    return warehouse


def _access_tokens(settings: Settings) -> AccessTokens | None:
    """Return the verifier of the OpenID provider's tokens, or None without ``SYNDB_OIDC_ISSUER``.

    The provider need not respond yet. The import is local: its libraries take 15 MB of memory.
    """
    if not settings.oidc_issuer:
        return None
    from syndb_service.auth.oidc import AccessTokens, Issuer, Rules

    rules = Rules(
        audience=settings.oidc_audience,
        leeway_s=settings.oidc_leeway_s,
        claims=tuple(split_list(settings.oidc_affiliation_claims)),
        affiliations=frozenset(split_list(settings.oidc_affiliations.lower())),
        domains=frozenset(split_list(settings.oidc_domains.lower())),
        groups_claim=settings.oidc_groups_claim,
    )
    return AccessTokens(Issuer(settings.oidc_issuer, settings.oidc_refetch_s), rules)


def _raise_file_limit() -> None:
    """Raise the limit on open files to the hard limit: each waiting client holds one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MAX_OPEN_FILES), hard))


def _require_disjoint_locations(settings: Settings) -> None:
    """Require separate S3 prefixes for results and datasets: the sweeper deletes unknown files of the first.

    Raises
    ------
    BadSetting
        If one prefix contains the other.
    """
    results, datasets = (
        parse_storage_url(settings.results, "SYNDB_RESULTS_URL"),
        parse_storage_url(settings.warehouse, "SYNDB_WAREHOUSE_URL"),
    )
    if isinstance(results, S3Location) and isinstance(datasets, S3Location) and results.overlaps(datasets):
        raise BadSetting(
            "SYNDB_RESULTS_URL and SYNDB_WAREHOUSE_URL name the same place, or one within the other",
            hint="Give each a prefix of its own: s3://bucket/results and s3://bucket/warehouse.",
        )


def _warn_of_clock(database: Database) -> None:
    try:
        database.check_clock()
    except TransientError as error:
        log.warning("%s. %s", error.message, error.hint)


def build_container(settings: Settings, *, needs_broker: bool = True) -> Container:
    """Build the objects of a process of the service; start nothing.

    Parameters
    ----------
    settings : Settings
        Addresses of the dependencies, and limits.
    needs_broker : bool
        Whether the process waits for its broker at start. An API process doesn't: without a broker it still
        reads, and stores submitted jobs as pending.

    Raises
    ------
    BadSetting
        If a setting is invalid, or a dependency is unavailable after ``SYNDB_WAIT_S`` seconds.
    """
    _raise_file_limit()
    changes = JobChangeNotifier()
    database = open_database(settings)
    open_with_retry(settings, database.check)
    _warn_of_clock(database)
    if needs_broker:
        open_with_retry(settings, lambda: check_temp_folder(settings.temp_path))
    store = JobStore(database, changes.notify)
    results = open_results(
        settings.results,
        settings.s3_endpoint_url or None,
        public_url=settings.s3_public_url or None,
        max_result_bytes=settings.max_result_bytes,
        unfinished_s=2 * settings.lease_s,
    )
    open_with_retry(settings, results.check)
    _require_disjoint_locations(settings)
    with contextlib.suppress(TransientError):
        results.ensure_lifecycle(max(settings.result_ttl_hours, settings.max_result_ttl_hours))
    warehouse = open_warehouse(settings)
    groups = GroupStore(database)
    tokens = TokenStore(database, settings.academic_days)
    access = DatasetAccess(warehouse, groups)
    integrity = Integrity(store, results)
    references = ResultReferences(store, results, access, integrity)
    fork_server = ForkServerClient()
    query_checker = QueryChecker(fork_server, settings.max_query_bytes)
    connection_counter = ConnectionCounter(settings, fork_server, warehouse)
    wait_s = settings.wait_s if needs_broker else None
    broker = open_with_retry(settings, lambda: open_broker(settings.broker, wait_s))
    dispatcher = JobDispatcher(broker)
    supervisor = JobRunner(
        settings,
        database,
        store,
        results,
        fork_server,
        TaskBuilder(settings, warehouse, access, references),
        integrity,
    )
    register_actor(broker, supervisor.run_pending)
    changes.listeners.append(supervisor.on_job_changed)
    is_alone = settings.broker == EMBEDDED and not database.shared
    return Container(
        settings=settings,
        database=database,
        store=store,
        tokens=tokens,
        authentication=Authenticator(tokens, groups, _access_tokens(settings), settings.oidc_token_days),
        results=results,
        warehouse=warehouse,
        jobs=JobService(
            settings,
            store,
            results,
            access,
            query_checker,
            connection_counter,
            references,
            integrity,
            dispatcher,
        ),
        changes=changes,
        fork_server=fork_server,
        query_checker=query_checker,
        supervisor=supervisor,
        sweeper=Sweeper(settings, store, results, dispatcher),
        scrubber=Scrubber(settings, store, results, integrity),
        broker=broker,
        dispatcher=dispatcher,
        worker_reports=LocalReports() if is_alone else store.worker_reports,
    )
