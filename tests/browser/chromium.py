"""A headless Chromium, driven by its DevTools protocol over two pipes: nothing but Python's own library is needed.

    with Chromium("/usr/bin/chromium") as browser:
        page = browser.page("http://localhost:8080/")
        page.until("the title", "document.title === 'Millrace'")
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

ANSWER_SECONDS = 30


class Chromium:
    """The browser's process, with a profile of its own that goes with it."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="millrace-chromium-")
        commands_in, self.commands = os.pipe()
        self.answers, answers_out = os.pipe()

        def at_three_and_four():
            # Chromium reads commands from 3 and writes answers to 4. The pipes may have these numbers the other way round.
            os.setsid()
            read, written = os.dup(commands_in), os.dup(answers_out)
            os.dup2(read, 3)
            os.dup2(written, 4)

        arguments = [
            program, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
            # As root, in a container, where /dev/shm is small.
            "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--lang=en-GB",
            "--force-color-profile=srgb", "about:blank",
        ]
        self.process = subprocess.Popen(
            arguments, preexec_fn=at_three_and_four, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(commands_in)
        os.close(answers_out)
        self.rest = b""
        self.number = 0
        self.pages = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self.process.wait(5)
        except Exception:  # it is to end in any case
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, session=None, **parameters):
        """Sends a command and gives its result; what else is said meanwhile goes to its page."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            said = self.next(deadline)
            if said is None:
                raise TimeoutError(f"{method}: no answer within {ANSWER_SECONDS} s")
            if said.get("id") == self.number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return said["result"]
            self.note(said)

    def next(self, deadline):
        """The next message, or None at the deadline."""
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                return None
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise ConnectionError("Chromium has ended")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def note(self, said):
        page = self.pages.get(said.get("sessionId"))
        if page:
            page.note(said["method"], said["params"])

    def listen(self, seconds):
        """Takes what is said for a while."""
        deadline = time.monotonic() + seconds
        while (said := self.next(deadline)) is not None:
            self.note(said)

    def page(self, url, width=1280, height=900, dark=False, scale=1):
        return Page(self, url, width, height, dark, scale)


class Page:
    """A page, which remembers every error that its console has shown."""

    def __init__(self, browser, url, width, height, dark, scale):
        self.browser = browser
        self.errors = []
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.look(width, height, dark, scale)
        self.call("Page.navigate", url=url)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def look(self, width, height, dark=False, scale=1, still=False):
        """The window's size, and what its user prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def note(self, method, said):
        if method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(part.get("value", part.get("description"))) for part in said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")

    def run(self, expression):
        """The value of an expression in the page; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def until(self, what, expression, seconds=60):
        """Looks again and again until the expression is true, and gives its value; fails with `what` at the end."""
        deadline = time.monotonic() + seconds
        while True:
            if value := self.run(expression):
                return value
            if time.monotonic() > deadline:
                shown = self.run("document.body.innerText")
                raise AssertionError(f"not within {seconds} s: {what}\nthe page shows:\n{shown[:3000]}\nerrors: {self.errors}")
            self.browser.listen(0.2)

    def press(self, key, code=None):
        """A key, as from the keyboard."""
        key_code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        text = {"Enter": "\r", " ": " "}.get(key, "")
        common = {"key": key, "code": code or key, "windowsVirtualKeyCode": key_code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def click(self, selector):
        """The mouse, in the middle of an element."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def picture(self, path):
        """The whole page, as PNG."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
