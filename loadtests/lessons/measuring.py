"""Lessons about measuring itself: how a load generator lies."""

from loadtests.lessons.expectation import Ratio
from loadtests.lessons.lesson import Code, Lesson, Measure

LYING_CLIENT = Lesson(
    name="lying_client",
    title="The lying client",
    question="The same server, 64 users. Does it matter which program asks?",
    hypothesis="httpx's own connection pool, shared by 64 users, is slower than the server it measures.",
    code=(
        Code(
            "what is often written",
            "async with httpx.AsyncClient() as client:\n    async with asyncio.TaskGroup() as users:\n"
            "        for _ in range(64):\n            users.create_task(user(client))",
        ),
        Code(
            "what this harness does",
            "# aiohttp's pool, behind httpx's interface\ntransport = AiohttpTransport(…)\nasync with"
            " asyncio.TaskGroup() as users:\n    for _ in range(64):\n        users.create_task(user(transport))",
        ),
    ),
    measure=Measure(["noop"], a="a shared httpx.AsyncClient", b="this harness", users="64", special="clients"),
    expects=(Ratio("The harness sees at least three times as many answers", "noop", 64, low=3.0),),
    why="httpcore's pool looks through all its connections for each request. With 64 of them the client is busy with"
    " its own bookkeeping, its core is full, and what it reports is itself. Two servers measured so look alike,"
    " whatever they are. This harness measures its own ceiling first, and gives no verdict near it.",
    next=(
        ("bench doctor", "how many requests a second can this machine's client make at the most?"),
        ("bench validate --only drivers", "put the driver beside wrk and Locust"),
    ),
)

COORDINATED_OMISSION = Lesson(
    name="coordinated_omission",
    title="Coordinated omission",
    question="A server stops for a tenth of the time. What is the response time of its slowest 1 %?",
    hypothesis="An answer takes 20 ms, and every 3 s the server stops for 300 ms. By a schedule of arrivals the slowest"
    " 1 % take nearly as long as a stop; by four users who wait for their answer, about 20 ms, as if nothing had been.",
    code=(
        Code("a closed loop", "while True:\n    sent = now()\n    await ask()\n    record(now() - sent)"),
        Code(
            "an open loop",
            "for due in schedule:\n    await sleep_until(due)\n    create_task(ask_from(due))\n\n"
            "# in ask_from:\nawait ask()\nrecord(now() - due)",
        ),
    ),
    measure=Measure(["steady"], a="a closed loop", b="an open loop", rate="150", special="loops"),
    expects=(
        Ratio("The open loop's slowest 1 % take at least five times as long", "steady", 150, low=5.0, metric="p99"),
    ),
    why="In a closed loop every one of the four users waits out the stop with one request, and sends none meanwhile:"
    " each stop is in the record four times, among hundreds. Real visitors keep coming. An open loop sends by"
    " schedule, and counts each response from the instant at which it was due, so that all who came during the stop"
    " are in it.",
    next=(
        ("bench run get_post --rate 200", "an open loop: the verdict is about the slowest 1 %"),
        ('bench capacity --slo p99=200ms --scenario get_post', "the most arrivals a second that keep a promise"),
    ),
)  # fmt: skip

LESSONS = (LYING_CLIENT, COORDINATED_OMISSION)
