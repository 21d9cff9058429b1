"""Has the keys of a Vault-compatible server certified, by the certificates of a library of its own."""

import base64
import contextlib
import datetime

import hvac
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID
from hvac import exceptions

from checks import ADDRESS, TOKEN, check, equal

MOUNT = "certificates"
NOW = datetime.datetime.now(datetime.timezone.utc)
# How each type signs a request.
ALGORITHMS = {
    "ecdsa-p256": SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    "ecdsa-p384": SignatureAlgorithmOID.ECDSA_WITH_SHA384,
    "ecdsa-p521": SignatureAlgorithmOID.ECDSA_WITH_SHA512,
    "ed25519": SignatureAlgorithmOID.ED25519,
    "rsa-2048": SignatureAlgorithmOID.RSA_WITH_SHA256,
    "mldsa-44": x509.ObjectIdentifier("2.16.840.1.101.3.4.3.17"),
    "mldsa-65": x509.ObjectIdentifier("2.16.840.1.101.3.4.3.18"),
    "mldsa-87": x509.ObjectIdentifier("2.16.840.1.101.3.4.3.19"),
}


def pem(it):
    return it.public_bytes(serialization.Encoding.PEM).decode()


def spki(key):
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """An authority that certifies whom it is asked to."""

    def __init__(self, name, above=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = named(name)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        extensions = [(x509.BasicConstraints(True, None), True), (usage, True)]
        above = above or self
        self.certificate = above.certify(self.name, self.key.public_key(), extensions)

    def certify(self, subject, key, extensions):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=30))
        )
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        for extension, critical in [*extensions, (own, False), (above, False)]:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())


def template():
    """A request for other keys to follow, signed by nobody who matters."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Müller & Söhne"),
            x509.NameAttribute(NameOID.COMMON_NAME, "leaf.example"),
        ]
    )
    names = x509.SubjectAlternativeName([x509.DNSName("leaf.example")])
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    # None is critical: the peer loses the value of one that is.
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(names, critical=False)
        .add_extension(uses, critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )


def public_key(client, name, version=1):
    """The public half as the server exports it, as DER."""
    path = f"{MOUNT}/export/public-key/{name}/{version}"
    text = client.read(f"{path}?format=der")["data"]["keys"][str(version)]
    return base64.b64decode(text)


def request(client, name, **body):
    made = client.write_data(f"{MOUNT}/keys/{name}/csr", data=body)["data"]
    equal((made["name"], made["type"]), (name, name))
    return x509.load_pem_x509_csr(made["csr"].encode())


def requests(client, asked):
    """Every type signs requests that a library verifies."""
    for name, algorithm in ALGORITHMS.items():
        with check(f"{name}: a request has its key and its signature, and is empty"):
            client.write_data(f"{MOUNT}/keys/{name}", data={"type": name})
            made = request(client, name)
            equal(made.is_signature_valid, True)
            equal(made.signature_algorithm_oid, algorithm)
            equal(spki(made.public_key()), public_key(client, name))
            equal((made.subject.rfc4514_string(), len(made.extensions)), ("", 0))
        with check(f"{name}: a request takes subject and extensions from its template"):
            made = request(client, name, csr=pem(asked))
            equal(made.is_signature_valid, True)
            equal(made.subject, asked.subject)
            equal(list(made.extensions), list(asked.extensions))
            equal(spki(made.public_key()), public_key(client, name))
    with check("a request is by the version that is asked for"):
        client.write_data(f"{MOUNT}/keys/ed25519/rotate")
        for version in (1, 2):
            made = request(client, "ed25519", version=version)
            equal(spki(made.public_key()), public_key(client, "ed25519", version))


def chains(client, asked):
    """What was requested is certified, kept, and verifies."""
    root = Authority("root")
    intermediate = Authority("intermediate", root)
    for name in ALGORITHMS:
        made = request(client, name, csr=pem(asked), version=1)
        extensions = [(it.value, it.critical) for it in made.extensions]
        leaf = intermediate.certify(made.subject, made.public_key(), extensions)
        chain = pem(leaf) + pem(intermediate.certificate) + pem(root.certificate)
        path = f"{MOUNT}/keys/{name}/set-certificate"
        with check(f"{name}: a chain is kept with its version"):
            body = {"certificate_chain": chain, "version": 1}
            client.write_data(path, data=body)
            key = client.read(f"{MOUNT}/keys/{name}")["data"]["keys"]["1"]
            equal(key["certificate_chain"], chain.strip())
            exported = client.read(f"{MOUNT}/export/certificate-chain/{name}/1")
            equal(exported["data"]["keys"], {"1": chain.strip()})
        with check(f"{name}: a chain for another key is refused"):
            stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
            other = intermediate.certify(made.subject, stranger, extensions)
            with contextlib.suppress(exceptions.InvalidRequest, exceptions.InternalServerError):
                client.write_data(path, data={"certificate_chain": pem(other), "version": 1})
                raise AssertionError("not refused")
            key = client.read(f"{MOUNT}/keys/{name}")["data"]["keys"]["1"]
            equal(key["certificate_chain"], chain.strip())
    with check("an exported chain verifies up to its root"):
        text = client.read(f"{MOUNT}/export/certificate-chain/ecdsa-p256")["data"]["keys"]["1"]
        leaf, *others = x509.load_pem_x509_certificates(text.encode())
        store = verification.Store([root.certificate])
        verifier = verification.PolicyBuilder().store(store).time(NOW)
        verifier = verifier.build_server_verifier(x509.DNSName("leaf.example"))
        equal(len(verifier.verify(leaf, others[:1])), 3)
    with check("a signature verifies under the key of the chain"):
        body = {"input": base64.b64encode(b"message").decode(), "signature_algorithm": "pkcs1v15"}
        signed = client.write_data(f"{MOUNT}/sign/rsa-2048", data=body)["data"]["signature"]
        text = client.read(f"{MOUNT}/export/certificate-chain/rsa-2048")["data"]["keys"]["1"]
        key = x509.load_pem_x509_certificate(text.encode()).public_key()
        signature = base64.b64decode(signed.removeprefix("vault:v1:"))
        key.verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())


def main():
    client = hvac.Client(url=ADDRESS, token=TOKEN)
    client.sys.enable_secrets_engine("transit", path=MOUNT)
    asked = template()
    requests(client, asked)
    chains(client, asked)


if __name__ == "__main__":
    main()
