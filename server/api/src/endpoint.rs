//! What an operation of the API is: verb, path template, who may call it, what it answers.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::KeyUse;

/// What a request does to the thing its path names; Vault's logical operations.
///
/// A policy grants capabilities of the same names. On the wire: GET is [`Read`](Self::Read), POST
/// and PUT are [`Update`](Self::Update), LIST (or GET with `list=true`) is [`List`](Self::List), and
/// SCAN (or GET with `scan=true`) is [`Scan`](Self::Scan).
/// [`Create`](Self::Create) is never sent: the server turns an update of something that does not
/// exist yet into it, where the endpoint says so.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Write something that was not there.
    Create,
    /// Remove.
    Delete,
    /// Name what lies one level below a path.
    List,
    /// Change some fields (RFC 7396 merge patch).
    Patch,
    /// Read.
    Read,
    /// Name what lies below a path, however deep.
    Scan,
    /// Write.
    Update,
}

impl Operation {
    /// Returns the name that policies, audit entries and OpenAPI use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Read => "read",
            Self::Scan => "scan",
            Self::Update => "update",
        }
    }

    /// Returns the HTTP method that a client sends.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Create | Self::Update => "POST",
            Self::Delete => "DELETE",
            Self::List => "LIST",
            Self::Patch => "PATCH",
            Self::Read => "GET",
            Self::Scan => "SCAN",
        }
    }

    /// Tells whether it names what lies below a folder.
    #[must_use]
    pub const fn lists(self) -> bool {
        matches!(self, Self::List | Self::Scan)
    }
}

/// What a caller must bring to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing; the call is written to the audit log all the same.
    Public,
    /// A token whose policies grant `sudo` beside the capability of the operation.
    Sudo,
    /// A token whose policies grant the capability of the operation.
    Token,
}

/// One operation of the API, implemented by its request struct.
///
/// The fields of the struct are the parameters, those in the path included. [`PATH`](Self::PATH)
/// is relative to the mount and holds captures: `{name}` one segment that is a key name (Vault's
/// generic name pattern), `{path*}` the whole rest, slashes included, possibly empty, `{path+}` one
/// segment or more before the literals that end the template; a last segment `{name?}` may be
/// missing. Implement it with [`endpoint!`](crate::endpoint).
pub trait Endpoint: Serialize + DeserializeOwned + Send + 'static {
    /// The name of the request, which says in words what it does: `EnableAuditDevice`.
    const NAME: &'static str;
    /// What it does.
    const OPERATION: Operation;
    /// The path template, relative to the mount.
    const PATH: &'static str;
    /// Who may call it.
    const ACCESS: Access = Access::Token;
    /// Whether the body is the caller's own object, with no parameter names to check it against.
    const FREE_FORM: bool = false;
    /// Whether the answer is a document of its own media type, without Vault's envelope.
    const DOCUMENT: bool = false;
    /// Whether the answer may have no data, though the reply has a type.
    const OPTIONAL: bool = false;
    /// Whether it works with a named key on what the caller sends; see [`KeyUse`].
    const KEYED: bool = false;
    /// Whether the names in its path are the same in any case.
    const ANY_CASE: bool = false;
    /// Whether its path may end in a slash, as the paths of mounts do.
    const ANY_SLASH: bool = false;
    /// What an answer may also be, beside success and the refusals that any operation has: its
    /// status, or `default` for all that is left, and when it comes. It has the form of the reply.
    const STATUSES: &'static [(&'static str, &'static str)] = &[];
    /// The `data` of the answer, or its whole body if that is a document.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// Returns the path of this request, relative to the mount.
    fn path(&self) -> String;

    /// Tells what this request does with named keys; none if it is not [`KEYED`](Self::KEYED).
    fn key_use(&mut self) -> Option<KeyUse<'_>> {
        None
    }
}

/// Implements [`Endpoint`] for a request struct.
///
/// ```text
/// endpoint!(Encrypt { name } => Encrypted: Update "encrypt/{name}");
/// endpoint!(Tidy {} => (): Update "tidy", access Sudo);
/// endpoint!(Write { path } => (): Update "{path*}" as "{path}"; free_form);
/// ```
///
/// `any_case`, `any_slash`, `free_form`, `document` and `optional` set the constants of these names,
/// and `keyed` that of a request that is [`Keyed`](crate::Keyed); `statuses` sets
/// [`Endpoint::STATUSES`]; `as` gives the text that a client formats where it differs from the
/// template.
#[macro_export]
macro_rules! endpoint {
    ($request:ty { $($capture:ident),* } => $reply:ty : $operation:ident $path:literal
        $(as $format:literal)? $(, access $access:ident)? $(, statuses $statuses:expr)?
        $(; $($flag:ident),+)?) => {
        impl $crate::Endpoint for $request {
            const NAME: &'static str = stringify!($request);
            const OPERATION: $crate::Operation = $crate::Operation::$operation;
            const PATH: &'static str = $path;
            $(const ACCESS: $crate::Access = $crate::Access::$access;)?
            $(const STATUSES: &'static [(&'static str, &'static str)] = &$statuses;)?
            $($($crate::endpoint!(@flag $flag);)+)?
            type Reply = $reply;

            fn path(&self) -> String {
                let Self { $($capture,)* .. } = self;
                $crate::endpoint!(@format $path $($format)?)
            }
        }
    };
    (@flag any_case) => { const ANY_CASE: bool = true; };
    (@flag any_slash) => { const ANY_SLASH: bool = true; };
    (@flag document) => { const DOCUMENT: bool = true; };
    (@flag keyed) => {
        const KEYED: bool = true;

        fn key_use(&mut self) -> Option<$crate::KeyUse<'_>> {
            Some($crate::Keyed::key_use(self))
        }
    };
    (@flag optional) => { const OPTIONAL: bool = true; };
    (@flag free_form) => { const FREE_FORM: bool = true; };
    (@format $path:literal) => { format!($path) };
    (@format $path:literal $format:literal) => { format!($format) };
}
