//! Tokens on the reference store, with a clock that the test moves.

mod batch;
mod kept;
mod leases;
mod life;
mod model;
mod tidy;

use std::{sync::Arc, time::Duration};

use keyward_crypto::{Derivation, Keyring, SecretString, key_type};

use super::{AuthGrant, Created, Token, TokenKind, TokenStore};
use crate::{
    Clock as _, Error, ManualClock, Timestamp, TokenId, TtlLimits,
    barrier::Barrier,
    lease::Leases,
    storage::{Batch, Storage, faulty::Faulty},
    view::View,
};

const HOUR: Duration = Duration::from_secs(3600);
const LIMITS: TtlLimits = TtlLimits {
    default: Duration::from_secs(768 * 3600),
    max: Duration::from_secs(768 * 3600),
};
const PATH: &str = "auth/token/create";

/// A token store, what it stands on, and the time.
struct Bench {
    medium: Arc<Faulty>,
    barrier: Arc<Barrier>,
    view: View,
    clock: ManualClock,
    store: Arc<TokenStore>,
}

impl Bench {
    async fn new() -> Self {
        let medium = Arc::new(Faulty::new());
        let clock = ManualClock::new(Timestamp::from_unix_nanos(1_700_000_000_000_000_000));
        let aes = key_type("aes256-gcm96").unwrap();
        let keyring = Keyring::generate(aes, Derivation::None, clock.now().into()).unwrap();
        let storage: Arc<dyn Storage> = medium.clone();
        let barrier = Arc::new(Barrier::new(storage, keyring));
        let view = View::new(Arc::clone(&barrier), "sys/token/");
        let store = Arc::new(
            TokenStore::open(view.clone(), leases(&barrier))
                .await
                .unwrap(),
        );
        Self {
            medium,
            barrier,
            view,
            clock,
            store,
        }
    }

    /// Opens the store anew, as after a restart.
    async fn restart(&mut self) {
        self.store = Arc::new(
            TokenStore::open(self.view.clone(), leases(&self.barrier))
                .await
                .unwrap(),
        );
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn create(&self, grant: AuthGrant, parent: Option<&Token>) -> Created {
        self.store
            .create(grant, parent, LIMITS, PATH, self.now())
            .await
            .unwrap()
    }

    async fn child(&self, parent: &Token, ttl: Duration) -> Created {
        self.create(
            AuthGrant {
                ttl,
                orphan: false,
                ..AuthGrant::default()
            },
            Some(parent),
        )
        .await
    }

    async fn lookup(&self, created: &Created) -> Option<Arc<Token>> {
        let id = created.id.as_ref().unwrap();
        self.store.lookup(id, self.now()).await.unwrap()
    }

    async fn is_alive(&self, created: &Created) -> bool {
        self.lookup(created).await.is_some()
    }

    async fn revoke(&self, created: &Created) -> bool {
        self.store.revoke(created.token.digest()).await.unwrap()
    }

    async fn tick(&self) {
        self.store.tick(self.now()).await.unwrap();
    }

    /// Says what the store holds at the top, beside its salt.
    async fn leftovers(&self) -> Vec<String> {
        let mut names = self.view.list("", None, None).await.unwrap();
        names.retain(|name| name != "salt");
        names
    }
}

fn leases(barrier: &Arc<Barrier>) -> Arc<Leases> {
    Leases::open(View::new(Arc::clone(barrier), "sys/lease/"))
}

fn lasting(ttl: Duration) -> AuthGrant {
    AuthGrant {
        ttl,
        ..AuthGrant::default()
    }
}

fn batch(ttl: Duration) -> AuthGrant {
    AuthGrant {
        kind: Some(TokenKind::Batch),
        ..lasting(ttl)
    }
}

fn text(id: &str) -> TokenId {
    TokenId::new(SecretString::new(id.to_owned()))
}
