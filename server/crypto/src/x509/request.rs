//! Requests for certificates: PKCS#10 (RFC 2986).

use pkcs8::spki::AlgorithmIdentifierRef;
use x509_cert::attr::Attributes;
use x509_cert::der::asn1::BitString;
use x509_cert::der::{self, Decode as _, Encode as _};
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, Version};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::pem;
use crate::Error;
use crate::key_type::der::pem as print_pem;

const LABEL: &str = "CERTIFICATE REQUEST";

/// What a request asks for beside its key: a subject, and attributes, among them the extensions
/// that the certificate shall have. The default asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct RequestTemplate {
    subject: Name,
    attributes: Attributes,
}

impl RequestTemplate {
    /// Takes it out of a request in PEM. The key and the signature there may be anybody's.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no request; in Vault's words when it is no PEM.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (block, _) =
            pem::read(text).ok_or_else(|| Error::invalid("could not decode PEM CSR"))?;
        let request = CertReq::from_der(&block.der)
            .map_err(|why| Error::invalid(format!("could not parse the CSR: {why}")))?;
        Ok(Self {
            subject: request.info.subject,
            attributes: request.info.attributes,
        })
    }

    /// Makes the request for a key, which `sign` signs with, and writes it as PEM. The key is a
    /// SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// Those of `sign`.
    pub(crate) fn request(
        &self,
        public_key: &[u8],
        algorithm: AlgorithmIdentifierRef<'_>,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
    ) -> Result<String, Error> {
        let info = CertReqInfo {
            version: Version::V1,
            subject: self.subject.clone(),
            public_key: SubjectPublicKeyInfoOwned::from_der(public_key).map_err(not_written)?,
            attributes: self.attributes.clone(),
        };
        let signature = sign(&info.to_der().map_err(not_written)?)?;
        let request = CertReq {
            info,
            algorithm: algorithm.into(),
            signature: BitString::from_bytes(&signature).map_err(not_written)?,
        };
        print_pem(LABEL, &request.to_der().map_err(not_written)?)
    }
}

fn not_written(_: der::Error) -> Error {
    Error::internal("DER refused a certificate request")
}
