"""What both builds agree on about the slow external API: limits, timeouts, and how its answer reads."""

import httpx
from pydantic import BaseModel, ValidationError

# Well above the users of any experiment: the pool must not be what is measured. Servers close idle
# connections of their own accord, so we let go of ours first.
LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=1000, keepalive_expiry=3)
TIMEOUT = httpx.Timeout(30, connect=5)


class Answer(BaseModel):
    """What `GET /?wait_ms=` answers."""

    waited_ms: float


def read_answer(response: httpx.Response) -> float:
    """Return the milliseconds that the API says it waited."""
    response.raise_for_status()
    try:
        return Answer.model_validate_json(response.content).waited_ms
    except ValidationError as error:
        raise httpx.DecodingError("not the answer of this API", request=response.request) from error
