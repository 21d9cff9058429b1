//! What embedded backends store under a key.
//!
//! ```text
//! head, inline:    0x01 | revision u64 BE | value
//! head, detached:  0x02 | revision u64 BE | index u32 BE | length u32 BE
//! state:           0x01 | revision u64 BE
//! ```
//!
//! A short value stands in its head. A long one stands in a body of its own, at a [`Place`] that is
//! never used twice, so that a reader of the old head finds the old body or none, never a mixture.
//! The state row holds the last revision that was given out; its first byte is the format of all.

use keyward_core::storage::{Revision, StorageError};

/// The longest value that stands in its head.
pub(super) const INLINE_LENGTH: usize = 8 << 10;

const INLINE: u8 = 1;
const DETACHED: u8 = 2;
const FORMAT: u8 = 1;

/// What a key leads to.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Head {
    /// The value is elsewhere.
    Detached(Place),
    /// The value is here.
    Inline(Revision, Vec<u8>),
}

/// Where a long value stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place {
    /// The commit that wrote it.
    pub(super) revision: Revision,
    /// Which of that commit's operations did.
    pub(super) index: u32,
    /// How long it is.
    pub(super) length: u32,
}

impl Head {
    pub(super) fn revision(&self) -> Revision {
        match self {
            Self::Detached(place) => place.revision,
            Self::Inline(revision, _) => *revision,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Detached(Place {
                revision,
                index,
                length,
            }) => [
                &[DETACHED][..],
                &revision.number().to_be_bytes(),
                &index.to_be_bytes(),
                &length.to_be_bytes(),
            ]
            .concat(),
            Self::Inline(revision, value) => {
                [&[INLINE][..], &revision.number().to_be_bytes(), value].concat()
            }
        }
    }

    /// # Errors
    /// [`StorageError::Corrupt`] if these bytes are no head.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StorageError> {
        let corrupt =
            || StorageError::Corrupt("a key leads to bytes of an unknown form".to_owned());
        let (form, rest) = bytes.split_first().ok_or_else(corrupt)?;
        let (revision, rest) = rest.split_first_chunk().ok_or_else(corrupt)?;
        let revision = Revision::new(u64::from_be_bytes(*revision));
        match *form {
            INLINE => Ok(Self::Inline(revision, rest.to_vec())),
            DETACHED => {
                let (index, rest) = rest.split_first_chunk().ok_or_else(corrupt)?;
                let length = rest.try_into().map_err(|_| corrupt())?;
                Ok(Self::Detached(Place {
                    revision,
                    index: u32::from_be_bytes(*index),
                    length: u32::from_be_bytes(length),
                }))
            }
            _ => Err(corrupt()),
        }
    }
}

/// The state row once `revision` has been given out.
pub(super) fn encode_state(revision: Revision) -> [u8; 9] {
    let mut bytes = [FORMAT; 9];
    bytes[1..].copy_from_slice(&revision.number().to_be_bytes());
    bytes
}

/// Reads the state row; a new store has none, and has given out no revision.
///
/// # Errors
/// [`StorageError::Corrupt`] if the row is damaged or of a later format.
pub(super) fn decode_state(bytes: Option<&[u8]>) -> Result<Revision, StorageError> {
    match bytes {
        None => Ok(Revision::new(0)),
        Some([FORMAT, revision @ ..]) if revision.len() == 8 => {
            let number = revision
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            Ok(Revision::new(number))
        }
        Some(_) => Err(StorageError::Corrupt(
            "the store is of an unknown format".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn heads_and_state_keep_their_form_for_ever() {
        let inline = Head::Inline(Revision::new(0x0102), b"ab".to_vec());
        assert_eq!(inline.encode(), b"\x01\0\0\0\0\0\0\x01\x02ab");
        let place = Place {
            revision: Revision::new(3),
            index: 4,
            length: 0x0001_0000,
        };
        assert_eq!(
            Head::Detached(place).encode(),
            b"\x02\0\0\0\0\0\0\0\x03\0\0\0\x04\0\x01\0\0"
        );
        assert_eq!(&encode_state(Revision::new(5)), b"\x01\0\0\0\0\0\0\0\x05");
    }

    #[test]
    fn a_state_of_another_format_is_refused() {
        assert_eq!(decode_state(None), Ok(Revision::new(0)));
        for bytes in [&b""[..], b"\x01\0\0\0\0\0\0\x05", b"\x02\0\0\0\0\0\0\0\x05"] {
            assert!(matches!(
                decode_state(Some(bytes)),
                Err(StorageError::Corrupt(_))
            ));
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            number: u64,
            index: u32,
            length: u32,
            value in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let revision = Revision::new(number);
            prop_assert_eq!(decode_state(Some(&encode_state(revision))), Ok(revision));
            let detached = Head::Detached(Place { revision, index, length });
            for head in [detached, Head::Inline(revision, value)] {
                prop_assert_eq!(Head::decode(&head.encode()), Ok(head));
            }
        }

        #[test]
        fn any_bytes_are_a_head_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            match Head::decode(&bytes) {
                Ok(head) => prop_assert_eq!(head.encode(), bytes),
                Err(error) => prop_assert!(matches!(error, StorageError::Corrupt(_))),
            }
        }
    }
}
