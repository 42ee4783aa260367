"""Links by name: what they set, what can be set otherwise, and what it costs."""

import pytest

from xcodec.choices import LINKS
from xcodec.coding.packets import MIN_SIZE
from xcodec.errors import ConflictError, InputError
from xcodec.links import armor, costs
from xcodec.links.costs import affordable
from xcodec.links.plans import Plan, Wishes, planned
from xcodec.links.profiles import PROFILES, profile
from xcodec.links.transports import SCHEMES
from xcodec.options import EncodeOptions


def plan_of(max_bytes: int | None = None, **wishes: object) -> Plan:
    found = planned(Wishes(**wishes), max_bytes)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_every_link_can_be_planned_for() -> None:
    assert tuple(PROFILES) == LINKS
    for name in LINKS:
        plan = plan_of(link=name)
        each = profile(name)
        assert plan.packets == each.packets
        if each.armor is None:
            assert MIN_SIZE <= plan.size == each.size <= each.largest
        else:
            assert armor.length(plan.size, each.armor) <= each.size
        assert plan.whole == (each.packets == 1)
        assert isinstance(plan.cost([bytes(plan.size)]).text(), str)
    assert {scheme.profile for scheme in SCHEMES.values()} - {""} <= set(LINKS)


def test_anything_can_be_set() -> None:
    plan = plan_of(link="meshtastic", packet_size=150, packets=3, loss=0.4, armor="base64")
    assert (plan.size, plan.packets, plan.loss, plan.armor) == (112, 3, 0.4, "base64")
    assert plan_of(link="sbd", packets=4).whole is False
    assert plan_of(1000, link="sms").packets is None
    assert plan_of(packet_size=100, packets=2).profile is None
    assert planned(Wishes()) is None


@pytest.mark.parametrize(
    ("wishes", "what"),
    [
        ({"link": "pigeon"}, "no link 'pigeon'"),
        ({"link": "meshtastic", "packet_size": 232}, "at most 231 bytes"),
        ({"link": "sms", "packet_size": 161}, "at most 160 characters"),
        ({"link": "meshtastic", "preset": "Fast"}, "it has LongFast"),
        ({"link": "sbd", "preset": "Fast"}, "has no presets"),
        ({"link": "sbd", "airtime": 3.0}, "airtime is not known"),
        ({"link": "udp", "credits": 3}, "take no credits"),
        ({"link": "meshtastic", "airtime": 0.1}, "no packet of 40 bytes"),
        ({"link": "ax25", "airtime": 9.0, "packets": 2}, "packets and airtime exclude"),
        ({"airtime": 3.0}, "airtime needs a link"),
        ({"packets": 3}, "packets needs the size"),
        ({"loss": 0.3}, "loss needs the size"),
        ({"link": "sbd", "loss": 0.3}, "loss needs several packets"),
        ({"packet_size": 100}, "packet_size needs --packets"),
    ],
)
def test_wishes_that_cannot_be_met(wishes: dict[str, object], what: str) -> None:
    with pytest.raises(InputError, match=what):
        plan_of(**wishes)


def test_a_file_that_goes_at_once_has_a_limit() -> None:
    plan = plan_of(link="sbd")
    assert plan.options(EncodeOptions()).max_bytes == 340
    assert plan.options(EncodeOptions(max_bytes=300)).max_bytes == 300
    with pytest.raises(InputError, match=r"it must be in 1\.\.340 for sbd"):
        plan.options(EncodeOptions(max_bytes=341))
    with pytest.raises(ConflictError, match="rate"):
        plan_of(link="udp").options(EncodeOptions(rate=0.1))


@pytest.mark.parametrize("airtime", [2.0, 10.0, 60.0, 600.0])
@pytest.mark.parametrize("name", ["meshtastic", "meshcore", "ax25"])
def test_a_limit_on_airtime_is_kept_and_used(name: str, airtime: float) -> None:
    each = profile(name)
    count, size = affordable(each, each.size, airtime)
    modem = each.modem(None)
    assert modem is not None
    assert count * modem.seconds(size) <= airtime
    others = [(count + 1, size), (count, size + 1)] if size < each.size else [(count + 1, size)]
    for number, other in others:
        assert number * modem.seconds(other) > airtime or number > 255


def test_a_limit_on_credits() -> None:
    sbd = profile("sbd")
    assert affordable(sbd, 340, None, 7) == (1, 340)
    assert affordable(sbd, 340, None, 20) == (4, 250)
    assert costs.cost(sbd, [250] * 4).credits == 20
    assert costs.cost(sbd, [251] * 4).credits == 24


def test_costs_as_text_and_facts() -> None:
    found = costs.cost(profile("meshtastic"), [200] * 8)
    assert found.text() == "15.3 s on air (LongFast); duty cycle: 25 min at 1%, 2.5 min at 10%"
    assert found.facts() == {
        **{"preset": "LongFast", "airtime": found.airtime},
        "at_duty": {"0.01": round(100 * found.airtime, 2), "0.1": round(10 * found.airtime, 2)},
    }
    assert costs.cost(profile("meshtastic"), [200], "shortturbo").preset == "ShortTurbo"
    assert costs.cost(profile("sms"), [100, 100]).text() == "2 messages"
    assert costs.cost(profile("sbd"), [40]).text() == "1 credit"
    assert costs.cost(profile("udp"), [40]).text() == ""
