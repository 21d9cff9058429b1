//! TLS of a listener: its certificate, whom it lets in, and how both are read anew while it runs.
//!
//! **Invariant:** a certificate that cannot be used never takes the place of one that can.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    CipherSuite, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsAcceptor;

/// HTTP/2 in the protocol negotiation of TLS (RFC 7301).
pub(crate) const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// What the TLS of a listener is made of.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// A PEM file: the certificate of the server, then those that lead to its authority.
    pub cert_file: PathBuf,
    /// A PEM file with the private key.
    pub key_file: PathBuf,
    /// Which versions are spoken.
    pub versions: Vec<TlsVersion>,
    /// The only cipher suites to use; none is the choice of the library.
    pub cipher_suites: Option<CipherSuites>,
    /// Whether clients show certificates.
    pub clients: ClientCertificates,
}

impl TlsSettings {
    /// What serves a certificate to whoever speaks TLS 1.2 or 1.3.
    #[must_use]
    pub fn new(cert_file: PathBuf, key_file: PathBuf) -> Self {
        Self {
            cert_file,
            key_file,
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            cipher_suites: None,
            clients: ClientCertificates::Unasked,
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2 (RFC 5246).
    Tls12,
    /// 1.3 (RFC 8446).
    Tls13,
}

/// Whether clients show certificates; the file is PEM and holds the authorities to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked for one.
    Unasked,
    /// One that is shown must come from these authorities.
    Verified(PathBuf),
    /// Without one from these authorities nobody gets in.
    Required(PathBuf),
}

/// Cipher suites that were named.
#[derive(Clone, Debug)]
pub struct CipherSuites(Vec<SupportedCipherSuite>);

impl CipherSuites {
    /// Reads names such as `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`, parted by commas. Where no
    /// suite of TLS 1.3 is named, all of them stay in use, as in Vault.
    ///
    /// # Errors
    /// The name that is not known.
    pub fn parse(names: &str) -> Result<Self, String> {
        let all = aws_lc_rs::ALL_CIPHER_SUITES;
        let mut suites = Vec::new();
        for name in names.split(',').map(str::trim) {
            let found = all.iter().find(|suite| go_name(suite.suite()) == name);
            suites.push(*found.ok_or_else(|| name.to_owned())?);
        }
        let of_tls13 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
        if !suites.iter().any(of_tls13) {
            suites.extend(all.iter().filter(|suite| of_tls13(suite)));
        }
        Ok(Self(suites))
    }
}

/// Returns the name that Go, and so an operator's file, has for a suite.
fn go_name(suite: CipherSuite) -> String {
    let name = suite.as_str().unwrap_or_default();
    name.replace("TLS13_", "TLS_")
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// A file holds something else.
    #[error("{} {problem}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// What the files hold does not make a server.
    #[error("{} and {}: {problem}", cert.display(), key.display())]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong with them.
        problem: String,
    },
}

/// The TLS of one listener.
#[derive(Debug)]
pub struct Tls {
    settings: TlsSettings,
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read or do not fit together.
    pub fn open(settings: TlsSettings) -> Result<Self, TlsError> {
        let config = ArcSwap::from_pointee(server_config(&settings)?);
        Ok(Self { settings, config })
    }

    /// Reads the files anew, for the connections that come; those that are there keep what they
    /// have.
    ///
    /// # Errors
    /// They cannot be read or do not fit together; then everything stays as it is.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.config.store(Arc::new(server_config(&self.settings)?));
        Ok(())
    }

    /// Returns what shakes hands with the present certificate.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn server_config(settings: &TlsSettings) -> Result<ServerConfig, TlsError> {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(CipherSuites(suites)) = &settings.cipher_suites {
        provider.cipher_suites.clone_from(suites);
    }
    let provider = Arc::new(provider);
    let mismatch = |error: rustls::Error| TlsError::Mismatch {
        cert: settings.cert_file.clone(),
        key: settings.key_file.clone(),
        problem: error.to_string(),
    };
    let versions: Vec<&SupportedProtocolVersion> = settings
        .versions
        .iter()
        .map(|version| match version {
            TlsVersion::Tls12 => &TLS12,
            TlsVersion::Tls13 => &TLS13,
        })
        .collect();
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(mismatch)?
        .with_client_cert_verifier(verifier(&settings.clients, provider)?)
        .with_single_cert(certificates(&settings.cert_file)?, key(&settings.key_file)?)
        .map_err(mismatch)?;
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    Ok(config)
}

fn verifier(
    clients: &ClientCertificates,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let (ClientCertificates::Verified(file) | ClientCertificates::Required(file)) = clients else {
        return Ok(Arc::new(NoClientAuth));
    };
    let content = |problem: String| TlsError::Content {
        file: file.clone(),
        problem,
    };
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(file)? {
        let added = authorities.add(certificate);
        added.map_err(|error| content(format!("holds no authority's certificate: {error}")))?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
    if let ClientCertificates::Verified(_) = clients {
        builder = builder.allow_unauthenticated();
    }
    builder
        .build()
        .map_err(|error| content(format!("cannot be trusted: {error}")))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let content = |problem: String| TlsError::Content {
        file: file.to_owned(),
        problem,
    };
    let parsed = CertificateDer::pem_slice_iter(&read(file)?).collect::<Result<Vec<_>, _>>();
    let parsed = parsed.map_err(|error| content(format!("is not PEM: {error}")))?;
    if parsed.is_empty() {
        return Err(content("holds no certificate".to_owned()));
    }
    Ok(parsed)
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    // EXPOSE: parsed into the key that the TLS library wipes.
    let pem = keyward_crypto::SecretBytes::new(read(file)?);
    // EXPOSE: as above.
    PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|error| TlsError::Content {
        file: file.to_owned(),
        problem: format!("holds no private key that can be used without a passphrase: {error}"),
    })
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|cause| TlsError::File {
        file: file.to_owned(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn settings(folder: &Path) -> TlsSettings {
        TlsSettings::new(folder.join("cert.pem"), folder.join("key.pem"))
    }

    /// Writes a certificate and its key.
    fn write(settings: &TlsSettings) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&settings.cert_file, cert.pem()).unwrap();
        fs::write(&settings.key_file, signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn files_that_make_no_server_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let refused = || Tls::open(settings.clone()).unwrap_err().to_string();
        assert!(refused().contains("cannot read") && refused().contains("cert.pem"));
        write(&settings);
        Tls::open(settings.clone()).unwrap();
        let key = fs::read(&settings.key_file).unwrap();
        fs::write(&settings.key_file, "no key").unwrap();
        assert!(refused().contains("key.pem holds no private key"));
        write(&settings);
        fs::write(&settings.key_file, key).unwrap();
        assert!(refused().contains("key.pem: "), "{}", refused());
        fs::write(&settings.cert_file, "no certificate").unwrap();
        assert!(refused().contains("cert.pem holds no certificate"));
    }

    #[test]
    fn a_bad_certificate_does_not_take_the_place_of_a_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        write(&settings);
        let tls = Tls::open(settings.clone()).unwrap();
        let first = tls.config.load_full();
        fs::write(&settings.cert_file, "").unwrap();
        tls.reload().unwrap_err();
        assert!(Arc::ptr_eq(&first, &tls.config.load_full()));
        write(&settings);
        tls.reload().unwrap();
        assert!(!Arc::ptr_eq(&first, &tls.config.load_full()));
    }

    #[test]
    fn suites_have_gos_names_and_tls_1_3_keeps_its_own() {
        let CipherSuites(suites) = CipherSuites::parse(
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        )
        .unwrap();
        assert_eq!(suites.len(), 5);
        let CipherSuites(suites) = CipherSuites::parse("TLS_AES_256_GCM_SHA384").unwrap();
        assert_eq!(suites.len(), 1);
        let unknown = CipherSuites::parse("TLS_RSA_WITH_AES_128_CBC_SHA").unwrap_err();
        assert_eq!(unknown, "TLS_RSA_WITH_AES_128_CBC_SHA");
        assert!(CipherSuites::parse("").is_err());
    }
}
