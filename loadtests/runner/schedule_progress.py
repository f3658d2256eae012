"""How far a schedule is, on the terminal: the time that has passed, and the rate that is due now."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.text import Text

from loadtests.experiment.rate_schedule import RateSchedule, clock
from loadtests.system.terminal import PipeConsole


class _Where(ProgressColumn):
    """How far the schedule is, and which rate is due now."""

    def __init__(self, schedule: RateSchedule) -> None:
        super().__init__()
        self._schedule = schedule

    def render(self, task: Task) -> Text:
        """Return it as text."""
        at_s = min(task.elapsed or 0.0, self._schedule.seconds)
        total = clock(self._schedule.seconds)
        return Text(f"{clock(at_s)} of {total}, {self._schedule.rate_at(at_s):,.0f}/s")


@contextmanager
def showing(schedule: RateSchedule, spec: str, block: int, console: Console | None = None) -> Iterator[None]:
    """Show how far the schedule is; in a pipe, a line when it begins."""
    console = console or PipeConsole()
    what = f"block {block + 1}, {spec}"
    if not console.is_terminal:
        console.print(f"{what}: {schedule}", highlight=False, markup=False, soft_wrap=True)
        with nullcontext():
            yield
        return
    with Progress(*Progress.get_default_columns()[:1], _Where(schedule), console=console, refresh_per_second=2) as bar:
        bar.add_task(what, total=schedule.seconds)
        yield
