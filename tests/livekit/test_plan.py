"""The difference between what is wanted and what is found, without any LiveKit."""

from dataclasses import replace

import pytest

from cordboard.domain.livekit import LiveKitSip
from cordboard.domain.provisioning import Change, Planned
from cordboard.engines.livekit.objects import Inbound, Mark, Rule, mark_of
from cordboard.engines.livekit.plan import Found, plan

TRUNK = Inbound(name="a", numbers=("+34911234567",), username="carrier", password="never-to-be-shown", encryption=1)
RULE = Rule(name="a", trunks=(), prefix="call-", agent="reception")
THERE = [Found(id="ST_1", what=TRUNK), Found(id="SDR_1", what=RULE.on("ST_1"))]
KEY = "number:+34911234567"


def test_what_is_as_it_should_be_needs_nothing() -> None:
    assert plan({KEY: [TRUNK, RULE]}, {KEY: THERE}) == []


@pytest.mark.parametrize(
    ("found", "action", "fields"),
    [
        ([], "create", ("trunk", "rule")),
        (THERE[:1], "update", ("rule",)),  # a process died in between
        ([Found(id="ST_1", what=replace(TRUNK, password="x")), THERE[1]], "update", ("trunk.password",)),
        ([THERE[0], Found(id="SDR_1", what=RULE.on("ST_gone"))], "update", ("rule.trunks",)),  # it dangles
        ([THERE[0], Found(id="SDR_1", what=RULE)], "update", ("rule.trunks",)),  # it takes every call
        ([*THERE, Found(id="ST_2", what=TRUNK)], "update", ("trunk twice",)),  # two creates at once
    ],
)
def test_a_difference_is_told_by_names_alone(found: list[Found], action: str, fields: tuple[str, ...]) -> None:
    (change,) = plan({KEY: [TRUNK, RULE]}, {KEY: found})
    assert (change.action, change.fields) == (action, fields)
    assert "never-to-be-shown" not in repr((change, found, TRUNK))


def test_what_nobody_wants_goes() -> None:
    assert plan({}, {KEY: THERE}) == [Change(key=KEY, action="delete", fields=("trunk", "rule"))]


def test_a_rule_without_a_trunk_is_never_written() -> None:
    with pytest.raises(AssertionError, match="everybody's calls"):
        RULE.info(Mark(installation="i", key=KEY))


@pytest.mark.parametrize("metadata", ["", "{}", "[]", "null", "about us", '{"cordboard": "i"}'])
def test_what_bears_no_mark_is_somebody_elses(metadata: str) -> None:
    assert mark_of(metadata) is None


@pytest.mark.parametrize(
    ("deleted", "there", "mass"),
    [
        (1, 1, False),  # the last one is no mass
        (2, 4, False),
        (3, 14, True),  # more than a fifth
        (3, 15, False),
        (10, 1000, False),
        (11, 1000, True),
    ],
)
def test_what_a_mass_deletion_is(deleted: int, there: int, mass: bool) -> None:
    changes = [Change(key=f"trunk:{n}", action="delete") for n in range(deleted)]
    assert Planned(changes=changes, there=there).mass_deletion is mass


@pytest.mark.parametrize(
    ("uri", "ours"),
    [
        ("sip:x@lk.example.com:5060", True),
        ("sip:{number}@LK.example.com:5060;transport=tcp", True),
        ("sips:lk.example.com:5060", True),
        ("sip:x@lk.example.com", False),  # another port
        ("sip:lk.example.com:5060@elsewhere.example.com", False),
        ("sip:x@elk.example.com:5060", False),
    ],
)
def test_which_agents_are_livekits(uri: str, ours: bool) -> None:
    there = LiveKitSip.of("lk.example.com:5060", "secret")
    assert there.has(uri) is ours
    if ours:
        assert there.address(uri, "7").partition(":")[2].startswith("agent-7@")
    assert there.password not in repr(there)
    assert there.password not in there.fingerprint
