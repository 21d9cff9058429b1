//! The request path: who asks, may they, is it written down, and then the secrets engine.
//!
//! Read `pipeline.rs` first: [`Core::handle`] is the whole path of a request.
//!
//! **Invariant:** no HTTP type, no file path and no concrete engine is named here; time enters
//! through [`Clock`], and nothing is spawned.

pub mod audit;
mod barrier;
mod clock;
mod control;
mod cors;
mod cubbyhole;
mod done;
pub mod engine;
mod error;
mod face;
mod gate;
mod generate_root;
pub mod hcl;
mod host;
mod idempotency;
mod identity;
mod in_flight;
mod inline;
mod json;
mod keys;
mod lease;
mod lifecycle;
mod listing;
mod lockout;
mod metrics;
mod mount;
mod mounts;
mod openapi;
mod panics;
mod password;
mod path;
mod pgp;
mod pipeline;
pub mod policy;
mod proof;
mod quorum;
mod quota;
mod rekey;
mod request;
mod response;
mod rotation;
mod seal;
pub mod storage;
mod streams;
mod sys;
#[cfg(any(test, feature = "conformance"))]
pub mod testing;
mod tidy;
mod token;
pub mod tools;
mod ui_headers;
mod view;
mod wrapping;

pub use barrier::{Change, Entry};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use cors::{Origins, PageOrigin};
pub use done::{Done, Origin};
pub use error::{Denial, Error};
pub use face::Face;
pub use gate::Principal;
pub use host::{Host, unknown_logger};
pub use idempotency::IdempotencyKey;
pub(crate) use identity::Validation;
pub use identity::{
    AliasGrant, Asked, Identity, MfaCredentials, MfaKind, MfaService, Unconfirmed, ValidatedLogin,
};
pub use lifecycle::{Cluster, Core, Registry, Secrets, Settings, Status};
pub use lockout::{ALL_METHODS, LockoutConfig, LockoutTerms};
pub use metrics::Telemetry;
pub use mount::{MountConfig, MountEntry, TtlLimits, UserLockout};
pub use path::{CanonicalPath, PathError};
pub use pgp::{Holders, PgpKey, ShownShares};
pub use proof::{Claim, Proof};
pub use quota::{Rationed, Told};
pub use request::{Credentials, InlineLogin, Remote, Request, RequestId, TokenId, WrapFormat};
pub use response::{Document, GrantedLease, LeaseGrant, LineSource, Lines, Outcome, Response};
pub use seal::{AutoSeal, SealConfig, SealError, Seals, Unwrapped, parse_share};
pub use storage::Expect;
pub use sys::{OptionalEndpoints, access as system_access};
pub use token::{
    Auth, AuthGrant, BoundCidr, Caveats, Created, LoginTokens, NoCidr, OlderNames, Token,
    TokenKind, TokenType,
};
pub use view::View;
