//! Methods that are services of others, which the server asks while a login waits.
//!
//! What a service is and how it is called stands in its module outside the core; here is what is
//! alike: the name of the method, what the service calls an entity, how often it is asked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use keyward_api::identity::{MfaMethodType, WriteMfaMethod};
use keyward_crypto::SecretString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    super::{
        Identity,
        engine::{Identities, mfa},
        template,
    },
    Method, MethodChange, SERVICES,
};
use crate::{Entry, Error, Timestamp, barrier::Change, engine::Builder, json, view::View};

/// A service of others that tells whether an entity has confirmed its login, with what must be known
/// to ask it. It is stored as JSON, behind the barrier.
#[async_trait]
pub trait MfaService: DeserializeOwned + Serialize + Send + Sync + 'static {
    /// Its requests.
    type Api: MfaMethodType;

    /// Reads what a request says; nothing is called.
    ///
    /// # Errors
    /// [`Error::Invalid`] if something is missing or makes no sense.
    fn configure(request: <Self::Api as MfaMethodType>::Create) -> Result<Self, Error>;

    /// Tells whether a passcode must be given.
    fn uses_passcode(&self) -> bool;

    /// Shows what is particular to it, and nothing that is secret.
    fn shown(&self) -> Map<String, Value>;

    /// Asks the service, and waits until the entity has answered it. It ends by itself within about
    /// a minute.
    ///
    /// # Errors
    /// The login is not confirmed, whyever.
    async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed>;
}

/// Whom a service is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What it calls the entity; not empty.
    pub username: &'a str,
    /// The passcode, if one is given.
    pub passcode: Option<&'a SecretString>,
    /// The IP address that the login comes from; empty in process.
    pub address: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// Why a login is not confirmed: a sentence for who logs in, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unconfirmed(pub String);

/// A kind of method that is a service of others: one line in the registry.
#[derive(Clone, Copy)]
pub struct MfaKind {
    name: &'static str,
    routes: fn(Builder<Identities>) -> Builder<Identities>,
    load: fn(&Entry) -> Result<Method, Error>,
}

impl MfaKind {
    /// Makes the line of a service.
    #[must_use]
    pub const fn of<S: MfaService>() -> Self {
        Self {
            name: S::Api::KIND,
            routes: routes::<S>,
            load: load::<S>,
        }
    }

    /// Adds the routes of its methods.
    pub(in super::super) fn routes(&self, builder: Builder<Identities>) -> Builder<Identities> {
        (self.routes)(builder)
    }
}

/// What is alike in all of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Head {
    pub(super) id: String,
    /// Empty if it has none.
    pub(super) name: String,
    /// The template of what the service calls an entity; empty for the name of the entity.
    username_format: String,
}

/// A method as it is stored.
#[derive(Serialize)]
struct Record<'r, S> {
    #[serde(rename = "type")]
    kind: &'static str,
    head: &'r Head,
    service: &'r S,
}

/// A method as it is loaded, once its type is known.
#[derive(Deserialize)]
struct Loaded<S> {
    head: Head,
    service: S,
}

/// A method that is a service of others.
pub(in super::super) struct ServiceMethod {
    pub(super) head: Head,
    service: Box<dyn Service>,
}

/// A service of whatever type.
#[async_trait]
trait Service: Send + Sync {
    fn kind(&self) -> &'static str;
    fn uses_passcode(&self) -> bool;
    fn shown(&self) -> Map<String, Value>;
    fn stored(&self, key: String, head: &Head) -> Result<Change, Error>;
    async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed>;
}

#[async_trait]
impl<S: MfaService> Service for S {
    fn kind(&self) -> &'static str {
        S::Api::KIND
    }

    fn uses_passcode(&self) -> bool {
        MfaService::uses_passcode(self)
    }

    fn shown(&self) -> Map<String, Value> {
        MfaService::shown(self)
    }

    fn stored(&self, key: String, head: &Head) -> Result<Change, Error> {
        let record = Record {
            kind: S::Api::KIND,
            head,
            service: self,
        };
        Change::put_as(key, &record)
    }

    async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed> {
        MfaService::verify(self, asked).await
    }
}

/// What a request says of a method that is a service.
pub(in super::super) struct ServiceChange<S: MfaService>(<S::Api as MfaMethodType>::Create);

impl<S: MfaService> ServiceChange<S> {
    pub(in super::super) const fn new(request: <S::Api as MfaMethodType>::Create) -> Self {
        Self(request)
    }

    /// Returns the id of the method to change, if the request says one.
    pub(in super::super) fn id(&self) -> Option<String> {
        let id = self.0.method_id().filter(|id| !id.is_empty());
        id.map(str::to_owned)
    }
}

impl<S: MfaService> MethodChange for ServiceChange<S> {
    fn kind(&self) -> &'static str {
        S::Api::KIND
    }

    fn name(&self) -> Option<&str> {
        self.0.method_name()
    }

    /// As in Vault, a template that is not given stays, and nothing else does.
    fn apply(self, id: String, name: String, old: Option<&Method>) -> Result<Method, Error> {
        let given = self.0.username_format().filter(|given| !given.is_empty());
        let username_format = match (given, old.and_then(Method::service)) {
            (Some(given), _) => given.to_owned(),
            (None, Some(old)) => old.head.username_format.clone(),
            (None, None) => String::new(),
        };
        if !template::is_text(&username_format) {
            return Err(Error::invalid(
                "username_format is no template of values of an entity or its groups",
            ));
        }
        let service = S::configure(self.0)?;
        Ok(Method::Service(ServiceMethod {
            head: Head {
                id,
                name,
                username_format,
            },
            service: Box::new(service),
        }))
    }
}

impl ServiceMethod {
    /// How often an entity may be asked about within [`PERIOD`](Self::PERIOD), so that who knows a
    /// password cannot send its owner pushes until one is confirmed to have peace.
    pub(super) const MOST_ATTEMPTS: u32 = 5;

    /// As long as a login waits for its second factor.
    pub(super) const PERIOD: Duration = Duration::from_secs(300);

    pub(super) fn kind(&self) -> &'static str {
        self.service.kind()
    }

    pub(super) fn uses_passcode(&self) -> bool {
        self.service.uses_passcode()
    }

    pub(super) fn shown(&self) -> Map<String, Value> {
        let mut fields = self.service.shown();
        let username_format = self.head.username_format.as_str().into();
        fields.insert("username_format".to_owned(), username_format);
        fields
    }

    pub(super) fn stored(&self, key: String) -> Result<Change, Error> {
        self.service.stored(key, &self.head)
    }

    /// Returns what the service calls an entity; none if the entity lacks a value of the template.
    pub(super) fn username(&self, identity: &Identity) -> Option<String> {
        let username = match self.head.username_format.as_str() {
            "" => identity.entity_name().to_owned(),
            format => template::text(format, identity)?,
        };
        (!username.trim().is_empty()).then_some(username)
    }

    /// Asks the service.
    ///
    /// # Errors
    /// The login is not confirmed, whyever.
    pub(super) async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed> {
        self.service.verify(asked).await
    }
}

/// Reads all methods that are services.
///
/// # Errors
/// The store below failed, or a method is of no kind that is registered.
pub(super) async fn load_services(
    view: &View,
    kinds: &[MfaKind],
    into: &mut BTreeMap<String, Arc<Method>>,
) -> Result<(), Error> {
    /// What tells the kind of a record.
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: String,
    }

    for id in view.list(SERVICES, None, None).await? {
        let Some(entry) = view.get(&format!("{SERVICES}{id}")).await? else {
            continue;
        };
        let Typed { kind } = json::from_secret(&entry.value)?;
        let known = kinds.iter().find(|known| known.name == kind);
        let known = known
            .ok_or_else(|| Error::internal(format!("there are no MFA methods of type {kind:?}")))?;
        into.insert(id, Arc::new((known.load)(&entry)?));
    }
    Ok(())
}

fn load<S: MfaService>(entry: &Entry) -> Result<Method, Error> {
    let Loaded::<S> { head, service } = json::from_secret(&entry.value)?;
    Ok(Method::Service(ServiceMethod {
        head,
        service: Box::new(service),
    }))
}

fn routes<S: MfaService>(builder: Builder<Identities>) -> Builder<Identities> {
    builder
        .on(mfa::create_service::<S>)
        .on(mfa::delete_service::<S>)
        .on(mfa::list_service::<S>)
        .on(mfa::read_service::<S>)
        .on(mfa::update_service::<S>)
}
