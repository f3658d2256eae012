"""Whether what is said about a route of a made-up app is what has to be said."""

from dataclasses import dataclass

from tests.check.made_up_app import App, Place, Remark, Route, Verdict


@dataclass(frozen=True)
class Said:
    """What a tool says about one route.

    Attributes:
        verdict: None if the route was not judged, and a sentence says why.
        place: what the verdict is about.
        line: the line to touch, in the app's file; of no matter where more room is what is missing.
        remarks: what is said besides.
    """

    verdict: Verdict | None
    place: Place | None = None
    line: int | None = None
    remarks: frozenset[Remark] = frozenset()


def mistakes(app: App, route: Route, said: Said) -> list[str]:
    """Return what is wrong or missing in what is said about a route, each in a sentence; none if it is right."""
    if said.verdict is None:
        return [] if route.reason else ["it was not judged"]
    if said.verdict not in route.verdicts:
        return [f"{said.verdict} is wrong: {' or '.join(route.verdicts) or 'it can not be judged'}"]
    found = [f"{remark} is invented" for remark in sorted(said.remarks - {route.remark, *route.may_remark})]
    if said.verdict == "keep":
        if route.remark is not None and route.remark not in said.remarks:
            found.append(f"{route.remark} is not said")
        return found
    if not any(_is_the_place(said.place, place) for place in route.places):
        found.append(f"it is not {said.place} but {' or '.join(map(str, route.places))}")
    if route.marker and said.verdict != "give-room" and [said.line] != app.marked_lines(route.marker):
        found.append(f"it is not line {said.line} but {app.marked_lines(route.marker)}")
    return found


def _is_the_place(said: Place | None, right: Place) -> bool:
    """Whether a place is the right one; its name may have more parts, as `module.Audit.dispatch` has for `Audit`."""
    return said is not None and said.part == right.part and f".{right.name}." in f".{said.name}."
