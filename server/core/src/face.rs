//! What answers before there is anything behind the barrier, and whatever state that is in: init,
//! unseal, status, health.
//!
//! No mount has these operations and no request for them comes through [`Core::handle`]: whoever
//! listens answers them with [`Core::status`] and its neighbours. They need no token and leave no
//! audit entry, as in Vault: there is nobody to audit while the server is sealed, and health must
//! answer when audit cannot. Here is what they are, for listeners and for the document of the API.
//!
//! [`Core::handle`]: crate::Core::handle
//! [`Core::status`]: crate::Core::status

use keyward_api::{
    Operation,
    sys::{Initialize, ReadHealth, ReadInitStatus, ReadLeader, ReadSealStatus, Unseal},
};

use crate::engine::Described;

/// An operation that answers always; all of them are below `sys/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// [`ReadHealth`].
    Health,
    /// [`Initialize`].
    Init,
    /// [`ReadInitStatus`].
    InitStatus,
    /// [`ReadLeader`].
    Leader,
    /// [`ReadSealStatus`].
    SealStatus,
    /// [`Unseal`].
    Unseal,
}

const FACES: [(Face, Described); 6] = [
    (Face::Health, Described::of::<ReadHealth>()),
    (Face::Init, Described::of::<Initialize>()),
    (Face::InitStatus, Described::of::<ReadInitStatus>()),
    (Face::Leader, Described::of::<ReadLeader>()),
    (Face::SealStatus, Described::of::<ReadSealStatus>()),
    (Face::Unseal, Described::of::<Unseal>()),
];

impl Face {
    /// Returns what answers at a path below `sys/`, with the operation that it is; none if the path
    /// belongs to a mount.
    pub fn at(path: &str) -> impl Iterator<Item = (Self, Operation)> {
        let faces = FACES.iter();
        let faces = faces.filter(move |(_, described)| described.path == path);
        faces.map(|(face, described)| (*face, described.operation))
    }

    /// Describes all of them, as if they were routes of the mount at `sys/`.
    pub(crate) fn described() -> impl Iterator<Item = Described> {
        FACES.iter().map(|(_, described)| *described)
    }
}
