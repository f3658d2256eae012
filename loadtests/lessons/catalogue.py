"""All lessons, in the order in which to take them."""

from collections.abc import Mapping

from loadtests.lessons import computing, measuring, pitfalls, waiting
from loadtests.lessons.lesson import Lesson
from loadtests.system.errors import UsageError

LESSONS: Mapping[str, Lesson] = {
    lesson.name: lesson for lesson in (*waiting.LESSONS, *computing.LESSONS, *pitfalls.LESSONS, *measuring.LESSONS)
}


def lesson_named(name: str) -> Lesson:
    """Return a lesson; raises UsageError if there is none of that name."""
    if name not in LESSONS:
        raise UsageError(f"there is no lesson {name!r}; there are: {', '.join(LESSONS)}")
    return LESSONS[name]
