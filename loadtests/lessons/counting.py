"""What the naive client says when it is done."""

from pydantic import BaseModel


class Count(BaseModel):
    """Good answers, and the seconds in which they came."""

    answers: int
    seconds: float
