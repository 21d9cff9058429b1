//! Key material made where it holds up nobody: to find an RSA key may take a second.

use keyward_core::Error;
use keyward_crypto::{self as crypto, SecretBytes};

use super::store::{Key, Store};

/// Runs `work` off the threads that serve requests.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crypto::Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work);
    Ok(done.await.map_err(|_| Error::panicked())??)
}

/// Key material that was made for a version to come.
pub(super) struct Fresh {
    key_type: &'static dyn crypto::KeyType,
    size: Option<usize>,
    material: SecretBytes,
}

/// Generates material for the next version of a key, if there is such a key.
pub(super) async fn generate(store: &Store, name: &str) -> Result<Option<Fresh>, Error> {
    let Some(key) = store.find(name).await? else {
        return Ok(None);
    };
    let key_type = key.keyring.key_type();
    let size = key.keyring.key_size();
    let generated = off_thread(move || match size {
        Some(size) => key_type.generate_sized(size),
        None => key_type.generate(),
    });
    Ok(Some(Fresh {
        key_type,
        size,
        material: generated.await?,
    }))
}

/// Adds a version of material made before. A key that took another's place meanwhile, of another
/// type or size, gets one of its own.
pub(super) fn add(
    key: &mut Key,
    fresh: Option<&Fresh>,
    now: crypto::Timestamp,
) -> Result<(), Error> {
    match fresh {
        Some(fresh)
            if fresh.key_type.name() == key.keyring.key_type().name()
                && fresh.size == key.keyring.key_size() =>
        {
            key.keyring.add(fresh.material.duplicate(), now)?;
        }
        _ => {
            key.keyring.rotate(now)?;
        }
    }
    // Not all of its versions were made elsewhere any more.
    key.settings.imported = false;
    Ok(())
}
