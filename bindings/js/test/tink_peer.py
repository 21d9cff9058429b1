"""Streams of PyPI's tink under a given key: AES256_GCM_HKDF_1MB, raw.

Usage: tink_peer.py encrypt|decrypt KEY ASSOCIATED_DATA, both in hexadecimal; from standard input
to standard output. A stream that tink refuses ends it with the word `refused`.
"""

import io
import sys

import tink
from tink import secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

TYPE = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"


class Output(io.BytesIO):
    """Outlives the stream that closes it."""

    def close(self):
        pass


def primitive(key):
    value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=1 << 20,
            derived_key_size=32,
            hkdf_hash_type=common_pb2.SHA256,
        ),
        key_value=key,
    )
    data = tink_pb2.KeyData(
        type_url=TYPE,
        value=value.SerializeToString(),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_data=data,
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=tink_pb2.RAW,
    )
    handle = tink.proto_keyset_format.parse(
        keyset.SerializeToString(), secret_key_access.TOKEN
    )
    return handle.primitive(streaming_aead.StreamingAead)


def main():
    direction, key, associated = sys.argv[1], *map(bytes.fromhex, sys.argv[2:4])
    streaming_aead.register()
    peer = primitive(key)
    data = sys.stdin.buffer.read()
    if direction == "encrypt":
        sealed = Output()
        with peer.new_encrypting_stream(sealed, associated) as stream:
            stream.write(data)
        sys.stdout.buffer.write(sealed.getvalue())
        return
    try:
        with peer.new_decrypting_stream(io.BytesIO(data), associated) as stream:
            opened = stream.read()
    except tink.TinkError:
        opened = b"refused"
    sys.stdout.buffer.write(opened)


main()
