//! Whom a command trusts, and as whom it shows itself.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use keyward_crypto::SecretBytes;
use reqwest::{Certificate, ClientBuilder, Identity};

use crate::{Environment, arguments::Connection};

/// Adds what flags and environment say about TLS.
pub(super) fn settings(
    mut builder: ClientBuilder,
    flags: &Connection,
    environment: &Environment,
) -> Result<ClientBuilder> {
    let file = |flag: &Option<String>, name| {
        flag.clone()
            .or_else(|| environment.setting(name).map(str::to_owned))
    };
    if let Some(path) = file(&flags.ca_cert, "CACERT") {
        builder = builder.tls_certs_only(certificates(Path::new(&path))?);
    } else if let Some(folder) = file(&flags.ca_path, "CAPATH") {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
        let mut all = Vec::new();
        for entry in entries {
            all.extend(certificates(&entry?.path())?);
        }
        builder = builder.tls_certs_only(all);
    }
    match (
        file(&flags.client_cert, "CLIENT_CERT"),
        file(&flags.client_key, "CLIENT_KEY"),
    ) {
        (None, None) => {}
        (Some(certificate), Some(key)) => {
            let mut pem = SecretBytes::new(read(Path::new(&key))?);
            // EXPOSE: both halves go to the TLS library as one text.
            pem.expose_mut().extend(read(Path::new(&certificate))?);
            // EXPOSE: as above.
            let identity = Identity::from_pem(pem.expose());
            let identity =
                identity.with_context(|| format!("{certificate} and {key} do not fit"))?;
            builder = builder.identity(identity);
        }
        _ => bail!("a client certificate needs its key, and a key its certificate"),
    }
    let skip = match flags.tls_skip_verify {
        Some(skip) => skip,
        None => environment.flag("SKIP_VERIFY")?.unwrap_or(false),
    };
    Ok(builder.tls_danger_accept_invalid_certs(skip))
}

fn certificates(file: &Path) -> Result<Vec<Certificate>> {
    let bundle = Certificate::from_pem_bundle(&read(file)?);
    bundle.with_context(|| format!("{} holds no PEM certificates", file.display()))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}
