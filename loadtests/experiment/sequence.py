"""One user's way through a sequence of requests: what is asked next, and what an answer changes (pure).

It sends nothing itself. Whoever does, be it with asyncio or in a thread, asks for ``message``, and says with
``answered`` what came of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

from loadtests.experiment.fresh_values import FreshValues
from loadtests.experiment.message import Message, filled
from loadtests.experiment.request import Request
from loadtests.experiment.takes import Headers, reader, take

UNAUTHORIZED = 401


@dataclass(frozen=True)
class Login:
    """What a user has of the requests that are sent ``once``: with it, another one need not send them.

    Attributes:
        taken: what was taken from their answers, by name.
        worked: which requests were answered well since.
    """

    taken: Mapping[str, str]
    worked: frozenset[int]


class SequenceUser:
    """A user who sends requests one after another, and begins anew after the last one: a pass.

    What he takes from answers fills his later requests, of later passes too. Requests that are sent ``once`` are left
    out after they were answered well. Where an answer lacks what was to be taken from it, he starts over, as if he were
    new; so he does where a request is refused with 401 that was answered well before: his login has expired.

    Attributes:
        position: which request is next.
        at_start: whether it is the first one of a pass.
    """

    def __init__(
        self,
        url: SplitResult,
        requests: Sequence[Request],
        environment: Mapping[str, str],
        fresh: FreshValues | None = None,
        *,
        each_anew: bool = False,
        login: Login | None = None,
    ) -> None:
        """Prepare a user.

        Args:
            url: base URL of the server.
            requests: what is sent, in order.
            environment: variables that fill places.
            fresh: values that are new for each pass, shared by all users; None if none are needed.
            each_anew: whether they are new for each request instead: the requests are no sequence.
            login: what an earlier user has of requests that are sent once; None to send them.
        """
        self._url = url
        self._requests = requests
        self._made = [None if request.names else Message(url, filled(request, {})) for request in requests]
        self._readers = [[(name, reader(source)) for name, source in request.takes] for request in requests]
        self._environment = environment
        self._fresh = fresh
        self._each_anew = each_anew
        self._values: Mapping[str, str] = {}
        self._once = frozenset(number for number, request in enumerate(requests) if request.once)
        self._taken: dict[str, str] = dict(login.taken) if login else {}
        self._taken_once = dict(self._taken)
        self._worked = set(login.worked) if login else set[int]()
        self._done = set(self._once) if login else set[int]()
        self.position = next(number for number in range(len(requests)) if number not in self._done)
        self.at_start = True

    @property
    def logs_in(self) -> bool:
        """Whether some of his requests are sent once."""
        return bool(self._once)

    @property
    def login(self) -> Login | None:
        """What he has of requests that are sent once; None if he lacks some of it, or there are none."""
        if not self.logs_in or not self._once <= self._done:
            return None
        return Login(dict(self._taken_once), frozenset(self._worked))

    @property
    def request(self) -> Request:
        """The request that is next, its places not filled."""
        return self._requests[self.position]

    def message(self) -> Message:
        """Return the request that is next, as it is sent."""
        begins, self.at_start = self.at_start, False
        made = self._made[self.position]
        if self._fresh is not None and (made is None if self._each_anew else begins):
            self._values = self._fresh.take()
        if made is None:
            made = Message(self._url, filled(self.request, {**self._environment, **self._values, **self._taken}))
        return made

    def answered(self, *, good: bool, status: int = 0, body: bytes = b"", headers: Headers = ()) -> bool:
        """Go on to the next request; return whether all was there that was to be taken from the answer.

        Args:
            good: whether it was a good answer.
            status: of the answer; 0 if there was none.
            body: of the answer, as it was before it was compressed.
            headers: of the answer.
        """
        if not good and status == UNAUTHORIZED and self.position in self._worked:
            self._start_over()
            return False
        if readers := self._readers[self.position]:
            taken = take(readers, body, headers) if good else None
            if taken is None:
                self._start_over()
                return False
            self._taken.update(taken)
            if self.request.once:
                self._taken_once.update(taken)
        if good:
            self._worked.add(self.position)
            if self.request.once:
                self._done.add(self.position)
        left = (number for number in range(self.position + 1, len(self._requests)) if number not in self._done)
        self.position = next(left, -1)
        if self.position < 0:
            self.at_start = True
            self.position = next(number for number in range(len(self._requests)) if number not in self._done)
        return True

    def _start_over(self) -> None:
        for memory in (self._taken, self._taken_once, self._worked, self._done):
            memory.clear()
        self.position, self.at_start = 0, True
