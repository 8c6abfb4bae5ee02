"""The console's page of LiveKit: what differs, and making it so."""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.console.person import DESKTOP, Person, chromium
from tests.livekit.installation import clear, installation
from tests.livekit.servers import LiveKit


def test_what_differs_is_shown_before_it_is_made_so(livekit: LiveKit, tmp_path: Path) -> None:
    with installation(tmp_path / "data", livekit.url) as made:
        number, _ = made.answered()
        token = (made.server.data / "admin.token").read_text().strip()
        clear(livekit)
        with sync_playwright() as playwright, chromium(playwright) as browser:
            page = browser.new_page(viewport=DESKTOP, reduced_motion="reduce")  # type: ignore[arg-type]
            admin = Person(page=page, url=made.server.url, pictures=tmp_path)
            admin.log_in(token)
            admin.open("/livekit")
            assert f"number:{number}" in admin.text
            assert "create" in admin.text
            admin.is_sound("livekit")
            admin.follow("Make LiveKit so")
            assert "LiveKit is as it must be: 1 change made." in admin.text
            admin.is_sound("livekit-done")
            # this server has no edge
            admin.open("/bans")
            assert "bans are known to the machine that has the edge" in admin.text
            admin.open("/edges")
            assert "No edge is heard of" in admin.text
            admin.is_sound("edges-none")
        assert made.plan()["changes"] == []
