//! The Rust client over real sockets, against our server and against the peer.

mod envelope;
mod file;
mod operations;
mod proof;
mod tink;

use keyward_client::api::sys::EnableMount;
use keyward_client::api::transit::CreateKey;
use keyward_client::{Effect, Http, Keyward};

use crate::support::Target;

fn client(target: &Target) -> Keyward<Http> {
    let builder = Keyward::builder(&target.address);
    builder.token(target.token.as_str()).build().unwrap()
}

/// The same, with a transit engine.
async fn client_of_transit(target: &Target) -> Keyward<Http> {
    let client = client(target);
    let request = EnableMount {
        path: "transit".to_owned(),
        kind: Some("transit".to_owned()),
        ..EnableMount::default()
    };
    client.call("sys", &request, Effect::Changes).await.unwrap();
    client
}

/// Makes a key of that name.
async fn create_key(client: &Keyward<Http>, name: &str, key_type: &str) {
    let request = CreateKey {
        name: name.to_owned(),
        key_type: Some(key_type.to_owned()),
        ..CreateKey::default()
    };
    client
        .transit("transit")
        .create_key(&request)
        .await
        .unwrap();
}
