//! Keys as DER and PEM: PKCS#8 (RFC 5958), SubjectPublicKeyInfo (RFC 5280) and their text form
//! (RFC 7468).

#[cfg(not(target_arch = "wasm32"))]
use pkcs8::der::asn1::IntRef;
use pkcs8::der::asn1::{BitStringRef, OctetStringRef};
use pkcs8::der::pem::{LineEnding, decode_vec, encode_string};
use pkcs8::der::{Decode as _, Encode as _};
#[cfg(not(target_arch = "wasm32"))]
use pkcs8::der::{Reader as _, SliceReader};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};

use crate::{Error, Secret, SecretBytes, SecretString};

/// The label of a SubjectPublicKeyInfo.
pub(super) const PUBLIC: &str = "PUBLIC KEY";
/// The label of a PKCS#8 key.
pub(super) const PRIVATE: &str = "PRIVATE KEY";

/// Writes what is public as PEM.
pub(crate) fn pem(label: &'static str, der: &[u8]) -> Result<String, Error> {
    encode_string(label, LineEnding::LF, der).map_err(|_| Error::internal("PEM refused a key"))
}

/// Writes what is secret as PEM, without a line break at its end: so does Vault.
pub(super) fn secret_pem(label: &'static str, der: &[u8]) -> Result<SecretString, Error> {
    let mut text = Secret::new(pem(label, der)?);
    // EXPOSE: shortened where it stands.
    let out = text.expose_mut();
    out.truncate(out.trim_end().len());
    Ok(text)
}

/// Reads a SubjectPublicKeyInfo from PEM.
pub(super) fn public_from_pem(text: &str) -> Result<Vec<u8>, Error> {
    match decode_vec(text.trim().as_bytes()) {
        Ok((PUBLIC, der)) => Ok(der),
        _ => Err(Error::invalid("the public key is not PEM of a PUBLIC KEY")),
    }
}

/// Takes the key out of PKCS#8 if it is one of the algorithm.
pub(super) fn private_key(
    pkcs8: &SecretBytes,
    algorithm: ObjectIdentifier,
) -> Result<SecretBytes, Error> {
    // EXPOSE: taken apart; the key goes into a buffer that is wiped too.
    let info = PrivateKeyInfoRef::from_der(pkcs8.expose())
        .map_err(|_| Error::invalid("the key is not PKCS#8 in DER"))?;
    if info.algorithm.oid != algorithm {
        return Err(Error::invalid("the key is not one of its type"));
    }
    Ok(info.private_key.as_bytes().into())
}

/// Puts a key that needs no parameters into PKCS#8.
pub(super) fn pkcs8(algorithm: ObjectIdentifier, key: &[u8]) -> Result<SecretDocument, Error> {
    let refused = |_| Error::internal("DER refused a private key");
    let key = OctetStringRef::new(key).map_err(refused)?;
    let info = PrivateKeyInfoRef::new(without_parameters(algorithm), key);
    SecretDocument::encode_msg(&info).map_err(refused)
}

/// Takes a public key that needs no parameters out of SubjectPublicKeyInfo.
pub(super) fn public_key(spki: &[u8], algorithm: ObjectIdentifier) -> Result<Vec<u8>, Error> {
    let refused = || Error::invalid("the public key is not one of its type");
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| refused())?;
    let key = info.subject_public_key.as_bytes();
    key.filter(|_| info.algorithm.oid == algorithm)
        .map(<[u8]>::to_vec)
        .ok_or_else(refused)
}

/// Puts a public key that needs no parameters into SubjectPublicKeyInfo.
pub(super) fn spki(algorithm: ObjectIdentifier, key: &[u8]) -> Result<Vec<u8>, Error> {
    let refused = |_| Error::internal("DER refused a public key");
    let info = SubjectPublicKeyInfoRef {
        algorithm: without_parameters(algorithm),
        subject_public_key: BitStringRef::from_bytes(key).map_err(refused)?,
    };
    info.to_der().map_err(refused)
}

/// Whether bytes have the form of an ECDSA signature (RFC 5480): a sequence of two integers.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn is_two_integers(bytes: &[u8]) -> bool {
    let parse = || {
        let mut reader = SliceReader::new(bytes)?;
        reader.sequence(|reader| {
            IntRef::decode(reader)?;
            IntRef::decode(reader).map(drop)
        })?;
        reader.finish()
    };
    parse().is_ok()
}

/// Refuses bare bytes for a key that has none, in OpenBao's words.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn no_raw_form(kind: &str) -> Error {
    Error::invalid(format!(
        "unknown key format for {kind} key; supported values are ``, `der`, or `pem`"
    ))
}

pub(super) const fn without_parameters<'a>(oid: ObjectIdentifier) -> AlgorithmIdentifierRef<'a> {
    AlgorithmIdentifierRef {
        oid,
        parameters: None,
    }
}
