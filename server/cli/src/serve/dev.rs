//! `keyward server -dev`: a server for trying things out, which takes everything with it.

use anyhow::{Context as _, Result, bail};
use keyward_api::{Operation, auth::RevokeSelf, sys::EnableMount};
use keyward_core::{CanonicalPath, Core, Request, SealConfig, TokenId};
use keyward_crypto::{SecretBytes, SecretString, encoding};
use keyward_http::TlsSettings;
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use super::{Options, dev_tls};
use crate::{
    Io,
    config::{Config, DEFAULT_ADDRESS, ListenerConfig, SealConfigs, StorageConfig, shown},
    token_helper,
};

/// The folder of a development server, which goes with this, and its certificate.
pub(super) struct Dev {
    scratch: TempDir,
    tls: Option<dev_tls::Files>,
}

impl Dev {
    /// Makes the folder, and a certificate if one is asked for.
    pub(super) fn prepare(options: &Options) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("keyward-dev-").tempdir();
        let scratch = scratch.context("cannot make a folder for the development store")?;
        let folder = match &options.dev_tls_cert_dir {
            Some(folder) => folder.clone(),
            None => scratch.path().join("tls"),
        };
        let names = &options.dev_tls_san;
        let tls = options.dev_tls.then(|| dev_tls::make(&folder, names));
        let tls = tls.transpose()?;
        Ok(Self { scratch, tls })
    }

    /// Returns what holds where no file says otherwise.
    pub(super) fn config(&self, options: &Options) -> Result<Config> {
        let address = options.dev_listen_address.as_deref();
        let files = self.tls.as_ref();
        let tls = files.map(|it| TlsSettings::new(it.certificate.clone(), it.key.clone()));
        let address = address.unwrap_or(DEFAULT_ADDRESS);
        let settings = [
            ("address".to_owned(), json!(address)),
            ("tls_disable".to_owned(), json!(tls.is_none())),
        ];
        let listener = shown::listener("tcp", settings.into_iter().collect());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let api_addr = format!("{scheme}://{address}");
        Ok(Config {
            shown: shown::document("sled", vec![listener], &SealConfigs::default()),
            listeners: vec![ListenerConfig::tcp(address, tls)?],
            api_addr,
            ..Config::of(self.storage())
        })
    }

    /// Returns the store that goes with the server.
    fn storage(&self) -> StorageConfig {
        let path = self.scratch.path().join("data");
        let path = path.to_string_lossy().into_owned();
        StorageConfig {
            name: "sled".to_owned(),
            settings: [("path".to_owned(), path)].into(),
        }
    }

    /// Initializes and unseals the server, with the mounts that Vault's has.
    ///
    /// # Errors
    /// A file names a store that was initialized before: it is not for development.
    pub(super) async fn unseal(
        &self,
        core: &Core,
        options: &Options,
        storage: &StorageConfig,
        seals: &SealConfigs,
    ) -> Result<Opened> {
        let secrets = core
            .initialize(SealConfig {
                shares: 1,
                threshold: 1,
            })
            .await
            .context("cannot initialize the development server")?;
        let [share] = &secrets.shares[..] else {
            bail!("one share was asked for")
        };
        core.unseal(share.duplicate()).await?;
        let token = match &options.dev_root_token_id {
            None => secrets.root_token,
            Some(id) => {
                let chosen = || TokenId::new(SecretString::new(id.clone()));
                core.create_root_token(chosen()).await?;
                // Nobody knows the first one, and nobody shall have to.
                handle(
                    core,
                    "auth/token/revoke-self",
                    &RevokeSelf::default(),
                    secrets.root_token,
                )
                .await?;
                chosen()
            }
        };
        let mount = EnableMount {
            kind: Some("kv".to_owned()),
            description: Some("key/value secret storage".to_owned()),
            options: Some([("version".to_owned(), "2".to_owned())].into()),
            ..EnableMount::default()
        };
        handle(core, "sys/mounts/secret", &mount, token.duplicate()).await?;
        Ok(Opened {
            key: encoding::encode_secret(share),
            is_recovery_key: seals.opens_itself(),
            token,
            is_kept: *storage != self.storage(),
        })
    }

    /// Tells how to use the server, and keeps its token for later commands.
    pub(super) fn welcome(
        &self,
        opened: &Opened,
        options: &Options,
        address: &str,
        io: &mut Io<'_>,
    ) -> Result<()> {
        // EXPOSE: the token of a development server is shown, that is what it is for.
        let token = opened.token.expose();
        if !options.dev_no_store_token {
            token_helper::store(&io.environment.home()?, token)?;
        }
        let keeps = if opened.is_kept {
            ""
        } else {
            "keeps nothing, "
        };
        let kind = if opened.is_recovery_key {
            "Recovery"
        } else {
            "Unseal"
        };
        // EXPOSE: the key of a development server is shown, that is what it is for.
        let key = opened.key.expose();
        let authority = match &self.tls {
            None => String::new(),
            Some(files) => {
                let file = files.authority.display();
                format!("    $ export VAULT_CACERT='{file}'\n")
            }
        };
        io.print(&format!(
            "WARNING! This is a development server: it {keeps}starts unsealed with a single\n\
             unseal key, and its root token is already known. Never run it in production.\n\n\
             You may need to set the following environment variables:\n\n    \
             $ export VAULT_ADDR='{address}'\n{authority}\n{kind} Key: {key}\nRoot Token: {token}\n\n"
        ))
    }
}

/// What opens a development server.
pub(super) struct Opened {
    /// The one share of the unseal key, or else of the recovery key.
    key: SecretString,
    is_recovery_key: bool,
    token: TokenId,
    /// Whether a file names its store, so that it stays.
    is_kept: bool,
}

/// Has the core handle an update, as if it came from outside.
async fn handle(core: &Core, path: &str, body: &impl Serialize, token: TokenId) -> Result<()> {
    let body = SecretBytes::new(serde_json::to_vec(body)?);
    let request = Request::new(Operation::Update, CanonicalPath::parse(path)?, body);
    core.handle(request.with_token(token)).await?;
    Ok(())
}
