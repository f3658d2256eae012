"""What viewers want: settings, a preset with its prediction, restarts. Any thread may set it; the engine's reads it."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from loadtests.experiment.sides import SideLabel
from loadtests.lab.controls import changed
from loadtests.lab.presets import Preset
from loadtests.lab.scenarios import Offer
from loadtests.lab.state import Change, Control, Settings
from loadtests.system.errors import UsageError

IDLE_S = 180.0
"""How long the load goes on without a viewer, before it pauses."""


class Wanted:
    """The viewers' wishes; all see the same.

    Attributes:
        settings: the wanted ones.
        changed_s: when they last changed, on the monotonic clock.
        preset: that was chosen; None once a setting was changed by hand.
        chosen: counts choices of a preset.
        guess: the id of one of its options; None as long as figures are hidden.
    """

    def __init__(
        self,
        settings: Settings,
        offers: Mapping[str, Offer],
        controls: Sequence[Control],
        presets: Mapping[str, Preset],
        idle_s: float = IDLE_S,
    ) -> None:
        """Begin with some settings.

        Args:
            settings: the first ones.
            offers: scenarios by name.
            controls: what can be changed.
            presets: by name.
            idle_s: how long the load goes on without a viewer, in seconds.
        """
        self.settings = settings
        self.changed_s = time.monotonic()
        self.preset: Preset | None = None
        self.chosen = 0
        self.guess: str | None = None
        self._offers = offers
        self._controls = list(controls)
        self._presets = presets
        self._restarts: set[SideLabel] = set()
        self._viewers = 0
        self._alone_since_s = time.monotonic()
        self._idle_s = idle_s
        self._lock = threading.Lock()

    def change(self, change: Change) -> None:
        """Change settings by hand; raises UsageError for what can't be changed."""
        with self._lock:
            settings = changed(self.settings, change, self._offers, self._controls)
            self.preset, self.guess = None, None
            self._set(settings)

    def choose(self, name: str) -> None:
        """Apply a preset's settings, hidden until somebody guesses; raises UsageError if there is none of that name."""
        if name not in self._presets:
            offered = ", ".join(self._presets) or "none, because presets need the blog's two builds"
            raise UsageError(f"there is no preset {name!r} here; there are: {offered}")
        with self._lock:
            preset = self._presets[name]
            settings = changed(self.settings, preset.change, self._offers, self._controls)
            self.preset, self.guess = preset, None
            self.chosen += 1
            self._set(settings)

    def reveal(self, guess: str) -> None:
        """Record a guess; raises UsageError if there is nothing to guess, or no such option."""
        with self._lock:
            if self.preset is None:
                raise UsageError("no preset is shown; choose one first")
            self.preset.option(guess)
            self.guess = self.guess or guess

    def prediction(self) -> tuple[Preset | None, int, str | None]:
        """Return the preset, which choice it is, and the guess, as they belong together."""
        with self._lock:
            return self.preset, self.chosen, self.guess

    def go_on_with(self, users: int, chosen: int) -> None:
        """Set the next number of users of a preset, unless viewers have left it in the meantime.

        Args:
            users: the new number.
            chosen: the choice that it belongs to.
        """
        with self._lock:
            if self.preset is not None and self.chosen == chosen:
                self._set(self.settings.model_copy(update={"users": users}))

    def restart(self, label: SideLabel) -> None:
        """Ask for a restart of a lane."""
        with self._lock:
            self._restarts.add(label)

    def take_restart(self, label: SideLabel) -> bool:
        """Return whether a restart of a lane was asked for, and forget it."""
        with self._lock:
            asked = label in self._restarts
            self._restarts.discard(label)
            return asked

    @contextmanager
    def viewer(self) -> Iterator[None]:
        """Count a viewer until the end of the block."""
        with self._lock:
            self._viewers += 1
        try:
            yield
        finally:
            with self._lock:
                self._viewers -= 1
                self._alone_since_s = time.monotonic()

    @property
    def paused(self) -> str | None:
        """Why there should be no load, in a sentence; None if there should be one."""
        with self._lock:
            if self._viewers or time.monotonic() - self._alone_since_s < self._idle_s:
                return None
        alone = f"nobody has watched for {self._idle_s / 60:.2g} minutes"
        return f"The load is paused, because {alone}. It continues when somebody opens the page."

    def _set(self, settings: Settings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.changed_s = time.monotonic()
