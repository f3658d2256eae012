"""The folder of a run below ``results/``: paths, reading, writing, locking and cleaning up.

The lock is the kernel's, which releases it when its holder ends, however it ends; a process id in a file would outlive
it. What a killed run leaves is removed when the folder is next locked: databases, logs, partial files, and clusters of
PostgreSQL, which root has to make where another user can reach them.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from loadtests.records.json_files import replace_file, write_json
from loadtests.records.manifest import Manifest, ValidationDigest
from loadtests.records.sample_stream import SUFFIX
from loadtests.records.samples import Recording
from loadtests.records.summary import Outcome
from loadtests.records.trial_file import TrialKey, dump_trial, read_trial
from loadtests.system.errors import BenchError, Interrupted, RunError, UsageError, describe_error
from loadtests.system.machine import Environment, machine_id

RESULTS = Path("results")
VALIDATIONS = RESULTS / "validation"
EXAMPLE = RESULTS / "example"
"""What this project's own docs rest on."""
MANIFEST_FILE = "run.json"
OUTCOME_FILE = "summary.json"
SCHEDULE = b'"schedule-1"'
"""In the summary of a run of a schedule, which is no ``Outcome``; see ``schedule_record``."""
OTHER_RECORDS = {
    "check.json": "what bench check found",
    "slo.json": "the probes of bench capacity --slo",
    "lesson.json": "a lesson",
    "claims.json": "the claims of the lessons",
}
"""What other commands write into folders of their own, by file."""
POSTGRES_PREFIX = "bench-postgres-"
POSTGRES_HOME = "home"
"""The link in the run's folder that tells where the cluster is."""


class UnreadableRun(BenchError):
    """A file of a run is missing, truncated or not ours; the message names it."""

    exit_status = 2


class RunFolder:
    """A run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<RunFolder {self.path}>"

    @cached_property
    def run_id(self) -> str:
        """What every trial of this run carries; raises UnreadableRun."""
        return self.read_manifest().created.isoformat()

    @property
    def exists(self) -> bool:
        """Whether there is a run in it."""
        return (self.path / MANIFEST_FILE).exists()

    @property
    def work(self) -> Path:
        """Databases and logs of the run while it lasts."""
        return self.path / "work"

    @property
    def trials(self) -> Path:
        """Raw samples, a file a trial."""
        return self.path / "trials"

    @property
    def charts(self) -> Path:
        """Where charts go."""
        return self.path / "charts"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def has_samples(self) -> bool:
        """Whether anything was measured: a trial that ended, or one of a schedule that was begun."""
        return any(self.trials.glob("*.npz")) or any(self.trials.glob(f"*{SUFFIX}"))

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace run.json in one step, so that no reader ever sees half of it."""
        write_json(self.path / MANIFEST_FILE, manifest)

    def read_manifest(self) -> Manifest:
        """Return run.json; raises UnreadableRun."""
        path = self.path / MANIFEST_FILE
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise UnreadableRun(f"{self.path} is not a run: {self._instead()}") from None
        except NotADirectoryError:
            raise UnreadableRun(f"{self.path} is a file; name a run's folder") from None
        except OSError as error:
            raise UnreadableRun(f"{path} can't be read: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UnreadableRun(
                f"{path} is not a manifest of this version: {where or 'file'}: {first['msg']}"
            ) from None

    def _instead(self) -> str:
        """Say what there is where a run was expected."""
        if not self.path.exists():
            return "there is no such folder"
        for name, what in OTHER_RECORDS.items():
            if (self.path / name).exists():
                return f"it holds {what} ({name})"
        inside = sorted(each.parent.name for each in self.path.glob(f"[!.]*/{MANIFEST_FILE}"))
        if inside:
            return f"it has no {MANIFEST_FILE}, but there are runs in it, such as {self.path / inside[-1]}"
        return f"it has no {MANIFEST_FILE}"

    def write_trial(self, key: TrialKey, recording: Recording) -> None:
        """Save one trial, whole or not at all."""
        replace_file(self.trials / key.file_name, dump_trial(key, self.run_id, recording))

    def read_trials(self) -> Iterator[tuple[TrialKey, Recording]]:
        """Yield every trial, one at a time; raises UnreadableRun naming the file that is no good."""
        for path in sorted(self.trials.glob("*.npz")):
            yield self._read_trial(path)

    def _read_trial(self, path: Path) -> tuple[TrialKey, Recording]:
        try:
            return read_trial(path, self.run_id)
        except Exception as error:
            # Any: numpy and zlib meet a damaged archive with half a dozen kinds of exceptions.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UnreadableRun(f"{path} is not a whole trial of this run ({reason}); remove it to go on") from None

    def read_trial(self, key: TrialKey) -> Recording | None:
        """Return one trial, None if it was not measured; raises UnreadableRun."""
        path = self.trials / key.file_name
        return self._read_trial(path)[1] if path.exists() else None

    def write_outcome(self, outcome: Outcome) -> None:
        """Write summary.json."""
        replace_file(self.path / OUTCOME_FILE, _outcomes().dump_json(outcome, indent=1))

    def read_outcome(self) -> Outcome:
        """Return summary.json; raises UnreadableRun."""
        path = self.path / OUTCOME_FILE
        try:
            return _outcomes().validate_json(path.read_bytes())
        except FileNotFoundError:
            raise UnreadableRun(f"{path} is missing; bench report {self.path} writes it") from None
        except (OSError, ValidationError) as error:
            reason = str(error.strerror) if isinstance(error, OSError) else error.errors()[0]["msg"]
            if isinstance(error, ValidationError) and SCHEDULE in path.read_bytes():
                seen = f"bench report {self.path} shows it"
                raise UnreadableRun(f"{self.path} is a run of a schedule, which has no cells; {seen}") from None
            if isinstance(error, ValidationError) and any(each["loc"] == ("schema",) for each in error.errors()):
                reason = "another version of this harness wrote it"
            raise UnreadableRun(f"{path} can't be read: {reason}; bench report {self.path} rebuilds it") from None

    def write_report(self, html: str) -> None:
        """Write report.html."""
        replace_file(self.report, html.encode())

    def copy_figures(self, to: Path) -> None:
        """Copy what was planned and found, without raw samples, into a new folder."""
        to.mkdir(parents=True)
        for name in (MANIFEST_FILE, OUTCOME_FILE):
            shutil.copy(self.path / name, to / name)

    def clear_work(self) -> None:
        """Remove databases and logs."""
        shutil.rmtree(self.work, ignore_errors=True)


@cache
def _outcomes() -> TypeAdapter[Outcome]:
    """Return what reads and writes summary.json: making it takes as long as reading several of them."""
    return TypeAdapter(Outcome)


def new_folder(kind: str = "") -> Path:
    """Return where results go that nobody named a place for.

    Args:
        kind: of results; a plain run has none.
    """
    return RESULTS / kind / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")


def create_run_folder(path: Path, manifest: Manifest) -> RunFolder:
    """Make a new run's folder, complete with its manifest, in one step; raises UsageError if it can't be."""
    check_free(path)
    staging = path.with_name(f".bench-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        (staging / "trials").mkdir(parents=True)
        (staging / "work").mkdir()
        RunFolder(staging).write_manifest(manifest)
        staging.rename(path)
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written ({error.strerror}); name another folder") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return RunFolder(path)


def check_free(path: Path) -> None:
    """Raise UsageError if a run can't be made at ``path``: it exists, or its parent can't be written."""
    try:
        exists = path.exists()
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written ({error.strerror}); name another folder") from None
    if exists:
        raise UsageError(f"--out {path}: exists already; name a new folder, or remove it")
    ancestor = next(parent for parent in path.absolute().parents if parent.exists())
    if not ancestor.is_dir() or not os.access(ancestor, os.W_OK | os.X_OK):
        raise UsageError(f"--out {path}: {ancestor} cannot be written; name another folder")


@contextlib.contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold a run's folder, and leave no databases, logs or partial files in it, neither own nor those of a dead owner.

    On a file system without locks nothing tells whether another owner lives, so only what is new is removed at the end.

    Raises:
        UsageError: another process holds it.
        OSError: it can't be written.
    """
    folder.work.mkdir(exist_ok=True)
    with (folder.work / "lock").open("wb") as lock:
        others: set[Path] = set()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder.path} is being measured by another process; wait until it ends") from None
        except OSError:
            others = set(folder.work.iterdir())
        else:
            _remove_unfinished(folder)
        try:
            yield
        finally:
            if others:
                _remove_work(set(folder.work.iterdir()) - others)
            else:
                folder.clear_work()


def _remove_unfinished(folder: RunFolder) -> None:
    """Remove what a run that was killed left of its work, and its partial files."""
    _remove_work(folder.work.iterdir())
    for partial in [*folder.path.glob("*.partial"), *folder.trials.glob("*.partial")]:
        partial.unlink(missing_ok=True)


def _remove_work(left: Iterable[Path]) -> None:
    for path in left:
        if path.is_dir():
            remove_postgres_home(path)
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def saying_what_is_kept(path: Path) -> Iterator[None]:
    """Add to the message of what ends a run early where its samples are, if there are any, and how to go on.

    Args:
        path: the run's folder, which may not exist yet.

    Raises:
        Interrupted: by a signal.
        UsageError: as it was raised inside: nothing was measured.
        RunError: for any other error.
    """

    def kept() -> str:
        if not RunFolder(path).has_samples:
            return "nothing was measured"
        return f"what was measured is kept: bench report {path}, or go on: bench run --resume {path}"

    try:
        yield
    except Interrupted as signal:
        remove_leftovers(RunFolder(path))
        raise Interrupted(f"{signal}; {kept()}" if path.exists() else str(signal)) from None
    except (BenchError, OSError) as error:
        if isinstance(error, BenchError) and error.exit_status == UsageError.exit_status:
            raise
        raise RunError(f"{describe_error(error, path)}; {kept()}") from error


def remove_leftovers(folder: RunFolder) -> bool:
    """Remove what a killed run left beside its trials; what belongs to a run that goes on stays.

    Return whether a run goes on in the folder, as far as that can be told.
    """
    if folder.work.exists():
        try:
            with locked(folder):
                pass
        except UsageError:
            return True
        except OSError:
            return False
    return False


def remove_postgres_home(folder: Path) -> None:
    """Remove the cluster that a folder's link points to, if there is one and it is one of ours."""
    link = folder / POSTGRES_HOME
    with contextlib.suppress(OSError):
        if link.is_symlink():
            home = link.readlink()
            if home.name.startswith(POSTGRES_PREFIX):
                shutil.rmtree(home, ignore_errors=True)
            link.unlink()


def digest_path(folder: Path, machine: str) -> Path:
    """Return where the digest of a machine's latest figures is: beside them, so that a run need not work it out."""
    return folder / f"{machine}-digest.json"


def quoted_validation(environment: Environment, folder: Path = VALIDATIONS) -> ValidationDigest | None:
    """Return the digest of a machine's latest validation; None if there is none, or it can't be read."""
    try:
        return ValidationDigest.model_validate_json(digest_path(folder, machine_id(environment)).read_bytes())
    except (OSError, ValidationError):
        return None
