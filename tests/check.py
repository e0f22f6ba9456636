"""check.py kafka|ingestion|consumer|query|client: looks at the running system as a client would, and prints what it saw.

`make test-kafka` and its like call it. Exit status 0: everything was as it should be. Python's own library suffices.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "millrace"
# How long a write may take until it can be read.
PATIENCE = 20


def fail(text):
    sys.exit(f"FAILED  {text}")


def ok(text):
    print(f"ok      {text}")


def millrace(*arguments, given=None):
    done = subprocess.run([BIN, *arguments], cwd=ROOT, input=given, capture_output=True, text=True)
    if done.returncode:
        fail(f"millrace {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def address(api):
    found = dict(json.loads(millrace("status", "--json"))["apis"])
    return found.get(api) or fail(f"{api} does not run; there are {', '.join(found) or 'no APIs'}: is `make up` running?")


def call(method, url, body=None, headers=None):
    """Status and JSON of a request; a refusal is an answer too."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError as error:
        fail(f"{method} {url}: {error}")
    return status, json.loads(text)


def expect(method, url, status, body=None, headers=None):
    got, answer = call(method, url, body, headers)
    if got != status:
        fail(f"{method} {url}: status {got}, expected {status}: {answer}")
    ok(f"{method} {url}: {got} {json.dumps(answer)[:160]}")
    return answer


def kafka():
    topics = json.loads(millrace("topic", "list", "--json"))
    for topic in topics:
        ok(f"topic {json.dumps(topic)[:160]}")
    if not topics:
        fail("the broker has no topics")
    text = f"check {uuid.uuid4()}"
    millrace("topic", "create", "millrace-check")
    millrace("topic", "produce", "millrace-check", given=text + "\n")
    if text not in millrace("topic", "consume", "millrace-check", "--from-beginning", "--until-end"):
        fail("a record that was acknowledged is not in its topic")
    ok(f"produced to millrace-check and read back: {text}")


def write(ingest):
    post = expect("POST", f"{ingest}/api/posts", 202, {"user_id": "check", "content": f"Hello at {time.time():.0f}"})
    about = {"post_id": post["id"], "user_id": "check"}
    expect("POST", f"{ingest}/api/comments", 202, {**about, "content": "Great post!"})
    return post["id"], expect("POST", f"{ingest}/api/likes", 202, about)["token"]


def ingestion():
    ingest = address("PostsIngestHttpApi")
    expect("GET", f"{ingest}/health", 200)
    write(ingest)
    refused = expect("POST", f"{ingest}/api/comments", 400, {"post_id": "post-id", "user_id": "check", "content": "?"})
    if refused.get("parameter") != "post_id":
        fail(f"the refusal does not name post_id: {refused}")


def consumer():
    shards = address("PostsShardsHttpApi")
    expect("GET", f"{shards}/health", 200)
    post, token = write(address("PostsIngestHttpApi"))
    # The query answers once the shard has stored the write that the token names.
    expect("GET", f"{address('PostsQueryHttpApi')}/api/posts/{post}", 200, headers={"X-Consistency-Token": token})
    for path in ("status", "stats"):
        expect("GET", f"{shards}/{path}", 200)


def query():
    api = address("PostsQueryHttpApi")
    expect("GET", f"{api}/health", 200)
    for path in ("posts?limit=10", "users/check/posts", "users/check/stats"):
        expect("GET", f"{api}/api/{path}", 200)
    expect("GET", f"{api}/api/posts/{uuid.uuid4()}", 404)
    expect("GET", f"{api}/api/posts/post-id", 400)


def client():
    api = address("PostsQueryHttpApi")
    post, token = write(address("PostsIngestHttpApi"))
    deadline = time.monotonic() + PATIENCE
    while True:
        status, answer = call("GET", f"{api}/api/posts/{post}", headers={"X-Consistency-Token": token})
        if status == 200 and len(answer["comments"]) == 1 and answer["likes_count"] == 1:
            break
        if time.monotonic() > deadline:
            fail(f"not readable within {PATIENCE} s: {status} {answer}")
        time.sleep(0.2)
    ok(f"post, comment and like are readable: {json.dumps(answer)[:200]}")
    page = expect("GET", f"{api}/api/posts?limit=10", 200)
    if post not in [found["id"] for found in page["posts"]]:
        fail(f"post {post} is not among the newest")
    ok("the post is among the newest")


PARTS = {part.__name__: part for part in (kafka, ingestion, consumer, query, client)}
if len(sys.argv) != 2 or sys.argv[1] not in PARTS:
    sys.exit(f"usage: check.py {'|'.join(PARTS)}")
PARTS[sys.argv[1]]()
