"""Lessons about data: how much of it there is, and how often it is asked for."""

from datetime import date

from loadtests.lessons.lesson import Code, Collapse, Lesson, Measure, Ratio

WRITTEN = date(2026, 11, 26)
MANY_AUTHORS = "seed_users=101,seed_posts=100"
APPS = "loadtests.lessons.after_commit"

AUTHOR_EACH = Lesson(
    name="an_author_each",
    title="N + 1 queries with an author for each post",
    question="What does lazy loading cost where a hundred posts have a hundred authors?",
    hypothesis="A hundred queries more for each answer: less than half of the throughput.",
    written=WRITTEN,
    code=(
        Code("lazy", "posts = db.scalars(select(Post)).all()\n[post.author.username for post in posts]"),
        Code(
            "eager",
            "query = select(Post).options(\n    selectinload(Post.author)\n)\nposts = db.scalars(query).all()\n"
            "[post.author.username for post in posts]",
        ),
    ),
    measure=Measure(["list_posts"], a=f"sync,{MANY_AUTHORS},loading=lazy", b=f"sync,{MANY_AUTHORS}", users="8"),
    expects=(Ratio("Eager loading handles at least twice as much", "list_posts", 8, low=2.0),),
    why="The session remembers each author that it has loaded, so lazy loading costs a query for each author, not for"
    " each post. With four authors the cost is small, and it is easily overlooked in development, where there is little"
    " data. With a hundred authors one answer takes 101 statements; with `selectinload` it takes two, however many"
    " authors there are up to 500.",
    next=(
        ("bench lesson n_plus_one", "the same with four authors: why nobody notices"),
        (
            f"bench run list_posts --a sync,{MANY_AUTHORS},loading=lazy --b async,{MANY_AUTHORS} --users 8",
            "a comparison that gives async the credit for eager loading",
        ),
    ),
)
AFTER_COMMIT = Lesson(
    name="after_commit",
    title="After the commit",
    question="A route writes a post and answers with it and its author. What happens with `expire_on_commit=True`?",
    hypothesis="In sync it works, with two statements more, and is slower. In async it fails: MissingGreenlet.",
    written=WRITTEN,
    code=(
        Code(
            "expired: SQLAlchemy's default",
            "with Session(engine) as db:\n    author = db.get_one(User, 1)\n    post = Post(title=title,"
            " user_id=author.id)\n    db.add(post)\n    db.commit()\n    # SELECT post; SELECT author\n"
            "    return PostResponse.model_validate(post)",
        ),
        Code(
            "kept: as in the builds",
            "with Session(engine, expire_on_commit=False) as db:\n    author = db.get_one(User, 1)\n    post ="
            " Post(title=title, author=author)\n    db.add(post)\n    db.commit()\n    # nothing to load\n"
            "    return PostResponse.model_validate(post)",
        ),
    ),
    measure=Measure(["POST /sync", "POST /async"], a=f"{APPS}:expired", b=f"{APPS}:kept", users="1"),
    expects=(
        Ratio("In sync what does not expire handles more", "POST /sync", 1, low=1.0),
        Collapse(
            "In async every request fails if what was written expires", "POST /async", 1, "a", "not one good answer ("
        ),
    ),
    why="By default a commit expires all objects of the session: the next access to an attribute reads the row again."
    " Here a request takes four statements in place of two: the author is read, the post inserted, and then both are"
    " read again. Async SQLAlchemy can't query in the middle of an attribute access and raises MissingGreenlet. With"
    " `expire_on_commit=False` objects keep what they had. They may be out of date if another transaction changes the"
    " row, which does not matter to a request that is about to answer.",
    next=(
        ("bench lesson refresh_author", "the tutorial's way: `refresh` with attribute_names"),
        ("bench lesson missing_greenlet", "the same error on reading"),
    ),
)
REFRESH_AUTHOR = Lesson(
    name="refresh_author",
    title="refresh(attribute_names=…), or the author at hand",
    question="After the commit the tutorial loads the author with `refresh(post, attribute_names=[\"author\"])`. What"
    " does it cost?",
    hypothesis="One statement more for each request, in both builds: a few percent.",
    written=WRITTEN,
    code=(
        Code(
            "refreshed: as the tutorial's chapter writes it",
            "author = await db.get_one(User, 1)\npost = Post(title=title, user_id=author.id)\ndb.add(post)\nawait"
            " db.commit()\nawait db.refresh(\n    post, attribute_names=[\"author\"]\n)\nreturn post",
        ),
        Code(
            "kept: as in the builds",
            "author = await db.get_one(User, 1)\npost = Post(title=title, author=author)\ndb.add(post)\nawait"
            " db.commit()\nreturn post",
        ),
    ),
    measure=Measure(["POST /sync", "POST /async"], a=f"{APPS}:refreshed", b=f"{APPS}:kept", users="1"),
    expects=(
        Ratio("Sync: the author at hand handles more", "POST /sync", 1, low=1.0),
        Ratio("Async: the same", "POST /async", 1, low=1.0),
    ),
    why="The route has read the author already, to check that it exists. If the post gets that object, nothing is"
    " left to load after the commit: two statements. `refresh` begins a new transaction and reads the post's row"
    " again: three. It reads the author a second time only if the route has let go of it: a session does not keep"
    " alive what nobody holds. Where nothing has read the author before, `refresh` is the right tool, and in async it"
    " or `selectinload` is needed.",
    next=(("bench lesson after_commit", "with neither of them, and SQLAlchemy's default"),),
)  # fmt: skip
LESSONS_ON_DATA = (AUTHOR_EACH, AFTER_COMMIT, REFRESH_AUTHOR)
