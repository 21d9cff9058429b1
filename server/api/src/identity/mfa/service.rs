//! Methods that are services of others: what is alike whatever the service.

use super::{MfaMethod, MfaMethodCreated, MfaMethods};
use crate::Endpoint;

/// A type of method that is a service of others: its requests, each at a path of its own.
pub trait MfaMethodType: 'static {
    /// The name of the type: `duo`.
    const KIND: &'static str;

    /// Makes a method.
    type Create: Endpoint<Reply = MfaMethodCreated> + WriteMfaMethod;

    /// Changes a method, whose id stands in the path.
    type Update: Endpoint<Reply = ()> + Into<Self::Create>;

    /// Reads a method.
    type Read: Endpoint<Reply = MfaMethod> + Into<MfaMethodId>;

    /// Removes a method.
    type Delete: Endpoint<Reply = ()> + Into<MfaMethodId>;

    /// Lists all methods of the type.
    type List: Endpoint<Reply = MfaMethods>;
}

/// The id of a method, as a path has it.
#[derive(Debug)]
pub struct MfaMethodId(pub String);

/// A request that makes or changes a method which is a service of others.
///
/// Beside these three it says what its service wants to know.
pub trait WriteMfaMethod {
    /// Returns the id of the method to change.
    fn method_id(&self) -> Option<&str>;

    /// Returns the name of the method.
    fn method_name(&self) -> Option<&str>;

    /// Returns the template of what the service calls an entity.
    fn username_format(&self) -> Option<&str>;
}

/// Implements [`MfaMethodType`] over requests with fields of the usual names.
macro_rules! mfa_method_type {
    ($name:ident, $kind:literal: $create:ident, $update:ident, $read:ident, $delete:ident, $list:ident) => {
        impl $crate::identity::MfaMethodType for $name {
            const KIND: &'static str = $kind;

            type Create = $create;
            type Update = $update;
            type Read = $read;
            type Delete = $delete;
            type List = $list;
        }

        impl $crate::identity::WriteMfaMethod for $create {
            fn method_id(&self) -> Option<&str> {
                self.method_id.as_deref()
            }

            fn method_name(&self) -> Option<&str> {
                self.method_name.as_deref()
            }

            fn username_format(&self) -> Option<&str> {
                self.username_format.as_deref()
            }
        }

        impl From<$update> for $create {
            fn from($update(request): $update) -> Self {
                request
            }
        }

        impl From<$read> for $crate::identity::MfaMethodId {
            fn from(request: $read) -> Self {
                Self(request.method_id)
            }
        }

        impl From<$delete> for $crate::identity::MfaMethodId {
            fn from(request: $delete) -> Self {
                Self(request.method_id)
            }
        }
    };
}
pub(super) use mfa_method_type;
