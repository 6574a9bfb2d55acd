"""A headless Chromium that is driven by its DevTools protocol, for tests and pictures of the live page."""

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import websockets

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One browser with one page. `limit` is the number of seconds that anything may take."""

    def __init__(self, limit):
        self.limit = limit
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             "--remote-debugging-port=0", f"--user-data-dir={self.folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.socket = None
        self.number = 0
        self.answers = {}
        self.events = []
        self.reader = None

    async def open(self):
        place = Path(self.folder.name) / "DevToolsActivePort"
        deadline = time.monotonic() + self.limit
        while not (place.exists() and place.read_text().count("\n") >= 1):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError("chromium has opened no port for DevTools")
            await asyncio.sleep(0.05)
        port = place.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=self.limit) as answer:
            page = next(each for each in json.load(answer) if each["type"] == "page")
        self.socket = await websockets.connect(page["webSocketDebuggerUrl"], max_size=None)
        self.reader = asyncio.create_task(self.read())
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.answers.pop(message["id"]).set_result(message)
            else:
                self.events.append(message)

    async def call(self, method, **parameters):
        self.number += 1
        answer = self.answers[self.number] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        result = await asyncio.wait_for(answer, self.limit)
        if "error" in result:
            raise RuntimeError(f"{method}: {result['error']}")
        return result["result"]

    async def evaluate(self, expression):
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    async def until(self, expression):
        """The expression's value, once it is true."""
        deadline = time.monotonic() + self.limit
        while True:
            try:
                value = await self.evaluate(expression)
                if value:
                    return value
            except RuntimeError as error:
                value = error  # what it asks for is not there yet
            if time.monotonic() > deadline:
                raise TimeoutError(f"{expression} did not become true ({value}); the page shows: "
                                   + str(await self.evaluate("document.body && document.body.innerText"))[:2000])
            await asyncio.sleep(0.05)

    async def show(self, url):
        await self.call("Page.navigate", url=url)

    async def look(self, width, height, dark=False):
        """The size of the window, and the colours that the system prefers."""
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        await self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    async def press(self, key, code=0):
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                            text="\r" if key == "Enter" and kind == "keyDown" else "")

    async def picture(self, path):
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)
        Path(path).write_bytes(base64.b64decode(shot["data"]))

    def requests(self):
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What the browser has logged as an error, such as a violated policy or an exception."""
        texts = [event["params"]["entry"]["text"] for event in self.events
                 if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error"]
        return texts + [str(event["params"]["exceptionDetails"]) for event in self.events
                        if event["method"] == "Runtime.exceptionThrown"]

    async def close(self):
        if self.socket:
            # The browser may be gone sooner than its answer, or than the last word to it.
            for farewell in (self.call("Browser.close"), self.socket.close()):
                try:
                    await farewell
                except (RuntimeError, OSError, asyncio.TimeoutError, websockets.ConnectionClosed):
                    pass
            self.reader.cancel()
        try:
            await asyncio.to_thread(self.process.wait, 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
