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
    " queue. One core divided by the CPU time of a request is the most there can be, for both builds. What async saves"
    " is the hop to a thread, which only shows where the computation itself is short.",
    next=(
        ("bench run hash --users 8", "a short computation: now the thread hop shows"),
        ("bench run hash --a sync --b sync,workers=2 --users 8", "more processes do help, if there are cores for them"),
    ),
)

STARVED = Lesson(
    name="starved_neighbour",
    title="The starved neighbour",
    question="One request in 200 computes for a while, the others only wait 10 ms. What becomes of those?",
    hypothesis="As `async def` the computation stops all others; as `def` it does so much less.",
    code=handlers("/api/workloads/hash"),
    measure=Measure(["neighbour"], rate="300"),
    expects=(
        Ratio("The slowest 1 % wait at least half as long again with async", "neighbour", 300, low=1.5, metric="p99"),
    ),
    why="An `async def` handler that computes does not give the event loop back: nothing else is answered until it is"
    " done. A `def` handler computes in a thread, and Python takes the GIL from it every 5 ms, so that the others get"
    " on, a little slower. The slowest 1 % here are cheap requests that met a computation.",
    next=(
        ("bench lesson way_out", "keep `async def`, and move the computation elsewhere"),
        ("bench run neighbour --rate 300 --observe", "see how late the event loop is"),
    ),
)

WAY_OUT = Lesson(
    name="way_out",
    title="The way out",
    question="The route must be `async def`, and it must compute. What then?",
    hypothesis="Move the computation to a thread or a process: the others no longer wait for it.",
    code=(
        Code("on the event loop", handler=("async", "/api/workloads/hash")),
        Code("somewhere else", handler=("async", "/api/workloads/offloaded")),
    ),
    measure=Measure(["neighbour_in_thread", "neighbour_in_process"], rate="300"),
    expects=(
        Ratio("In a thread: the slowest 1 % wait at most as long as with `def`, within 25 %", "neighbour_in_thread",
              300, high=1.25, metric="p99"),
        Ratio("In a process: the same", "neighbour_in_process", 300, high=1.25, metric="p99"),
    ),
    why="`run_in_threadpool` gives the event loop back at once; the computation then competes for the GIL as a `def`"
    " route's does. In another process it does not even do that: only the core is shared, if there is but one.",
    next=(("bench lesson starved_neighbour", "the same without the way out"),),
)  # fmt: skip

LESSONS = (CPU, STARVED, WAY_OUT)
