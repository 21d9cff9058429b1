//! JSON in buffers that are wiped.

use std::io;

use keyward_crypto::SecretBytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// Writes a value as JSON into a wiped buffer; no unwiped copy is left behind while it grows.
///
/// # Errors
/// The value refuses to serialize.
pub(crate) fn to_secret<T: Serialize + ?Sized>(value: &T) -> Result<SecretBytes, Error> {
    let mut out = WipedWriter(SecretBytes::new(Vec::with_capacity(256)));
    serde_json::to_writer(&mut out, value).map_err(Error::internal)?;
    Ok(out.0)
}

/// Reads a value that [`to_secret`] wrote.
///
/// # Errors
/// The stored text is not of this type; that is a fault of the server.
pub(crate) fn from_secret<T: DeserializeOwned>(json: &SecretBytes) -> Result<T, Error> {
    // EXPOSE: parsed into a type that keeps its secrets wrapped.
    serde_json::from_slice(json.expose()).map_err(Error::internal)
}

/// A growing buffer whose outgrown allocations are wiped.
struct WipedWriter(SecretBytes);

impl io::Write for WipedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // EXPOSE: appended to, within its capacity.
        let written = self.0.expose();
        let needed = written.len() + bytes.len();
        if needed > written.capacity() {
            let mut grown = Vec::with_capacity(needed.max(written.capacity() * 2));
            grown.extend_from_slice(written);
            self.0 = SecretBytes::new(grown);
        }
        // EXPOSE: the capacity was made sufficient above.
        self.0.expose_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
