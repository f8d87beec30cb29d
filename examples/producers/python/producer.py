"""Sends notifications to PNS: python3 producer.py < notifications.ndjson. Python 3.9 or later, no packages."""

import itertools
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from collections import Counter

PNS_URL = os.environ.get("PNS_URL", "http://localhost:3000")
PNS_KEY = os.environ["PNS_KEY"]
LINES_PER_BATCH = 500
ATTEMPTS = 12
TIMEOUT_SECONDS = 60
# Faults of the service, not of the notification.
TEMPORARY = {"RATE_LIMITED", "OVERLOADED", "REDIS_UNREACHABLE", "STOPPING"}
counts = Counter()


def post(lines):
    """Returns the status, headers and body of the answer. Without an answer the status is 0."""
    headers = {"Authorization": "Bearer " + PNS_KEY, "Content-Type": "application/x-ndjson"}
    request = urllib.request.Request(PNS_URL + "/v1/notifications", b"\n".join(lines), headers, method="POST")
    try:
        try:
            answer = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, parsed(answer.read())
    except OSError as error:
        return 0, {}, {"detail": str(error)}


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return {}  # a proxy answered


def delay_seconds(retry_after, attempt):
    """The server's delay, else a random delay that doubles after each attempt, so that producers do not all return at once."""
    if retry_after and retry_after.isdigit():
        return int(retry_after)
    return min(60, 2**attempt) * random.uniform(0.5, 1)


def refuse(line, error):
    counts["refused"] += 1
    print(json.loads(line)["id"], error.get("code"), error.get("error") or error.get("detail"), file=sys.stderr)


def without_result(lines, status, body):
    """Counts the lines that have a result, and returns the others."""
    if status == 0 or status == 429 or status >= 500:
        return lines
    if status not in (202, 207):
        errors = {each["index"]: each for each in body.get("errors", []) if "index" in each}
        for index, line in enumerate(lines):
            refuse(line, errors.get(index, body))
        return []
    listed = {each["index"] for each in body["notifications"]}
    counts.update(each["status"] for each in body["notifications"])
    errors = {each["index"]: each for each in body.get("errors", [])}
    left = []
    for index, line in enumerate(lines):
        if index in listed:
            continue
        if index in errors and errors[index]["code"] not in TEMPORARY:
            refuse(line, errors[index])
        else:
            left.append(line)
    return left


def send(lines):
    for attempt in range(ATTEMPTS):
        status, headers, body = post(lines)
        lines = without_result(lines, status, body)
        if not lines:
            return
        time.sleep(delay_seconds(headers.get("Retry-After"), attempt))
    sys.exit(f"{len(lines)} notifications were not sent; start again with the same lines.")


def notifications():
    for line in filter(None, map(bytes.strip, sys.stdin.buffer)):
        # An id that is generated here would differ after a restart, so that the notification would be sent twice.
        if not isinstance(json.loads(line).get("id"), str):
            sys.exit(f"A notification needs the id of its event: {line.decode()}")
        yield line


lines = notifications()
while batch := list(itertools.islice(lines, LINES_PER_BATCH)):
    send(batch)
print(f"{counts['accepted']} accepted, {counts['duplicate']} duplicates, {counts['refused']} refused")
sys.exit(1 if counts["refused"] else 0)
