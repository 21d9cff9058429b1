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
            // Closed first: who hears of the lock may let go of it at once, and it would not be free
            // for as long as this handle is open.
            drop(file);
            let _ = sender.send(outcome);
        })?;
    match receiver.recv_timeout(patience) {
        Ok(outcome) => outcome.map(|()| true),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
pub(crate) mod tests {
    use std::{
        fs,
        os::{fd::AsRawFd as _, unix::fs::MetadataExt as _},
    };

    use super::*;

    /// Returns once somebody waits for the lock on `file`, as the kernel shows it.
    pub(crate) fn wait_for_a_waiter(file: &File) {
        let inode = format!(":{} ", file.metadata().unwrap().ino());
        let is_waiter = |line: &str| line.contains("-> FLOCK") && line.contains(&inode);
        while !fs::read_to_string("/proc/locks")
            .unwrap()
            .lines()
            .any(is_waiter)
        {
            thread::yield_now();
        }
    }

    fn handles() -> (File, File) {
        let holder = tempfile::NamedTempFile::new().unwrap();
        let other = holder.reopen().unwrap();
        holder.as_file().lock().unwrap();
        (holder.into_file(), other)
    }

    #[test]
    fn a_lock_that_is_let_go_in_time_is_taken() {
        let (holder, other) = handles();
        let waiter = thread::spawn(move || lock_within(&other, Duration::MAX).unwrap());
        wait_for_a_waiter(&holder);
        drop(holder);
        assert!(waiter.join().unwrap());
    }

    #[test]
    fn a_lock_that_is_held_is_given_up() {
        let (holder, other) = handles();
        assert!(!lock_within(&other, Duration::ZERO).unwrap());
        wait_for_a_waiter(&holder);
        // Who gave up may still get it, and then does not keep it.
        let third = File::open(format!("/proc/self/fd/{}", other.as_raw_fd())).unwrap();
        drop((holder, other));
        third.lock().unwrap();
    }
}
