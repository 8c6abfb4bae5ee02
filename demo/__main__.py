"""The story of `make demo`: exit 0 if every call went as it should."""

import json
import os
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from demo import sip, telling
from demo.sip import Agent, Call
from tests.calls.edges import free_port
from tests.processes import Server, call, cordboard, serving

CARRIER, STRANGER = "127.0.1.1", "127.0.1.9"
NUMBER, WRONG_NUMBER = "+34911234567", "+34919999999"
#: Hz: what the caller and the two agents play.
CALLER_TONE, ANNA_TONE, BRUNO_TONE = 440, 1000, 1700


class Story:
    """One run: the server, the far ends, and the calls so far."""

    def __init__(self, server: Server, edge: str, agents: list[Agent], folder: Path) -> None:
        self.server = server
        self.edge = edge
        self.agents = agents
        self.folder = folder
        self.key = ""
        self.phone = ""
        #: Heading, then a row a call: what, expected, what happened, as expected?
        self.calls: list[tuple[str, str, str, str]] = [("call", "expected", "happened", "")]
        self.good = True

    def command(self, *arguments: str, show: str | None = None) -> str:
        """Run a command as a user would; `show` stands for an answer that is a secret."""
        answer = cordboard(self.server.data, *arguments).stdout.strip()
        telling.command(arguments, show or answer)
        return answer

    def request(self, method: str, path: str, body: Any) -> Any:
        telling.request(method, path, body)
        status, answer = call(method, self.server.url + path, self.key, body)
        telling.answer(status, answer)
        if status >= 300:
            raise SystemExit(f"the API refused: {status}")
        return answer

    def place(self, what: str, expected: str, *, called: str = NUMBER, source: str = CARRIER) -> None:
        """Place one call, draw its ladder, and compare what happened with what should."""
        telling.say(f"A call to {called} from {source}:")
        refusals = len(self.refusals())
        done = sip.place(
            self.edge,
            called,
            source=source,
            frequency=CALLER_TONE,
            agents=self.agents,
            folder=self.folder,
            name=f"call-{len(self.calls)}",
        )
        print("\n".join(f"  {line}" for line in sip.ladder(done)))
        happened = self._happened(done, refusals)
        good = happened == expected
        telling.outcome(good, happened if good else f"{happened}; it should have been: {expected}")
        if done.agent is not None:
            good = self._audio(done) and good
        self.calls.append((what, expected, happened, "✔" if good else "✘"))
        self.good = self.good and good

    def refusals(self) -> list[str]:
        """The edge's own words for each call that it refused."""
        log = self.server.data / "kamailio.log"
        return [line.partition("refused ")[2] for line in log.read_text().splitlines() if " refused " in line]

    def _happened(self, done: Call, refusals: int) -> str:
        if done.agent is not None:
            return f"{done.status}, {done.agent.name} answered"
        deadline = time.monotonic() + 2
        while len(self.refusals()) == refusals and time.monotonic() < deadline:
            time.sleep(0.02)
        reasons = self.refusals()[refusals:]
        return f"{done.status} {reasons[0].split()[1]}" if reasons else f"{done.status}"

    def _audio(self, done: Call) -> bool:
        assert done.agent is not None
        tone = {"anna": ANNA_TONE, "bruno": BRUNO_TONE}[done.agent.name]
        good = (done.carrier_heard, done.agent_heard) == (tone, CALLER_TONE)
        telling.outcome(
            good,
            f"audio both ways: the caller recorded {done.carrier_heard} Hz ({done.agent.name} plays {tone}), "
            f"{done.agent.name} recorded {done.agent_heard} Hz (the caller plays {CALLER_TONE})",
        )
        return good


def tell(story: Story) -> None:
    anna, bruno = story.agents
    telling.chapter("1. A tenant, its key, and two AI agents")
    telling.say("The administration is a command line over the native API.")
    story.command("tenant", "create", "Acme")
    story.key = story.command("key", "create", "--tenant", "Acme", show="sk-•••••• (shown once, and not here)")
    versions = {}
    for each in (anna, bruno):
        made = story.command(
            *("agent", "create", "--tenant", "Acme", "--name", each.name),
            *("--sip-uri", f"sip:{{number}}@{each.at}", "--json"),
        )
        versions[each.name] = _field(made, "version_id")

    telling.chapter("2. A number of our own is imported")
    telling.say("In the words of Diga's API; only the base URL is ours. The password never comes back.")
    imported = story.request(
        "POST",
        "/v1/phone/import",
        {
            "phone_number": NUMBER,
            "nickname": "Front desk",
            "inbound_config": {"allowed_addresses": [CARRIER]},
            "outbound_config": {"termination_uri": f"{CARRIER}:5060", "username": "acme", "password": "s3cret-of-acme"},
        },
    )
    story.phone = f"/v1/phone/{imported['id']}"
    telling.say("Nobody answers it yet, and the edge says so:")
    story.place("before an agent is assigned", "480 no-agent")

    telling.chapter("3. Anna takes its calls")
    story.request("PATCH", story.phone, {"inbound_version_id": versions["anna"]})
    telling.say("A 200 means that the next INVITE meets the change.")
    story.place("anna is assigned", "200, anna answered")

    telling.chapter("4. A stranger calls")
    story.place("from an address not in the list", "403 address-not-allowed", source=STRANGER)
    telling.say("The carrier has got a new address, so we let it in, and the same call is made again:")
    story.request("PATCH", f"{story.phone}/sip-config", {"inbound_config": {"allowed_addresses": ["127.0.1.0/28"]}})
    story.place("the list has changed", "200, anna answered", source=STRANGER)

    telling.chapter("5. Bruno takes over")
    story.request("PATCH", story.phone, {"inbound_version_id": versions["bruno"]})
    story.place("bruno is assigned", "200, bruno answered")

    telling.chapter("6. What else is refused, and why")
    story.place("a number that nobody has", "404 unknown-number", called=WRONG_NUMBER)
    telling.say("This trunk is to be encrypted from now on; the carrier still offers plain RTP:")
    story.request("PATCH", f"{story.phone}/sip-config", {"inbound_config": {"media_encryption": "require"}})
    story.place("plain RTP where SRTP is required", "488 encryption-required")

    telling.chapter("All calls")
    telling.table(story.calls)


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
            agents = [
                stack.enter_context(sip.agent("anna", "127.0.2.1", ANNA_TONE, folder)),
                stack.enter_context(sip.agent("bruno", "127.0.2.2", BRUNO_TONE, folder)),
            ]
            story = Story(server, edge, agents, folder)
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
