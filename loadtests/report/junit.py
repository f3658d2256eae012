"""Thresholds as JUnit XML, which most continuous integration shows (pure).

Each threshold on each cell and side is a test case. One that was missed is a failure; one that was not decided is
skipped, or a failure where the user wants it so.
"""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from loadtests.analysis.thresholds import Judgement
from loadtests.report.thresholds import found, line
from loadtests.report.view import RunView
from loadtests.report.wording import STATUS_WORDS, printable


def junit(run: RunView, judgement: Judgement, *, undecided_fails: bool) -> bytes:
    """Return the document.

    Args:
        run: what was measured.
        judgement: of its thresholds.
        undecided_fails: whether what was not decided is a failure.
    """
    failing = judgement.of("missed", "undecided") if undecided_fails else judgement.of("missed")
    skipped = [] if undecided_fails else judgement.of("undecided")
    totals = {
        "tests": str(len(judgement.judged)),
        "failures": str(len(failing)),
        "errors": "0",
        "skipped": str(len(skipped)),
        "time": f"{run.manifest.seconds or 0:.3f}",
    }
    suites = Element("testsuites", totals)
    suite = SubElement(
        suites,
        "testsuite",
        {
            "name": printable(f"bench run {run.manifest.name}"),
            "timestamp": f"{run.manifest.created:%Y-%m-%dT%H:%M:%S}",
            **totals,
        },
    )
    for judged in judgement.judged:
        cell = printable(f"{judged.scenario} at {judged.load}")
        case = SubElement(suite, "testcase", {"classname": cell, "name": printable(str(judged.threshold)), "time": "0"})
        if judged.status == "met":
            SubElement(case, "system-out").text = printable(found(judged, run))
            continue
        kind = "failure" if judged in failing else "skipped"
        message = f"{STATUS_WORDS[judged.status]}: {line(judged, run)}"
        SubElement(case, kind, {"message": message}).text = message
    indent(suites)
    document: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return document
