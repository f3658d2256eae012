"""What the workload routes accept, each parameter bounded, and what they answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

WaitMs = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False, description="Milliseconds of waiting.")]
CpuMs = Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False, description="Milliseconds of CPU time.")]
Calls = Annotated[int, Field(ge=1, le=20, description="Independent calls to the slow external API.")]
Mode = Annotated[
    Literal["native", "threads"],
    Field(
        description="`native`: one after another in the sync build, gathered in the async one; "
        "`threads`: fanned out over a thread pool in the sync build, as `native` in the async one."
    ),
]
Kib = Annotated[int, Field(ge=1, le=16_384, description="KiB to read.")]
Rounds = Annotated[int, Field(ge=1, le=1_000_000, description="Bytes to hash.")]
Size = Annotated[int, Field(ge=16, le=2_048, description="Width and height in pixels.")]
Rows = Annotated[int, Field(ge=1, le=1_000_000, description="Rows to generate.")]
To = Annotated[Literal["thread", "process"], Field(description="Where the work is moved to.")]


class Done(BaseModel):
    """Nothing was asked."""

    done: bool = True


class Waited(BaseModel):
    """How long the request was told to wait, in milliseconds."""

    wait_ms: float


class Counted(BaseModel):
    """How many posts there are."""

    posts: int


class Fetched(BaseModel):
    """How long the slow external API says each call took, in milliseconds."""

    calls: int
    waited_ms: list[float]


class FileRead(BaseModel):
    """What was read."""

    kib: int
    sha256: str


class Hashed(BaseModel):
    """The hash in hexadecimal."""

    rounds: int
    digest: str


class Thumbnail(BaseModel):
    """The small picture's measures, and the hash of its pixels."""

    width: int
    height: int
    sha256: str


class Crunched(BaseModel):
    """The generated rows, described."""

    rows: int
    mean: float
    median: float
    deviation: float


class Mixed(BaseModel):
    """CPU time burnt as measured, and the wait, both in milliseconds."""

    cpu_ms: float
    wait_ms: float


class Authors(BaseModel):
    """Who wrote, found by touching `post.author` on each post."""

    posts: int
    authors: list[str]
