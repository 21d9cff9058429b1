//! What policies promise: read as the peer reads them, and no way round them by another spelling.

mod any_case;
mod corpus;
mod lists;
mod peer;
mod spellings;
