# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A real Chromium without a window, spoken to through two pipes; nothing but the standard library.

`python test/browser.py PAGE.html FOLDER` writes screenshots, wide and narrow, light and
dark.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDE, NARROW = (1280, 900), (390, 844)
MOST_WAIT_S = 60.0
# The browser reads commands from descriptor 3 and answers on 4.
RENUMBER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3]]
for number, end in enumerate(ends, 3):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_browser() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One page; `errors` collects errors of the console and the page."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="nightseg_browser_")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        options = [
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--remote-debugging-pipe", "--force-color-profile=srgb"),
            *("--disable-background-networking", f"--user-data-dir={self._scratch.name}"),
        ]
        browser = find_browser()
        assert browser is not None
        self._process = subprocess.Popen(
            [sys.executable, "-c", RENUMBER, str(theirs_in), str(theirs_out), browser, *options],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out, self._rest = ours_in, ours_out, b""
        os.set_blocking(self._in, False)
        self._number = 0
        self._session = ""
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._loaded = 0
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        # Processes of the browser may take a moment to let go of its files.
        for _ in range(20):
            try:
                self._scratch.cleanup()
                break
            except OSError:
                time.sleep(0.1)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        number = self._number
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                return answer.get("result", {})

    def open(self, url: str, size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
        """Show a page and wait until it is loaded."""
        self.show(size, dark=dark)
        before = self._loaded
        self.send("Page.navigate", url="about:blank")  # another #place alone loads nothing
        self._wait_for_load(before)
        self.errors.clear()
        self.requests.clear()
        before = self._loaded
        self.send("Page.navigate", url=url)
        self._wait_for_load(before)

    def show(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """Change the size of the page in CSS pixels, and its colours."""
        narrow = size[0] < 600
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=2 if narrow else 1,
            mobile=narrow,
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=narrow)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[theme])

    def value(self, expression: str) -> Any:
        """Evaluate JavaScript."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def key(self, name: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code
            )

    def click(self, x: float, y: float) -> None:
        """Click with the mouse, at a place of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag_finger(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Put a finger down, move it, lift it."""
        places = [start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end]
        for kind, place in zip(("touchStart", "touchMove", "touchMove"), places, strict=True):
            points = [{"x": place[0], "y": place[1]}]
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def screenshot(self, file: Path) -> None:
        """Write what the window shows as PNG."""
        data = self.send("Page.captureScreenshot")["data"]
        file.write_bytes(base64.b64decode(data))

    def whole_height(self) -> int:
        return int(self.value("document.documentElement.scrollHeight"))

    def _wait_for_load(self, before: int) -> None:
        end = time.monotonic() + MOST_WAIT_S
        while self._loaded == before:
            assert time.monotonic() < end, "the page did not load"
            self.send("Runtime.evaluate", expression="0")

    def _next(self) -> dict[str, Any]:
        """Return the next message; events are noted on the way."""
        end = time.monotonic() + MOST_WAIT_S
        while b"\0" not in self._rest:
            try:
                data = os.read(self._in, 1 << 20)
                assert data, "the browser ended"
                self._rest += data
            except BlockingIOError:
                assert time.monotonic() < end, "the browser does not answer"
                time.sleep(0.005)
        line, self._rest = self._rest.split(b"\0", 1)
        message = json.loads(line)
        what, params = message.get("method", ""), message.get("params", {})
        if what == "Page.loadEventFired":
            self._loaded += 1
        elif what == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif what == "Log.entryAdded":
            self.errors.append(str(params["entry"]))
        elif what == "Runtime.consoleAPICalled":
            self.errors.append(str(params["args"]))
        elif what == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        return message


def main(page: Path, folder: Path, place: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        for size, shape in ((WIDE, "wide"), (NARROW, "narrow")):
            for dark in (False, True):
                browser.open(page.resolve().as_uri() + place, size, dark=dark)
                browser.show((size[0], min(browser.whole_height(), 12000)), dark=dark)
                browser.screenshot(folder / f"{shape}_{'dark' if dark else 'light'}.png")
        print(browser.errors)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
