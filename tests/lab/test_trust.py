from typing import Any

from loadtests.lab.trust import LaneTrust, trust


def lanes(**changed: Any) -> dict[Any, LaneTrust]:
    usual: dict[str, Any] = {"turns": 3, "ready_for_s": 60.0}
    return {"a": LaneTrust("sync", **{**usual, **changed}), "b": LaneTrust("async", **usual)}


def test_a_settled_load_on_a_quiet_machine_is_good() -> None:
    found = trust(lanes(), 0.01)
    assert (found.light, list(found.reasons)) == ("good", [])


def test_each_reason_is_said() -> None:
    assert trust(lanes(turns=1), 0.0).reasons == ["the load just changed"]
    assert trust(lanes(ready_for_s=2.0), 0.0).reasons == ["sync was just restarted"]
    assert trust(lanes(ready_for_s=None, turns=0), 0.0).reasons == ["sync is not running"]
    assert trust(lanes(answers=False, turns=0), 0.0).reasons == ["sync has stopped answering"]
    assert trust(lanes(lag_s=0.06), 0.0).reasons == ["the load process was 60 ms late while sync had its turn"]
    assert trust(lanes(undrained=1), 0.0).reasons == ["1 request is still waiting for async while sync has its turn"]
    assert trust(lanes(), 0.1).light == "caution"


def test_what_spoils_figures_is_poor_and_said_first() -> None:
    busy = trust(lanes(busy=0.93, turns=1), 0.0)
    assert busy.light == "poor"
    assert busy.reasons[0].startswith("the load process is busy 93 % of the time while sync has its turn")
    assert trust(lanes(), 0.5).light == "poor"
    assert trust(lanes(), 0.0, "the load process hung, and was replaced").light == "poor"
