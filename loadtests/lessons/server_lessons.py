"""Lessons about what stands around an app: the number of workers."""

from datetime import date

from loadtests.lessons.lesson import Code, Lesson, Measure, Memory, Ratio

WRITTEN = date(2026, 11, 26)
WAIT_200_MS = "external_api[wait_ms=200]"
WORKERS = Lesson(
    name="equal_memory",
    title="Workers and memory",
    question="Why not start more sync workers? With equal memory for both, who serves more users that wait?",
    hypothesis="Two workers take as much memory in either build. With 256 users who wait for 200 ms, 80 threads are the"
    " limit of sync, and async handles at least a quarter more.",
    written=WRITTEN,
    code=(
        Code("sync_app", "# 2 processes × 40 threads ÷ 0.2 s = at most 400 requests/s\nuvicorn sync_app.main:app"
             " --workers 2"),
        Code("async_app", "# 256 users ÷ 0.2 s = at most 1,280 requests/s\nuvicorn async_app.main:app --workers 2"),
    ),
    measure=Measure([WAIT_200_MS], a="sync,workers=2", b="async,workers=2", users="256"),
    expects=(
        Ratio("async handles at least a quarter more", WAIT_200_MS, 256, low=1.25),
        Memory("The memory of both is alike within 25 %", WAIT_200_MS, 256, low=0.8, high=1.25),
    ),
    why="A worker is a process with its own copy of the app; it takes some 100 MB, whether its routes are `def` or"
    " `async def`, and brings 40 threads. 256 users who wait at the same time would need seven sync workers, and"
    " seven times the memory; one async worker holds them all. Threads are cheaper than workers: a sync worker with"
    " `thread_limit=256` needs little more memory than one with 40.",
    next=(
        (f'bench run "{WAIT_200_MS}" --a sync,workers=7 --b async --users 256', "enough sync workers: the memory is in"
         " the report"),
        (f'bench run "{WAIT_200_MS}" --a sync,thread_limit=256 --b async --users 256', "more threads in place of"
         " workers"),
    ),
)  # fmt: skip
LESSONS_ON_SERVERS = (WORKERS,)
