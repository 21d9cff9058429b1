//! What answers before there is anything behind the barrier, and whatever state that is in: init,
//! unseal, status, health.
//!
//! No mount has these operations and no request for them comes through [`Core::handle`]: whoever
//! listens answers them with [`Core::status`] and its neighbours. They need no token. While the server
//! is sealed, so is its log; else all but health are on record, and what changes something is not done
//! without. Here is what they are, for listeners and for the document of the API.
//!
//! [`Core::handle`]: crate::Core::handle
//! [`Core::status`]: crate::Core::status

use std::{sync::Arc, time::Duration};

use keyward_api::{
    Operation,
    sys::{Initialize, ReadHealth, ReadInitStatus, ReadLeader, ReadSealStatus, Unseal},
};

use crate::{
    Core, Done, Error, Request,
    audit::{Answer, Facts},
    engine::Described,
};

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

/// How long what tells of the state of the server waits for its line: less than who looks whether
/// the server works has patience for.
const PATIENCE: Duration = Duration::from_millis(250);

impl Face {
    /// Returns what answers at a path below `sys/`, with the operation that it is; none if the path
    /// belongs to a mount.
    pub fn at(path: &str) -> impl Iterator<Item = (Self, Operation)> {
        let faces = FACES.iter();
        let faces = faces.filter(move |(_, described)| described.path == path);
        faces.map(|(face, described)| (*face, described.operation))
    }

    /// Tells whether it may change something.
    const fn changes(self) -> bool {
        matches!(self, Self::Init | Self::Unseal)
    }

    /// Describes all of them, as if they were routes of the mount at `sys/`.
    pub(crate) fn described() -> impl Iterator<Item = Described> {
        FACES.iter().map(|(_, described)| *described)
    }
}

impl Core {
    /// Does what was asked of a face, on record while the server is unsealed, though without what it
    /// answers. Health is not on record, and what tells of the state of the server answers all the
    /// same if no device takes its line: both are asked by those who look whether it works.
    ///
    /// # Errors
    /// The work's own; or it would change something, and no device took the line.
    pub async fn on_record<T>(
        &self,
        face: Face,
        request: Request,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let unsealed = match face {
            Face::Health => None,
            _ => self.unsealed(),
        };
        let path = request.path.as_str();
        let system = unsealed.as_ref().and_then(|it| it.mounts.find(path));
        let system = system.map(|(system, _)| system);
        let (Some(unsealed), Some(system)) = (unsealed, system) else {
            return work.await;
        };
        let ticket = unsealed.audit.ticket(Facts {
            operation: request.operation,
            request: Arc::new(request),
            principal: None,
            verdict: None,
            mount: Some(Arc::clone(&system.entry)),
            time: self.clock().now(),
        });
        if face.changes() {
            ticket.written().await?;
        }
        let came = work.await;
        let patience = match face.changes() {
            true => Duration::MAX,
            false => PATIENCE,
        };
        let done = Done::empty(Arc::clone(&system.entry));
        let answer = match &came {
            Ok(_) => Answer::Done(&done),
            Err(error) => Answer::Failed(error),
        };
        let told = ticket.finish_within(patience, answer).await;
        if face.changes() {
            told?;
        }
        came
    }
}
