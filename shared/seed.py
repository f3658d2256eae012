"""What a fresh blog holds: the same rows every time, so that two new databases are alike."""

from datetime import UTC, datetime, timedelta

USERS: list[dict[str, str | None]] = [
    {"username": "ada", "email": "ada@example.com", "image_file": "ada.jpg"},
    {"username": "brendan", "email": "brendan@example.com", "image_file": "brendan.jpg"},
    {"username": "chiyo", "email": "chiyo@example.com", "image_file": "chiyo.jpg"},
    {"username": "dmitri", "email": "dmitri@example.com", "image_file": None},
    {"username": "esperanza", "email": "esperanza@example.com", "image_file": None},  # has no posts yet
]

_STORIES: list[tuple[str, str, str]] = [
    (
        "ada",
        "Hello, def",
        "Every route in this blog began as a plain def. FastAPI ran each one in a thread, the browser "
        "got its page, and nobody thought about an event loop. That is a fine place to start.",
    ),
    (
        "brendan",
        "The sandwich shop and the burger counter",
        "One cook makes your whole sandwich before looking at the next customer. At the counter next "
        "door they take your order, call the kitchen and turn to the person behind you. Neither bread "
        "nor beef got faster.",
    ),
    (
        "chiyo",
        "What waiting looks like in a profile",
        "I profiled our slowest endpoint expecting a hot loop. It was flat: 3 ms of Python and 180 ms "
        "of nothing. The nothing was a payment provider on another continent.",
    ),
    (
        "dmitri",
        "Forty threads",
        "A def route borrows one of forty threads. While forty requests wait, number forty-one waits "
        "for a thread, however idle the CPU is. Divide forty by your wait and you have your ceiling.",
    ),
    (
        "ada",
        "await is not a speed button",
        "I changed def to async def and put await wherever the linter allowed. One request took as "
        "long as before. Of course it did: the database had not changed its mind.",
    ),
    (
        "brendan",
        "I blocked the loop so that you need not",
        "One time.sleep(0.2) in one async handler, and every user of every route waited for it. A def "
        "handler would have hidden my mistake in a thread. The loop hides nothing.",
    ),
    (
        "chiyo",
        "Thumbnails belong elsewhere",
        "Resizing a photo keeps a core busy. Pillow lets go of the GIL, so threads help; the event "
        "loop does not. We moved ours to a pool and the login page stopped stuttering.",
    ),
    (
        "dmitri",
        "MissingGreenlet, or: load what you touch",
        "post.author worked for a year. Then the session became async and the template raised "
        "MissingGreenlet. The cure is one line, selectinload, and it removes twenty queries on the "
        "way.",
    ),
    (
        "ada",
        "N+1, the quiet tax",
        "The sync build never complained: it fetched each author when the template asked. Twenty "
        "posts, twenty-one queries. Our 'async made it twice as fast' was eager loading in disguise.",
    ),
    (
        "brendan",
        "Fifteen connections are fifteen connections",
        "Five in the pool, ten in overflow. A query of 100 ms through fifteen connections is 150 "
        "requests a second, with threads, with a loop, with prayer.",
    ),
    (
        "chiyo",
        "Measure the client first",
        "Our load generator gave up at 240 requests a second and we blamed the server. If the client "
        "runs hot, the latency you print is its own.",
    ),
    (
        "dmitri",
        "A deadlock with a polite timeout",
        "Forty threads waited for a connection, and the fifteen requests that held one waited for a "
        "thread. Thirty seconds later the pool apologised. One semaphore in the right place, and it "
        "never happened again.",
    ),
    (
        "ada",
        "aiosqlite is a thread with good manners",
        "There is no non-blocking SQLite. Behind await db.execute sits a thread and two queues. Handy "
        "for tests; for a query of 0.2 ms the hand-over costs more than the work.",
    ),
    (
        "brendan",
        "p99 is a user",
        "The mean was lovely. The slowest in a hundred waited two seconds, and with forty requests to "
        "a page, that was one page in three.",
    ),
    (
        "chiyo",
        "gather, where it shines",
        "Five independent calls of 50 ms: 250 ms one after another, about 50 ms gathered. No "
        "cleverness needed, only calls that do not depend on each other.",
    ),
    (
        "dmitri",
        "The GIL does not read your signature",
        "def or async def, pure Python hashing uses one core at a time. If the work is CPU, the "
        "answer is a process, or fewer rounds.",
    ),
    (
        "ada",
        "Mix freely",
        "An app may hold both kinds of route. Ours awaits the slow API and leaves the reports to "
        "threads. The framework never asked us to choose a side.",
    ),
    (
        "brendan",
        "Twice on the same machine",
        "I compared a server with itself, one pair of runs, and found it 9 % faster than itself. Now "
        "I alternate short slices and ask for an interval.",
    ),
    (
        "chiyo",
        "Where the lines cross",
        "Turn two dials, CPU and wait. With much wait and little CPU async wins by three; with much "
        "CPU it loses a little. In between the honest answer is: no difference.",
    ),
    (
        "dmitri",
        "So, def or async def?",
        "It depends, which is no answer until somebody measures what it depends on. Here, under this "
        "load, by how much, how sure, and why. Then decide.",
    ),
]

_FIRST_DAY = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)

POSTS: list[dict[str, str | datetime]] = [
    {
        "author": author,
        "title": title,
        "content": content,
        "date_posted": _FIRST_DAY + timedelta(days=day, minutes=7 * day),
    }
    for day, (author, title, content) in enumerate(_STORIES)
]
