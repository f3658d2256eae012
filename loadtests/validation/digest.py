"""What a run's manifest keeps of its machine's validation, so that its report can quote it."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict


class QuotedFinding(BaseModel):
    """One target: what it is about, what was found and what was aimed at, in words, and whether it was met."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    name: str
    found: str
    aim: str
    status: Literal["met", "missed", "undecided"]


class ValidationDigest(BaseModel):
    """A machine's validation in a few lines.

    Attributes:
        machine: the machine's id.
        created: when its latest check was started.
        commits: of this project, one for each state of the code that its checks were made with.
        findings: every target.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    created: AwareDatetime
    commits: list[str]
    findings: list[QuotedFinding]
