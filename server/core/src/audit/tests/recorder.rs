//! A device that keeps its lines in memory, and fails or hangs when told to.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::audit::{
    AuditDevice, AuditError, AuditKind, Chain, Lines, Options, Standing, verify::verify,
};

pub(super) const KINDS: &[AuditKind] = &[AuditKind {
    name: "recorder",
    options: &["recorder"],
    open: |options, standing| Ok(find(options, standing)),
}];

/// Every recorder by its name, so that a test finds the one that a broker opened.
static RECORDERS: LazyLock<Mutex<BTreeMap<String, Arc<Recorder>>>> = LazyLock::new(Mutex::default);

fn find(options: &Options, standing: &Arc<Standing>) -> Arc<dyn AuditDevice> {
    let recorder = Recorder::of(&options["recorder"]);
    recorder.0.lock().standing = Some(Arc::clone(standing));
    recorder
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
    /// Where the broker that opened it last is told how far it is.
    standing: Option<Arc<Standing>>,
    /// What came while it hung, in its order.
    waiting: Vec<(Lines, oneshot::Sender<()>)>,
}

impl State {
    fn take(&mut self, lines: &Lines) {
        lines.close(&mut self.chain, &mut self.text);
        self.writes += 1;
        if let Some(standing) = &self.standing {
            standing.note(&self.chain);
        }
    }
}

impl Recorder {
    pub(super) fn of(name: &str) -> Arc<Self> {
        Arc::clone(RECORDERS.lock().entry(name.to_owned()).or_default())
    }

    /// Sets what it does from now on. One that hung takes what waits for it.
    pub(super) fn set(&self, mode: Mode) {
        let mut state = self.0.lock();
        state.mode = mode;
        if !matches!(mode, Mode::Hangs) {
            for (lines, taken) in std::mem::take(&mut state.waiting) {
                state.take(&lines);
                // The request may wait no longer.
                let _ = taken.send(());
            }
        }
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
        let taken = {
            let mut state = self.0.lock();
            match state.mode {
                Mode::Fails => return Err(AuditError::failed("the recorder is full")),
                Mode::Hangs => {
                    let (taken, waits) = oneshot::channel();
                    state.waiting.push((lines, taken));
                    waits
                }
                Mode::Works => {
                    state.take(&lines);
                    return Ok(());
                }
            }
        };
        taken.await.map_err(AuditError::failed)
    }

    async fn reopen(&self) -> Result<(), AuditError> {
        let hangs = matches!(self.0.lock().mode, Mode::Hangs);
        if hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}
