"""A participant of a room that plays a tone and listens, as an agent's process would."""

import asyncio
import contextlib
import math
import threading
import time
from typing import Self

from livekit import api, rtc

from tests.calls.tones import FRAME, RATE, loudest
from tests.livekit.servers import KEY, SECRET, LiveKit


class Participant:
    """In one room from `with` on, on a thread and loop of its own. The room is made by whoever comes first."""

    def __init__(self, livekit: LiveKit, room: str, frequency: int, identity: str = "agent") -> None:
        self._url, self._room_name = livekit.ws_url, room
        self._frequency, self._identity = frequency, identity
        self._samples: list[int] = []
        #: The attributes of who calls, by identity.
        self.callers: dict[str, dict[str, str]] = {}
        self._stop = asyncio.Event()
        self._in = threading.Event()
        self._failed: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._in.wait(15) or self._failed is not None:
            raise AssertionError(f"the participant did not get into the room: {self._failed!r}")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(15)
        self._loop.close()

    def hears(self, seconds: float = 0.6, timeout: float = 8.0) -> int | None:
        """Listen until so many seconds of audio have come, and say which tone it is."""
        start, deadline = len(self._samples), time.monotonic() + timeout
        while len(self._samples) - start < seconds * RATE and time.monotonic() < deadline:
            time.sleep(0.02)
        return loudest(self._samples[start:])

    def caller(self, timeout: float = 8.0) -> dict[str, str]:
        """The attributes of the first one who calls."""
        deadline = time.monotonic() + timeout
        while not self.callers and time.monotonic() < deadline:
            time.sleep(0.02)
        return next(iter(self.callers.values()), {})

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._attend())
        except BaseException as error:
            self._failed = error
            self._in.set()

    async def _attend(self) -> None:
        room = rtc.Room(loop=self._loop)
        tasks: set[asyncio.Task[None]] = set()

        def listen(track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
            self.callers[who.identity] = dict(who.attributes)
            if track.kind == rtc.TrackKind.KIND_AUDIO:
                tasks.add(self._loop.create_task(self._listen(track)))

        room.on("track_subscribed", listen)
        grants = api.VideoGrants(room_join=True, room=self._room_name)
        token = api.AccessToken(KEY, SECRET).with_identity(self._identity).with_grants(grants).to_jwt()
        await room.connect(self._url, token)
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        await room.local_participant.publish_track(
            track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        )
        tasks.add(self._loop.create_task(self._play(source)))
        self._in.set()
        try:
            await self._stop.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await room.disconnect()
            await source.aclose()

    async def _play(self, source: rtc.AudioSource) -> None:
        at = 0
        while True:
            frame = rtc.AudioFrame.create(RATE, 1, FRAME)
            for n in range(FRAME):
                frame.data[n] = round(8000 * math.sin(2 * math.pi * self._frequency * (at + n) / RATE))
            at += FRAME
            await source.capture_frame(frame)

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        with contextlib.suppress(asyncio.CancelledError):
            async for event in stream:
                self._samples.extend(event.frame.data)
        await stream.aclose()


def new_room(livekit: LiveKit, prefix: str, seconds: float = 8.0) -> str:
    """The first room whose name begins so, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for name in asyncio.run(_rooms(livekit)):
            if name.startswith(prefix):
                return name
        time.sleep(0.05)
    raise AssertionError(f"there is no room {prefix}…")


async def _rooms(livekit: LiveKit) -> list[str]:
    async with api.LiveKitAPI(livekit.url, KEY, SECRET) as client:
        return [room.name for room in (await client.room.list_rooms(api.ListRoomsRequest())).rooms]


def dispatched(livekit: LiveKit, room: str) -> list[str]:
    """The names by which LiveKit asked for agents to come into a room."""

    async def asked() -> list[str]:
        async with api.LiveKitAPI(livekit.url, KEY, SECRET) as client:
            return [each.agent_name for each in await client.agent_dispatch.list_dispatch(room)]

    return asyncio.run(asked())
