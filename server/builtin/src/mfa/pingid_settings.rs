//! The settings file of an organization at PingID (`pingid.properties`): a line for each setting,
//! `key=value`, and comments that begin with `#`.

use keyward_api::Sensitive;
use keyward_core::Error;
use keyward_crypto::{SecretBytes, encoding};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::Failed;

/// The longest file; PingID's have half a kilobyte.
const LONGEST: usize = 16 << 10;

/// What the file says.
#[derive(Deserialize, Serialize)]
pub(super) struct Settings {
    /// The key of signatures, in base64.
    use_base64_key: Sensitive,
    use_signature: bool,
    pub(super) token: Sensitive,
    pub(super) org_alias: String,
    idp_url: String,
    admin_url: String,
    authenticator_url: String,
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Invalid`], in Vault's words where it has some; nothing that may be a value is
    /// repeated.
    pub(super) fn parse(file: &SecretBytes) -> Result<Self, Error> {
        // EXPOSE: taken apart; what is secret in it goes into a type that is wiped.
        let file = file.expose();
        if file.len() > LONGEST {
            return Err(Error::invalid("the pingid settings file is too long"));
        }
        let text = str::from_utf8(file);
        let text = text.map_err(|_| Error::invalid("the pingid settings file is no text"))?;
        let mut settings = Self {
            use_base64_key: Sensitive::new(String::new()),
            use_signature: false,
            token: Sensitive::new(String::new()),
            org_alias: String::new(),
            idp_url: String::new(),
            admin_url: String::new(),
            authenticator_url: String::new(),
        };
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once('=').ok_or_else(|| {
                Error::invalid(
                    "pingid settings file contains a non-empty non-comment line that is not in \
                     key=value format",
                )
            })?;
            settings.take(number, key, value)?;
        }
        settings.check()?;
        Ok(settings)
    }

    fn take(&mut self, line: usize, key: &str, value: &str) -> Result<(), Error> {
        match key {
            "use_base64_key" => self.use_base64_key = Sensitive::new(value.to_owned()),
            "use_signature" => {
                self.use_signature = value.parse().map_err(|_| {
                    Error::invalid("error parsing use_signature value in pingid settings file")
                })?;
            }
            "token" => self.token = Sensitive::new(value.to_owned()),
            "org_alias" => value.clone_into(&mut self.org_alias),
            "idp_url" => value.clone_into(&mut self.idp_url),
            "admin_url" => value.clone_into(&mut self.admin_url),
            "authenticator_url" => value.clone_into(&mut self.authenticator_url),
            _ => {
                // It is not repeated: it may be the end of a value.
                return Err(Error::Invalid(format!(
                    "unknown key in line {line} of the pingid settings file"
                )));
            }
        }
        Ok(())
    }

    /// Refuses a file that could confirm nothing.
    fn check(&self) -> Result<(), Error> {
        let lacks = |key: &str| Err(Error::Invalid(format!("pingid settings file lacks {key}")));
        // EXPOSE: whether they are empty is looked at.
        let [key, token] = [&self.use_base64_key, &self.token].map(|it| it.expose().is_empty());
        if key {
            return lacks("use_base64_key");
        }
        if token {
            return lacks("token");
        }
        if self.org_alias.is_empty() {
            return lacks("org_alias");
        }
        if self.key().is_err() {
            return Err(Error::invalid(
                "use_base64_key in pingid settings file is no base64",
            ));
        }
        if self.authonline().is_err() {
            return Err(Error::invalid(
                "idp_url in pingid settings file is no https address",
            ));
        }
        Ok(())
    }

    /// Shows what is not secret.
    pub(super) fn shown(&self) -> Map<String, Value> {
        let fields = [
            ("admin_url", Value::from(&*self.admin_url)),
            ("authenticator_url", Value::from(&*self.authenticator_url)),
            ("idp_url", Value::from(&*self.idp_url)),
            ("org_alias", Value::from(&*self.org_alias)),
            ("use_signature", Value::from(self.use_signature)),
        ];
        let fields = fields.into_iter();
        fields
            .map(|(field, value)| (field.to_owned(), value))
            .collect()
    }

    /// Returns the key of signatures.
    pub(super) fn key(&self) -> Result<SecretBytes, encoding::DecodeError> {
        // EXPOSE: decoded into a buffer that is wiped.
        encoding::decode(self.use_base64_key.expose())
    }

    /// Returns where a push is asked for.
    ///
    /// # Errors
    /// The address of the service is none of HTTPS, or has more in it than a path.
    pub(super) fn authonline(&self) -> Result<Url, Failed> {
        let unfit = || Failed("its idp_url is no https address".to_owned());
        let mut url = Url::parse(&self.idp_url).map_err(|_| unfit())?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if url.scheme() != "https" || !is_bare {
            return Err(unfit());
        }
        let mut path = url.path_segments_mut().map_err(|()| unfit())?;
        path.pop_if_empty()
            .extend(["rest", "4", "authonline", "do"]);
        drop(path);
        Ok(url)
    }
}
