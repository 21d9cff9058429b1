//! Listeners from outside: TLS, Unix sockets, and clients that are too slow or ask too much.

mod bounds;
mod early;
mod stop;
mod tls;
mod told;
mod unix;

use std::fs;

use crate::support::{Installation, Store};

/// Installs a server whose listener has the settings `entries` beside its address; `DIR` in them is
/// its folder.
fn installed(entries: &str) -> Installation {
    let installation = Installation::new(Store::Sled);
    let file = installation.config();
    let folder = file.parent().unwrap();
    let entries = entries.replace("DIR", folder.to_str().unwrap());
    let config = fs::read_to_string(&file).unwrap();
    let config = config.replace("tls_disable = true", &entries);
    fs::write(file, config).unwrap();
    installation
}
