"""What a trunk allows: who may call in by it, and what may be called."""

from collections.abc import Iterator

import pytest

from cordboard.domain.routing import Invite
from cordboard.domain.trunk_options import MAX_LISTED
from cordboard.domain.trunk_rules import PREMIUM
from cordboard.engines.edge.config import MAX_GUESSES
from tests.calls.accounts import account
from tests.calls.digest import ha1
from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Agent, Phone
from tests.calls.standing import AGENT_LOGIN, CARRIER_LOGIN, OURS, THEIRS, Scripted, connect, parties, stand, until
from tests.calls.test_headers import invite
from tests.calls.test_inbound import refusal

LOGIN = ("acme-trunk", "inbound secret")
OTHER = ("other-trunk", "other secret")


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Scripted, Scripted]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def with_login(login: tuple[str, str]) -> dict[str, str]:
    return {"login": login[0], "ha1": ha1(login[0], "cordboard", login[1])}


# Who may call in.


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        ("+34911000001", 200),
        # as carriers write it
        ("34911000001", 200),
        ("+34-911-00-00-01", 200),
        ("%2B34911000001", 200),
        # a prefix
        ("+442079460000", 200),
        ("+44", 200),
        # next to them
        ("+34911000002", 403),
        ("+349110000010", 403),
        ("+4", 403),
        ("+14155550100", 403),
        # who shows no number
        ("anonymous", 403),
        ("*", 403),
        ("911", 403),
        # a name is taken for an account's, as ever
        ("34911000001a", 407),
    ],
)
@pytest.mark.proves("nebrija: advanced.allowedNumbers")
def test_whose_number_is_not_listed_is_refused(
    edge: RunningEdge, both: tuple[Scripted, Scripted], caller: str, status: int
) -> None:
    carrier, _ = both
    edge.put(trunk("trunk", "127.0.1.1/32", callers="34911000001,44*"))
    call = carrier.call(edge.sip, OURS, caller=caller)
    assert call.status == status
    if status == 403:
        assert refusal(edge, call.id) == "403 caller-number-not-allowed"


def test_the_address_goes_before_the_callers_number(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    edge.put(trunk("trunk", "127.0.1.1/32", callers="34911000001"))
    with Phone("127.0.1.9") as stranger:
        call = stranger.call(edge.sip, OURS, caller="+34911000001")
    assert refusal(edge, call.id) == "403 address-not-allowed"


def test_a_trunk_without_callers_takes_who_shows_no_number(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    edge.put(trunk("trunk", "127.0.1.1/32", max_calls=5))
    assert both[0].call(edge.sip, OURS).status == 200


# Digest.


@pytest.fixture
def guarded(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> RunningEdge:
    """The carrier of the number must call with LOGIN; another trunk has OTHER, and an agent a username of its own."""
    edge.put(
        trunk("trunk", "127.0.1.1/32", **with_login(LOGIN)),
        trunk("other", **with_login(OTHER)),
        agent("someone", **with_login(("someone", "agent's"))),
        account("alice"),
    )
    return edge


@pytest.mark.proves("nebrija: advanced.inboundAuthentication")
def test_a_carrier_proves_who_it_is(guarded: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    call = carrier.call(guarded.sip, OURS, caller=THEIRS)
    assert call.status == 407
    assert not ai.calls
    call = carrier.call(guarded.sip, OURS, caller=THEIRS, credentials=LOGIN)
    assert call.status == 200
    assert not ai.calls[-1].get("Proxy-Authorization")
    assert call.hang_up() == 200


@pytest.mark.parametrize(
    "wrong",
    [
        (LOGIN[0], "guess"),
        ("guess", LOGIN[1]),
        # right ones, of somebody else
        OTHER,
        ("someone", "agent's"),
        ("alice", "right"),
        AGENT_LOGIN,
        CARRIER_LOGIN,
        ("", ""),
    ],
)
def test_no_credentials_but_the_trunks_own_will_do(
    guarded: RunningEdge, both: tuple[Scripted, Scripted], wrong: tuple[str, str]
) -> None:
    carrier, ai = both
    # right ones of somebody who does not show who that is are no guess, and open nothing
    refused = 403 if wrong[0] == "someone" else 407
    assert carrier.call(guarded.sip, OURS, caller=THEIRS, credentials=wrong).status == refused
    assert not ai.calls
    assert carrier.call(guarded.sip, OURS, caller=THEIRS, credentials=LOGIN).status == 200


def test_right_credentials_from_another_address_are_refused(guarded: RunningEdge) -> None:
    with Phone("127.0.1.9") as stranger:
        call = stranger.call(guarded.sip, OURS, caller=THEIRS, credentials=LOGIN)
    assert refusal(guarded, call.id) == "403 address-not-allowed"


def test_without_addresses_the_credentials_alone_decide(guarded: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    guarded.put(trunk("trunk", **with_login(LOGIN)))
    with Phone("127.0.1.9") as roaming:
        assert roaming.call(guarded.sip, OURS, caller=THEIRS).status == 407
        assert roaming.call(guarded.sip, OURS, caller=THEIRS, credentials=LOGIN).status == 200


def test_a_trunks_credentials_open_nothing_but_its_own_numbers(
    guarded: RunningEdge, both: tuple[Scripted, Scripted]
) -> None:
    guarded.put(number("+34911000009", trunk="other"))
    carrier, _ = both
    call = carrier.call(guarded.sip, "+34911000009", caller=THEIRS, credentials=LOGIN)
    assert call.status == 407
    assert carrier.call(guarded.sip, "+34911000009", caller=THEIRS, credentials=OTHER).status == 200


def test_what_a_trunk_wants_is_not_proved_by_an_agents_login() -> None:
    """Not even if the agent has the username that the trunk has."""
    with running_edge() as edge:
        edge.put(number(), trunk("trunk", **with_login(LOGIN)), agent(**with_login((LOGIN[0], "agent's"))))
        called = Invite(source="127.0.1.1", user=OURS, host="x", caller=THEIRS, login=LOGIN[0], offered="rtp")
        assert edge.decide(called)["reason"] == "trunk-credentials-required"


@pytest.mark.parametrize("doors", [with_login(LOGIN), {"callers": "4420*"}], ids=["digest", "callers"])
def test_agents_and_accounts_call_numbers_of_a_trunk_that_wants_more_of_its_carrier(
    edge: RunningEdge, both: tuple[Scripted, Scripted], doors: dict[str, str]
) -> None:
    """They go out by their own trunk, as to any number, and are no guessers."""
    carrier, ai = both
    edge.put(
        number("+34911000005", trunk="open"),
        trunk("open", **doors),
        account("alice", external=OURS[1:], allow_external=True),
        number("+34911000006", agent_out="proving"),
        agent("proving", **with_login(("prover", "its own"))),
    )
    assert ai.call(edge.sip, "+34911000005", caller=OURS).status == 200
    with Phone("127.0.3.1") as phone:
        call = phone.call(edge.sip, "+34911000005", caller="alice", credentials=("alice", "right"))
        assert call.status == 200
        assert phone.call(edge.sip, "+34911000005", caller="alice", credentials=("alice", "no")).status == 407
    invites = [m.first.split()[1].partition("@")[0] for m in carrier.calls]
    assert invites == ["sip:+34911000005"] * 2
    proof = ("prover", "its own")
    with Phone("127.0.2.9") as elsewhere:
        call = elsewhere.call(edge.sip, "+34911000005", caller="+34911000006", credentials=proof)
        assert call.status == (200 if "login" in doors else 403)
        # a number of ours is shown by somebody else: a carrier, for all that is known
        call = elsewhere.call(edge.sip, "+34911000005", caller=OURS)
        assert call.status == (407 if "login" in doors else 403)
        if "login" in doors:
            assert elsewhere.call(edge.sip, "+34911000005", caller=OURS, credentials=LOGIN).status == 200
            assert invite(ai).get("X-Cordboard-Number") == "+34911000005"


@pytest.mark.slow
def test_guesses_at_a_trunk_are_counted_as_all_others() -> None:
    with running_edge() as edge, Agent("127.0.2.1") as ai:
        edge.put(number(), trunk("trunk", **with_login(LOGIN)), agent(uri=f"sip:{ai.at}"), account(LOGIN[0]))
        with Phone("127.0.1.9") as guesser:
            for guess in range(MAX_GUESSES):
                wrong = (LOGIN[0], f"guess {guess}")
                assert guesser.call(edge.sip, OURS, caller=THEIRS, credentials=wrong).status == 407
            last = guesser.call(edge.sip, OURS, caller=THEIRS, credentials=(LOGIN[0], "last"), body=None)
            assert last.status is None
            assert "banned credentials source=127.0.1.9" in (edge.options.data / "kamailio.log").read_text()
        with Phone("127.0.1.1") as carrier:
            assert carrier.call(edge.sip, OURS, caller=THEIRS, credentials=LOGIN).status == 200


# What may be called.


@pytest.mark.parametrize(
    ("destinations", "called", "status"),
    [
        # nothing is listed: all but what costs more
        ("", "+34911000001", 200),
        ("", "+442079460000", 200),
        ("", "+870773111111", 403),
        ("", "+19005550100", 403),
        ("", "+1900", 403),
        ("", "+34803111111", 403),
        ("", "+34-803-111111", 403),
        ("", "+34804111111", 200),
        ("", "+4490900000000", 403),
        # what is listed, and no more
        ("34,1212", "+34911000001", 200),
        ("34,1212", "+12125550100", 200),
        ("34,1212", "+12135550100", 403),
        ("34,1212", "+3511111111", 403),
        # a prefix that is shorter than that of what costs more does not reach it
        ("34", "+34803111111", 403),
        ("34,3480", "+34803111111", 403),
        ("34,34803", "+34803111111", 200),
        ("34,34803", "+34806111111", 403),
        ("348031", "+34803111111", 200),
        ("8", "+870773111111", 403),
        ("870", "+870773111111", 200),
    ],
)
@pytest.mark.proves("nebrija: advanced.allowedDestinations")
def test_only_what_the_trunk_carries_may_be_called(
    edge: RunningEdge, both: tuple[Scripted, Scripted], destinations: str, called: str, status: int
) -> None:
    carrier, ai = both
    edge.put(trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,), destinations=destinations))
    if called == "+1900":
        called = "+1900111"
    call = ai.call(edge.sip, called, caller=OURS)
    assert call.status == status
    assert bool(carrier.calls) == (status == 200)
    if status == 403:
        assert refusal(edge, call.id) == "403 destination-not-allowed"


def test_an_account_calls_no_other_destinations(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, _ = both
    edge.put(
        trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,), destinations="34"),
        account("alice", external=OURS[1:], allow_external=True),
    )
    with Phone("127.0.3.1") as phone:
        for called, status in (("+34911000001", 200), (THEIRS, 403), ("+34803111111", 403)):
            call = phone.call(edge.sip, called, caller="alice", credentials=("alice", "right"))
            assert call.status == status


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_call_is_handed_over_to_no_other_destinations(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    carrier, ai = both
    carrier.script["REFER"] = lambda refer: [(202, "", "")]
    edge.put(trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,), destinations="1,34"))
    call = stand(edge, carrier, ai, direction)
    for called, status in (("+442079460000", 403), ("+19005550100", 403), ("+34-911-00-00-01", 202)):
        answer = call.agents.request("REFER", headers=f"Refer-To: <sip:{called}@127.0.0.1>\r\n")
        assert answer
        assert answer.status == status
    (refer,) = [m for m in carrier.received if m.method == "REFER" and m.status is None]
    assert refer.get("Refer-To").startswith("<sip:+34911000001@")
    assert call.agents.hang_up() == 200


def test_the_longest_lists_are_read_to_their_end(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    listed = [f"3491100{i:08}" for i in range(MAX_LISTED)]
    edge.put(
        trunk(
            "trunk",
            "127.0.1.1/32",
            gateways=(carrier.at,),
            callers=",".join(f"{number}*" for number in listed),
            destinations=",".join(listed),
        )
    )
    for number_, status in ((listed[0], 200), (listed[-1], 200), (f"3491100{MAX_LISTED:08}", 403)):
        assert carrier.call(edge.sip, OURS, caller=f"+{number_}").status == status
        assert ai.call(edge.sip, f"+{number_}", caller=OURS).status == status


def test_every_prefix_that_costs_more_is_one_of_e164() -> None:
    assert all(prefix.isdigit() and prefix[0] != "0" and len(prefix) <= 7 for prefix in PREMIUM)


# A number without a trunk.


def test_a_number_without_a_trunk_takes_and_places_no_calls(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    edge.put(number(trunk="", agent_out="agent"), account("alice", external=OURS[1:], allow_external=True))
    call = carrier.call(edge.sip, OURS, caller=THEIRS)
    assert (call.status, refusal(edge, call.id)) == (480, "480 no-trunk")
    call = ai.call(edge.sip, THEIRS, caller=OURS)
    assert (call.status, refusal(edge, call.id)) == (403, "403 no-trunk")
    with Phone("127.0.3.1") as phone:
        call = phone.call(edge.sip, THEIRS, caller="alice", credentials=("alice", "right"))
        assert (call.status, refusal(edge, call.id)) == (403, "403 no-trunk")
    edge.put(number(agent_out="agent"))
    assert until(lambda: ai.call(edge.sip, THEIRS, caller=OURS).status == 200)
