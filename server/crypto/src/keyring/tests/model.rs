//! The rules of versions against a model: any sequence of changes and uses, side by side.

use proptest::prelude::*;

use super::*;

/// What a keyring should do, said as plainly as it can be.
struct Model {
    latest: u32,
    available: u32,
    decryption: u32,
    encryption: u32,
}

impl Model {
    fn set(&mut self, decryption: u32, encryption: u32) -> bool {
        let allowed = decryption <= self.latest
            && encryption <= self.latest
            && (encryption == 0 || encryption >= decryption)
            && decryption >= self.available
            && encryption >= self.available;
        if allowed {
            (self.decryption, self.encryption) = (decryption, encryption);
        }
        allowed
    }

    fn trim(&mut self, to: u32) -> bool {
        let allowed = to > 0
            && to >= self.available
            && self.encryption > 0
            && to <= self.encryption
            && to <= self.decryption;
        if allowed {
            self.available = to;
        }
        allowed
    }

    /// The version that encrypts when `asked` is asked for.
    fn encrypts(&self, asked: u32) -> Option<u32> {
        match asked {
            0 => Some(self.latest),
            asked if asked > self.latest => None,
            asked if asked < self.encryption.max(self.decryption) => None,
            asked => Some(asked),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Decrypt(prop::sample::Index),
    Encrypt(u32),
    Restart,
    Rewrap(prop::sample::Index, u32),
    Rotate,
    Set(u32, u32),
    Trim(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<prop::sample::Index>().prop_map(Step::Decrypt),
        3 => (0u32..8).prop_map(Step::Encrypt),
        1 => Just(Step::Restart),
        1 => (any::<prop::sample::Index>(), 0u32..8).prop_map(|(text, version)| Step::Rewrap(text, version)),
        2 => Just(Step::Rotate),
        3 => (1u32..8, 0u32..8).prop_map(|(decryption, encryption)| Step::Set(decryption, encryption)),
        2 => (0u32..8).prop_map(Step::Trim),
    ]
}

proptest! {
    #[test]
    fn versions_obey_the_rules(steps in prop::collection::vec(step(), 1..60)) {
        let mut keyring = keyring("aes256-gcm96", Derivation::None);
        let mut model = Model { latest: 1, available: 0, decryption: 1, encryption: 0 };
        let mut made: Vec<(u32, String, Vec<u8>)> = Vec::new();
        for (at, step) in steps.into_iter().enumerate() {
            let plaintext = at.to_be_bytes().to_vec();
            match step {
                Step::Encrypt(asked) => {
                    let outcome = keyring.encrypt(&plaintext, &SCOPE, Some(asked)).ok();
                    prop_assert_eq!(outcome.as_ref().map(|made| made.version()), model.encrypts(asked));
                    made.extend(outcome.map(|made| (made.version(), made.text(), plaintext)));
                }
                Step::Decrypt(text) if !made.is_empty() => {
                    let (version, text, plaintext) = text.get(&made);
                    let outcome = keyring.decrypt(text, &SCOPE).ok();
                    let expected = (*version >= model.decryption).then(|| plaintext.clone().into());
                    prop_assert_eq!(outcome, expected);
                }
                Step::Rewrap(text, asked) if !made.is_empty() => {
                    let (version, text, plaintext) = text.get(&made).clone();
                    let outcome = keyring.rewrap(&text, &SCOPE, &SCOPE, Some(asked)).ok();
                    let expected = model.encrypts(asked).filter(|_| version >= model.decryption);
                    prop_assert_eq!(outcome.as_ref().map(|made| made.version()), expected);
                    made.extend(outcome.map(|made| (made.version(), made.text(), plaintext)));
                }
                Step::Decrypt(_) | Step::Rewrap(..) => {}
                Step::Restart => {
                    keyring = Keyring::decode(keyring.encode().expose()).ok().unwrap();
                }
                Step::Rotate => {
                    model.latest += 1;
                    prop_assert_eq!(keyring.rotate(NOW), Ok(model.latest));
                }
                Step::Set(decryption, encryption) => {
                    let outcome = keyring.set_minimums(minimums(decryption, encryption));
                    prop_assert_eq!(outcome.is_ok(), model.set(decryption, encryption));
                }
                Step::Trim(to) => {
                    prop_assert_eq!(keyring.trim(to).is_ok(), model.trim(to));
                }
            }
            prop_assert_eq!(keyring.latest_version(), model.latest);
            prop_assert_eq!(keyring.min_available_version(), model.available);
            prop_assert_eq!(keyring.min_decryption_version(), model.decryption);
            prop_assert_eq!(keyring.min_encryption_version(), model.encryption);
            let numbers: Vec<u32> = keyring.versions().map(|version| version.number).collect();
            prop_assert_eq!(numbers, (model.decryption..=model.latest).collect::<Vec<_>>());
            let counted: u64 = (1..=model.latest).map(|version| keyring.encryptions(version)).sum();
            let kept = made.iter().filter(|(version, ..)| *version >= model.available);
            prop_assert_eq!(counted, kept.count() as u64);
        }
    }

    #[test]
    fn decoding_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        at: prop::sample::Index,
        value: u8,
    ) {
        let _ = Keyring::decode(&bytes);
        let mut nearly = keyring("ed25519", Derivation::None).encode();
        let nearly = nearly.expose_mut();
        let at = at.index(nearly.len());
        nearly[at] = value;
        let _ = Keyring::decode(nearly);
    }
}
