//! A device that keeps its lines in memory, and fails or hangs when told to.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use crate::audit::{AuditDevice, AuditError, AuditKind, Chain, Lines, Options, verify::verify};

pub(super) const KINDS: &[AuditKind] = &[AuditKind {
    name: "recorder",
    options: &["recorder"],
    open: |options, _| Ok(find(options)),
}];

/// Every recorder by its name, so that a test finds the one that a broker opened.
static RECORDERS: LazyLock<Mutex<BTreeMap<String, Arc<Recorder>>>> = LazyLock::new(Mutex::default);

fn find(options: &Options) -> Arc<dyn AuditDevice> {
    Recorder::of(&options["recorder"])
}

/// What a recorder does with lines.
#[derive(Clone, Copy, Default)]
pub(super) enum Mode {
    Fails,
    Hangs,
    #[default]
    Works,
}

#[derive(Default)]
pub(super) struct Recorder(Mutex<State>);

#[derive(Default)]
struct State {
    mode: Mode,
    chain: Chain,
    text: Vec<u8>,
    writes: usize,
}

impl Recorder {
    pub(super) fn of(name: &str) -> Arc<Self> {
        Arc::clone(RECORDERS.lock().entry(name.to_owned()).or_default())
    }

    pub(super) fn set(&self, mode: Mode) {
        self.0.lock().mode = mode;
    }

    /// Returns how often something was written.
    pub(super) fn writes(&self) -> usize {
        self.0.lock().writes
    }

    /// Returns what was written, which verifies.
    pub(super) fn lines(&self) -> Vec<Value> {
        let state = self.0.lock();
        verify(&*state.text, None).unwrap();
        let lines = serde_json::Deserializer::from_slice(&state.text).into_iter();
        lines.map(Result::unwrap).collect()
    }
}

#[async_trait]
impl AuditDevice for Recorder {
    async fn write(&self, lines: Lines) -> Result<(), AuditError> {
        let mode = self.0.lock().mode;
        match mode {
            Mode::Fails => Err(AuditError::failed("the recorder is full")),
            Mode::Hangs => std::future::pending().await,
            Mode::Works => {
                let State {
                    chain,
                    text,
                    writes,
                    ..
                } = &mut *self.0.lock();
                lines.close(chain, text);
                *writes += 1;
                Ok(())
            }
        }
    }

    async fn reopen(&self) -> Result<(), AuditError> {
        Ok(())
    }
}
