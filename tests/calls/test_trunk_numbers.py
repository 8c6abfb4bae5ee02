"""Numbers as a carrier writes them: ours are understood so, and those that are called reach it so."""

from collections.abc import Iterator

import pytest

from tests.calls.edges import RunningEdge, number, trunk
from tests.calls.phone import Agent, Phone
from tests.calls.standing import OURS, Scripted, connect, parties, stand
from tests.calls.test_headers import invite
from tests.calls.test_inbound import refusal

#: German, so that there is a trunk prefix, and from Spain and elsewhere.
GERMAN = "+4930123456"
ABROAD = "+442079460000"
SPANISH = {"number_format": "national", "country_code": "34"}


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Scripted, Scripted]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def write(edge: RunningEdge, carrier: Agent, **options: str) -> None:
    edge.put(trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,), **options))


# To the carrier.


@pytest.mark.parametrize(
    ("options", "called", "written", "ours"),
    [
        ({}, "+34911000001", "+34911000001", OURS),
        ({"number_format": "digits"}, "+34911000001", "34911000001", "34911234567"),
        ({"number_format": "international"}, "+34-911-000001", "0034911000001", "0034911234567"),
        (SPANISH, "+34911000001", "911000001", "911234567"),
        (SPANISH, ABROAD, "00442079460000", "911234567"),
        ({"number_format": "national", "country_code": "44"}, "+34911000001", "0034911000001", "0034911234567"),
    ],
)
@pytest.mark.proves("nebrija: advanced.numberFormat", "nebrija: advanced.countryCode")
def test_the_carrier_gets_every_number_as_it_writes_them(
    edge: RunningEdge,
    both: tuple[Scripted, Scripted],
    options: dict[str, str],
    called: str,
    written: str,
    ours: str,
) -> None:
    carrier, ai = both
    carrier.script["REFER"] = lambda refer: [(202, "", "")]
    write(edge, carrier, **options)
    call = ai.call(edge.sip, called, caller=OURS)
    assert call.status == 200
    seen = invite(carrier)
    assert seen.first == f"INVITE sip:{written}@{carrier.at} SIP/2.0"
    assert seen.get("To") == f"<sip:{written}@127.0.1.1>"
    assert seen.get("From") == f"<sip:{ours}@127.0.1.1>;tag={call.tag}"
    assert seen.all("P-Asserted-Identity") == [f"<sip:{ours}@127.0.1.1>"]
    # and within the call
    answer = call.request("REFER", headers=f"Refer-To: <sip:{called}@127.0.0.1>\r\n")
    assert answer
    assert answer.status == 202
    assert carrier.only("REFER").get("Refer-To") == f"<sip:{written}@127.0.1.1>"
    assert call.hang_up() == 200
    bye = carrier.only("BYE")
    assert bye.get("From").startswith(f"<sip:{ours}@127.0.1.1>")
    assert bye.get("To").startswith(f"<sip:{written}@127.0.1.1>")


# From the carrier.


@pytest.mark.parametrize(
    ("options", "called", "caller", "seen"),
    [
        # as they stand, where nothing is said
        ({}, "34911234567", "911000001", "911000001"),
        ({}, "0034911234567", "+34911000001", "+34911000001"),
        # with a plus in all other formats
        ({"number_format": "digits"}, "34911234567", "34911000001", "+34911000001"),
        ({"number_format": "digits"}, OURS, "+34911000001", "+34911000001"),
        ({"number_format": "international"}, "0034911234567", "0034911000001", "+34911000001"),
        (SPANISH, "911234567", "911000001", "+34911000001"),
        (SPANISH, "911-23-45-67", "00442079460000", ABROAD),
        (SPANISH, OURS, "+442079460000", ABROAD),
        (SPANISH, "34911234567", "anonymous", "anonymous"),
        (SPANISH, "911234567", "1004", "1004"),
    ],
)
@pytest.mark.proves("nebrija: advanced.numberFormat", "nebrija: advanced.countryCode")
def test_the_carriers_numbers_are_understood_and_agents_see_e164(
    edge: RunningEdge,
    both: tuple[Scripted, Scripted],
    options: dict[str, str],
    called: str,
    caller: str,
    seen: str,
) -> None:
    carrier, ai = both
    write(edge, carrier, **options)
    identity = f"P-Asserted-Identity: <sip:{caller}@127.0.1.1>\r\n" if caller.isdigit() else ""
    call = carrier.call(edge.sip, called, caller=caller, headers=identity)
    assert call.status == 200
    arrived = invite(ai)
    assert arrived.first.startswith(f"INVITE sip:{OURS}@")
    assert arrived.get("X-Cordboard-Number") == OURS
    assert arrived.get("From").startswith(f"<sip:{seen}@127.0.0.1>")
    assert arrived.all("P-Asserted-Identity") == ([f"<sip:{seen}@127.0.0.1>"] if identity else [])
    assert call.hang_up() == 200


def test_a_national_number_has_its_trunk_prefix_or_not(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    edge.put(number(GERMAN, trunk="berlin"), number("+390612345", trunk="rome"))
    edge.put(trunk("berlin", "127.0.1.1/32", number_format="national", country_code="49", callers="493055555"))
    edge.put(trunk("rome", "127.0.1.1/32", number_format="national", country_code="39", callers="390655555"))
    for called, caller, shown in (
        ("030123456", "03055555", "+493055555"),
        ("30123456", "3055555", "+493055555"),
        # in Italy the 0 is the number's own
        ("0612345", "0655555", "+390655555"),
    ):
        assert carrier.call(edge.sip, called, caller=caller).status == 200, called
        assert invite(ai).get("From").startswith(f"<sip:{shown}@")
    call = carrier.call(edge.sip, "030123456", caller="03055556")
    assert refusal(edge, call.id) == "403 caller-number-not-allowed"


def test_whose_national_number_it_is_is_told_by_the_source(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    """911234567 is a number of Spain, of Germany, and of India where no country is named."""
    carrier, ai = both
    write(edge, carrier, **SPANISH)
    edge.put(
        *(number(number_, trunk=name) for number_, name in (("+49911234567", "berlin"), ("+911234567", "india"))),
        trunk("berlin", "127.0.1.2/32", number_format="national", country_code="49"),
        trunk("india", "127.0.1.3/32"),
    )
    for source, expected in (("127.0.1.1", OURS), ("127.0.1.2", "+49911234567"), ("127.0.1.3", "+911234567")):
        with Phone(source) as one:
            assert one.call(edge.sip, "911234567", caller=ABROAD).status == 200
        assert invite(ai).get("X-Cordboard-Number") == expected
    with Phone("127.0.1.9") as stranger:
        assert stranger.call(edge.sip, "911234567", caller=ABROAD).status == 403
        # no trunk writes so
        assert stranger.call(edge.sip, "0911234567", caller=ABROAD).status == 403
        assert stranger.call(edge.sip, "0912345678", caller=ABROAD).status == 404


def test_a_trunk_of_another_format_has_no_national_numbers(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, _ = both
    write(edge, carrier, number_format="digits", country_code="34")
    assert carrier.call(edge.sip, "911234567", caller=ABROAD).status == 404


# Where the called number stands.


@pytest.mark.parametrize("header", ["to", "p-called-party-id"])
@pytest.mark.proves("nebrija: advanced.calledNumberFrom")
def test_the_called_number_is_read_where_the_trunk_says(
    edge: RunningEdge, both: tuple[Scripted, Scripted], header: str
) -> None:
    carrier, ai = both
    write(edge, carrier, called_from=header, **SPANISH)
    edge.put(number("+34911000002"), number("+34911000003", trunk="other"), trunk("other", called_from="ruri"))

    def named(uri_user: str, user: str) -> str:
        """The number that the agent is called with, or the refusal."""
        party, to = (f"P-Called-Party-ID: <sip:{user}@x.example>;x=y\r\n", "") if header[0] == "p" else ("", user)
        call = carrier.call(edge.sip, uri_user, caller=ABROAD, headers=party, to=f"sip:{to}@x.example" if to else "")
        return invite(ai).get("X-Cordboard-Number") if call.status == 200 else refusal(edge, call.id)

    # the request URI is a user of the carrier's, or a number of the same trunk
    for uri_user in ("pilot", "4711", OURS):
        assert named(uri_user, "+34911000002") == "+34911000002"
        assert named(uri_user, "911000002") == "+34911000002"
    # the request URI alone
    assert named(OURS, "nobody") == OURS
    # another trunk's number is not this one's to name, nor where its own trunk does not look
    assert named(OURS, "+34911000003") == OURS
    assert named("pilot", "+34911000003") == "404 unknown-number"
    assert named("pilot", "+34911999999") == "404 unknown-number"


def test_another_header_names_nothing_where_the_trunk_does_not_say_so(
    edge: RunningEdge, both: tuple[Scripted, Scripted]
) -> None:
    carrier, ai = both
    party = f"P-Called-Party-ID: <sip:{OURS}@x.example>\r\n"
    assert carrier.call(edge.sip, "pilot", caller=ABROAD, headers=party, to=f"sip:{OURS}@x.example").status == 404
    edge.put(number("+34911000002"))
    assert carrier.call(edge.sip, OURS, caller=ABROAD, to="sip:+34911000002@x.example").status == 200
    assert invite(ai).get("X-Cordboard-Number") == OURS


def test_a_header_opens_no_trunk_that_the_source_is_not_let_in_by(
    edge: RunningEdge, both: tuple[Scripted, Scripted]
) -> None:
    write(edge, both[0], called_from="to")
    with Phone("127.0.1.9") as stranger:
        call = stranger.call(edge.sip, "pilot", caller=ABROAD, to=f"sip:{OURS}@x.example")
    assert refusal(edge, call.id) == "403 address-not-allowed"


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_call_in_another_format_lives_and_ends_as_any(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    carrier, ai = both
    write(edge, carrier, called_from="to", **SPANISH)
    call = stand(edge, carrier, ai, direction)
    for side in (call.carriers, call.agents):
        answer = side.request("UPDATE")
        assert answer
        assert answer.status == 200
    assert call.carriers.hang_up() == 200
