"""A headless Chromium, driven through its DevTools protocol over a pair of pipes."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")

_WITH_PIPES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""  # Chromium hears on 3 and answers on 4

_CODES = {
    "Tab": 9, "Enter": 13, "Escape": 27,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip


def _out_of_the_way(end: int) -> int:
    """The same end of a pipe under a number that is neither 3 nor 4."""
    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return moved


class Chromium:
    """One browser with one page; downloads go to ``downloads``, and no network is there."""

    def __init__(self, profile: Path, width: int = 1280, height: int = 900) -> None:
        assert PROGRAM
        self.downloads = profile / "downloads"
        hears, tells = map(_out_of_the_way, os.pipe())
        reads, writes = map(_out_of_the_way, os.pipe())
        options = [
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "--headless=new",
            "--no-sandbox",  # a container's root may not have one
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--remote-debugging-pipe",
        ]
        start = [sys.executable, "-c", _WITH_PIPES, str(hears), str(writes)]
        self._process = subprocess.Popen(
            [*start, PROGRAM, *options, "about:blank"],
            pass_fds=(hears, writes),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(hears)
        os.close(writes)
        self._out = os.fdopen(tells, "wb", buffering=0)
        self._in = os.fdopen(reads, "rb", buffering=0)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        self._attach()

    def _attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.size(1280, 900)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=30)
        self._out.close()
        self._in.close()

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """One command and its answer; what happens meanwhile goes to ``events``."""
        number = self._send(method, params)
        while (answer := self._receive()).get("id") != number:
            self.events.append(answer)
            if answer.get("method") == "Page.javascriptDialogOpening":  # of a page that is left
                self._send("Page.handleJavaScriptDialog", {"accept": True})
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _send(self, method: str, params: dict[str, object]) -> int:
        """The number that the answer will have."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        return number

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = self._in.read(1 << 20)
            assert data, "Chromium ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path) -> None:
        """Show a file, and wait until all of it is there."""
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer.get("exceptionDetails")
        return answer["result"].get("value")

    def key(self, key: str, shift: bool = False) -> None:
        """Press a key: a character, or one that has a name, such as ``Enter`` or ``ArrowUp``."""
        code = _CODES.get(key, ord(key[0]))
        pressed = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def type(self, text: str) -> None:
        """Put a text where the cursor is, as a keyboard would."""
        self.call("Input.insertText", text=text)

    def point(self, x: float, y: float) -> None:
        """Move the mouse there, in pixels of the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def point_at(self, selector: str) -> None:
        """Move the mouse to the middle of an element, which is scrolled into view."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        self.point(x, y)

    def click(self, selector: str) -> None:
        """Click on an element."""
        self.point_at(selector)
        place = self.run(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind, x=place[0], y=place[1], button="left", clickCount=1,
            )  # fmt: skip

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at one point of the window and release it at another."""
        middle = tuple((a + b) / 2 for a, b in zip(start, end, strict=True))
        for kind, (x, y), buttons in (
            ("mouseMoved", start, 0), ("mousePressed", start, 1), ("mouseMoved", middle, 1),
            ("mouseMoved", end, 1), ("mouseReleased", end, 0),
        ):  # fmt: skip
            button = "none" if kind == "mouseMoved" else "left"
            self.call(
                "Input.dispatchMouseEvent",
                type=kind, x=x, y=y, button=button, buttons=buttons, clickCount=1,
            )  # fmt: skip

    def size(self, width: int, height: int, scale: float = 1.0, mobile: bool = False) -> None:
        """The size of the window, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=mobile,
        )  # fmt: skip

    def dark(self, wanted: bool) -> None:
        """Prefer dark colours, as a system set to night does."""
        self.media(prefers_color_scheme="dark" if wanted else "light")

    def media(self, medium: str = "", **features: str) -> None:
        """Pretend a medium, such as ``print``, and features of media, such as ``forced_colors``."""
        named = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.call("Emulation.setEmulatedMedia", media=medium, features=named)

    def download(self, selector: str, name: str) -> Path:
        """Click on what downloads a file, and wait for the file."""
        session, self._session = self._session, None
        self.call(
            "Browser.setDownloadBehavior",
            behavior="allow", downloadPath=str(self.downloads), eventsEnabled=True,
        )  # fmt: skip
        self._session = session
        self.click(selector)
        while not any(
            event.get("method") == "Browser.downloadProgress"
            and event["params"]["state"] == "completed"
            for event in self.events
        ):
            self.events.append(self._receive())
        return self.downloads / name

    def screenshot(self) -> bytes:
        """The window as a PNG file."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def troubles(self) -> list[str]:
        """What the console was told: errors of scripts, and what the security policy refused."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(params["entry"]["text"])
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
        return found

    def requests(self) -> list[str]:
        """The addresses of all that was asked for since the page was opened."""
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]
