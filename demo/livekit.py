"""The story of `make demo-livekit`: a call from a carrier gets into a LiveKit room; exit 0 if all went as it should."""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from demo import telling
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.calls.phone import Address, Phone, ladder, media, sdp
from tests.calls.tones import ToneEndpoint
from tests.livekit.room import Participant, new_room
from tests.livekit.servers import KEY, SECRET, LiveKit, NotBuilt, running_livekit
from tests.processes import Server, call, cordboard, serving

CARRIER, NUMBER, CALLER = "127.0.1.1", "+34911234567", "+34600111222"
#: Hz.
CALLER_TONE, AGENT_TONE = 440, 1000
PREFIX = "call-"


class Story:
    """One run: LiveKit, our server with its edge, and whether all is well so far."""

    def __init__(self, livekit: LiveKit, server: Server, sip: Address) -> None:
        self.livekit, self.server, self.sip = livekit, server, sip
        self.key = ""
        self.good = True

    def command(self, *arguments: str, show: str | None = None) -> str:
        answer = cordboard(self.server.data, *arguments).stdout.strip()
        telling.command(arguments, answer if show is None else show)
        return answer

    def request(self, method: str, path: str, body: Any, expected: int = 200, shown: Sequence[str] = ()) -> Any:
        """By Diga's API; of the answer only `shown` is shown, if anything is named there."""
        telling.request(method, path, body)
        status, answer = call(method, self.server.url + path, self.key, body)
        telling.answer(status, {name: answer[name] for name in answer if not shown or name in shown})
        self.check(status == expected, f"{status}")
        return answer

    def check(self, good: bool, what: str) -> None:
        telling.outcome(good, what)
        self.good = self.good and good


def tell(story: Story) -> None:
    telling.chapter("1. An agent that lives in LiveKit")
    telling.say("Its worker registers at LiveKit as `reception`: that is the agent's name here, too.")
    story.command("tenant", "create", "Acme")
    story.key = story.command("key", "create", "--tenant", "Acme", show="sk-•••••• (shown once, and not here)")
    agent = ("agent", "create", "--tenant", "Acme", "--name", "reception")
    made = json.loads(story.command(*agent, "--sip-uri", f"sip:reception@{story.livekit.sip_at}", "--json"))

    telling.chapter("2. A number that the agent answers")
    phone = story.request("POST", "/v1/phone/import", {"phone_number": NUMBER}, shown=("id", "number"))
    assigned = {"inbound_version_id": made["version_id"]}
    story.request("PATCH", f"/v1/phone/{phone['id']}", assigned, shown=("id", "inbound_agent_id"))
    story.command("livekit", "plan")

    telling.chapter("3. A call: carrier → edge → LiveKit's SIP side → a room")
    place_call(story)

    telling.chapter("4. LiveKit is away")
    telling.say("What it must know is refused then, and nothing is stored. Calls of other agents go on.")
    story.livekit.stop("server")
    second = cordboard(story.server.data, *agent[:-1], "second", "--sip-uri", f"sip:x@{story.livekit.sip_at}", ok=False)
    telling.command((*agent[:-1], "second", "--sip-uri", "…"), second.stderr)
    story.check(second.returncode == 1, "refused")
    story.livekit.start()
    story.command("livekit", "apply")
    story.command("livekit", "plan")


def place_call(story: Story) -> None:
    telling.say(
        f"{CALLER} calls {NUMBER}. LiveKit answers once somebody is in the room to hear it: here a participant stands "
        "where your worker would."
    )
    with (
        Phone(CARRIER, name="carrier") as carrier,
        ToneEndpoint(CARRIER, CALLER_TONE) as voice,
        ThreadPoolExecutor() as meanwhile,
    ):
        offer = sdp(CARRIER, voice.port)
        calling = meanwhile.submit(carrier.call, story.sip, NUMBER, caller=CALLER, body=offer)
        room = new_room(story.livekit, PREFIX)
        with Participant(story.livekit, room, AGENT_TONE) as host:
            made = calling.result(15)
            voice.play_to(media(made.answered.body)[0])
            heard = host.hears(), voice.hears()
            attributes = host.caller()
            made.hang_up()
        print("\n".join(f"  {line}" for line in ladder([carrier])))
    story.check(made.status == 200, f"answered in the room {room}")
    story.check(
        heard == (CALLER_TONE, AGENT_TONE),
        f"audio both ways: the room heard {heard[0]} Hz (the caller plays {CALLER_TONE}), "
        f"the caller heard {heard[1]} Hz (the room plays {AGENT_TONE})",
    )
    story.check(attributes.get("cordboard.number") == NUMBER, "what the room is told of the caller:")
    for name in ("cordboard.number", "cordboard.tenant", "cordboard.call", "sip.phoneNumber"):
        print(f"      {name} = {attributes.get(name)}")


def main() -> int:
    sip = (EDGE_ADDRESS, free_port())
    with ExitStack() as stack:
        try:
            livekit = stack.enter_context(running_livekit(sip=True))
        except NotBuilt as error:
            print(error, file=sys.stderr)
            return 1
        environment = {
            "CORDBOARD_LIVEKIT_URL": livekit.url,
            "CORDBOARD_LIVEKIT_API_KEY": KEY,
            "CORDBOARD_LIVEKIT_API_SECRET": SECRET,
            "CORDBOARD_LIVEKIT_MODE": "edge",
            "CORDBOARD_LIVEKIT_SIP": livekit.sip_at,
            "CORDBOARD_LIVEKIT_EDGES": EDGE_ADDRESS,
            "CORDBOARD_LIVEKIT_ROOM_PREFIX": PREFIX,
        }
        data = stack.enter_context(data_directory()) / "data"
        arguments = ("--sip-listen", f"{sip[0]}:{sip[1]}")
        server = stack.enter_context(serving(data, *arguments, environment=environment))
        story = Story(livekit, server, sip)
        tell(story)
        telling.chapter("That was it" if story.good else "Something went wrong")
        telling.say("docs/livekit.md says how your own LiveKit, or LiveKit Cloud, takes the place of this one.")
    return 0 if story.good else 1


if __name__ == "__main__":
    sys.exit(main())
