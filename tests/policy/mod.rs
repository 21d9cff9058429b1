//! What policies promise: read as the peer reads them, and no way round them by another spelling.

mod corpus;
mod peer;
mod spellings;
