//! What policies promise: read as the peer reads them, and no way round them by another spelling.

mod corpus;
mod lists;
mod peer;
mod spellings;
