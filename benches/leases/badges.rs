//! A secrets engine that keeps nothing: its secrets are names, and a lease of one is what the bench
//! measures.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use async_trait::async_trait;
use keyward_api::{Sensitive, endpoint};
use keyward_core::{
    Clock as _, Error, LeaseGrant, Response, SystemClock, Timestamp,
    engine::{
        Backing, Class, Context, Engine, EngineKind, Lease, LeaseData, LeaseTerm, LeasedSecret,
        Mounted, Routes,
    },
};
use keyward_crypto::random;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The engine.
pub(crate) const BADGES: EngineKind = EngineKind {
    name: "badges",
    class: Class::Secret,
    aliases: &[],
    build,
    upgrade: None,
};

/// When which leases ended.
pub(crate) static ENDED: LazyLock<Mutex<HashMap<String, Timestamp>>> =
    LazyLock::new(Mutex::default);

struct Badges;

#[async_trait]
impl Engine for Badges {
    async fn revoke(&self, lease: &Lease<'_>) -> Result<(), Error> {
        ENDED.lock().insert(lease.id.to_owned(), SystemClock.now());
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Ask {
    role: String,
    ttl: u64,
}
endpoint!(Ask { role } => Badge: Update "creds/{role}");

#[derive(Debug, Deserialize, Serialize)]
struct Badge {
    username: String,
}

fn build(_: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Badges);
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine)).on(ask).build(),
        engine,
    })
}

async fn ask(cx: Context<Badges>, request: Ask) -> Result<Response<Badge>, Error> {
    let random = random::generate_text(20);
    // EXPOSE: a name, as the database engine makes one.
    let username = format!("v-token-{}-{}", request.role, random.expose());
    // As much as the database engine keeps.
    let internal = LeaseData::from([
        ("username".to_owned(), Sensitive::new(username.clone())),
        ("role".to_owned(), Sensitive::new(request.role)),
    ]);
    cx.prepare_secret(internal).await?;
    let secret = LeasedSecret {
        term: LeaseTerm {
            ttl: std::time::Duration::from_secs(request.ttl),
            ..LeaseTerm::default()
        },
        renewable: true,
    };
    Ok(Response::data(Badge { username }).lease(LeaseGrant::Secret(secret)))
}
