"""Somebody at a browser: Debian's Chromium, driven as a user would, who notices what a user would notice."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

ROOT = Path(__file__).parents[2]
#: Where pictures for the documents go; they are made anew if PICTURES is set.
DOCUMENTED = ROOT / "docs" / "console"

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

#: What of a documented page is shown there.
_SHOWN = {("desktop", "light"), ("phone", "dark")}

#: Without these Chromium asks for things of its maker's, which nothing answers here.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Rules of WCAG 2.2 at its levels A and AA, and what axe holds for good besides.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE = {"resultTypes": ["violations"], "runOnly": _RULES}


@contextlib.contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(_ARGUMENTS))
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Person:
    """A browser window, and what has gone wrong in it unseen."""

    page: Page
    url: str
    pictures: Path
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(10_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        # an answer of 4xx is told as an error, and is what some tests are about
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def log_in(self, secret: str, name: str = "") -> None:
        self.page.goto(f"{self.url}/login")
        self.page.get_by_label("Operator's name").fill(name)
        self.page.get_by_label("Password, API key or administrator's token").fill(secret)
        self.page.get_by_role("button", name="Log in").click()

    def open(self, path: str, status: int = 200) -> None:
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"

    def follow(self, name: str) -> None:
        """Click a link or button by what it is called."""
        target = self.page.get_by_role("link", name=name, exact=True)
        (target if target.count() else self.page.get_by_role("button", name=name, exact=True)).first.click()

    def fill(self, **fields: str) -> None:
        """Fields by their names: `sip_uri="sip:…"`."""
        for name, value in fields.items():
            self.page.locator(f"[name='{name.replace('__', '/')}']").fill(value)

    def every_way_is_open(self) -> None:
        """No link of the main part leads to a page that is closed to who is here, or to none."""
        for link in self.page.locator("main a").all():
            to = self.page.evaluate("link => link.href", link.element_handle())
            assert self.page.request.get(to).status == 200, to

    @property
    def text(self) -> str:
        """What the page says in its main part."""
        return self.page.locator("main").inner_text()

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.url)

    def is_sound(self, picture: str, *, documented: bool = False) -> None:
        """The page as it is now, at both widths, light and dark: axe finds nothing, nothing sticks out sideways, and
        no script has complained. A picture of each is left for people; those that are `documented` are in docs/."""
        self.page.wait_for_load_state()
        for width, size in (("desktop", DESKTOP), ("phone", PHONE)):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                self._take(f"{picture}-{width}-{scheme}", documented and (width, scheme) in _SHOWN)
                found = Axe().run(self.page, options=_AXE)
                assert not found.violations_count, f"{picture}, {width}, {scheme}: {found.generate_report()}"
            wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{picture}, {width}: it sticks out by {wide} px"
        self.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        self.page.emulate_media(color_scheme="light")
        assert not self.complaints, self.complaints

    def _take(self, name: str, documented: bool) -> None:
        assert re.fullmatch(r"[a-z0-9-]+", name)
        folder = DOCUMENTED if documented and os.environ.get("PICTURES") else self.pictures
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)
