"""PyPI's http-message-signatures: verifies our requests and signs answers to them.

Reads one JSON object from standard input and writes one to standard output.
"""

import base64
import datetime
import json
import sys
import types

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

ALGORITHMS = {"ed25519": algorithms.ED25519, "p256": algorithms.ECDSA_P256_SHA256}


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, names):
        self.names = names

    def resolve_public_key(self, key_id):
        jwk = self.names[key_id]
        if jwk["kty"] == "OKP":
            return ed25519.Ed25519PublicKey.from_public_bytes(decode(jwk["x"]))
        x, y = (int.from_bytes(decode(jwk[name]), "big") for name in "xy")
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    def resolve_private_key(self, key_id):
        seed = decode(self.names[key_id]["d"])
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def message(**members):
    return types.SimpleNamespace(**members)


def main():
    job = json.load(sys.stdin)
    asked = job["request"]
    request = message(method=asked["method"], url=asked["url"], headers=asked["headers"])
    body = asked["body"].encode() if "body" in asked else None
    if "verify" in job:
        verifier = HTTPMessageVerifier(
            signature_algorithm=ALGORITHMS[job["verify"]], key_resolver=Keys(job["keys"])
        )
        try:
            (result,) = verifier.verify(request, expect_tag="keyward-pop", body=body)
            answer = {"covered": list(result.covered_components)}
        except InvalidSignature as error:
            answer = {"refused": str(error)}
        json.dump(answer, sys.stdout)
        return
    told = job["response"]
    response = message(status_code=told["status"], headers={}, request=request)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519, key_resolver=Keys(job["keys"])
    )
    signer.sign(
        response,
        key_id=next(iter(job["keys"])),
        label="keyward",
        tag="keyward-response",
        created=datetime.datetime.now(),
        covered_component_ids=(
            "@status",
            "content-digest",
            '"@method";req',
            '"@target-uri";req',
            '"signature";req;key="pop"',
        ),
        body=told["body"].encode(),
    )
    json.dump(response.headers, sys.stdout)


main()
