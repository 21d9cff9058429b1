//! The enabled devices: the table of them, and the one way to write to them all.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use keyward_api::{Base64, Operation, sys::AuditedHeaders};
use keyward_crypto::{SecretBytes, random};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{
    AuditDevice, AuditError, AuditKind, Facts, HeaderStore, Lines, Options, Ticket, entry::Entry,
    flag, options::Format, redact::Salt,
};
use crate::{
    CanonicalPath, Clock, Error, Request, Timestamp,
    barrier::Change,
    json,
    metrics::{Entered, Metrics},
    storage::Expect,
    view::View,
};

const TABLE: &str = "table";

/// How long a device may take for one request's lines.
const DEADLINE: Duration = Duration::from_secs(5);

/// Hands the lines of every request to every enabled device.
pub struct Broker {
    view: View,
    kinds: &'static [AuditKind],
    surroundings: Surroundings,
    pub(super) deadline: Duration,
    devices: ArcSwap<Vec<Arc<Device>>>,
    pub(crate) headers: HeaderStore,
    /// One change of the table at a time; it awaits storage in between.
    changing: Mutex<()>,
}

/// What a broker works with beside its devices.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    /// Whether nothing here is worth protecting, so that a device may show values (`log_raw`).
    pub(crate) is_development: bool,
}

/// Which of its two lines a request is put on record with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The first, before anything is changed.
    Request,
    /// The last, or both.
    Response,
}

/// One enabled device.
struct Device {
    info: DeviceInfo,
    /// The key of its hashes: 32 random bytes.
    salt_key: SecretBytes,
    salt: Salt,
    format: Format,
    device: Arc<dyn AuditDevice>,
    /// Whether the last write failed, so that the log says it once.
    failing: AtomicBool,
}

/// What an operator says of a device, and lists show.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct DeviceInfo {
    /// Its name, with a slash at the end.
    pub(crate) path: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) local: bool,
    pub(crate) options: Options,
}

/// What is stored of a device.
#[derive(Deserialize, Serialize)]
struct Stored {
    #[serde(flatten)]
    info: DeviceInfo,
    salt: Base64,
}

impl Broker {
    /// Makes the devices that are enabled. One that cannot write does not keep the server from
    /// starting; requests wait for it to recover by failing.
    pub(crate) async fn open(
        view: View,
        kinds: &'static [AuditKind],
        surroundings: Surroundings,
    ) -> Result<Self, Error> {
        let stored: Option<(Vec<Stored>, _)> = view.get_as(TABLE).await?;
        let mut devices = Vec::new();
        for Stored { info, salt } in stored.map(|(stored, _)| stored).unwrap_or_default() {
            let salt = salt.bytes().map_err(Error::internal)?.duplicate();
            let device = Device::open(info, salt, kinds, &surroundings);
            devices.push(Arc::new(device.map_err(Error::internal)?));
        }
        Ok(Self {
            headers: HeaderStore::open(view.clone()).await?,
            view,
            kinds,
            surroundings,
            deadline: DEADLINE,
            devices: ArcSwap::from_pointee(devices),
            changing: Mutex::default(),
        })
    }

    /// Enables a device, once it has taken a line for a test, which its option `skip_test` spares.
    /// Returns the names of those options that it does not know.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the path is taken, the type unknown, an option wrong, or the device
    /// cannot write; the texts are Vault's.
    pub(crate) async fn enable(
        &self,
        new: DeviceInfo,
        request: &View,
    ) -> Result<Vec<String>, Error> {
        let _changing = self.changing.lock().await;
        let mut devices = Vec::clone(&self.devices.load());
        let path = new.path.as_str();
        let clashes = |taken: &str| taken.starts_with(path) || path.starts_with(taken);
        if devices.iter().any(|device| clashes(&device.info.path)) {
            return Err(Error::invalid("path already in use"));
        }
        let salt = random::generate_bytes(32);
        let device = Device::open(new, salt, self.kinds, &self.surroundings)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        let skips_test = flag(&device.info.options, "skip_test", false)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        request.on_record().await?;
        if !skips_test {
            let test = self.test_lines(&device)?;
            device.write(test, self.deadline).await.map_err(|error| {
                Error::Invalid(format!("audit backend failed test message: {error}"))
            })?;
        }
        let unknown = device.unknown_options(self.kinds);
        devices.push(Arc::new(device));
        self.replace(devices).await?;
        Ok(unknown)
    }

    /// Disables the device at `path`; its absence is no error. What it wrote stays.
    pub(crate) async fn disable(&self, path: &str, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut devices = Vec::clone(&self.devices.load());
        let before = devices.len();
        devices.retain(|device| device.info.path != path);
        if devices.len() == before {
            return Ok(());
        }
        request.on_record().await?;
        self.replace(devices).await
    }

    /// Returns the enabled devices, by path.
    pub(crate) fn list(&self) -> BTreeMap<String, DeviceInfo> {
        let devices = self.devices.load();
        devices
            .iter()
            .map(|device| (device.info.path.clone(), device.info.clone()))
            .collect()
    }

    /// Hashes a value as the device at `path` does; none if there is no such device.
    pub(crate) fn hash(&self, path: &str, input: &str) -> Option<String> {
        let devices = self.devices.load();
        let device = devices.iter().find(|device| device.info.path == path)?;
        Some(device.salt.keyed(input.as_bytes()).as_str().to_owned())
    }

    /// Makes the ticket of one request.
    pub(crate) fn ticket(self: &Arc<Self>, facts: Facts) -> Arc<Ticket> {
        Arc::new(Ticket::new(Arc::clone(self), facts))
    }

    /// Lets every device close and open again what it writes to.
    pub(crate) async fn reopen(&self) {
        let devices = self.devices.load_full();
        join_all(devices.iter().map(|device| async {
            if let Err(error) = device.device.reopen().await {
                device.note_failure(&error);
            }
        }))
        .await;
    }

    /// Returns the present moment, for the line of an answer.
    pub(super) fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    /// Writes the lines that `render` makes for each device, and waits until all have taken them
    /// or are late.
    ///
    /// # Errors
    /// There are devices, and none took its lines.
    pub(super) async fn record(
        &self,
        line: Line,
        render: impl Fn(&Format, &Salt, &AuditedHeaders) -> Lines,
    ) -> Result<(), Error> {
        let devices = self.devices.load_full();
        if devices.is_empty() {
            return Ok(());
        }
        let metrics = &self.surroundings.metrics;
        let waiting = Entered::new(&metrics.audit_in_flight);
        let start = metrics.start();
        let recorded = self.write(&devices, render).await;
        let (latency, failures) = match line {
            Line::Request => (
                &metrics.audit_log_request,
                &metrics.audit_log_request_failure,
            ),
            Line::Response => (
                &metrics.audit_log_response,
                &metrics.audit_log_response_failure,
            ),
        };
        metrics.stop(start, latency);
        drop(waiting);
        if recorded.is_err() {
            failures.inc();
        }
        recorded
    }

    async fn write(
        &self,
        devices: &[Arc<Device>],
        render: impl Fn(&Format, &Salt, &AuditedHeaders) -> Lines,
    ) -> Result<(), Error> {
        let headers = self.headers.current();
        let writes = devices.iter().map(|device| {
            let lines = render(&device.format, &device.salt, &headers);
            async {
                let written = device.write(lines, self.deadline).await;
                match &written {
                    Ok(()) => device.note_success(),
                    Err(error) => device.note_failure(error),
                }
                written
            }
        });
        let written = join_all(writes).await;
        if written.iter().any(Result::is_ok) {
            return Ok(());
        }
        Err(Error::internal("no audit device took the entry"))
    }

    /// Makes the line that a new device is tested with.
    fn test_lines(&self, device: &Device) -> Result<Lines, Error> {
        let path = CanonicalPath::parse("sys/audit/test").map_err(Error::internal)?;
        let request = Request::new(Operation::Update, path, SecretBytes::new(Vec::new()));
        let facts = Facts {
            request: Arc::new(request),
            operation: Operation::Update,
            principal: None,
            verdict: None,
            mount: None,
            time: self.now(),
        };
        let headers = self.headers.current();
        let mut entry = Entry::new(&device.format, &device.salt, &headers, &facts);
        entry.request(None);
        Ok(entry.finish())
    }

    /// Stores the table and lets requests see it; nothing changes if the first fails.
    async fn replace(&self, devices: Vec<Arc<Device>>) -> Result<(), Error> {
        let table: Vec<_> = devices.iter().map(|device| device.stored()).collect();
        let before = self.view.get(TABLE).await?;
        let expect = before.map_or(Expect::Absent, |entry| Expect::At(entry.revision));
        let change = Change::put(TABLE, json::to_secret(&table)?).expecting(expect);
        self.view.commit(vec![change]).await?;
        self.devices.store(Arc::new(devices));
        Ok(())
    }
}

impl Device {
    fn open(
        info: DeviceInfo,
        salt_key: SecretBytes,
        kinds: &'static [AuditKind],
        surroundings: &Surroundings,
    ) -> Result<Self, AuditError> {
        let kind = kinds
            .iter()
            .find(|kind| kind.name == info.kind)
            .ok_or_else(|| {
                AuditError::options(format!("unknown backend type: \"{}\"", info.kind))
            })?;
        let format = Format::parse(&info.options)?;
        if format.shows_secrets && !surroundings.is_development {
            return Err(AuditError::options(
                "log_raw is for development servers alone: it writes every secret into the log",
            ));
        }
        let device = (kind.open)(&info.options, &surroundings.clock)?;
        let salt = Salt::new(salt_key.duplicate(), format.shows_secrets);
        Ok(Self {
            info,
            salt_key,
            salt,
            format,
            device,
            failing: AtomicBool::new(false),
        })
    }

    async fn write(&self, lines: Lines, deadline: Duration) -> Result<(), AuditError> {
        let written = tokio::time::timeout(deadline, self.device.write(lines)).await;
        written.unwrap_or(Err(AuditError::Late))
    }

    fn note_success(&self) {
        if self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!(
                device = self.info.path,
                "the audit device takes entries again"
            );
        }
    }

    fn note_failure(&self, error: &AuditError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::error!(device = self.info.path, %error, "the audit device takes no entries");
        }
    }

    fn unknown_options(&self, kinds: &[AuditKind]) -> Vec<String> {
        let own = kinds.iter().filter(|kind| kind.name == self.info.kind);
        let known: Vec<_> = own
            .flat_map(|kind| kind.options)
            .chain(&Format::NAMES)
            .collect();
        let names = self.info.options.keys();
        names
            .filter(|name| !known.iter().any(|known| known == name))
            .cloned()
            .collect()
    }

    fn stored(&self) -> Stored {
        Stored {
            info: self.info.clone(),
            salt: Base64::new(self.salt_key.duplicate()),
        }
    }
}
