"""What ``bench.toml`` asks for, as the options of a command line: the same sides, scenarios and conditions.

Paths in the file are relative to its folder. What is typed wins: over the same key, and over what can't go with it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.experiment.bench_toml import BenchToml, SideTable, parse_bench_toml, place
from loadtests.experiment.bench_toml_scenarios import curl_commands, scenario_of
from loadtests.experiment.blog import BUILDS
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import Experiment
from loadtests.experiment.rate_schedule import is_schedule, parse_schedule
from loadtests.experiment.scenario import Scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.side_text import (
    COMMIT,
    ENV,
    is_commit_alone,
    name_and_commit,
    name_and_settings,
    side_text,
    with_app,
)
from loadtests.experiment.sides import LABELS
from loadtests.experiment.thresholds import ThresholdOptions, parse_threshold
from loadtests.system.errors import UsageError

OPTIONS: Mapping[str, str] = {"time": "time_s", "slice": "slice_s", "timeout": "timeout_s"}
"""Keys whose option has another name in ``RunOptions``."""
PLAIN = ("arrivals", "blocks", "time", "slice", "seed", "start_limit", "timeout", "driver", "workers", "machines",
         "bind", "database", "control", "observe", "insecure", "unequal", "explore", "explore_cases", "explore_time",
         "explore_writes", "explore_document", "slo", "alone")  # fmt: skip
"""Keys whose value is the option's."""
YIELDS_TO: Mapping[str, frozenset[str]] = {
    "users": frozenset({"rate"}),
    "rate": frozenset({"users"}),
    "budget": frozenset({"blocks", "time_s", "rate"}),
    "blocks": frozenset({"budget"}),
    "time_s": frozenset({"budget"}),
    "slice_s": frozenset({"time_s"}),
    "cafile": frozenset({"insecure"}),
    "insecure": frozenset({"cafile"}),
}
"""By option: those that it can't go with, so that it does not count where one of them is typed."""
NOT_WITH_A_SCHEDULE = frozenset(
    {"budget", "users", "time_s", "slice_s", "observe", "explore", "explore_cases", "explore_time", "explore_writes",
     "explore_document"}
)  # fmt: skip
"""Options that do not count where a schedule is typed."""
ABOUT_A_SCHEDULE = frozenset({"slo", "alone"})
ABOUT_CONDITIONS = frozenset({"not_decided", "junit"})
_APP_FILE = re.compile(r"[^:]+\.py(?::.*)?")


@dataclass(frozen=True)
class FileOptions:
    """What a file asks for.

    Attributes:
        file: what it is called.
        run: options of ``RunOptions``, by name.
        conditions: options of ``ThresholdOptions``, by name, but for ``fail_if``.
        fail_if: its conditions.
        offered: its scenarios.
        curl: its curl commands, of which a part may not count.
    """

    file: str
    run: Mapping[str, object]
    conditions: Mapping[str, object]
    fail_if: tuple[str, ...]
    offered: tuple[Scenario, ...]
    curl: tuple[str, ...]

    def run_options(self, typed: Mapping[str, object]) -> RunOptions:
        """Return the options of a run; raises UsageError if a side is neither typed nor in the file.

        Where side b is told what it is asked, it needs no table: it is the same app.

        Args:
            typed: what the command line has, by name.
        """
        if commits := {label: str(typed[label]) for label in LABELS if is_commit_alone(str(typed.get(label, "")))}:
            app = self.app()
            typed = {**dict.fromkeys(LABELS, app), **typed, **{label: with_app(c, app) for label, c in commits.items()}}
        kept = {name: value for name, value in self.run.items() if not YIELDS_TO.get(name, set()) & typed.keys()}
        if is_schedule(str(typed.get("rate", ""))):
            kept = {name: value for name, value in kept.items() if name not in NOT_WITH_A_SCHEDULE}
        elif {"rate", "users"} & typed.keys():
            kept = {name: value for name, value in kept.items() if name not in ABOUT_A_SCHEDULE}
        given = kept | {name: value for name, value in typed.items() if name in RunOptions.model_fields}
        if "a" in given and any(request.b for each in self.offered for request in each.requests):
            given.setdefault("b", given["a"])
        if missing := next((label for label in LABELS if label not in given), None):
            raise UsageError(f'{self.file}: [{missing}] is missing; name a side in it, as in app = "main:app"')
        chosen = RunOptions.model_validate({**given, "offered": self.offered})
        asks = (chosen.offered, chosen.scenarios, chosen.typed, chosen.sequence, chosen.values, chosen.full)
        if not any(asks) and not (parse_side(chosen.a).is_build and parse_side(chosen.b).is_build):
            raise UsageError(f'{self.file}: it has no [[scenario]]; write one, with request = "GET /path" in it')
        return chosen

    def app(self) -> str:
        """Return the app that the file is about, as a side; raises UsageError if there is none, or two."""
        sides = [str(self.run[label]) for label in LABELS if label in self.run]
        apps = {(name_and_commit(name)[0], given.get("dir")) for name, given in map(name_and_settings, sides)}
        if len(apps) != 1:
            which = "its sides are two apps" if apps else "it names no app"
            raise UsageError(f"{self.file}: a commit alone is one of an app, and {which}; write APP@COMMIT")
        return sides[0]

    def schedule_conditions(self, typed: Mapping[str, object]) -> tuple[ThresholdOptions, tuple[str, ...]]:
        """Return the conditions of a run of a schedule, and those of the file that it leaves out.

        A schedule takes no conditions. Those beside a schedule in the file are a mistake, and are returned; where the
        schedule is typed, what is asked of other runs is left out.

        Args:
            typed: what the command line has, by name.
        """
        own = {name: value for name, value in typed.items() if name in ThresholdOptions.model_fields}
        if "rate" in typed:
            return ThresholdOptions.model_validate(own), () if "fail_if" in own else self.fail_if
        return ThresholdOptions.model_validate({**self.conditions, "fail_if": self.fail_if, **own}), ()

    def threshold_options(
        self, typed: Mapping[str, object], experiment: Experiment
    ) -> tuple[ThresholdOptions, tuple[str, ...]]:
        """Return what is asked of the figures, and conditions of the file that are about what is not measured now.

        Args:
            typed: what the command line has, by name.
            experiment: what the run measures: a part of the file, perhaps.

        Raises:
            UsageError: a condition can't be read.
        """
        own = {name: value for name, value in typed.items() if name in ThresholdOptions.model_fields}
        if "fail_if" in own:
            return ThresholdOptions.model_validate({**self.conditions, **own}), ()
        not_asked = {each.name for each in self.offered} - {each.name for each in experiment.scenarios}
        sizes = {load.size for load in experiment.loads} if {"users", "rate"} & typed.keys() else None
        kept = tuple(each for each in self.fail_if if not _is_elsewhere(each, not_asked, sizes))
        left_out = tuple(each for each in self.fail_if if each not in kept)
        conditions = {name: value for name, value in self.conditions.items() if kept or name not in ABOUT_CONDITIONS}
        return ThresholdOptions.model_validate({**conditions, "fail_if": kept, **own}), left_out


def read_bench_toml(file: Path) -> FileOptions:
    """Read a file; raises UsageError that says in one line what is wrong with it, and where."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: it can't be read: {error.strerror or error}") from None
    return file_options(parse_bench_toml(content, str(file)), file)


def file_options(table: BenchToml, file: Path) -> FileOptions:
    """Turn a file into options; raises UsageError that says in which table something is no good.

    Args:
        table: what it holds.
        file: where it is.
    """
    folder = file.parent
    run: dict[str, object] = {OPTIONS.get(key, key): getattr(table, key) for key in PLAIN}
    with _named(file, ()):
        run |= {"users": _listed("users", table.users), "rate": _rate_text(table)}
    run |= {"budget": _text(table.budget), "precision": _text(table.precision)}
    run |= {key: tuple(getattr(table, key)) or None for key in ("allow_remote", "ignore", "unordered")}
    run["cafile"] = _inside(folder, table.cafile)
    for label in LABELS:
        side: SideTable | None = getattr(table, label)
        if side is not None:
            with _named(file, (label,)):
                run[label] = text_of(side, folder)
    conditions = {
        "not_decided": table.not_decided,
        "junit": _inside(folder, table.junit),
        "markdown": _inside(folder, table.markdown),
    }
    with _named(file, ()):
        for condition in table.fail_if:
            parse_threshold(condition)
    offered: list[Scenario] = []
    for number, each in enumerate(table.scenario):
        with _named(file, ("scenario", number)):
            scenario = scenario_of(each, folder, table.headers)
            if scenario.name in {other.name for other in offered}:
                raise UsageError(f"{scenario.name!r} is used twice; give one of them another name")
            offered.append(scenario)
    return FileOptions(
        str(file),
        {name: value for name, value in run.items() if value is not None},
        {name: value for name, value in conditions.items() if value is not None},
        tuple(table.fail_if),
        tuple(offered),
        tuple(text for each in table.scenario for text in curl_commands(each, folder)),
    )


def text_of(side: SideTable, folder: Path = Path()) -> str:
    """Return a side as it is typed; raises UsageError if it is no good.

    Args:
        side: its table.
        folder: that of the file, which its paths are relative to.
    """
    named = [name for name in (side.app, side.url) if name is not None]
    if len(named) != 1 and (named or side.command is None):
        raise UsageError("name one of app, url and command")
    name, commit = name_and_commit(named[0] if named and side.url is None else "")
    name = name if side.url is None else side.url
    given = {
        key: f"{value:g}" if isinstance(value, float) else str(value)
        for key, value in side.model_dump(exclude_none=True, exclude={"app", "url", "env", "settings"}).items()
    }
    if commit is not None:
        if COMMIT in given:
            raise UsageError("commit is given twice")
        given[COMMIT] = commit
    given |= {f"{ENV}{variable}": value for variable, value in side.env.items()}
    given |= {key: str(value) for key, value in side.settings.items()}
    if folder != Path() and side.url is None and name not in BUILDS:
        if _APP_FILE.fullmatch(name):
            name = str(folder / name)
        else:
            given["dir"] = str(folder / given.get("dir", "."))
        if side.python is not None and "/" in side.python:
            own = (Path(name).parent if _APP_FILE.fullmatch(name) else Path(given["dir"])) / side.python
            if not own.is_file() and (folder / side.python).is_file():
                given["python"] = str(folder / side.python)
    text = side_text(name, given)
    parse_side(text)
    return text


def _is_elsewhere(condition: str, not_asked: Collection[str], sizes: Collection[float] | None) -> bool:
    """Whether a condition is about a scenario that is not asked, or a load that is none of some; None for any load."""
    threshold = parse_threshold(condition)
    is_other_load = sizes is not None and threshold.load is not None and threshold.load not in sizes
    return threshold.scenario in not_asked or is_other_load


def _listed(key: str, value: int | float | list[int] | list[int | float] | None) -> str | None:
    """Return numbers as they are typed; raises UsageError if there are none."""
    if value == []:
        raise UsageError(f"{key} is not a number")
    if value is None:
        return None
    return ",".join(str(each) for each in (value if isinstance(value, list) else [value]))


def _rate_text(table: BenchToml) -> str | None:
    """Return rates as they are typed; raises UsageError for a text that is no schedule."""
    if not isinstance(table.rate, str):
        return _listed("rate", table.rate)
    if not is_schedule(table.rate):
        raise UsageError(
            f"rate is {table.rate!r}; write rates as numbers, as in rate = [200, 400], or a schedule, as in"
            ' rate = "0..400/s in 2m"'
        )
    parse_schedule(table.rate, table.arrivals or "poisson")
    return table.rate


def _text(value: str | int | float | None) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _inside(folder: Path, file: str | None) -> str | None:
    return None if file is None else str(folder / file)


@contextmanager
def _named(file: Path, where: Sequence[str | int]) -> Iterator[None]:
    """Say of what is no good where in the file it is."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{file}: {place(where)}{error}") from None
