//! A certificate for `keyward server -dev-tls`, under an authority of its own.
//!
//! **Invariant:** the key of the authority is never written: it signs once and is gone.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use keyward_core::{Clock as _, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// For how long they hold: longer than anybody tries things out.
const LIFE: Duration = Duration::days(365);

/// What the certificate holds for in any case.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The files that were made, with Vault's names.
pub(super) struct Files {
    /// The authority, which clients are to trust.
    pub(super) authority: PathBuf,
    /// The server's certificate.
    pub(super) certificate: PathBuf,
    /// The server's key.
    pub(super) key: PathBuf,
}

/// Makes an authority and a certificate for this machine and for `names`.
pub(super) fn make(folder: &Path, names: &[String]) -> Result<Files> {
    let files = Files {
        authority: folder.join("vault-ca.pem"),
        certificate: folder.join("vault-cert.pem"),
        key: folder.join("vault-key.pem"),
    };
    let authority_key = KeyPair::generate().context("cannot make a key")?;
    let mut authority = parameters("Keyward development authority", Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_certificate = authority.self_signed(&authority_key)?;

    let key = KeyPair::generate().context("cannot make a key")?;
    let names = NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .chain(names.iter().cloned());
    let mut server = parameters("Keyward development server", names.collect())?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;

    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    write(&files.authority, &authority_certificate.pem(), 0o644)?;
    write(&files.certificate, &certificate.pem(), 0o644)?;
    write(&files.key, &key.serialize_pem(), 0o600)?;
    Ok(files)
}

fn parameters(name: &str, names: Vec<String>) -> Result<CertificateParams> {
    let listed = names.join(", ");
    let parameters = CertificateParams::new(names);
    let mut parameters =
        parameters.with_context(|| format!("a certificate cannot hold for all of {listed}"))?;
    parameters.distinguished_name.push(DnType::CommonName, name);
    let now = i64::try_from(SystemClock.now().unix_seconds())?;
    let now = OffsetDateTime::from_unix_timestamp(now)?;
    // A client whose clock is a little behind shall trust it all the same.
    parameters.not_before = now - Duration::hours(1);
    parameters.not_after = now + LIFE;
    Ok(parameters)
}

fn write(file: &Path, text: &str, mode: u32) -> Result<()> {
    // One that another server made may be in the way, with other permissions.
    let _ = fs::remove_file(file);
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file);
    made.and_then(|mut made| made.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
}
