"""The console's pages of calls, of calls that the running edge has carried."""

import re
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.calls.phone import Address, Agent, after_a_while, sdp
from tests.calls.standing import until
from tests.calls.tones import ToneEndpoint
from tests.console.conftest import Customer, NewPerson
from tests.console.lines import Line, line
from tests.console.person import Person
from tests.processes import cordboard
from tests.serve.test_recordings import finish

pytestmark = [pytest.mark.slow, pytest.mark.calls]


@pytest.fixture
def connected(customer: Customer, sip: Address) -> Iterator[Line]:
    with line(customer, sip) as made:
        yield made


def test_a_list_without_calls_says_what_to_do_next(member: Person) -> None:
    member.open("/calls")
    assert "There are no calls yet." in member.text
    member.is_sound("calls-empty")
    member.page.get_by_role("link", name="Refusals").last.focus()
    with member.page.expect_response("**/calls"):
        pass
    member.page.wait_for_timeout(100)
    assert member.page.evaluate("document.activeElement.innerText") == "Refusals"
    member.open("/calls?direction=inbound")
    assert "No call is like that." in member.text
    member.open("/calls?from=yesterday")
    assert member.page.locator("[name=from]").get_attribute("aria-invalid") == "true"


def test_a_key_that_may_see_calls_alone_is_shown_no_way_to_more(customer: Customer, new_person: NewPerson) -> None:
    key = cordboard(customer.server.data, "key", "create", "--tenant", customer.name, "--permission", "calls.view")
    person = new_person()
    person.log_in(key.stdout.strip())
    for path in ("/calls", "/refusals", "/calls?direction=inbound"):
        person.open(path)
        person.every_way_is_open()


def test_a_call_tells_what_was_said_and_how_it_sounded(connected: Line, member: Person) -> None:
    with ToneEndpoint("127.0.1.1", 440) as ours, ToneEndpoint("127.0.2.1", 880) as theirs:
        connected.agent.answers = lambda invite: (200, theirs.sdp())
        made = connected.call(body=ours.sdp())
        ours.speak(made.answered.body)
        theirs.speak(connected.agent.calls[-1].body)
        member.open("/calls")
        # a call that is up comes by itself onto a page that is open
        member.page.get_by_role("link", name="+34600111222").wait_for(timeout=15_000)
        member.is_sound("calls")
        link = member.page.get_by_role("link", name="+34600111222")
        link.focus()
        with member.page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
            pass
        member.page.wait_for_timeout(300)
        assert member.page.evaluate("document.activeElement.id") == link.get_attribute("id")
        member.page.get_by_role("link", name="+34600111222").click()
        assert "up" in member.page.locator(".lead .badge").inner_text()
        member.page.get_by_role("link", name="Hang up…").focus()
        assert made.hang_up() == 200
        member.page.get_by_text("the caller hung up").wait_for(timeout=15_000)
    text = member.text
    assert f"+34600111222 called {connected.number}, inbound." in text
    assert "PCMU SDP: PCMU, telephone-event" in text
    member.page.get_by_text("The same as a table").click()
    rows = member.page.get_by_role("region", name="SIP messages").locator("tbody tr").all_inner_texts()
    assert rows[0].split("\t")[1:] == ["INVITE", "Carrier", "Agent", "1 INVITE"]
    assert [row.split("\t")[1:4] for row in rows[-2:]] == [["BYE", "Carrier", "Agent"], ["200 OK", "Agent", "Carrier"]]
    member.page.get_by_text("The same as a table").click()
    member.is_sound("call-ladder")


def test_what_each_side_missed_of_the_other_is_shown(connected: Line, member: Person) -> None:
    """One in ten of the caller's packets gets lost, and who should hear them says so in RTCP."""
    with ToneEndpoint("127.0.1.1", 440) as ours, ToneEndpoint("127.0.2.1", 880) as theirs:
        connected.agent.answers = lambda invite: (200, theirs.sdp())
        made = connected.call(body=ours.sdp())
        ours.loses = 10
        ours.speak(made.answered.body)
        theirs.speak(connected.agent.calls[-1].body)
        for each in (ours, theirs):
            threading.Thread(target=each.reports, args=(30,), daemon=True).start()
        id = connected.told("/calls", lambda found: found["answered_at"])["id"]
        heard = lambda: [leg["audio"] or {} for leg in connected.customer.done("GET", f"/calls/{id}")["legs"]]  # noqa: E731
        assert until(lambda: all(audio.get("mos") for audio in heard()), 20), heard()
        member.open(f"/calls/{id}")
        assert member.text.count("MOS ") == 3, "of each side while the call is up, and what it is"
        assert made.hang_up() == 200
    connected.told("/calls", lambda found: found["ended_at"])
    assert until(lambda: all(audio.get("mos") for audio in heard()), 10), "the sound is told of after the end"
    member.page.reload()
    rows = member.page.get_by_role("region", name="Sound of both sides").locator("tbody tr").all_inner_texts()
    told = [re.findall(r"(?:good|fair|poor) MOS \d.\d.*\t(\d+) %\t\d+ ms\t\d+ ms\t\d+\t", row) for row in rows]
    ((of_the_caller,), (of_the_callee,)) = told
    assert 5 <= int(of_the_caller) <= 15
    assert int(of_the_callee) < 5
    member.is_sound("call-heard", documented=True)


def test_a_call_that_another_gateway_took_shows_both(connected: Line, member: Person) -> None:
    connected.gateway.ringing = False  # after that no other would be tried
    connected.gateway.answers = lambda invite: (503, "")
    with Agent("127.0.1.3") as second:
        second.answers = after_a_while(200, sdp(second.address[0]))
        gateways = [{"host": each.address[0], "port": each.address[1]} for each in (connected.gateway, second)]
        connected.customer.done("PATCH", f"/trunks/{connected.trunk_id}", {"gateways": gateways})
        made = connected.call_out("+34600111222")
        assert made.answered
        assert made.hang_up() == 200
    call = connected.told("/calls", lambda found: found["ended_at"])
    member.open(f"/calls/{call['id']}")
    member.page.get_by_text("The same as a table").click()
    rows = member.page.get_by_role("region", name="SIP messages").locator("tbody tr").all_inner_texts()
    assert [row.split("\t")[1:4] for row in rows[:4]] == [
        ["INVITE", "Agent", "Gateway 1"],
        ["503 Answer", "Gateway 1", "Edge"],
        ["INVITE", "Edge", "Gateway 2"],
        ["180 Ringing", "Gateway 2", "Agent"],
    ]
    member.is_sound("call-failover")


def test_a_call_is_hung_up_by_hand_after_a_question(connected: Line, member: Person, new_person: NewPerson) -> None:
    connected.call()
    call = connected.told("/calls", lambda found: found["answered_at"])
    member.open(f"/calls/{call['id']}")
    member.follow("Hang up…")
    assert "Both sides get a BYE" in member.text
    member.is_sound("call-hang-up")
    person = new_person(scripts=False)
    person.log_in(connected.customer.key)
    person.open(f"/calls/{call['id']}")
    person.follow("Hang up…")
    person.follow("Hang up")
    ended = connected.told("/calls", lambda found: found["ended_at"])
    assert ended["reason"] == "ended-by-hand"
    person.open(f"/calls/{call['id']}")
    assert "somebody ended the call" in person.text


def test_a_recording_is_played_where_it_is(connected: Line, member: Person) -> None:
    assert connected.call().hang_up() == 200
    call = connected.told("/calls", lambda found: found["ended_at"])
    member.open(f"/calls/{call['id']}")
    assert member.page.locator("audio").count() == 0
    installed: Any = SimpleNamespace(server=connected.customer.server)
    finish(installed, call["id"], size=8000)
    connected.told("/calls", lambda found: found["recording"])
    member.page.reload()
    seconds = member.page.locator("audio").evaluate(
        "audio => new Promise(told => { audio.onloadedmetadata = () => told(audio.duration); audio.preload = 'auto' })"
    )
    assert seconds > 0
    member.is_sound("call-recorded")
