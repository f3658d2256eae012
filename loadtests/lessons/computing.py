"""Lessons about computing: what async does nothing for, and what it makes worse."""

from loadtests.lessons.expectation import Ratio
from loadtests.lessons.lesson import Code, Lesson, Measure
from loadtests.lessons.waiting import handlers

CPU = Lesson(
    name="cpu",
    title="Computing",
    question="A route computes: it hashes, or makes a picture smaller. What does `async def` bring?",
    hypothesis="Nothing. There is no waiting, so there is nothing to overlap.",
    code=handlers("/api/workloads/hash"),
    measure=Measure(["hash[rounds=50000]", "thumbnail"], users="8", time_s=2.0),
    expects=(
        Ratio("Hashing: at most 10 % more with async", "hash[rounds=50000]", 8, high=1.1),
        Ratio("Resizing a picture: at most 10 % more with async", "thumbnail", 8, high=1.1),
    ),
    why="While one request computes, it has the core, and all others wait for it, in a thread or in the event loop's"
    " queue. One core divided by the CPU time of a request is the most there can be. What async saves is the hop to a"
    " thread, which only shows where the computation itself is short. With more than one core for the server `def` may"
    " even win: Pillow releases the GIL, so that its threads run side by side.",
    next=(
        ("bench run hash --users 8", "a short computation: now the thread hop shows"),
        ("bench run hash --a sync --b sync,workers=2 --users 8", "more processes do help, if there are cores for them"),
    ),
)

STARVED = Lesson(
    name="starved_neighbour",
    title="The starved neighbour",
    question="One request in 200 hashes a million bytes, the others only wait 10 ms. What becomes of those?",
    hypothesis="As `async def` the computation stops all others; as `def` it does so less.",
    code=handlers("/api/workloads/hash"),
    measure=Measure(["neighbour"], rate="300"),
    expects=(Ratio("The slowest 1 % wait longer with async", "neighbour", 300, low=1.0, metric="p99"),),
    why="An `async def` handler that computes does not give the event loop back: nothing else is answered until it"
    " is done. A `def` handler computes in a thread, and Python takes the GIL (the lock that lets one thread at a"
    " time run Python) from it every 5 ms, so that the others get on, a little slower. The slowest 1 % here are"
    " cheap requests that met a computation.",
    next=(
        ("bench lesson way_out", "keep `async def`, and move the computation elsewhere"),
        ("bench run neighbour --rate 300 --observe", "see how late the event loop is"),
    ),
)

WAY_OUT = Lesson(
    name="way_out",
    title="The way out",
    question="The route must be `async def`, and now and then it must compute. What then?",
    hypothesis="Move the computation to a thread or to a process: the others wait less for it.",
    code=(
        Code("on the event loop: GET /thread and GET /process", "async def page() -> str:\n    if next(turn) % 200"
        " == 0:\n        compute()\n    else:\n        await asyncio.sleep(0.01)\n    return \"done\""),
        Code("in a thread: GET /thread; in a process: GET /process", "async def page() -> str:\n    if next(turn) % 200"
             " == 0:\n        await run_in_threadpool(compute)\n        # or: await loop.run_in_executor(processes,"
             " compute)\n    else:\n        await asyncio.sleep(0.01)\n    return \"done\""),
    ),
    measure=Measure(
        ["GET /thread", "GET /process"], a="loadtests.lessons.apps:stuck", b="loadtests.lessons.apps:freed", rate="600",
        time_s=2.6, slice_s=0.7,
    ),
    expects=(
        Ratio("In a thread: the slowest 1 % wait at least a fifth less", "GET /thread", 600, high=0.8, metric="p99"),
        Ratio("In a process: the same", "GET /process", 600, high=0.8, metric="p99"),
    ),
    why="`run_in_threadpool` gives the event loop back at once; the computation then competes for the GIL (the lock"
    " that lets one thread at a time run Python) as a `def` route's does. In another process it does not even do"
    " that: only the core is shared, if there is but one.",
    next=(("bench lesson starved_neighbour", "`async def` against `def`, without a way out"),),
)  # fmt: skip

LESSONS = (CPU, STARVED, WAY_OUT)
