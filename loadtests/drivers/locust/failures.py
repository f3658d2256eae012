"""Why a request did not succeed, told from what Locust's request event carries."""

import errno
import socket

from geventhttpclient.useragent import RetriesExceeded
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.exception import ResponseError

from loadtests.locustfile import WrongStatus
from loadtests.records.samples import Failure

UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


def why(error: BaseException | None) -> Failure:
    """Return the failure that an exception of the request event stands for."""
    if error is None:
        return Failure.NONE
    if isinstance(error, RetriesExceeded):
        error = getattr(error, "original", None) or error
    if isinstance(error, WrongStatus | LocustBadStatusCode):
        return Failure.STATUS
    if isinstance(error, ResponseError):
        return Failure.BODY
    if isinstance(error, socket.gaierror) or (isinstance(error, OSError) and error.errno in UNREACHABLE):
        return Failure.CONNECT
    return Failure.DISCONNECT
