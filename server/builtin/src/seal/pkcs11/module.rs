//! One token of a PKCS#11 module, and a session for each thing that is asked of it.

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use keyward_core::SealError;
use keyward_crypto::{SecretBytes, SecretString, encoding};
use parking_lot::Mutex;

use super::KeyName;

/// Which token of the module; both must hold where both are given.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) slot: Option<u64>,
    pub(super) label: Option<String>,
}

/// Under which key something is sealed, and how.
pub(super) struct Sealing<'a> {
    pub(super) key: &'a KeyName,
    /// The module may change it.
    pub(super) nonce: &'a mut [u8],
    /// The associated data.
    pub(super) binding: &'a [u8],
}

/// A module and its token.
pub(super) struct Module {
    library: String,
    token: Token,
    pin: SecretString,
    /// One thing at a time: a login is for all sessions of the process.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    context: Option<Pkcs11>,
    pin_was_refused: bool,
}

/// The length of an authentication tag in bits.
const TAG: u64 = 128;

impl Module {
    pub(super) fn new(library: String, token: Token, pin: SecretString) -> Self {
        Self {
            library,
            token,
            pin,
            state: Mutex::default(),
        }
    }

    /// Names the token.
    pub(super) fn token(&self) -> String {
        match (&self.token.label, self.token.slot) {
            (Some(label), _) => label.clone(),
            (None, slot) => format!("slot {}", slot.unwrap_or_default()),
        }
    }

    /// Encrypts, with a key that is made first where it may be.
    pub(super) fn encrypt(
        &self,
        Sealing {
            key,
            nonce,
            binding,
        }: Sealing<'_>,
        generates: bool,
        secret: &SecretBytes,
    ) -> Result<Vec<u8>, SealError> {
        let mut state = self.state.lock();
        let session = self.session(&mut state)?;
        let found = match find(&session, key)? {
            None if generates => generate(&session, key)?,
            found => found.ok_or_else(|| missing(key))?,
        };
        let parameters = GcmParams::new(nonce, binding, TAG.into()).map_err(told)?;
        let mechanism = Mechanism::AesGcm(parameters);
        // EXPOSE: goes to the module, which encrypts it.
        session
            .encrypt(&mechanism, found, secret.expose())
            .map_err(told)
    }

    /// Decrypts what [`encrypt`](Self::encrypt) made.
    pub(super) fn decrypt(
        &self,
        Sealing {
            key,
            nonce,
            binding,
        }: Sealing<'_>,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, SealError> {
        let mut state = self.state.lock();
        let session = self.session(&mut state)?;
        let found = find(&session, key)?.ok_or_else(|| missing(key))?;
        let parameters = GcmParams::new(nonce, binding, TAG.into()).map_err(told)?;
        let mechanism = Mechanism::AesGcm(parameters);
        let opened = session.decrypt(&mechanism, found, ciphertext);
        opened.map(SecretBytes::new).map_err(told)
    }

    /// Opens a session and logs in.
    fn session(&self, state: &mut State) -> Result<Session, SealError> {
        let context = match &state.context {
            Some(context) => context.clone(),
            None => {
                let context = Pkcs11::new(&self.library).map_err(told)?;
                let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
                match context.initialize(arguments) {
                    // By another seal of this process.
                    Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
                    Err(error) => return Err(told(error)),
                }
                state.context.insert(context).clone()
            }
        };
        let slot = self.slot(&context).inspect_err(|_| {
            // Some modules look for tokens only when they are initialized: the next attempt does
            // that anew. Should another seal of this process work with the module right now, what
            // it does fails once and is tried again.
            if let Some(Err(error)) = state.context.take().map(Pkcs11::finalize) {
                tracing::debug!(%error, "the PKCS#11 module was not finalized");
            }
        })?;
        let session = context.open_rw_session(slot).map_err(told)?;
        if state.pin_was_refused {
            return Err(super::refused(
                "the PIN was refused before and is not tried again; restart with the right one",
            ));
        }
        // EXPOSE: goes to the module; the type it takes is wiped, too.
        let pin = AuthPin::from(self.pin.expose().clone());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => {
                state.pin_was_refused = matches!(
                    error,
                    Error::Pkcs11(
                        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
                        _
                    )
                );
                Err(told(error))
            }
        }
    }

    /// Finds the slot of the token.
    fn slot(&self, context: &Pkcs11) -> Result<Slot, SealError> {
        for slot in context.get_slots_with_token().map_err(told)? {
            if self.token.slot.is_some_and(|wanted| wanted != slot.id()) {
                continue;
            }
            let info = context.get_token_info(slot).map_err(told)?;
            let label = self.token.label.as_deref();
            if label.is_none_or(|label| label == info.label()) {
                return Ok(slot);
            }
        }
        // It may be plugged in again.
        Err(SealError::Unavailable(format!(
            "the module {} has no token {}",
            self.library,
            self.token()
        )))
    }
}

/// Returns what a key must be like.
fn template(key: &KeyName) -> Vec<Attribute> {
    let mut template = vec![Attribute::Class(ObjectClass::SECRET_KEY)];
    if let Some(label) = &key.label {
        template.push(Attribute::Label(label.clone().into_bytes()));
    }
    if let Some(id) = key.id.as_deref().and_then(encoding::decode_hex) {
        // EXPOSE: an id is not secret.
        template.push(Attribute::Id(id.expose().clone()));
    }
    template
}

fn find(session: &Session, key: &KeyName) -> Result<Option<ObjectHandle>, SealError> {
    let found = session.find_objects(&template(key)).map_err(told)?;
    match found[..] {
        [] => Ok(None),
        [key] => Ok(Some(key)),
        _ => Err(SealError::Refused(format!(
            "the token has {} keys {}: name one of them by its key_id",
            found.len(),
            key.shown()
        ))),
    }
}

/// Makes an AES-256 key that never leaves the token.
fn generate(session: &Session, key: &KeyName) -> Result<ObjectHandle, SealError> {
    let mut template = template(key);
    template.extend([
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::ValueLen(32.into()),
    ]);
    let made = session.generate_key(&Mechanism::AesKeyGen, &template);
    tracing::info!(key = key.shown(), "a key was made in the module");
    made.map_err(told)
}

fn missing(key: &KeyName) -> SealError {
    SealError::Refused(format!("the token has no key {}", key.shown()))
}

/// Tells a refusal from trouble that may pass: a token that is gone, a module that is busy.
fn told(error: Error) -> SealError {
    let text = format!("the PKCS#11 module: {error}");
    match error {
        Error::Pkcs11(
            RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinLocked
            | RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::MechanismInvalid
            | RvError::KeyFunctionNotPermitted
            | RvError::KeyTypeInconsistent,
            _,
        ) => SealError::Refused(text),
        _ => SealError::Unavailable(text),
    }
}
