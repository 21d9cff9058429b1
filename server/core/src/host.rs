//! What the core asks of the process that it runs in, on behalf of operators.

use keyward_api::sys::{HostInfo, Loggers};
use serde_json::{Map, Value};

use crate::{Error, Lines};

/// The process around a core: its machine, its configuration, its log.
///
/// Every method answers at once: none waits for anything but the operating system.
pub trait Host: Send + Sync {
    /// Returns the name of the machine.
    fn name(&self) -> String;

    /// Tells about the machine.
    ///
    /// # Errors
    /// The operating system does not tell.
    fn information(&self) -> Result<HostInfo, Error>;

    /// Returns the words of the command line that started it, with nothing secret in them.
    ///
    /// # Errors
    /// Nobody knows how it was started.
    fn command_line(&self) -> Result<Vec<String>, Error>;

    /// Returns the configuration, with nothing secret in it.
    fn configuration(&self) -> Map<String, Value>;

    /// Reads the certificates of the listeners anew; one that cannot be used is told to the log, and
    /// the old one stays.
    fn reload_certificates(&self);

    /// Returns the loggers and their levels.
    fn loggers(&self) -> Loggers;

    /// Sets the level of a logger, or of all; none goes back to that of the configuration.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such logger or level.
    fn set_level(&self, logger: Option<&str>, level: Option<&str>) -> Result<(), Error>;

    /// Shows what is logged from now on, of a level or above and in a format: `standard` or `json`.
    /// It never holds up who logs, and ends with the process or at
    /// [`end_monitors`](Self::end_monitors).
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such level or format.
    fn monitor(&self, level: &str, format: &str) -> Result<Lines, Error>;

    /// Ends all that is shown of the log: whoever reads it can no longer be asked whether they may.
    fn end_monitors(&self);
}

/// No process that could be asked: a core that is a library in somebody's program.
pub(crate) struct NoHost;

impl Host for NoHost {
    fn name(&self) -> String {
        String::new()
    }

    fn information(&self) -> Result<HostInfo, Error> {
        Err(Error::UnsupportedPath)
    }

    fn command_line(&self) -> Result<Vec<String>, Error> {
        Err(Error::UnsupportedPath)
    }

    fn configuration(&self) -> Map<String, Value> {
        Map::new()
    }

    fn reload_certificates(&self) {}

    fn loggers(&self) -> Loggers {
        Loggers::new()
    }

    fn set_level(&self, logger: Option<&str>, _: Option<&str>) -> Result<(), Error> {
        match logger {
            None => Ok(()),
            Some(name) => Err(unknown_logger(name)),
        }
    }

    fn monitor(&self, _: &str, _: &str) -> Result<Lines, Error> {
        Err(Error::UnsupportedPath)
    }

    fn end_monitors(&self) {}
}

/// Makes the refusal of a logger that is not there.
#[must_use]
pub fn unknown_logger(name: &str) -> Error {
    Error::Invalid(format!("logger {name:?} not found"))
}
