//! Second factors that are services of others.

mod call;
pub mod duo;
pub mod okta;
pub mod pingid;
mod pingid_settings;
