//! Certificates of the versions: requests for them, and chains that came of that.

use super::{Derivation, Keyring, Version, no_such_version};
use crate::Error;
use crate::key_type::{Material, SignerType, X509Signature};
use crate::x509::{CertificateChain, RequestTemplate};

impl Keyring {
    /// Refuses a key whose versions can have no certificates.
    ///
    /// # Errors
    /// [`Error::Unsupported`] in Vault's words: when the type does not sign, or each context has a
    /// key of its own.
    pub fn check_certifiable(&self) -> Result<(), Error> {
        self.x509().map(drop)
    }

    /// Makes a request for a certificate of a version (PKCS#10, RFC 2986), in PEM: what the
    /// template asks for, signed by the version.
    ///
    /// # Errors
    /// As [`Self::check_certifiable`], and [`Error::Invalid`] in Vault's words when the version does
    /// not exist, is below the minimum for decryption, is disabled or has no private key.
    pub fn certificate_request(
        &self,
        number: u32,
        template: &RequestTemplate,
    ) -> Result<String, Error> {
        let X509Signature { algorithm, request } = self.x509()?;
        let version = self.certified(number)?;
        self.check_enabled(number)?;
        if let Material::Public(_) = version.material() {
            return Err(Error::invalid(
                "private key not imported for key version selected",
            ));
        }
        let public_key = self.spki(version)?;
        version.with_signer(None, |signer| {
            template.request(&public_key, algorithm, |message| {
                signer.sign(message, &request)
            })
        })
    }

    /// Keeps a chain of certificates with the version whose key the first of them is for, in the
    /// place of the one that was there.
    ///
    /// # Errors
    /// As [`Self::check_certifiable`], and [`Error::Invalid`] in Vault's words when the chain does
    /// not begin with a leaf and go on with authorities, when the version does not exist or is below
    /// the minimum for decryption, or when the leaf is for another key.
    pub fn set_certificate_chain(
        &mut self,
        number: u32,
        chain: &CertificateChain,
    ) -> Result<(), Error> {
        self.check_certifiable()?;
        chain.check_order()?;
        let public_key = self.spki(self.certified(number)?)?;
        chain.check_leaf(self.key_type.name(), &public_key)?;
        self.certificates.insert(number, chain.text().into());
        Ok(())
    }

    /// The chain of certificates of a version, in PEM, if it has one.
    pub fn certificate_chain(&self, number: u32) -> Option<&str> {
        self.certificates.get(&number).map(AsRef::as_ref)
    }

    /// The chain of certificates of a version, for export.
    ///
    /// # Errors
    /// In Vault's words: [`Error::Unsupported`] when the type does not sign, [`Error::Invalid`] when
    /// the version does not exist, is below the minimum for decryption or has no certificates.
    pub fn export_certificate_chain(&self, number: u32) -> Result<&str, Error> {
        if !self.key_type.supports_signing() {
            return Err(Error::unsupported(
                "certificate chain not supported for keys that do not support signing",
            ));
        }
        self.exported(number)?;
        self.certificate_chain(number).ok_or_else(|| {
            Error::invalid("selected key version does not have a certificate chain imported")
        })
    }

    fn x509(&self) -> Result<X509Signature, Error> {
        let signature = self.key_type.signer().and_then(SignerType::x509);
        let signature = signature.ok_or_else(|| {
            let name = self.key_type.name();
            Error::unsupported(format!("key type '{name}' does not support signing"))
        })?;
        if self.derivation != Derivation::None {
            return Err(Error::unsupported(
                "operation not supported for keys with derivation enabled",
            ));
        }
        Ok(signature)
    }

    /// A version that may have certificates.
    fn certified(&self, number: u32) -> Result<&Version, Error> {
        self.version(number)
            .filter(|_| number >= self.min_decryption_version())
            .ok_or_else(no_such_version)
    }

    fn spki(&self, version: &Version) -> Result<Vec<u8>, Error> {
        let no_public_half = || Error::internal("a key that signs has a public half");
        let public = self.key_type.public().ok_or_else(no_public_half)?;
        public.spki(&version.public_key().ok_or_else(no_public_half)?)
    }
}
