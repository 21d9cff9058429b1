//! The TLS settings of a `listener "tcp"`.

use anyhow::{Result, bail};
use keyward_core::hcl::{Block, Entry};
use keyward_http::{CipherSuites, ClientCertificates, TlsSettings, TlsVersion};

use super::value::{flag, refuse, text};

/// What was said about TLS so far.
#[derive(Default)]
pub(super) struct TlsStanza<'a> {
    disable: bool,
    cert_file: Option<&'a Entry>,
    key_file: Option<&'a Entry>,
    min_version: Option<(&'a Entry, TlsVersion)>,
    max_version: Option<(&'a Entry, TlsVersion)>,
    cipher_suites: Option<(&'a Entry, CipherSuites)>,
    client_ca_file: Option<&'a Entry>,
    require_client_cert: Option<&'a Entry>,
    disable_client_certs: Option<&'a Entry>,
}

impl<'a> TlsStanza<'a> {
    /// Takes an entry if it is one of these.
    pub(super) fn takes(&mut self, entry: &'a Entry) -> Result<bool> {
        match entry.key.as_str() {
            "tls_disable" => self.disable = flag(entry)?,
            "tls_cert_file" => self.cert_file = Some(entry),
            "tls_key_file" => self.key_file = Some(entry),
            "tls_min_version" => self.min_version = Some((entry, version(entry)?)),
            "tls_max_version" => self.max_version = Some((entry, version(entry)?)),
            "tls_cipher_suites" => self.cipher_suites = Some((entry, suites(entry)?)),
            "tls_client_ca_file" => self.client_ca_file = Some(entry),
            "tls_require_and_verify_client_cert" => {
                self.require_client_cert = flag(entry)?.then_some(entry);
            }
            "tls_disable_client_certs" => self.disable_client_certs = flag(entry)?.then_some(entry),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Puts them together; none is a listener without TLS.
    pub(super) fn finish(self, block: Block<'_>) -> Result<Option<TlsSettings>> {
        if self.disable {
            return match self.any() {
                None => Ok(None),
                Some(entry) => Err(refuse(entry, "says nothing while tls_disable is set")),
            };
        }
        let (Some(cert_file), Some(key_file)) = (self.cert_file, self.key_file) else {
            bail!(
                "the listener at line {} needs tls_cert_file and tls_key_file, or tls_disable = \
                 true if nobody else can read what passes",
                block.position.line
            );
        };
        Ok(Some(TlsSettings {
            versions: self.versions()?,
            clients: self.clients()?,
            cipher_suites: self.cipher_suites.map(|(_, suites)| suites),
            ..TlsSettings::new(text(cert_file)?.into(), text(key_file)?.into())
        }))
    }

    /// Returns one of the settings that need TLS.
    fn any(&self) -> Option<&'a Entry> {
        let versions = [self.min_version, self.max_version];
        let versions = versions.into_iter().flatten().map(|(entry, _)| entry);
        let suites = self.cipher_suites.iter().map(|(entry, _)| *entry);
        [
            self.cert_file,
            self.key_file,
            self.client_ca_file,
            self.require_client_cert,
            self.disable_client_certs,
        ]
        .into_iter()
        .flatten()
        .chain(versions)
        .chain(suites)
        .next()
    }

    fn versions(&self) -> Result<Vec<TlsVersion>> {
        let least = self.min_version.map_or(TlsVersion::Tls12, |(_, it)| it);
        let most = self.max_version.map_or(TlsVersion::Tls13, |(_, it)| it);
        let versions = [TlsVersion::Tls12, TlsVersion::Tls13];
        let versions: Vec<_> = versions
            .into_iter()
            .filter(|version| (least..=most).contains(version))
            .collect();
        match (self.max_version, versions.is_empty()) {
            (Some((entry, _)), true) => Err(refuse(entry, "is below tls_min_version")),
            _ => Ok(versions),
        }
    }

    fn clients(&self) -> Result<ClientCertificates> {
        match (
            self.require_client_cert,
            self.disable_client_certs,
            self.client_ca_file,
        ) {
            (Some(require), Some(_), _) => Err(refuse(
                require,
                "and \"tls_disable_client_certs\" are mutually exclusive",
            )),
            (Some(require), None, None) => Err(refuse(
                require,
                "needs tls_client_ca_file: the authorities of this machine are not trusted",
            )),
            (Some(_), None, Some(file)) => Ok(ClientCertificates::Required(text(file)?.into())),
            (None, Some(disable), Some(_)) => {
                Err(refuse(disable, "leaves no use for tls_client_ca_file"))
            }
            (None, Some(_), None) | (None, None, None) => Ok(ClientCertificates::Unasked),
            (None, None, Some(file)) => Ok(ClientCertificates::Verified(text(file)?.into())),
        }
    }
}

fn version(entry: &Entry) -> Result<TlsVersion> {
    match text(entry)?.as_str() {
        "tls12" => Ok(TlsVersion::Tls12),
        "tls13" => Ok(TlsVersion::Tls13),
        _ => Err(refuse(
            entry,
            "must be \"tls12\" or \"tls13\": older versions are broken",
        )),
    }
}

fn suites(entry: &Entry) -> Result<CipherSuites> {
    CipherSuites::parse(&text(entry)?).map_err(|name| {
        refuse(
            entry,
            format_args!("names the cipher suite {name:?}, which is not served"),
        )
    })
}

#[cfg(test)]
mod tests {
    use keyward_core::hcl;

    use super::*;

    /// Reads the TLS settings of a listener, one entry a line from line 2 on.
    fn read(entries: &str) -> Result<Option<TlsSettings>> {
        let body = hcl::parse(&format!("listener \"tcp\" {{\n{entries}\n}}")).unwrap();
        let block = body.labelled("listener").unwrap()[0];
        let mut stanza = TlsStanza::default();
        for entry in &block.body.entries {
            assert!(stanza.takes(entry)?, "{}", entry.key);
        }
        stanza.finish(block)
    }

    fn with_files(entries: &str) -> Result<Option<TlsSettings>> {
        read(&format!(
            "{entries}\ntls_cert_file = \"c\"\ntls_key_file = \"k\""
        ))
    }

    #[test]
    fn tls_is_what_a_listener_has_unless_it_is_disabled() {
        let settings = with_files("").unwrap().unwrap();
        assert_eq!(settings.cert_file.to_str(), Some("c"));
        assert_eq!(settings.versions, [TlsVersion::Tls12, TlsVersion::Tls13]);
        assert_eq!(settings.clients, ClientCertificates::Unasked);
        assert!(read("tls_disable = \"true\"").unwrap().is_none());
        let disabled = with_files("tls_disable = true").unwrap_err().to_string();
        assert!(
            disabled.contains("\"tls_cert_file\" at line 3"),
            "{disabled}"
        );
    }

    #[test]
    fn versions_are_a_range() {
        let versions = |entries| with_files(entries).unwrap().unwrap().versions;
        assert_eq!(versions("tls_min_version = \"tls13\""), [TlsVersion::Tls13]);
        assert_eq!(versions("tls_max_version = \"tls12\""), [TlsVersion::Tls12]);
    }

    #[test]
    fn a_certificate_of_a_client_is_checked_if_there_is_an_authority() {
        let clients = |entries: &str| with_files(entries).unwrap().unwrap().clients;
        let file = "tls_client_ca_file = \"ca\"";
        assert_eq!(clients(file), ClientCertificates::Verified("ca".into()));
        assert_eq!(
            clients(&format!(
                "{file}\ntls_require_and_verify_client_cert = \"true\""
            )),
            ClientCertificates::Required("ca".into())
        );
        assert_eq!(
            clients("tls_disable_client_certs = true"),
            ClientCertificates::Unasked
        );
    }

    #[test]
    fn what_cannot_be_enforced_is_refused_with_its_line() {
        for (entries, named) in [
            (
                "tls_min_version = \"tls10\"",
                "\"tls_min_version\" at line 2",
            ),
            (
                "tls_max_version = \"tls11\"",
                "\"tls_max_version\" at line 2",
            ),
            (
                "tls_min_version = \"tls13\"\ntls_max_version = \"tls12\"",
                "\"tls_max_version\" at line 3 is below",
            ),
            (
                "tls_cipher_suites = \"TLS_RSA_WITH_RC4_128_SHA\"",
                "\"tls_cipher_suites\" at line 2 names the cipher suite \"TLS_RSA_WITH_RC4_128_SHA\"",
            ),
            (
                "tls_require_and_verify_client_cert = true",
                "\"tls_require_and_verify_client_cert\" at line 2 needs tls_client_ca_file",
            ),
            (
                "tls_require_and_verify_client_cert = true\ntls_disable_client_certs = true",
                "line 2 and \"tls_disable_client_certs\" are mutually exclusive",
            ),
            (
                "tls_disable_client_certs = true\ntls_client_ca_file = \"ca\"",
                "\"tls_disable_client_certs\" at line 2 leaves no use",
            ),
            (
                "tls_require_and_verify_client_cert = \"yes\"",
                "must be true or false",
            ),
            (
                "tls_client_ca_file = 7",
                "\"tls_client_ca_file\" at line 2 must be a string",
            ),
        ] {
            let refused = with_files(entries).unwrap_err().to_string();
            assert!(refused.contains(named), "{refused}");
        }
        for entries in ["", "tls_cert_file = \"c\"", "tls_key_file = \"k\""] {
            let refused = read(entries).unwrap_err().to_string();
            assert!(
                refused.contains("the listener at line 1 needs"),
                "{refused}"
            );
        }
    }
}
