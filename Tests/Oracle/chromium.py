"""A headless Chromium that tests steer: pages are opened, measured, photographed and printed as a user would see them.

It is spoken to over a pair of pipes, so nothing listens on a port.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import pytest

PROGRAM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)

needed = pytest.mark.skipif(
    PROGRAM is None, reason="there is no Chromium to look at pages with; install it with: apt-get install chromium")


class Chromium:
    """A browser with a profile of its own, which ends with its owner."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-chromium-")
        to_browser, self.commands = os.pipe()
        self.answers, from_browser = os.pipe()
        self.log = open(os.path.join(self.folder, "log"), "wb")

        def place_pipes():
            # Where the browser expects them. Their copies must not be closed when the program is replaced.
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [PROGRAM, "--headless", "--remote-debugging-pipe", f"--user-data-dir={self.folder}/profile", "--no-first-run",
             "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb",
             # The user of a container is root, for whom the sandbox does not work.
             *(["--no-sandbox"] if os.getuid() == 0 else []), "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=place_pipes, close_fds=False)
        os.close(to_browser)
        os.close(from_browser)
        self.number = 0
        self.rest = b""
        self.events = []

    def call(self, method, session=None, timeout=60, **parameters):
        """Asks for something and returns the answer; what happens meanwhile is kept in `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        number = self.number
        while True:
            answer = self.receive(timeout, f"an answer to {method}")
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self, timeout, what):
        """The next message of the browser."""
        end = time.monotonic() + timeout
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.answers], [], [], max(0, end - time.monotonic()))
            data = os.read(self.answers, 1 << 16) if ready else b""
            if not data:
                with open(self.log.name, "rb") as log:
                    raise RuntimeError(f"no {what}; the browser says: {log.read()[-2000:].decode(errors='replace')}")
            self.rest += data
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def wait(self, method, session, timeout=60):
        """Until the browser has told of `method`."""
        while True:
            for place, event in enumerate(self.events):
                if event.get("method") == method and event.get("sessionId") == session:
                    return self.events.pop(place)
            self.events.append(self.receive(timeout, method))

    def open(self, path, width=1280, height=900, dark=False):
        """The page of a file, as it is shown in a window of that size."""
        return Page(self, path, width, height, dark)

    def close(self):
        try:
            self.call("Browser.close", timeout=10)
            self.process.wait(20)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Page:
    """A page in a window of its own."""

    def __init__(self, browser, path, width, height, dark):
        self.browser = browser
        self.width = width
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=f"file://{os.path.abspath(path)}")
        browser.wait("Page.loadEventFired", self.session)

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def ask(self, expression):
        """What a JavaScript expression gives in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def seen(self, *methods):
        """What the browser told of this page: by the names of its events."""
        return [event["params"] for event in self.browser.events
                if event.get("sessionId") == self.session and event.get("method") in methods]

    def photograph(self, path, whole=True):
        """The page as a PNG file."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": self.width, "height": min(size["height"], 16000), "scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                            **({"clip": clip} if whole else {}))
        data = base64.b64decode(picture["data"])
        with open(path, "wb") as file:
            file.write(data)
        return data

    def printed(self):
        """The page as PDF."""
        answer = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(answer["data"])

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
