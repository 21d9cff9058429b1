//! Locks on files, which outlive their holder by moments: a killed process lets go of its files one
//! by one, a device that was replaced when its thread ends.

use std::{
    fs::{File, TryLockError},
    io,
    sync::mpsc,
    thread,
    time::Duration,
};

/// Locks `file` for this handle of it, waiting for the holder only as long as `patience`; false if
/// that was too short.
///
/// # Errors
/// The file system failed, or has no locks ([`io::ErrorKind::Unsupported`]).
pub(crate) fn lock_within(file: &File, patience: Duration) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => return Ok(true),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The lock belongs to both handles, and goes when both are closed.
    let file = file.try_clone()?;
    let (sender, receiver) = mpsc::channel();
    // Waits for the lock itself, rather than ask again and again. Should it outwait us, its send
    // fails and the file is closed with the lock; should the process end, it ends too.
    thread::Builder::new()
        .name("file-lock".to_owned())
        .spawn(move || {
            let outcome = loop {
                match file.lock() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    outcome => break outcome,
                }
            };
            let _ = sender.send(outcome);
        })?;
    match receiver.recv_timeout(patience) {
        Ok(outcome) => outcome.map(|()| true),
        Err(_) => Ok(false),
    }
}
