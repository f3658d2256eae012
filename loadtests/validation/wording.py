"""Findings of a validation in words: for the terminal, in Markdown, and in the digest that reports quote (pure)."""

import math
from collections.abc import Mapping

from loadtests.analysis.comparison import Finding, Unit
from loadtests.records.manifest import QuotedFinding, ValidationDigest
from loadtests.report.wording import STATUS_SIGNS, STATUS_WORDS, number
from loadtests.validation.findings import findings
from loadtests.validation.record import Check, Validation

TITLES: Mapping[Check, str] = {
    "aa": "A side against itself",
    "effects": "A known difference",
    "queue": "A known queue",
    "stall": "A known stall, and a known pace",
    "overload": "An overloaded queue",
    "capacity": "A known capacity",
    "drivers": "Another client",
}
_SCALES: Mapping[Unit, float] = {"%": 100.0, "ms": 1000.0, "×": 1.0}


def figure(value: float, unit: Unit) -> str:
    """Format a figure in its unit: ``4.5 %``, ``13.9 ms``, ``1.02 ×``."""
    return f"{bare(value, unit)} {unit}"


def bare(value: float, unit: Unit) -> str:
    """Format a figure without its unit."""
    scaled = value * _SCALES[unit]
    if unit == "×":
        return f"{scaled:.3f}"
    return f"{scaled:.1f}" if unit == "%" else number(scaled)


def found(finding: Finding) -> str:
    """Format what was measured, with its interval."""
    text = figure(finding.found, finding.unit)
    if finding.interval is None:
        return text
    low, high = finding.interval
    return f"{text} ({bare(low, finding.unit)} to {bare(high, finding.unit)})"


def aim(finding: Finding) -> str:
    """Format the range in which the figure must lie."""
    (low, high), unit = finding.aim, finding.unit
    if math.isinf(high) or (unit == "%" and high == 1):
        return f"at least {figure(low, unit)}"
    if math.isinf(low) or low == 0:
        return f"at most {figure(high, unit)}"
    return f"{bare(low, unit)} to {figure(high, unit)}"


def commits(validation: Validation) -> list[str]:
    """Return the commits that the checks were made with."""
    made = [getattr(validation, check).occasion.commit or "unknown" for check in validation.checked()]
    return list(dict.fromkeys(made))


def digest(validation: Validation) -> ValidationDigest:
    """Return the digest that a run's manifest stores; the validation must hold at least one check."""
    return ValidationDigest(
        machine=validation.machine,
        created=max(getattr(validation, check).occasion.created for check in validation.checked()),
        commits=commits(validation),
        findings=[
            QuotedFinding(check=TITLES[check], name=f.name, found=found(f), aim=aim(f), status=f.status)
            for check, each in findings(validation).items()
            for f in each
        ],
    )


def markdown(validation: Validation) -> str:
    """Return the findings as a table that can be pasted into a document as it is."""
    machine = validation.environment
    lines = [
        f"Measured on {machine.cpu}, {machine.cores} cores, {machine.system}, {machine.python}, "
        f"commit {' and '.join(f'`{commit}`' for commit in commits(validation)) or 'unknown'}.",
        "",
        "| known answer | found (95 % interval) | target | | rests on |",
        "| --- | --- | --- | --- | --- |",
    ]
    for check, each in findings(validation).items():
        lines.append(f"| **{TITLES[check]}** | | | | |")
        lines += [
            f"| {f.name} | {found(f)} | {aim(f)} | {STATUS_SIGNS[f.status]} {STATUS_WORDS[f.status]} | {f.note} |"
            for f in each
        ]
    return "\n".join(lines) + "\n"
