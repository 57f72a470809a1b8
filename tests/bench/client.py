"""A client of the API with a session, as fast as the standard library allows."""

import base64
import http.client
import http.cookies
import json
import threading
import time
import urllib.parse

ROOT = "/pulp/api/v3"
OVER = ("completed", "failed", "canceled", "skipped")


class Refused(Exception):
    """An answer that was not wanted."""


class Client:
    """One server and one user. Each thread has a connection of its own."""

    def __init__(self, base, user, password, content=None):
        self.base = base.rstrip("/")
        self.content = (content or base).rstrip("/")
        self.headers = {}
        self._local = threading.local()
        self._log_in(user, password)

    def _log_in(self, user, password):
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        basic = {"Authorization": f"Basic {pair}"}
        status, headers, body = self._exchange("POST", ROOT + "/login/", b"", basic)
        if status != 201:
            raise Refused(f"login: {status} {body[:300]!r}")
        cookies = http.cookies.SimpleCookie()
        for name, value in headers:
            if name.lower() == "set-cookie":
                cookies.load(value)
        pairs = "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())
        self.headers = {"Cookie": pairs, "Referer": self.base}
        if "csrftoken" in cookies:
            self.headers["X-CSRFToken"] = cookies["csrftoken"].value

    def _exchange(self, method, path, body, headers):
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                host = urllib.parse.urlsplit(self.base).netloc
                connection = self._local.connection = http.client.HTTPConnection(host, timeout=600)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (http.client.HTTPException, OSError):
                # The server may have closed a connection that was idle.
                connection.close()
                self._local.connection = None
                if attempt == 2:
                    raise

    def call(self, method, path, document=None):
        """The answer's document. `path` is below the root, an href or a URL."""
        if path.startswith("http"):
            parts = urllib.parse.urlsplit(path)
            path = parts.path + ("?" + parts.query if parts.query else "")
        elif not path.startswith("/pulp/"):
            path = ROOT + path
        body = None if document is None else json.dumps(document).encode()
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, _, answer = self._exchange(method, path, body, headers)
        if status >= 400:
            raise Refused(f"{method} {path}: {status} {answer[:500]!r}")
        return json.loads(answer) if answer else {}

    def finish(self, answer, poll=0.005):
        """Waits for the task that an answer names, if it names one."""
        href = answer.get("task")
        if not href:
            return answer
        while True:
            task = self.call("GET", href)
            if task["state"] in OVER:
                if task["state"] != "completed":
                    raise Refused(f"{task['name']} {task['state']}: {task.get('error')}")
                return task
            time.sleep(poll)
            poll = min(poll * 1.3, 0.5)

    def run(self, method, path, document=None):
        """A call whose task is waited for."""
        return self.finish(self.call(method, path, document))

    def cookie_header(self):
        return "Cookie: " + self.headers["Cookie"]
