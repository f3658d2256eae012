"""What the ratio of two known sides must be (pure)."""


def of_more_cpu(more: float, work_share: float) -> float:
    """Return b ÷ a of throughput where b does more of the work, and the server's core is never idle.

    Throughput is then 1 ÷ CPU per request. What a server does besides the work is the same on both sides, so that a
    tenth more work is less than a tenth more CPU per request.

    Args:
        more: by how much b's work is more, 0.1 for a tenth.
        work_share: what share of a's CPU time is the work, 0 to 1.
    """
    return 1 / (1 + more * work_share)


def of_more_wait(more_s: float, users: int, throughput_rps: float) -> float:
    """Return b ÷ a of throughput in a closed loop where b waits longer, and nothing else limits it.

    Each user has one request in flight, so a request takes users ÷ throughput (Little's law), and b's takes
    ``more_s`` more.

    Args:
        more_s: by how much b waits longer, in seconds.
        users: of the closed loop.
        throughput_rps: a's, in requests/s.
    """
    took_s = users / throughput_rps
    return took_s / (took_s + more_s)
