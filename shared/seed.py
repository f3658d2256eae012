"""What a fresh blog holds: the same rows every time, so that two new databases of one size are alike.

A larger blog begins with the rows of a smaller one, where both have the same number of users.
"""

from datetime import UTC, datetime, timedelta

_SILENT = "esperanza"
_USERS: list[dict[str, str | None]] = [
    {"username": "ada", "email": "ada@example.com", "image_file": "ada.jpg"},
    {"username": "brendan", "email": "brendan@example.com", "image_file": "brendan.jpg"},
    {"username": "chiyo", "email": "chiyo@example.com", "image_file": "chiyo.jpg"},
    {"username": "dmitri", "email": "dmitri@example.com", "image_file": None},
    {"username": _SILENT, "email": "esperanza@example.com", "image_file": None},  # has no posts yet
]

_STORIES: list[tuple[str, str]] = [
    (
        "Hello, def",
        "Every route in this blog began as a plain def. FastAPI ran each one in a thread, the browser "
        "got its page, and nobody thought about an event loop. That is a fine place to start.",
    ),
    (
        "The sandwich shop and the burger counter",
        "One cook makes your whole sandwich before looking at the next customer. At the counter next "
        "door they take your order, call the kitchen and turn to the person behind you. Neither bread "
        "nor beef got faster.",
    ),
    (
        "What waiting looks like in a profile",
        "I profiled our slowest endpoint expecting a hot loop. It was flat: 3 ms of Python and 180 ms "
        "of nothing. The nothing was a payment provider on another continent.",
    ),
    (
        "Forty threads",
        "A def route borrows one of forty threads. While forty requests wait, number forty-one waits "
        "for a thread, however idle the CPU is. Divide forty by your wait and you have your ceiling.",
    ),
    (
        "await is not a speed button",
        "I changed def to async def and put await wherever the linter allowed. One request took as "
        "long as before. Of course it did: the database had not changed its mind.",
    ),
    (
        "I blocked the loop so that you need not",
        "One time.sleep(0.2) in one async handler, and every user of every route waited for it. A def "
        "handler would have hidden my mistake in a thread. The loop hides nothing.",
    ),
    (
        "Thumbnails belong elsewhere",
        "Resizing a photo keeps a core busy. Pillow lets go of the GIL, so threads help; the event "
        "loop does not. We moved ours to a pool and the login page stopped stuttering.",
    ),
    (
        "MissingGreenlet, or: load what you touch",
        "post.author worked for a year. Then the session became async and the template raised "
        "MissingGreenlet. The cure is one line, selectinload, and it removes twenty queries on the "
        "way.",
    ),
    (
        "N+1, the quiet tax",
        "The sync build never complained: it fetched each author when the template asked. Twenty "
        "posts, twenty-one queries. Our 'async made it twice as fast' was eager loading in disguise.",
    ),
    (
        "Fifteen connections are fifteen connections",
        "Five in the pool, ten in overflow. A query of 100 ms through fifteen connections is 150 "
        "requests a second, with threads, with a loop, with prayer.",
    ),
    (
        "Measure the client first",
        "Our load generator gave up at 240 requests a second and we blamed the server. If the client "
        "runs hot, the latency you print is its own.",
    ),
    (
        "A deadlock with a polite timeout",
        "Forty threads waited for a connection, and the fifteen requests that held one waited for a "
        "thread. Thirty seconds later the pool apologised. One semaphore in the right place, and it "
        "never happened again.",
    ),
    (
        "aiosqlite is a thread with good manners",
        "There is no non-blocking SQLite. Behind await db.execute sits a thread and two queues. Handy "
        "for tests; for a query of 0.2 ms the hand-over costs more than the work.",
    ),
    (
        "p99 is a user",
        "The mean was lovely. The slowest in a hundred waited two seconds, and with forty requests to "
        "a page, that was one page in three.",
    ),
    (
        "gather, where it shines",
        "Five independent calls of 50 ms: 250 ms one after another, about 50 ms gathered. No "
        "cleverness needed, only calls that do not depend on each other.",
    ),
    (
        "The GIL does not read your signature",
        "def or async def, pure Python hashing uses one core at a time. If the work is CPU, the "
        "answer is a process, or fewer rounds.",
    ),
    (
        "Mix freely",
        "An app may hold both kinds of route. Ours awaits the slow API and leaves the reports to "
        "threads. The framework never asked us to choose a side.",
    ),
    (
        "Twice on the same machine",
        "I compared a server with itself, one pair of runs, and found it 9 % faster than itself. Now "
        "I alternate short slices and ask for an interval.",
    ),
    (
        "Where the lines cross",
        "Turn two dials, CPU and wait. With much wait and little CPU async wins by three; with much "
        "CPU it loses a little. In between the honest answer is: no difference.",
    ),
    (
        "So, def or async def?",
        "It depends, which is no answer until somebody measures what it depends on. Here, under this "
        "load, by how much, how sure, and why. Then decide.",
    ),
]

_FIRST_DAY = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)

_STEP = timedelta(seconds=1)
"""Between posts beyond the stories: so short that no blog reaches into the future."""


def users(count: int) -> list[dict[str, str | None]]:
    """Return so many users, with their columns."""
    more = [
        {"username": f"user{number}", "email": f"user{number}@example.com", "image_file": None}
        for number in range(len(_USERS) + 1, count + 1)
    ]
    return [*_USERS[:count], *more]


def posts(count: int, blog_users: int) -> list[dict[str, str | datetime]]:
    """Return so many posts with their columns and the author's name, oldest first.

    Args:
        count: how many; from the 21st on the stories are told again.
        blog_users: how many users the blog has; they write in turn.
    """
    authors = [str(user["username"]) for user in users(blog_users) if user["username"] != _SILENT]
    return [_post(number, authors[number % len(authors)]) for number in range(count)]


def _post(number: int, author: str) -> dict[str, str | datetime]:
    again, story = divmod(number, len(_STORIES))
    title, content = _STORIES[story]
    day = min(number, len(_STORIES) - 1)
    return {
        "author": author,
        "title": f"{title} ({again + 1})" if again else title,
        "content": content,
        "date_posted": _FIRST_DAY + timedelta(days=day, minutes=7 * day) + (number - day) * _STEP,
    }
