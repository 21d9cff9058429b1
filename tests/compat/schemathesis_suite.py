"""schemathesis against the document of the API, with a root, a narrow and no token.

Usage: schemathesis_suite.py ADDRESS TOKEN SEED, in a folder that may be littered. Prints one line a
check, and fails at the first that fails.
"""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

ADDRESS, TOKEN, SEED = sys.argv[1:]

# They would end the run: the seal falls, the token goes. The last one would not end.
ENDING = {
    "/sys/seal": "post",
    "/auth/token/revoke-self": "post",
    "/sys/quotas/rate-limit/{name}": "post",
    "/sys/monitor": "get",
}
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


def fuzz(who, token, phases, seconds):
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", "document.json",
        "--url", f"{ADDRESS}/v1", "--seed", SEED, "--max-time", str(seconds),
        "--checks", "not_a_server_error,status_code_conformance", "--phases", phases,
        "--max-examples", "10", "--generation-database", "none", "--no-shrink", "--no-color",
        "--continue-on-failure", "--warnings", "off",
    ]
    if token:
        command += ["--header", f"X-Vault-Token: {token}"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{who}:\n{run.stdout}{run.stderr}")
    cases = int(re.search(r"(\d+) generated", run.stdout).group(1))
    assert cases > 500, f"{who}: only {cases} requests:\n{run.stdout}"
    print(f"ok {who}: {cases} requests, seed {SEED}")


for path, mount in (
    ("transit", {"type": "transit"}),
    ("kv1", {"type": "kv"}),
    ("kv2", {"type": "kv", "options": {"version": "2"}}),
):
    call("POST", f"sys/mounts/{path}", mount)
# A key of each kind that a path may name by chance: "0" is the first word that comes to a fuzzer.
for name, kind in (("0", "aes256-gcm96"), ("false", "ed25519"), ("null", "rsa-2048")):
    call("POST", f"transit/keys/{name}", {"type": kind})
call("PUT", "sys/policies/acl/narrow", {"policy": NARROW})
narrow = call("POST", "auth/token/create", {"policies": ["narrow"], "ttl": "1h"})["auth"]["client_token"]
document = call("GET", "sys/internal/specs/openapi")
for path, method in ENDING.items():
    assert document["paths"][path].pop(method)
# It answers with the status that it is asked for: a fuzzer asks for failures, and finds them.
assert document["paths"]["/sys/health"]["get"].pop("parameters")
with open("document.json", "w") as file:
    json.dump(document, file)

fuzz("a root token", TOKEN, "coverage,fuzzing", 60)
fuzz("a narrow token", narrow, "coverage", 30)
fuzz("no token", None, "coverage", 30)
for who, token in (("root", TOKEN), ("narrow", narrow)):
    assert call("GET", "auth/token/lookup-self", token=token)["data"]["policies"]
    print(f"ok the {who} token is still good: what was asked with it was asked of the server")
health = call("GET", "sys/health")
assert health["initialized"] and not health["sealed"], health
print("ok the server is up and unsealed")
