"""schemathesis against the document of the API, with a root, a narrow and no token.

Usage: schemathesis_suite.py ADDRESS TOKEN SEED, in a folder that may be littered. Prints one line a
check, and fails at the first that fails.
"""

import json
import subprocess
import sys
import urllib.request

ADDRESS, TOKEN, SEED = sys.argv[1:]

# What would end the run for a token that may: the token goes, or requests are limited. They come by
# themselves at the end.
APART = ("/auth/token/revoke-self", "/sys/quotas/rate-limit/{name}")
# What such a token is not tried with: the seal falls, or the answer lasts as long as it is listened to.
ENDING = ("/sys/seal", "/sys/monitor")
# In seconds. A run takes a few minutes, and more on a busy machine: this is for one that hangs.
HANGING = 1800
METHODS = ("get", "put", "post", "patch", "delete")
NARROW = """
path "transit/*" { capabilities = ["create", "read", "update", "list"] }
path "kv2/data/*" { capabilities = ["create", "read", "update", "patch"] }
path "sys/mounts" { capabilities = ["read"] }
"""


def call(method, path, body=None, token=TOKEN):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{ADDRESS}/v1/{path}", data, {"X-Vault-Token": token}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def without(*paths):
    left = {path: item for path, item in document["paths"].items() if path not in paths}
    assert len(left) == len(document["paths"]) - len(paths)
    return {**document, "paths": left}


def only(path):
    return {**document, "paths": {path: document["paths"][path]}}


def asked():
    """Which operations the last run sent a request of, and how many were answered."""
    reached, cases = set(), 0
    with open("report.ndjson") as report:
        for line in report:
            scenario = json.loads(line).get("ScenarioFinished")
            if scenario is None:
                continue
            recorder = scenario["recorder"]
            label = recorder["label"]
            for case, interaction in recorder["interactions"].items():
                if interaction["response"] is None:
                    continue
                cases += 1
                if recorder["cases"][case]["value"]["method"] == label.split()[0]:
                    reached.add(label)
    return reached, cases


def fuzz(who, token, described, phases):
    """Asks every operation that is described, and insists on it."""
    with open("document.json", "w") as file:
        json.dump(described, file)
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", "document.json",
        "--url", f"{ADDRESS}/v1", "--seed", SEED, "--max-examples", "3",
        "--checks", "not_a_server_error,status_code_conformance", "--phases", phases,
        "--generation-database", "none", "--no-shrink", "--no-color",
        "--continue-on-failure", "--warnings", "off",
        "--report", "ndjson", "--report-ndjson-path", "report.ndjson",
    ]
    if token:
        command += ["--header", f"X-Vault-Token: {token}"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=HANGING)
    except subprocess.TimeoutExpired as late:
        # What it said comes as bytes here, whatever was asked for, and not at all if it was silent.
        said = b"".join(part for part in (late.stdout, late.stderr) if part)
        sys.exit(f"{who}: no end after {HANGING} seconds:\n{said.decode(errors='replace')}")
    if run.returncode != 0:
        sys.exit(f"{who}:\n{run.stdout}{run.stderr}")
    operations = {
        f"{method.upper()} {path}"
        for path, item in described["paths"].items() for method in METHODS if method in item
    }
    reached, cases = asked()
    assert reached == operations, f"{who}: never asked: {sorted(operations - reached)}"
    print(f"ok {who}: {len(operations)} of {len(operations)} operations, {cases} requests, seed {SEED}")


# Whoever asks by a method that an operation has not is told so by one place for all.
with open("schemathesis.toml", "w") as file:
    file.write("[phases.coverage]\nunexpected-methods = []\n")
for path, mount in (
    ("database", {"type": "database"}),
    ("transit", {"type": "transit"}),
    ("kv1", {"type": "kv"}),
    ("kv2", {"type": "kv", "options": {"version": "2"}}),
):
    call("POST", f"sys/mounts/{path}", mount)
for method in ("approle", "userpass"):
    call("POST", f"sys/auth/{method}", {"type": method})
# A key of each kind that a path may name by chance: "0" is the first word that comes to a fuzzer.
for name, kind in (("0", "aes256-gcm96"), ("false", "ed25519"), ("null", "rsa-2048")):
    call("POST", f"transit/keys/{name}", {"type": kind})
call("PUT", "sys/policies/acl/narrow", {"policy": NARROW})
made = {"policies": ["narrow"], "no_default_policy": True, "ttl": "1h"}
narrow = call("POST", "auth/token/create", made)["auth"]["client_token"]
document = call("GET", "sys/internal/specs/openapi")
# It answers with the status that it is asked for: a fuzzer asks for failures, and finds them.
assert document["paths"]["/sys/health"]["get"].pop("parameters")

both = "coverage,fuzzing"
fuzz("a root token", TOKEN, without(*APART, *ENDING), both)
fuzz("a narrow token", narrow, document, both)
fuzz("no token", None, document, both)
for who, token in (("root", TOKEN), ("narrow", narrow)):
    assert call("POST", "auth/token/lookup", {"token": token})["data"]["policies"]
    print(f"ok the {who} token is still good: what was asked with it was asked of the server")
health = call("GET", "sys/health")
assert health["initialized"] and not health["sealed"], health
print("ok the server is up and unsealed")

leaving = call("POST", "auth/token/create", {"policies": ["root"]})["auth"]["client_token"]
fuzz("a token that goes", leaving, only("/auth/token/revoke-self"), both)
fuzz("limits of requests", TOKEN, only("/sys/quotas/rate-limit/{name}"), both)
