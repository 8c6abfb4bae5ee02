"""The story of `make demo`: exit 0 if every call went as it should."""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from demo import sip, telling
from demo.sip import Call, Caller, End
from tests.calls.baresip import Baresip
from tests.calls.digest import is_right
from tests.calls.edges import free_port
from tests.processes import Server, call, call_as_operator, cordboard, serving

CARRIER, STRANGER, PHONE = "127.0.1.1", "127.0.1.9", "127.0.3.1"
NUMBER, WRONG_NUMBER, CALLED = "+34911234567", "+34911234576", "+15125550100"
PASSWORD = "s3cret-of-acme"
#: Hz: what a caller plays, and what those who answer play.
CALLER_TONE, ANNA_TONE, BRUNO_TONE, GATEWAY_TONE, SPARE_TONE, SECURE_TONE, DESK_TONE = (
    440,
    1000,
    1700,
    1300,
    2100,
    700,
    620,
)


class Story:
    """One run: the server, the far ends, and the calls so far."""

    def __init__(self, server: Server, edge: str, ends: list[End], folder: Path) -> None:
        self.server = server
        self.edge = edge
        self.ends = ends
        self.folder = folder
        self.key = ""
        self.phone = ""
        #: Heading, then a row a call: what, expected, what happened, as expected?
        self.calls: list[tuple[str, str, str, str]] = [("call", "expected", "happened", "")]
        self.good = True

    def command(self, *arguments: str, show: str | None = None, told: Sequence[str] = ()) -> str:
        """Run a command as a user would; `show` stands for an answer and `told` for arguments that hold a secret."""
        answer = cordboard(self.server.data, *arguments).stdout.strip()
        telling.command(told or arguments, show if show is not None else answer)
        return answer

    def request(self, method: str, path: str, body: Any) -> Any:
        telling.request(method, path, body)
        status, answer = call(method, self.server.url + path, self.key, body)
        telling.answer(status, answer)
        if status >= 300:
            raise SystemExit(f"the API refused: {status}")
        return answer

    def comes_in(self, what: str, expected: str, *, called: str = NUMBER, source: str = CARRIER) -> Call:
        """A call from a carrier."""
        return self.place(what, expected, Caller("carrier", source, "+34600111222", CALLER_TONE), called)

    def goes_out(self, what: str, expected: str, *, called: str = CALLED, encrypted: Baresip | None = None) -> Call:
        """A call that anna places."""
        anna = Caller("anna", self.ends[0].address, NUMBER, CALLER_TONE)
        return self.place(what, expected, anna, called, encrypted)

    def place(self, what: str, expected: str, caller: Caller, called: str, encrypted: Baresip | None = None) -> Call:
        """Place one call, draw its ladder, and compare what happened with what should."""
        telling.say(f"A call to {called} from {caller.address}:")
        refusals = len(self.refusals())
        log = self.folder / f"call-{len(self.calls)}.log"
        done = sip.place(self.edge, called, caller=caller, ends=self.ends, log=log, encrypted=encrypted)
        print("\n".join(f"  {line}" for line in sip.ladder(done)))
        happened = self._happened(done, refusals)
        good = happened == expected
        telling.outcome(good, happened if good else f"{happened}; it should have been: {expected}")
        if done.end is not None and not happened.partition("ended")[1]:
            good = self._audio(done) and good
        self.calls.append((what, expected, happened, "✔" if good else "✘"))
        self.good = self.good and good
        return done

    def tell(self, what: str, expected: str, happened: str) -> None:
        """What a telephone met."""
        good = happened == expected
        telling.outcome(good, happened if good else f"{happened}; it should have been: {expected}")
        self.calls.append((what, expected, happened, "✔" if good else "✘"))
        self.good = self.good and good

    def operator(self, method: str, id: str, login: str, attributes: Any = None) -> Any:
        """The attributes of a SIP account as its operator's client gets them."""
        path = f"/api/rest/public/operator/sip_device_routes/{id}"
        body = attributes and {"data": {"id": id, "type": "sip_device_routes", "attributes": attributes}}
        telling.request(method, path, body)
        status, answer = call_as_operator(method, self.server.url + path, login, body)
        hidden = answer if status >= 300 else {"data": _without_password(answer["data"])}
        telling.answer(status, hidden)
        if status >= 300:
            raise SystemExit(f"the API refused: {status}")
        return answer["data"]["attributes"]

    def explain(self, done: Call) -> None:
        """A refused call, as soon as it has been taken in."""
        call_id = done.caller_saw[0].header("Call-ID")
        deadline = time.monotonic() + 5
        while cordboard(self.server.data, "explain", call_id, ok=False).returncode and time.monotonic() < deadline:
            time.sleep(0.1)
        self.command("explain", call_id)

    def check(self, good: bool, what: str) -> None:
        telling.outcome(good, what)
        self.good = self.good and good

    def refusals(self) -> list[str]:
        """The edge's own words for each call that it refused."""
        return self._told("refused")

    def _told(self, what: str) -> list[str]:
        log = self.server.data / "kamailio.log"
        return [line.partition(f"{what} ")[2] for line in log.read_text().splitlines() if f" {what} " in line]

    def _happened(self, done: Call, refusals: int) -> str:
        call_id = done.caller_saw[0].header("Call-ID")
        ended = next((line for line in self._told("ended") if line.endswith(call_id)), "")
        if ended:
            return f"{done.status}, ended: {ended.split()[0]}"
        if done.end is not None:
            return f"{done.status}, {_name(done.end)} answered"
        deadline = time.monotonic() + 2
        while len(self.refusals()) == refusals and time.monotonic() < deadline:
            time.sleep(0.02)
        reasons = self.refusals()[refusals:]
        return f"{done.status} {reasons[0].split()[1]}" if reasons else f"{done.status}"

    def _audio(self, done: Call) -> bool:
        assert done.end is not None
        tone = done.end.frequency if isinstance(done.end, End) else SECURE_TONE
        good = (done.caller_heard, done.end_heard) == (tone, CALLER_TONE)
        name = _name(done.end)
        telling.outcome(
            good,
            f"audio both ways: the caller recorded {done.caller_heard} Hz ({name} plays {tone}), "
            f"{name} recorded {done.end_heard} Hz (the caller plays {CALLER_TONE})",
        )
        return good


def _without_password(data: Any) -> Any:
    """As the API shows it, but for the password, which a terminal need not show."""
    return {**data, "attributes": {**data["attributes"], "password": "••••••"}}


def _name(end: End | Baresip) -> str:
    return end.name if isinstance(end, End) else "the encrypted gateway"


def tell(story: Story) -> None:
    anna, bruno, gateway, _ = story.ends
    telling.chapter("1. A tenant, its key, and two AI agents")
    telling.say("The administration is a command line over the native API.")
    story.command("tenant", "create", "Acme")
    story.key = story.command("key", "create", "--tenant", "Acme", show="sk-•••••• (shown once, and not here)")
    versions = {}
    for each in (anna, bruno):
        made = story.command(
            *("agent", "create", "--tenant", "Acme", "--name", each.name),
            *("--sip-uri", f"sip:{{number}}@{each.at}", "--from-address", each.address, "--json"),
        )
        versions[each.name] = _field(made, "version_id")

    telling.chapter("2. A number of our own is imported")
    telling.say("In the words of Diga's API; only the base URL is ours. The password never comes back.")
    outbound = {"termination_uri": gateway.at, "username": "acme", "password": PASSWORD}
    imported = story.request(
        "POST",
        "/v1/phone/import",
        {
            "phone_number": NUMBER,
            "nickname": "Front desk",
            "inbound_config": {"allowed_addresses": [CARRIER]},
            "outbound_config": outbound,
        },
    )
    story.phone = f"/v1/phone/{imported['id']}"
    telling.say("Nobody answers it yet, and the edge says so:")
    story.comes_in("before an agent is assigned", "480 no-agent")

    telling.chapter("3. Anna takes its calls")
    story.request("PATCH", story.phone, {"inbound_version_id": versions["anna"]})
    telling.say("A 200 means that the next INVITE meets the change.")
    story.comes_in("anna is assigned", "200, anna answered")

    telling.chapter("4. A stranger calls")
    story.comes_in("from an address not in the list", "403 address-not-allowed", source=STRANGER)
    telling.say("The carrier has got a new address, so we let it in, and the same call is made again:")
    story.request("PATCH", f"{story.phone}/sip-config", {"inbound_config": {"allowed_addresses": ["127.0.1.0/28"]}})
    story.comes_in("the list has changed", "200, anna answered", source=STRANGER)

    telling.chapter("5. Bruno takes over")
    story.request("PATCH", story.phone, {"inbound_version_id": versions["bruno"]})
    story.comes_in("bruno is assigned", "200, bruno answered")

    telling.chapter("6. What else is refused, and why")
    wrong = story.comes_in("a number that nobody has", "404 unknown-number", called=WRONG_NUMBER)
    telling.say("This trunk is to be encrypted from now on; the carrier still offers plain RTP:")
    story.request("PATCH", f"{story.phone}/sip-config", {"inbound_config": {"media_encryption": "require"}})
    plain = story.comes_in("plain RTP where SRTP is required", "488 encryption-required")
    telling.say(
        "Each is explained by what the carrier knows of it, the Call-ID: what failed, what is near, what to do:"
    )
    for refused in (wrong, plain):
        story.explain(refused)

    _call_out(story, versions["anna"])
    _register(story)
    telling.chapter("11. What Cordboard has kept of them")
    time.sleep(1)
    story.command("call", "list", "--tenant", "Acme")
    story.command("call", "list", "--tenant", "Corner shop")
    story.command("call", "refusals")

    telling.chapter("All calls")
    telling.table(story.calls)


def _call_out(story: Story, version: str) -> None:
    """What an agent's calls meet: who may show the number, a challenge, a dead gateway, encryption."""
    spare = story.ends[3]
    telling.chapter("7. Anna calls out")
    telling.say("Nobody may show our number before it has an agent for outbound calls:")
    story.goes_out("without an outbound agent", "403 caller-not-allowed")
    story.request("PATCH", story.phone, {"outbound_version_id": version})
    telling.say("The carrier's gateway asks for credentials. The edge answers for us, and anna sees nothing of it:")
    done = story.goes_out("the carrier challenges", "200, gateway answered")
    answers = [m.header("Proxy-Authorization") for m in done.end_saw if m.first.startswith("INVITE")]
    right = is_right(answers[-1], "INVITE", "acme", "carrier.example", PASSWORD)
    story.check(right and not answers[0], "the digest was computed again by hand, and is right")
    story.goes_out("an emergency number", "403 emergency-not-carried", called="112")

    telling.chapter("8. The first gateway is dead")
    telling.say("In the words of Nebrija's API. The imported number's trunk is there as well, and gets two gateways:")
    (trunk,) = story.request("GET", "/api/v1/sip-trunks", None)
    with dead_gateway() as dead:
        gateways = [
            {"ipOrDomain": host, "port": int(port)} for host, _, port in (at.partition(":") for at in (dead, spare.at))
        ]
        story.request("PATCH", f"/api/v1/sip-trunks/{trunk['id']}", {"gateways": gateways})
        telling.say("The first call waits for it, then takes the second gateway; the next call does not wait:")
        first = story.goes_out("the first gateway is dead", "200, spare answered")
        second = story.goes_out("it is known to be dead", "200, spare answered")
        waited = [_seconds_to_answer(done) for done in (first, second)]
        story.check(waited[0] > 1 > waited[1], f"answered after {waited[0]:.1f} s and {waited[1]:.3f} s")

    telling.chapter("9. SRTP on the carrier's leg")
    with Baresip("127.0.1.5", SECURE_TONE, user=CALLED, encryption="srtp-mand", answering=True) as secure:
        story.command("trunk", "update", NUMBER, "--gateway", secure.at, "--media-out", "require", show="")
        telling.say("Anna speaks plain RTP, the carrier insists on SRTP, and the trunk requires it:")
        story.goes_out("SRTP to the carrier", "200, the encrypted gateway answered", encrypted=secure)
    telling.say("The other gateway knows no SRTP. The call must not go on in clear:")
    story.command("trunk", "update", NUMBER, "--gateway", spare.at, show="")
    story.goes_out("a plain answer where SRTP is required", "200, ended: answer-not-encrypted")


def _register(story: Story) -> None:
    """A telephone's account: it registers, is seen, calls out, and is refused once its addresses have changed."""
    spare = story.ends[3]
    telling.chapter("10. A telephone registers")
    telling.say("In the words of telecom.center's API. Its operator sees its own customers' SIP accounts alone:")
    login = story.command("operator", "create", "op", show="op:•••••• (shown once, and not here)")
    customer = story.command("tenant", "create", "Corner shop", "--operator", "op", "--reference", "123")
    desk = f"+{int(NUMBER) + 1}"
    story.command("number", "add", desk, "--tenant", customer, show="")
    story.command("trunk", "update", desk, "--gateway", spare.at, show="")
    options = ("--external-caller-id", desk, "--allow-external-calls", "--record", "outgoing-external")
    made = story.command("account", "create", "--tenant", customer, "--caller-id-name", "Desk", *options, show="")
    username, password = _field(made, "username"), _field(made, "password")
    with Baresip(PHONE, DESK_TONE, user=username, registrar=story.edge, password=password) as phone:
        story.check(phone.registered() == "200 OK", "baresip registers with the account's password: 200 OK")
        shown = story.operator("GET", _field(made, "id"), login)
        story.check(shown["is_online"] and "baresip" in shown["user_agent"], f"online, with {shown['user_agent']}")
        telling.say(f"It calls {CALLED}, and shows its customer's number:")
        done = sip.dial(phone, f"sip:{CALLED}@{story.edge}", spare)
        story.tell(
            "a telephone calls out", "200, spare answered", "200, spare answered" if done.answered else "no answer"
        )
        heard = (done.phone_heard, done.end_heard)
        story.check(heard == (SPARE_TONE, DESK_TONE), f"audio both ways: heard {heard[0]} Hz and {heard[1]} Hz")
        telling.say("From now on it is to be heard from another address alone:")
        attributes = {"use_allowed_ips": "true", "allowed_ips": "127.0.3.9"}
        shown = story.operator("PATCH", _field(made, "id"), login, attributes)
        story.check(not shown["is_online"], "its registration has ended when the change is answered")
        phone.register_again()
        story.tell("it registers once more", "403 Forbidden", phone.registered())


@contextmanager
def dead_gateway() -> Iterator[str]:
    """A place that takes packets and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.1.4", 0))
        yield f"127.0.1.4:{deaf.getsockname()[1]}"


def _seconds_to_answer(done: Call) -> float:
    answer = next((m.time for m in done.caller_saw if m.first.startswith("SIP/2.0 200")), done.caller_saw[-1].time)
    return (answer - done.caller_saw[0].time).total_seconds()


def main() -> int:
    keep = bool(os.environ.get("KEEP"))
    began = time.monotonic()
    folder = sip.scratch()
    good = False
    try:
        with ExitStack() as stack:
            edge = f"127.0.0.1:{free_port()}"
            telling.say(f"Cordboard demo: everything on loopback, with SQLite, in {folder}/data.")
            server = stack.enter_context(serving(folder / "data", "--sip-listen", edge))
            telling.say(f"The API answers at {server.url}, Kamailio at {edge}.")
            ends = [
                stack.enter_context(sip.answering("anna", "127.0.2.1", ANNA_TONE, folder)),
                stack.enter_context(sip.answering("bruno", "127.0.2.2", BRUNO_TONE, folder)),
                stack.enter_context(sip.answering("gateway", CARRIER, GATEWAY_TONE, folder, "challenging")),
                stack.enter_context(sip.answering("spare", "127.0.1.2", SPARE_TONE, folder)),
            ]
            story = Story(server, edge, ends, folder)
            tell(story)
            good = story.good
            verdict = "every call went as it should" if good else "a call did not go as it should"
            telling.say(f"\n{len(story.calls) - 1} calls in {time.monotonic() - began:.0f} s: {verdict}.")
            if keep:
                _stay(story)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


def _stay(story: Story) -> None:
    telling.chapter("Still up")
    print(f"  export CORDBOARD_URL={story.server.url} CORDBOARD_ADMIN_TOKEN=$(cat {story.server.data}/admin.token)")
    key = story.folder / "key"
    key.touch(mode=0o600)
    key.write_text(story.key)
    print(f"  export KEY=$(cat {key})")
    print(f'  curl -s -H "Authorization: Bearer $KEY" {story.server.url}/v1/phone/')
    print(f"  recordings and SIP traces: {story.folder}")
    print("  Ctrl-C ends it.", flush=True)
    try:
        story.server.process.wait()
    except KeyboardInterrupt:
        print()


def _field(answer: str, name: str) -> str:
    return str(json.loads(answer)[name])


if __name__ == "__main__":
    sys.exit(main())
