"""Receives webhooks of PNS, verifies them, and prints each notification once. Python 3.9 or later, no packages."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from signatures import has_key, ox_id, standard_id

PORT = int(os.environ.get("PORT", "8080"))
if not os.environ.get("WEBHOOK_SECRET"):
    raise SystemExit("Set WEBHOOK_SECRET to the signatureSecret of the webhook.")
NAMES = ("WEBHOOK_SECRET", "WEBHOOK_PREVIOUS_SECRET")
SECRETS = [os.environ[name] for name in NAMES if os.environ.get(name)]
if not all(has_key(secret) for secret in SECRETS):
    raise SystemExit("A secret that begins with whsec_ must contain a key in base64.")
# Only one of the two signatures is accepted: a receiver that accepts either is only as strict as the weaker one.
ID_OF = {"standard": standard_id, "ox": ox_id}[os.environ.get("WEBHOOK_SIGNATURE", "standard")]

MAX_BODY_BYTES = 512 * 1024
REMEMBERED_SECONDS = 48 * 3600  # longer than PNS retries
# Ids of handled requests, oldest first. Several processes need a table with a unique key instead.
handled = {}
lock = threading.Lock()


def handle(push):
    """Your code. If it raises an exception, the answer is 500 and PNS sends the notification again."""
    payload = push["payload"]
    title = payload.get("subject", payload.get("folder", ""))
    print(f"{push['event']} for user {payload['user']}: {title}", flush=True)


def status_for(headers, body):
    request_id = ID_OF(headers, body, SECRETS)
    if request_id is None:
        return 401  # 403, 404, 405 and 410 would end the subscription
    with lock:
        now = time.time()
        while handled and now - next(iter(handled.values())) > REMEMBERED_SECONDS:
            del handled[next(iter(handled))]
        if request_id not in handled:
            handle(json.loads(body))
            handled[request_id] = now
    return 204


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open
    timeout = 60

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdigit():
            return self.answer(411, is_last=True)
        if int(length) > MAX_BODY_BYTES:
            return self.answer(413, is_last=True)
        body = self.rfile.read(int(length))
        try:
            self.answer(status_for(self.headers, body))
        except Exception as error:
            self.log_error("%s", error)
            self.answer(500)

    def answer(self, status, is_last=False):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        if is_last:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_request(self, code="-", size="-"):
        pass


print(f"Listening on port {PORT}", flush=True)
ThreadingHTTPServer(("", PORT), Receiver).serve_forever()
