//! Methods: what proves a second factor.

use keyward_api::{
    ROOT_NAMESPACE_ID,
    identity::{MfaMethod, TotpMfaMethod},
};
use serde_json::Value;

use super::{METHODS, SERVICES, service::ServiceMethod, totp::Totp};
use crate::{Error, barrier::Change};

/// A method of any type.
pub(in super::super) enum Method {
    Service(ServiceMethod),
    Totp(Totp),
}

/// What a request says of a method.
pub(in super::super) trait MethodChange {
    /// Returns the type of the method.
    fn kind(&self) -> &'static str;

    /// Returns the name that is given; an empty one is none.
    fn name(&self) -> Option<&str>;

    /// Makes the method that the request asks for, in the place of `old` if there is one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the whole makes no sense.
    fn apply(self, id: String, name: String, old: Option<&Method>) -> Result<Method, Error>;
}

impl Method {
    pub(in super::super) fn id(&self) -> &str {
        match self {
            Self::Service(service) => &service.head.id,
            Self::Totp(totp) => &totp.id,
        }
    }

    /// Returns its name; empty if it has none.
    pub(in super::super) fn name(&self) -> &str {
        match self {
            Self::Service(service) => &service.head.name,
            Self::Totp(totp) => &totp.name,
        }
    }

    /// Returns the type, as the API says it.
    pub(in super::super) fn kind(&self) -> &str {
        match self {
            Self::Service(service) => service.kind(),
            Self::Totp(_) => Totp::KIND,
        }
    }

    /// Returns it if it is a TOTP method.
    pub(in super::super) const fn totp(&self) -> Option<&Totp> {
        match self {
            Self::Service(_) => None,
            Self::Totp(totp) => Some(totp),
        }
    }

    /// Returns it if it is a service of others.
    pub(in super::super) const fn service(&self) -> Option<&ServiceMethod> {
        match self {
            Self::Service(service) => Some(service),
            Self::Totp(_) => None,
        }
    }

    /// Tells whether a passcode is to be asked for.
    pub(super) fn uses_passcode(&self) -> bool {
        match self {
            Self::Service(service) => service.uses_passcode(),
            Self::Totp(_) => true,
        }
    }

    /// Shows it as the API does, whatever its type.
    ///
    /// # Errors
    /// It cannot be written as JSON, which is a fault of the server.
    pub(in super::super) fn shown(&self) -> Result<MfaMethod, Error> {
        let mut fields = match self {
            Self::Service(service) => service.shown(),
            Self::Totp(totp) => match serde_json::to_value::<TotpMfaMethod>(totp.shown()) {
                Ok(Value::Object(fields)) => fields,
                Ok(_) => return Err(Error::internal("a method is no object")),
                Err(error) => return Err(Error::internal(error)),
            },
        };
        for (field, value) in [
            ("id", self.id()),
            ("name", self.name()),
            ("namespace_id", ROOT_NAMESPACE_ID),
            ("namespace_path", ""),
            ("type", self.kind()),
        ] {
            fields.insert(field.to_owned(), value.into());
        }
        Ok(MfaMethod(fields))
    }

    /// Returns where it lies.
    pub(super) fn key(&self) -> String {
        let (folder, id) = match self {
            Self::Service(service) => (SERVICES, &service.head.id),
            Self::Totp(totp) => (METHODS, &totp.id),
        };
        format!("{folder}{id}")
    }

    /// Returns the change that stores it.
    ///
    /// # Errors
    /// As [`Change::put_as`].
    pub(super) fn stored(&self) -> Result<Change, Error> {
        match self {
            Self::Service(service) => service.stored(self.key()),
            Self::Totp(totp) => Change::put_as(self.key(), totp),
        }
    }
}
