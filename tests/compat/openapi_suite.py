"""The document of the API, read by a validator of OpenAPI 3.0.

Usage: openapi_suite.py ADDRESS TOKEN. Prints one line a check, and fails at the first that fails.
"""

import json
import sys
import urllib.request

from openapi_spec_validator import OpenAPIV30SpecValidator

ADDRESS, TOKEN = sys.argv[1:]


def call(method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{ADDRESS}/v1/{path}", data, {"X-Vault-Token": TOKEN}, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def operations(document):
    for path, item in document["paths"].items():
        for method in ("get", "post", "patch", "delete"):
            if method in item:
                yield f"{method} {path}", item[method]


call("POST", "sys/mounts/keys", {"type": "transit"})
call("POST", "sys/mounts/kv1", {"type": "kv"})
for query in ("", "?generic_mount_paths=true"):
    document = json.loads(call("GET", f"sys/internal/specs/openapi{query}"))
    assert document["openapi"] == "3.0.2", document["openapi"]
    OpenAPIV30SpecValidator(document).validate()
    print(f"ok the document{query} is valid")
    found = dict(operations(document))
    assert len(found) > 150, len(found)
    for name, operation in found.items():
        assert operation["description"] and operation["summary"], name
    print(f"ok all {len(found)} operations{query} are described")
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))
    print(f"ok each operation{query} has an id of its own")
