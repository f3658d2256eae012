"""Two FastAPI apps whose routes are ``async def`` and whose dependencies, which wait for nothing, are of either kind.

In ``def_dependency`` FastAPI runs each dependency in a thread, although the route runs on the event loop; in
``async_dependency`` nothing leaves the loop.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Header

MOST_ROWS = 100


def page_size(limit: int = 20) -> int:
    """Return how many rows a page has."""
    return min(limit, MOST_ROWS)


def page_number(page: int = 1) -> int:
    """Return which page is asked for."""
    return max(page, 1)


def language(accept_language: Annotated[str, Header()] = "en") -> str:
    """Return the language that a reader likes best."""
    return accept_language[:2]


async def page_size_on_the_loop(limit: int = 20) -> int:
    """Return the same as ``page_size``."""
    return page_size(limit)


async def page_number_on_the_loop(page: int = 1) -> int:
    """Return the same as ``page_number``."""
    return page_number(page)


async def language_on_the_loop(accept_language: Annotated[str, Header()] = "en") -> str:
    """Return the same as ``language``."""
    return language(accept_language)


def_dependency, async_dependency = FastAPI(), FastAPI()


@def_dependency.get("/one")
async def one(size: Annotated[int, Depends(page_size)]) -> str:
    """Answer with a value of one ``def`` dependency."""
    return f"{size}"


@def_dependency.get("/three")
async def three(
    size: Annotated[int, Depends(page_size)],
    number: Annotated[int, Depends(page_number)],
    spoken: Annotated[str, Depends(language)],
) -> str:
    """Answer with the values of three ``def`` dependencies."""
    return f"{size} {number} {spoken}"


@async_dependency.get("/one")
async def one_on_the_loop(size: Annotated[int, Depends(page_size_on_the_loop)]) -> str:
    """Answer with a value of one ``async def`` dependency."""
    return f"{size}"


@async_dependency.get("/three")
async def three_on_the_loop(
    size: Annotated[int, Depends(page_size_on_the_loop)],
    number: Annotated[int, Depends(page_number_on_the_loop)],
    spoken: Annotated[str, Depends(language_on_the_loop)],
) -> str:
    """Answer with the values of three ``async def`` dependencies."""
    return f"{size} {number} {spoken}"
