//! Secrets in memory: wiped on drop, never printed, compared in constant time.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use subtle::ConstantTimeEq;
use zeroize::{DefaultIsZeroes, Zeroize as _};

/// A value that must not leak: it is wiped when dropped, `Debug` prints a placeholder and equality
/// takes the same time wherever the values differ.
///
/// The value is reached by [`expose`](Self::expose) alone, and the line above each call says why:
/// `// EXPOSE: …`. Moving a secret moves its bytes and wipes nothing behind, so large secrets
/// belong on the heap ([`SecretBytes`]), where a move copies only a pointer.
///
/// It cannot be displayed:
/// ```compile_fail,E0277
/// let key = keyward_crypto::Secret::new(vec![7u8; 32]);
/// println!("{key}");
/// ```
/// nor serialized:
/// ```compile_fail,E0277
/// let key = keyward_crypto::Secret::new(vec![7u8; 32]);
/// serde_json::to_string(&key);
/// ```
/// nor cloned in passing:
/// ```compile_fail,E0599
/// let key = keyward_crypto::Secret::new(vec![7u8; 32]);
/// let copy = key.clone();
/// ```
/// nor used as what it holds:
/// ```compile_fail,E0599
/// let key = keyward_crypto::Secret::new(vec![7u8; 32]);
/// key.len();
/// ```
pub struct Secret<T: Wipe>(T);

/// What can be overwritten in its place, its unused capacity included.
///
/// The crate `zeroize` does the overwriting. It takes a `Vec` element by element, since an element
/// may have to be told; ours are numbers, and a slice of them is overwritten in one sweep, which is
/// many times faster.
pub trait Wipe {
    /// Overwrites it with zeros.
    fn wipe(&mut self);
}

impl<N: DefaultIsZeroes> Wipe for Vec<N> {
    fn wipe(&mut self) {
        self.spare_capacity_mut().zeroize();
        self.as_mut_slice().zeroize();
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        mem::take(self).into_bytes().wipe();
    }
}

impl<N: DefaultIsZeroes, const LEN: usize> Wipe for [N; LEN] {
    fn wipe(&mut self) {
        self.as_mut_slice().zeroize();
    }
}

/// Secret bytes of any length.
pub type SecretBytes = Secret<Vec<u8>>;

/// Secret text: a token, a password.
pub type SecretString = Secret<String>;

impl<T: Wipe> Secret<T> {
    /// Takes charge of `value`. Copies made before stay where they are.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens the secret for reading.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Opens the secret for writing. A `Vec` or `String` that grows leaves its old buffer unwiped:
    /// reserve first.
    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Makes a second copy, for when two owners are really needed.
    pub fn duplicate(&self) -> Self
    where
        T: Clone,
    {
        Self(self.0.clone())
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<T: Wipe + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Wipe + AsRef<[u8]>> Eq for Secret<T> {}

impl<T: Wipe> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Witness(Arc<AtomicBool>);

    impl Wipe for Witness {
        fn wipe(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn dropping_wipes() {
        let wiped = Arc::new(AtomicBool::new(false));
        drop(Secret::new(Witness(Arc::clone(&wiped))));
        assert!(wiped.load(Ordering::Relaxed));
    }

    #[test]
    fn wiping_leaves_zeros() {
        let mut bytes = vec![7u8; 100];
        bytes.truncate(60);
        bytes.wipe();
        assert_eq!(bytes, [0; 60]);
        let mut text = "hunter2".to_owned();
        text.wipe();
        assert!(text.is_empty());
        let mut key = [7u8; 32];
        key.wipe();
        assert_eq!(key, [0; 32]);
    }

    #[test]
    fn debug_shows_a_placeholder() {
        let secret = SecretString::from("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }

    #[test]
    fn equality_compares_content_and_length() {
        assert_eq!(SecretString::from("abc"), SecretString::from("abc"));
        assert_ne!(SecretString::from("abc"), SecretString::from("abd"));
        assert_ne!(SecretString::from("abc"), SecretString::from("ab"));
        assert_eq!(
            SecretString::from("abc").duplicate(),
            SecretString::from("abc")
        );
    }
}
