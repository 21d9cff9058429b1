//! X.509: requests for certificates (PKCS#10, RFC 2986) and certificates (RFC 5280), in PEM.
//!
//! Here they are read and written; which key they are for is the keyring's business:
//! [`Keyring::certificate_request`](crate::Keyring::certificate_request) and
//! [`Keyring::set_certificate_chain`](crate::Keyring::set_certificate_chain).
//!
//! **Invariant:** no certificate is trusted here, so no signature of one is verified. Whoever uses a
//! certificate verifies it, against roots that this server does not know.

mod chain;
mod pem;
mod request;

pub use self::chain::CertificateChain;
pub use self::request::RequestTemplate;
