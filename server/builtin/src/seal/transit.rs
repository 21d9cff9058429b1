//! The seal `transit`: a transit key of another server, Keyward, Vault or OpenBao.
//!
//! What is stored is the ciphertext as the other server wrote it (`vault:v1:…`), made with the
//! place as associated data: the key must be one that authenticates such data, as AES-GCM and
//! ChaCha20-Poly1305 do.
//!
//! **Invariant:** no redirect is followed: the token and the key go where the operator said, or
//! nowhere.

use std::{fs, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use keyward_api::Sensitive;
use keyward_core::{AutoSeal, SealError, Timestamp, Unwrapped};
use keyward_crypto::{SecretBytes, encoding};
use parking_lot::Mutex;
use reqwest::{
    Certificate, Client, Identity, RequestBuilder, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderValue,
    redirect::Policy,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{SealKind, Setting, Settings, given, needed};

/// The line in the table of seals.
///
/// Settings: `address`, `token`, `key_name`, `mount_path`; `namespace`; `tls_ca_cert`,
/// `tls_client_cert`, `tls_client_key` (files), `tls_server_name`, `tls_skip_verify`;
/// `disable_renewal` of the token.
pub(super) const TRANSIT: SealKind = SealKind {
    name: NAME,
    settings: &[
        Setting::or("address", "ADDR"),
        Setting::own("disable_renewal"),
        Setting::own("key_name"),
        Setting::own("mount_path"),
        Setting::or("namespace", "NAMESPACE"),
        Setting::or("tls_ca_cert", "CACERT"),
        Setting::or("tls_client_cert", "CLIENT_CERT"),
        Setting::or("tls_client_key", "CLIENT_KEY"),
        Setting::or("tls_server_name", "TLS_SERVER_NAME"),
        Setting::or("tls_skip_verify", "SKIP_VERIFY"),
        Setting::or("token", "TOKEN"),
    ],
    open,
};

const NAME: &str = "transit";

/// How long one call may take, its answer included.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes of an answer that are read.
const ANSWER: usize = 64 << 10;

/// When a token that was not renewed is tried again.
const RENEW_AGAIN: Duration = Duration::from_secs(30);

struct Transit {
    client: Client,
    base: Url,
    token: HeaderValue,
    namespace: Option<HeaderValue>,
    mount_path: String,
    key_name: String,
    /// When the token is to be renewed; none if it never is.
    renew_at: Mutex<Option<Timestamp>>,
}

fn refused(why: impl std::fmt::Display) -> SealError {
    SealError::Refused(format!("seal \"transit\": {why}"))
}

fn open(settings: &Settings) -> Result<Arc<dyn AutoSeal>, SealError> {
    let address = needed(settings, NAME, "address")?;
    let base = Url::parse(address).map_err(|error| refused(format!("\"address\": {error}")))?;
    if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
        return Err(refused("\"address\" must begin with http:// or https://"));
    }
    let header = |name: &str, text: &str| {
        let value = HeaderValue::from_str(text);
        let mut value = value.map_err(|_| refused(format!("{name:?} cannot be sent")))?;
        value.set_sensitive(true);
        Ok::<_, SealError>(value)
    };
    let namespace = given(settings, "namespace");
    let renews = !flag(settings, "disable_renewal")?;
    Ok(Arc::new(Transit {
        client: client(settings, &base)?,
        token: header("token", needed(settings, NAME, "token")?)?,
        namespace: namespace
            .map(|text| header("namespace", text))
            .transpose()?,
        mount_path: needed(settings, NAME, "mount_path")?
            .trim_matches('/')
            .to_owned(),
        key_name: needed(settings, NAME, "key_name")?.to_owned(),
        base: named(settings, base)?,
        renew_at: Mutex::new(renews.then(Timestamp::default)),
    }))
}

/// Returns the address with the name that the certificate of the other server must hold.
fn named(settings: &Settings, mut base: Url) -> Result<Url, SealError> {
    if let Some(name) = given(settings, "tls_server_name") {
        let set = base.set_host(Some(name));
        set.map_err(|error| refused(format!("\"tls_server_name\": {error}")))?;
    }
    Ok(base)
}

/// Looks one host up, whatever is asked for.
struct At(String);

impl Resolve for At {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn client(settings: &Settings, address: &Url) -> Result<Client, SealError> {
    let read = |path: &str| {
        fs::read(path).map_err(|error| refused(format!("{path:?} cannot be read: {error}")))
    };
    let mut builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT);
    if given(settings, "tls_server_name").is_some() {
        let host = address.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_owned();
        // A proxy would look the other name up by itself.
        builder = builder.no_proxy().dns_resolver(Arc::new(At(host)));
    }
    if let Some(path) = given(settings, "tls_ca_cert") {
        let bundle = Certificate::from_pem_bundle(&read(path)?);
        let bundle = bundle.map_err(|_| refused(format!("{path:?} holds no certificates")))?;
        builder = builder.tls_certs_only(bundle);
    }
    match (
        given(settings, "tls_client_cert"),
        given(settings, "tls_client_key"),
    ) {
        (None, None) => {}
        (Some(certificate), Some(key)) => {
            let (key_pem, certificate_pem) = (SecretBytes::new(read(key)?), read(certificate)?);
            // EXPOSE: both halves go to the TLS library as one text, which does not grow.
            let pem = [key_pem.expose().as_slice(), &certificate_pem].concat();
            let pem = SecretBytes::new(pem);
            // EXPOSE: as above.
            let identity = Identity::from_pem(pem.expose());
            let unfit = |_| refused(format!("{certificate:?} and {key:?} do not fit"));
            builder = builder.identity(identity.map_err(unfit)?);
        }
        _ => {
            return Err(refused(
                "a client certificate needs its key, and a key its certificate",
            ));
        }
    }
    let skips = flag(settings, "tls_skip_verify")?;
    let client = builder.tls_danger_accept_invalid_certs(skips).build();
    client.map_err(|error| refused(format!("cannot set up TLS: {error}")))
}

fn flag(settings: &Settings, name: &str) -> Result<bool, SealError> {
    match given(settings, name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(refused(format!("{name:?} must be true or false"))),
    }
}

#[derive(Serialize)]
struct Encrypt<'a> {
    plaintext: &'a Sensitive,
    associated_data: String,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Serialize)]
struct Decrypt<'a> {
    ciphertext: &'a str,
    associated_data: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: Sensitive,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Renewed {
    auth: Grant,
}

#[derive(Deserialize)]
struct Grant {
    lease_duration: u64,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// A body that is wiped when it was sent.
struct Body(SecretBytes);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        // EXPOSE: sent over the connection that the operator chose.
        self.0.expose()
    }
}

impl Transit {
    /// Returns the address of a path of the other server.
    fn at(&self, segments: &[&str]) -> Result<Url, SealError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| refused("\"address\" cannot be a base"))?
            .pop_if_empty()
            .push("v1")
            .extend(segments.iter().flat_map(|segment| segment.split('/')));
        Ok(url)
    }

    /// Posts to the other server and reads its answer.
    async fn post<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<T, SealError> {
        // Long enough that it does not grow: what is left behind would not be wiped.
        let mut json = SecretBytes::new(Vec::with_capacity(ANSWER));
        // EXPOSE: written into the buffer that is wiped.
        serde_json::to_writer(json.expose_mut(), body).map_err(refused)?;
        let mut request = self.client.post(self.at(segments)?);
        request = request.header("X-Vault-Token", self.token.clone());
        request = request.header("X-Vault-Request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace.clone());
        }
        let (status, answer) = answer(request.body(Bytes::from_owner(Body(json)))).await?;
        // EXPOSE: parsed into a type that keeps its secrets wrapped.
        let answer = answer.expose();
        if status.is_success() {
            return serde_json::from_slice(answer)
                .map_err(|_| refused("the other server's answer cannot be read"));
        }
        let why = serde_json::from_slice::<Errors>(answer);
        let why = why.map_or_else(|_| String::new(), |why| why.errors.join("; "));
        let why: String = why.chars().take(200).collect();
        let told = format!("seal \"transit\": the other server answered {status}: {why}");
        match status {
            StatusCode::TOO_MANY_REQUESTS => Err(SealError::Unavailable(told)),
            _ if status.is_client_error() => Err(SealError::Refused(told)),
            _ => Err(SealError::Unavailable(told)),
        }
    }
}

impl Transit {
    /// Tells whether the other server's key has a later version than the one that wrapped.
    ///
    /// The token need not be allowed to read the key: what is encrypted now tells its version. A
    /// server that does not say is asked at the next unseal.
    async fn is_stale(&self, wrapped: &[u8]) -> bool {
        let nothing = SecretBytes::new(Vec::new());
        let now = self.wrap(&nothing, "which version").await;
        let version = |text: &[u8]| {
            let text = std::str::from_utf8(text).ok()?;
            text.split(':').nth(1).map(str::to_owned)
        };
        now.is_ok_and(|now| version(&now) != version(wrapped))
    }
}

/// Sends a request and reads an answer that is not too long.
async fn answer(request: RequestBuilder) -> Result<(StatusCode, SecretBytes), SealError> {
    let away = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        // The innermost alone says what is wrong.
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        SealError::Unavailable(format!(
            "seal \"transit\": the other server is away: {cause}"
        ))
    };
    let mut response = request.send().await.map_err(away)?;
    let mut body = SecretBytes::new(Vec::with_capacity(ANSWER));
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        // EXPOSE: to fill the buffer that is wiped.
        let body = body.expose_mut();
        if body.len() + chunk.len() > ANSWER {
            return Err(refused("the other server's answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

#[async_trait]
impl AutoSeal for Transit {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn wrap(&self, key: &SecretBytes, place: &str) -> Result<Vec<u8>, SealError> {
        let request = Encrypt {
            plaintext: &encoding::encode_secret(key).into(),
            associated_data: encoding::encode(place.as_bytes()),
        };
        let path = [&*self.mount_path, "encrypt", &*self.key_name];
        let answer: Answer<Encrypted> = self.post(&path, &request).await?;
        Ok(answer.data.ciphertext.into_bytes())
    }

    async fn unwrap(&self, wrapped: &[u8], place: &str) -> Result<Unwrapped, SealError> {
        let ciphertext = std::str::from_utf8(wrapped);
        let request = Decrypt {
            ciphertext: ciphertext.map_err(|_| refused("what is stored is no ciphertext"))?,
            associated_data: encoding::encode(place.as_bytes()),
        };
        let path = [&*self.mount_path, "decrypt", &*self.key_name];
        let answer: Answer<Decrypted> = self.post(&path, &request).await?;
        // EXPOSE: decoded into a secret again.
        let key = encoding::decode(answer.data.plaintext.expose());
        Ok(Unwrapped {
            key: key.map_err(|_| refused("the other server's plaintext is no base64"))?,
            is_stale: self.is_stale(wrapped).await,
        })
    }

    /// Renews the token when half of its life is over.
    async fn tick(&self, now: Timestamp) -> Result<(), SealError> {
        let is_due = |at: &mut Option<Timestamp>| match at {
            Some(due) if *due <= now => {
                *at = Some(now.plus(RENEW_AGAIN));
                true
            }
            _ => false,
        };
        if !is_due(&mut self.renew_at.lock()) {
            return Ok(());
        }
        let path = ["auth", "token", "renew-self"];
        match self.post::<Renewed>(&path, &serde_json::json!({})).await {
            Ok(renewed) => {
                let life = Duration::from_secs(renewed.auth.lease_duration);
                // A token without an end needs no renewal.
                let next = (!life.is_zero()).then(|| now.plus((life / 2).max(RENEW_AGAIN / 30)));
                *self.renew_at.lock() = next;
                Ok(())
            }
            Err(SealError::Refused(why)) => {
                *self.renew_at.lock() = None;
                tracing::warn!(why, "the token of the transit seal cannot be renewed");
                Ok(())
            }
            Err(away) => Err(away),
        }
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::SecretString;

    use super::*;

    fn named(pairs: &[(&str, &str)]) -> String {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), SecretString::from(*text));
        let settings = pairs.iter().map(owned).collect();
        open(&settings)
            .err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_setting_that_is_missing_or_wrong_is_named() {
        let good = [
            ("address", "http://127.0.0.1:1"),
            ("token", "t"),
            ("mount_path", "transit/"),
            ("key_name", "k"),
        ];
        assert_eq!(named(&good), "");
        for (name, _) in good {
            let without: Vec<_> = good.into_iter().filter(|it| it.0 != name).collect();
            assert!(named(&without).contains(&format!("{name:?}")), "{name}");
        }
        for (name, text) in [
            ("address", "127.0.0.1:1"),
            ("address", "ftp://a"),
            ("tls_skip_verify", "perhaps"),
            ("disable_renewal", "perhaps"),
        ] {
            let wrong = good.iter().filter(|it| it.0 != name).copied();
            let wrong: Vec<_> = wrong.chain([(name, text)]).collect();
            assert!(named(&wrong).contains(name), "{name} {text}");
        }
        let half = [&good[..], &[("tls_client_key", "/tmp/x")]].concat();
        assert!(named(&half).contains("certificate"));
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_told_from_one_that_refuses() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let settings = [
            ("address", &*address),
            ("token", "t"),
            ("mount_path", "transit"),
            ("key_name", "k"),
        ];
        let owned = |(name, text): (&str, &str)| (name.to_owned(), SecretString::from(text));
        let seal = open(&settings.into_iter().map(owned).collect()).unwrap();
        let away = seal.unwrap(b"vault:v1:AAAA", "core/a").await.unwrap_err();
        assert!(matches!(away, SealError::Unavailable(_)), "{away}");
    }
}
