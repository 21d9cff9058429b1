//! What an engine gives with a secret that it must take back, and what it is told about it later.

use std::{collections::BTreeMap, time::Duration};

use keyward_api::Sensitive;

use crate::{Timestamp, TtlLimits, token::Terms};

/// What an engine must know to renew or take back a secret. It is kept behind the barrier, and no
/// answer shows it.
pub type LeaseData = BTreeMap<String, Sensitive>;

/// A secret that an engine made for its caller and has to take back: a lease to be registered. Before
/// it made the secret it [prepared](super::Context::prepare_secret) that.
#[derive(Clone, Copy, Debug)]
pub struct LeasedSecret {
    /// How long it lasts.
    pub term: LeaseTerm,
    /// Whether it may be renewed.
    pub renewable: bool,
}

/// How long an engine lets a lease last. The mount's limits hold beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseTerm {
    /// From now on; zero leaves that to the mount.
    pub ttl: Duration,
    /// From its beginning, whatever is renewed; zero leaves that to the mount.
    pub max_ttl: Duration,
}

/// A lease, as the engine that gave it sees it.
#[derive(Debug)]
pub struct Lease<'a> {
    /// Its name: the path of the request that made it, a slash and a text that no other has.
    pub id: &'a str,
    /// What the engine gave with the secret.
    pub internal: &'a LeaseData,
    /// When it began.
    pub issued: Timestamp,
    /// How long the caller wishes it to last from now on; zero for no wish.
    pub increment: Duration,
    /// How long leases of the mount last.
    pub limits: TtlLimits,
    /// The present moment.
    pub now: Timestamp,
}

impl LeaseTerm {
    /// Returns how long a secret lasts that is made now, within the limits of its mount.
    #[must_use]
    pub fn granted(self, limits: TtlLimits) -> Duration {
        let begun = Timestamp::default();
        self.terms(Duration::ZERO, begun)
            .grant(limits, begun)
            .length
    }

    /// Returns what decides on the term of a lease that began at `issued`.
    pub(crate) fn terms(self, increment: Duration, issued: Timestamp) -> Terms {
        Terms {
            asked: if increment.is_zero() {
                self.ttl
            } else {
                increment
            },
            period: Duration::ZERO,
            explicit_max: self.max_ttl,
            created: issued,
        }
    }
}

impl Lease<'_> {
    /// Returns how long the lease lasts from now on if the engine lets it last so: what
    /// [`renew`](super::Engine::renew) will grant. Zero if its time is over.
    #[must_use]
    pub fn granted(&self, term: LeaseTerm) -> Duration {
        let terms = term.terms(self.increment, self.issued);
        terms.grant(self.limits, self.now).length
    }
}
