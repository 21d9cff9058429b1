//! The client, and how it is made.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use keyward_api::proof::{SigningKey, VerifyingKey};
use keyward_api::sys::ReadResponseKeys;
use keyward_api::{Client, Endpoint, Reply, Sensitive};
use keyward_crypto::SecretString;

use crate::exchange::{Effect, Exchange, Link};
use crate::{Envelope, EnvelopeLimits, Error, Kv, Leases, RetryPolicy, Tokens, Transit, Transport};

/// A client of one server. It is cheap to clone; clones share the token.
pub struct Keyward<T> {
    link: Arc<Link<T>>,
}

impl<T> Clone for Keyward<T> {
    fn clone(&self) -> Self {
        Self {
            link: Arc::clone(&self.link),
        }
    }
}

impl<T> fmt::Debug for Keyward<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = &self.link.address;
        f.debug_struct("Keyward").field("address", address).finish()
    }
}

#[cfg(feature = "http")]
impl Keyward<crate::Http> {
    /// Prepares a client over HTTP of the server at `address`: `https://vault.example.com:8200`.
    pub fn builder(address: &str) -> Builder<NoTransport> {
        Builder::new(address)
    }
}

/// Stands for the transport over HTTP until the client is built.
#[cfg(feature = "http")]
#[derive(Debug)]
pub struct NoTransport(());

/// Prepares a client.
pub struct Builder<T> {
    transport: T,
    address: String,
    namespace: Option<String>,
    token: Option<SecretString>,
    proof: Option<SigningKey>,
    trusted: Vec<VerifyingKey>,
    retry: RetryPolicy,
}

#[cfg(feature = "http")]
impl Builder<NoTransport> {
    fn new(address: &str) -> Self {
        Self::over(NoTransport(()), address)
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is none, or TLS cannot be set up.
    pub fn build(self) -> Result<Keyward<crate::Http>, Error> {
        let transport = crate::Http::new()?;
        self.with_transport(transport).build()
    }

    fn with_transport<T>(self, transport: T) -> Builder<T> {
        Builder {
            transport,
            address: self.address,
            namespace: self.namespace,
            token: self.token,
            proof: self.proof,
            trusted: self.trusted,
            retry: self.retry,
        }
    }
}

impl<T> Builder<T> {
    /// Prepares a client over another transport.
    pub fn over(transport: T, address: &str) -> Self {
        Self {
            transport,
            address: address.trim_end_matches('/').to_owned(),
            namespace: None,
            token: None,
            proof: None,
            trusted: Vec::new(),
            retry: RetryPolicy::default(),
        }
    }

    /// Sends this token.
    #[must_use]
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Works in this namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Signs every request with the key that the token is bound to (RFC 9421).
    #[must_use]
    pub fn proof(mut self, key: SigningKey) -> Self {
        self.proof = Some(key);
        self
    }

    /// Takes no answer to a signed request that none of these keys of the server has signed; they
    /// are at [`Keyward::response_keys`].
    #[must_use]
    pub fn trust(mut self, keys: Vec<VerifyingKey>) -> Self {
        self.trusted = keys;
        self
    }

    /// Tries again as this says.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }
}

impl<T: Transport> Builder<T> {
    /// Makes the client.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is none.
    pub fn build(self) -> Result<Keyward<T>, Error> {
        keyward_api::proof::Address::parse(&self.address)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Keyward {
            link: Arc::new(Link {
                transport: self.transport,
                address: self.address,
                namespace: self.namespace,
                token: RwLock::new(self.token),
                proof: self.proof,
                trusted: self.trusted,
                retry: self.retry,
            }),
        })
    }
}

impl<T: Transport> Keyward<T> {
    /// The transit engine mounted at `mount`.
    pub fn transit<'a>(&'a self, mount: &'a str) -> Transit<'a, T> {
        Transit {
            client: self,
            mount,
        }
    }

    /// The key-value engine, version 2, mounted at `mount`.
    pub fn kv<'a>(&'a self, mount: &'a str) -> Kv<'a, T> {
        Kv {
            client: self,
            mount,
        }
    }

    /// The leases of secrets.
    pub fn leases(&self) -> Leases<'_, T> {
        Leases { client: self }
    }

    /// Tokens.
    pub fn tokens(&self) -> Tokens<'_, T> {
        Tokens { client: self }
    }

    /// Seals and opens data here, with data keys that the key `name` of the transit engine at
    /// `mount` wraps.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a limit is zero.
    pub fn envelope(
        &self,
        mount: &str,
        name: &str,
        limits: EnvelopeLimits,
    ) -> Result<Envelope<T>, Error> {
        Envelope::new(self.clone(), mount, name, limits)
    }

    /// Sends the requests that follow with another token, or with none.
    pub fn set_token(&self, token: Option<Sensitive>) {
        self.link.set_token(token);
    }

    /// Reads the keys that the server signs its answers with, for [`Builder::trust`]. They are read
    /// without a proof: over TLS, or compared with what is known of them.
    ///
    /// # Errors
    /// As of [`call`](Self::call).
    pub async fn response_keys(&self) -> Result<Vec<VerifyingKey>, Error> {
        let request = ReadResponseKeys::default();
        let set = self.data("sys", &request, Effect::Computes).await?;
        let read = |key| serde_json::from_value(serde_json::to_value(key)?);
        let keys: Result<_, serde_json::Error> = set.keys.into_iter().map(read).collect();
        keys.map_err(|error| Error::Malformed(error.to_string()))
    }

    /// Calls any operation of the API: `request` of the engine mounted at `mount`, which is `sys`,
    /// `auth/token` and the like for those that are always there.
    ///
    /// # Errors
    /// Any but [`Error::Open`] and [`Error::Io`].
    pub async fn call<E: Endpoint>(
        &self,
        mount: &str,
        request: &E,
        effect: Effect,
    ) -> Result<Reply<E::Reply>, Error> {
        let retry_after = Mutex::new(None);
        let exchange = Exchange {
            link: &self.link,
            effect,
            retry_after: &retry_after,
        };
        let reply = Client::new(exchange, None).call(mount, request).await;
        let asked = retry_after
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        reply.map_err(|error| Error::of_call(error, asked))
    }

    /// Calls an operation whose reply has data.
    pub(crate) async fn data<E: Endpoint>(
        &self,
        mount: &str,
        request: &E,
        effect: Effect,
    ) -> Result<E::Reply, Error> {
        let reply = self.call(mount, request, effect).await?;
        reply.data.ok_or_else(|| Error::missing("data"))
    }

    pub(crate) fn transport(&self) -> &T {
        &self.link.transport
    }
}
