"""Signs requests to the server, and checks its answers, with a library for RFC 9421 of its own."""

import base64
import datetime
import secrets
import types

import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)

from checks import ADDRESS, TOKEN, check, equal

LOOKUP = ("GET", "auth/token/lookup-self?a=b%20c", None)
ENCRYPT = ("POST", "transit/encrypt/k", b'{"plaintext":"c2VjcmV0"}')
MISSING = ("GET", "nowhere/at/all", None)
COVERED = (
    "@status",
    "content-digest",
    '"@method";req',
    '"@target-uri";req',
    '"signature";req;key="pop"',
)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Holder:
    """A key, and a token that is bound to it."""

    def __init__(self, algorithm, private, jwk):
        self.algorithm = algorithm
        granted = root("POST", "auth/token/create", {"client_key": jwk})["auth"]
        self.token = granted["client_token"]
        found = root("POST", "auth/token/lookup", {"token": self.token})
        self.thumbprint = found["data"]["cnf"]["jkt"]
        self.keys = MappingKeyResolver(public_keys={}, private_keys={self.thumbprint: private})

    def sign(self, method, path, body):
        """A request that only has to be sent."""
        request = requests.Request(
            method, f"{ADDRESS}/v1/{path}", headers={"X-Vault-Token": self.token}, data=body
        ).prepare()
        now = datetime.datetime.now(datetime.timezone.utc)
        signer = HTTPMessageSigner(signature_algorithm=self.algorithm, key_resolver=self.keys)
        signer.sign(
            request,
            key_id=self.thumbprint,
            created=now,
            expires=now + datetime.timedelta(seconds=60),
            nonce=secrets.token_urlsafe(16),
            label="pop",
            tag="keyward-pop",
            covered_component_ids=("@method", "@target-uri", "x-vault-token"),
            body=body,
        )
        return request


def ed25519_holder():
    private = ed25519.Ed25519PrivateKey.generate()
    x = b64(private.public_key().public_bytes_raw())
    return Holder(algorithms.ED25519, private, {"kty": "OKP", "crv": "Ed25519", "x": x})


def p256_holder():
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    x, y = (b64(value.to_bytes(32, "big")) for value in (numbers.x, numbers.y))
    jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return Holder(algorithms.ECDSA_P256_SHA256, private, jwk)


SESSION = requests.Session()


def root(method, path, body=None):
    """Calls the server as an operator does."""
    headers = {"X-Vault-Token": TOKEN}
    answer = SESSION.request(method, f"{ADDRESS}/v1/{path}", headers=headers, json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def response_keys():
    """The keys that the server signs its answers with, as everybody is shown them."""
    keys = SESSION.get(f"{ADDRESS}/v1/sys/response-keys").json()["keys"]
    public = {
        key["kid"]: ed25519.Ed25519PublicKey.from_public_bytes(unb64(key["x"])) for key in keys
    }
    return MappingKeyResolver(public_keys=public, private_keys={})


def verify(answer, keys, **changed):
    """Checks an answer, with what else is said of it."""
    response = types.SimpleNamespace(
        status_code=changed.get("status", answer.status_code),
        headers=changed.get("headers", answer.headers),
        request=changed.get("request", answer.request),
    )
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)
    verifier.verify(
        response,
        expect_tag="keyward-response",
        require_components=COVERED,
        body=changed.get("body", answer.content),
    )


def rejected(request, why):
    """Insists that the server takes no such proof."""
    answer = SESSION.send(request)
    equal(answer.status_code, 401)
    equal(answer.headers["WWW-Authenticate"], "Signature")
    (error,) = answer.json()["errors"]
    if not (error.startswith("proof rejected: ") and why in error):
        raise AssertionError(f"{why!r} is not in {error!r}")


def proofs(name, make, keys):
    """What is asked of each kind of key."""
    holder = make()
    with check(f"{name}: the server takes what the library signs"):
        for ask, status in ((LOOKUP, 200), (ENCRYPT, 200), (MISSING, 404)):
            answer = SESSION.send(holder.sign(*ask))
            equal((ask, answer.status_code), (ask, status))
            verify(answer, keys)
    with check(f"{name}: the token is bound to the key that the library signed with"):
        data = SESSION.send(holder.sign(*LOOKUP)).json()["data"]
        equal(data["cnf"], {"jkt": holder.thumbprint})
    with check(f"{name}: the server takes nothing that was changed on its way"):
        request = holder.sign(*ENCRYPT)
        request.body = ENCRYPT[2].replace(b"V0", b"V1")
        rejected(request, "the body is not the one that Content-Digest is of")
        request = holder.sign(*LOOKUP)
        request.url = request.url.replace("a=b", "a=c")
        rejected(request, "the signature is not one of this request")
        request = holder.sign(*LOOKUP)
        request.method = "POST"
        rejected(request, "the signature is not one of this request")
        request = holder.sign(*ENCRYPT)
        request.headers["X-Vault-Token"] = make().token
        rejected(request, "the signature names another key")
        request = holder.sign(*LOOKUP)
        del request.headers["Signature"], request.headers["Signature-Input"]
        rejected(request, "not signed")
    with check(f"{name}: the server takes nothing twice"):
        request = holder.sign(*LOOKUP)
        equal(SESSION.send(request).status_code, 200)
        rejected(request, "the nonce was used before")
    with check(f"{name}: the library takes no answer that was changed on its way"):
        answer = SESSION.send(holder.sign(*ENCRYPT))
        verify(answer, keys)
        other = SESSION.send(holder.sign(*ENCRYPT))
        flipped = bytes([answer.content[0] ^ 1]) + answer.content[1:]
        unsigned = answer.headers.copy()
        del unsigned["Signature"]
        for changed in (
            {"body": flipped},
            {"body": other.content},
            {"headers": unsigned},
            {"headers": other.headers},
            {"request": other.request},
            {"status": 201},
        ):
            try:
                verify(answer, keys, **changed)
            except InvalidSignature:
                continue
            raise AssertionError(f"taken, with another {', '.join(changed)}")


def main():
    # The server is on loopback, whatever proxies the environment names.
    SESSION.trust_env = False
    root("POST", "sys/mounts/transit", {"type": "transit"})
    root("POST", "transit/keys/k")
    keys = response_keys()
    proofs("ed25519", ed25519_holder, keys)
    proofs("p256", p256_holder, keys)


main()
