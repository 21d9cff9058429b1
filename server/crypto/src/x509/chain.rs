//! Chains of certificates (RFC 5280): first the one of a key, then those of the authorities that
//! stand for it.

use std::borrow::Cow;

use pkcs8::ObjectIdentifier;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::pem;
use crate::Error;
use crate::key_type::der::pem as print_pem;

const LABEL: &str = "CERTIFICATE";
/// The labels that a certificate may have, of which the second is OpenSSL's old one.
const LABELS: [&str; 2] = [LABEL, "X509 CERTIFICATE"];
/// How long a chain may be as text: it is kept, and in memory, with the key.
const MAX_LEN: usize = 256 * 1024;

/// One certificate or several, which are certificates indeed, and no more is known of them.
#[derive(Clone, Debug)]
pub struct CertificateChain {
    /// The certificates in PEM, nothing between them, no line break at the end.
    text: String,
    /// The key of the first.
    leaf_key: SubjectPublicKeyInfoOwned,
    /// For each one whether it is an authority's.
    authorities: Vec<bool>,
}

impl CertificateChain {
    /// Reads certificates in PEM. Blocks of other kinds are passed over.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no certificate, or something else where one should be, in
    /// Vault's words, or when they are too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_LEN {
            return Err(Error::invalid(format!(
                "the certificate chain is longer than {MAX_LEN} bytes"
            )));
        }
        let (mut written, mut leaf_key, mut authorities) = (String::new(), None, Vec::new());
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (block, after) = pem::read(rest).ok_or_else(|| {
                Error::invalid("could not decode a PEM block in the certificate chain")
            })?;
            rest = after.trim_start();
            if !LABELS.contains(&block.label) {
                continue;
            }
            let (key, authority) = parse_one(&block.der).map_err(|why| {
                Error::invalid(format!(
                    "could not parse a certificate in the certificate chain: {why}"
                ))
            })?;
            leaf_key.get_or_insert(key);
            authorities.push(authority);
            written.push_str(&print_pem(LABEL, &block.der)?);
        }
        written.truncate(written.trim_end().len());
        let leaf_key = leaf_key.ok_or_else(|| {
            Error::invalid(
                "provided certificate chain did not contain any valid PEM encoded certificate",
            )
        })?;
        Ok(Self {
            text: written,
            leaf_key,
            authorities,
        })
    }

    /// The certificates in PEM.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses a chain that does not begin with a leaf, or goes on with anything but authorities.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words.
    pub(crate) fn check_order(&self) -> Result<(), Error> {
        let refusal = match self.authorities.as_slice() {
            [true, ..] => "certificate in the first element is not a valid leaf certificate",
            [_, .., false] => "certificate in the last element is not a valid CA certificate",
            [_, others @ ..] if others.contains(&false) => {
                "could not validate if there is only one leaf certificate in the provided chain"
            }
            _ => return Ok(()),
        };
        Err(Error::invalid(refusal))
    }

    /// Refuses a chain whose leaf is that of another key than `public_key`, a SubjectPublicKeyInfo
    /// in DER.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words, which name the type of the key.
    pub(crate) fn check_leaf(&self, type_name: &str, public_key: &[u8]) -> Result<(), Error> {
        let own = SubjectPublicKeyInfoOwned::from_der(public_key)
            .map_err(|_| Error::internal("a public key has no DER"))?;
        if self.leaf_key == own {
            return Ok(());
        }
        let name = algorithm_name(self.leaf_key.algorithm.oid);
        if name == algorithm_name(own.algorithm.oid) {
            return Err(Error::invalid(
                "leaf certificate public key does not match the selected key version",
            ));
        }
        Err(Error::invalid(format!(
            "could not validate key match between leaf certificate key and key entry in transit: \
             provided leaf certificate public key algorithm '{name}' does not match the transit \
             key type '{type_name}'"
        )))
    }
}

/// The key of a certificate, and whether it is an authority's.
fn parse_one(der: &[u8]) -> x509_cert::der::Result<(SubjectPublicKeyInfoOwned, bool)> {
    let certificate = Certificate::from_der(der)?;
    let certificate = certificate.tbs_certificate();
    let constraints = certificate.get_extension::<BasicConstraints>()?;
    let authority = constraints.is_some_and(|(_, constraints)| constraints.ca);
    Ok((certificate.subject_public_key_info().clone(), authority))
}

/// The algorithm of a public key by the name that Go gives it, where it has one.
fn algorithm_name(algorithm: ObjectIdentifier) -> Cow<'static, str> {
    let number = algorithm.to_string();
    Cow::Borrowed(match number.as_str() {
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.10045.2.1" => "ECDSA",
        "1.2.840.113549.1.1.1" => "RSA",
        "1.3.101.112" => "Ed25519",
        "2.16.840.1.101.3.4.3.17" | "2.16.840.1.101.3.4.3.18" | "2.16.840.1.101.3.4.3.19" => {
            "ML-DSA"
        }
        _ => return Cow::Owned(number),
    })
}
