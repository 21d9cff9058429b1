//! The enabled devices: the table of them, and the one way to write to them all.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use keyward_api::{Operation, sys::AuditedHeaders};
use keyward_crypto::{SecretBytes, random};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{
    AuditError, AuditKind, Facts, Head, HeaderStore, Lines, Options, Ticket,
    device::{Device, Stored, Writing},
    entry::Entry,
    flag,
    options::Format,
    redact::Salt,
};
use crate::{
    CanonicalPath, Clock, Error, Request, Timestamp,
    barrier::Change,
    json,
    metrics::{Entered, Metrics},
    policy::Verdict,
    storage::Expect,
    view::View,
};

const TABLE: &str = "table";

/// Where each log ended, by the path of its device.
const HEADS: &str = "heads";

/// How long the end of a log may go on before it is kept.
const KEEPING: Duration = Duration::from_mins(1);

/// How long a device may take for one request's lines.
const DEADLINE: Duration = Duration::from_secs(5);

/// How many bytes of lines may wait for a device behind the requests that they are of.
const MOST_BEHIND: usize = 16 << 20;

/// Hands the lines of every request to every enabled device.
pub struct Broker {
    view: View,
    kinds: &'static [AuditKind],
    pub(super) surroundings: Surroundings,
    pub(super) deadline: Duration,
    pub(super) most_behind: usize,
    pub(super) devices: ArcSwap<Vec<Arc<Device>>>,
    pub(crate) headers: HeaderStore,
    /// One change of the table at a time; it awaits storage in between.
    changing: Mutex<()>,
    kept: Mutex<Kept>,
}

type Heads = BTreeMap<String, Head>;

/// What is stored of the ends of logs.
struct Kept {
    heads: Heads,
    at: Timestamp,
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

impl Broker {
    /// Makes the devices that are enabled. One that cannot write does not keep the server from
    /// starting; requests wait for it to recover by failing.
    pub(crate) async fn open(
        view: View,
        kinds: &'static [AuditKind],
        surroundings: Surroundings,
    ) -> Result<Self, Error> {
        let stored: Option<(Vec<Stored>, _)> = view.get_as(TABLE).await?;
        let heads: Option<(Heads, _)> = view.get_as(HEADS).await?;
        let heads = heads.map(|(heads, _)| heads).unwrap_or_default();
        let mut devices = Vec::new();
        for Stored { info, salt } in stored.map(|(stored, _)| stored).unwrap_or_default() {
            let salt = salt.bytes().map_err(Error::internal)?.duplicate();
            let kept = heads.get(&info.path).copied();
            let device = Device::open(info, salt, kept, kinds, &surroundings);
            devices.push(Arc::new(device.map_err(Error::internal)?));
        }
        Ok(Self {
            headers: HeaderStore::open(view.clone()).await?,
            view,
            kinds,
            kept: Mutex::new(Kept {
                heads,
                at: surroundings.clock.now(),
            }),
            surroundings,
            deadline: DEADLINE,
            most_behind: MOST_BEHIND,
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
        let device = Device::open(new, salt, None, self.kinds, &self.surroundings)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        let skips_test = flag(&device.info.options, "skip_test", false)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        request.on_record().await?;
        if !skips_test {
            let test = self.test_lines(&device)?;
            let written = tokio::time::timeout(self.deadline, device.device.write(test)).await;
            written.unwrap_or(Err(AuditError::Late)).map_err(|error| {
                Error::Invalid(format!("audit backend failed test message: {error}"))
            })?;
        }
        let unknown = device.unknown_options(self.kinds);
        let device = Arc::new(device);
        devices.push(Arc::clone(&device));
        self.replace(devices).await?;
        let DeviceInfo { path, kind, .. } = &device.info;
        tracing::info!(device = path, kind, "an audit device is enabled");
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
        self.replace(devices).await?;
        tracing::info!(device = path, "an audit device is disabled");
        Ok(())
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

    /// Returns where the log of the device at `path` ends. None if there is no such device, or it
    /// keeps no lines.
    pub(crate) fn head(&self, path: &str) -> Option<Head> {
        let devices = self.devices.load();
        devices.iter().find(|it| it.info.path == path)?.head()
    }

    /// Keeps where the logs end, if that is not what was last kept and it is time to: each minute,
    /// and soon after a log went on in another file, which has no line of before.
    ///
    /// # Errors
    /// The store failed; it is tried again the next time.
    pub(crate) async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        let mut kept = self.kept.lock().await;
        let devices = self.devices.load();
        let begun: Vec<_> = devices.iter().filter(|it| it.takes_begun()).collect();
        if begun.is_empty() && now.since(kept.at) < KEEPING {
            return Ok(());
        }
        let outcome = self.keep(&mut kept).await;
        if outcome.is_err() {
            begun.iter().for_each(|device| device.note_begun());
        }
        outcome
    }

    /// Keeps where the logs end, if that is not what was last kept; for when the server seals.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn keep_heads(&self) -> Result<(), Error> {
        self.keep(&mut *self.kept.lock().await).await
    }

    async fn keep(&self, kept: &mut Kept) -> Result<(), Error> {
        let heads = heads(&self.devices.load());
        if heads != kept.heads {
            self.view.put_as(HEADS, &heads).await?;
        }
        *kept = Kept {
            heads,
            at: self.now(),
        };
        Ok(())
    }

    /// Makes the ticket of one request.
    pub(crate) fn ticket(self: &Arc<Self>, facts: Facts) -> Arc<Ticket> {
        Arc::new(Ticket::new(Arc::clone(self), facts))
    }

    /// Lets every device close and open again what it writes to, and keeps where the logs end: a new
    /// file begins behind that. A device that hangs does so when it wakes.
    pub(crate) async fn reopen(&self) {
        let devices = self.devices.load_full();
        join_all(devices.iter().map(|device| async {
            let reopened = tokio::time::timeout(self.deadline, device.device.reopen()).await;
            if let Err(error) = reopened.unwrap_or(Err(AuditError::Late)) {
                device.note_failure(&error);
            }
        }))
        .await;
        match self.keep_heads().await {
            Ok(()) => tracing::info!("the audit devices were reopened"),
            Err(error) => tracing::warn!(%error, "where the audit logs end could not be kept"),
        }
    }

    /// Takes notice of the lines that devices took, or did not, behind the requests that they are
    /// of.
    pub(crate) async fn catch_up(&self) {
        let devices = self.devices.load_full();
        poll_fn(|cx| {
            for device in devices.iter() {
                device.catch_up(cx, self.deadline);
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Returns the present moment, for the line of an answer.
    pub(super) fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    /// Writes the lines that `render` makes for each device, and waits until all that work have
    /// taken them or are late, or `patience` is over. One that did not take the lines before is
    /// waited for only where no other takes these: what hangs slows one request, and not each.
    ///
    /// # Errors
    /// There are devices, and none took its lines, or not within `patience`; a failure is counted
    /// where none did.
    pub(super) async fn record(
        &self,
        line: Line,
        patience: Duration,
        render: impl Fn(&Format, &Salt, &AuditedHeaders) -> Lines,
    ) -> Result<(), Error> {
        let devices = self.devices.load_full();
        if devices.is_empty() {
            return Ok(());
        }
        let metrics = &self.surroundings.metrics;
        let waiting = Entered::new(&metrics.audit_in_flight);
        let start = metrics.start();
        let recorded = self.write(&devices, patience, render).await;
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
        match recorded {
            Recorded::Taken => return Ok(()),
            Recorded::Failed => failures.inc(),
            Recorded::Awaited => {}
        }
        Err(Error::internal("no audit device took the entry"))
    }

    async fn write(
        &self,
        devices: &[Arc<Device>],
        patience: Duration,
        render: impl Fn(&Format, &Salt, &AuditedHeaders) -> Lines,
    ) -> Recorded {
        let headers = self.headers.current();
        let writes = devices.iter().map(|device| {
            let lines = render(&device.format, &device.salt, &headers);
            device.begin(lines, self.most_behind)
        });
        let mut writes = Writes(writes.collect());
        let all = poll_fn(|cx| writes.poll(cx, self.deadline));
        // Late ones are left behind, and what they come to is learnt later.
        let _all_or_late = tokio::time::timeout(patience.min(self.deadline), all).await;
        writes.leave(patience >= self.deadline)
    }

    /// Makes the line that a new device is tested with.
    fn test_lines(&self, device: &Device) -> Result<Lines, Error> {
        let path = CanonicalPath::parse("sys/audit/test").map_err(Error::internal)?;
        let request = Request::new(Operation::Update, path, SecretBytes::new(Vec::new()));
        let facts = Facts {
            request: Arc::new(request),
            operation: Operation::Update,
            principal: None,
            verdict: Some(Verdict::public()),
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
        // With the table: a new device knows nothing of the log of an old one at its path.
        let mut kept = self.kept.lock().await;
        let heads = heads(&devices);
        let changes = vec![change, Change::put_as(HEADS, &heads)?];
        self.view.commit(changes).await?;
        self.devices.store(Arc::new(devices));
        *kept = Kept {
            heads,
            at: self.now(),
        };
        Ok(())
    }
}

/// Returns where the logs of devices end, of which that is known.
fn heads(devices: &[Arc<Device>]) -> Heads {
    let heads = devices.iter().filter_map(|device| {
        let head = device.head()?;
        Some((device.info.path.clone(), head))
    });
    heads.collect()
}

/// What came of the lines of a request.
enum Recorded {
    /// A device took them.
    Taken,
    /// None did, and the request waits no longer for one that may.
    Awaited,
    /// None did.
    Failed,
}

/// The lines of one request on their way to each device.
struct Writes<'d>(Vec<Writing<'d>>);

impl Writes<'_> {
    /// Is over when a device took its lines and those that work have answered, or when all have.
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Duration) -> Poll<()> {
        let (mut taken, mut awaited, mut running) = (false, false, false);
        // Each is asked, so that the lines take their place with every device now.
        for writing in &mut self.0 {
            writing.poll(cx, deadline);
            taken |= writing.is_taken();
            running |= writing.is_running();
            awaited |= writing.is_running() && writing.is_awaited;
        }
        match running && (awaited || !taken) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Lets what still runs go on behind the request; the devices that it waited for are late if
    /// it did so until the deadline.
    fn leave(self, is_late: bool) -> Recorded {
        let taken = self.0.iter().any(Writing::is_taken);
        let runs_on = self.0.iter().any(Writing::is_running);
        let recorded = match taken {
            true => Recorded::Taken,
            false if runs_on && !is_late => Recorded::Awaited,
            false => Recorded::Failed,
        };
        let writes = self.0.into_iter();
        writes.for_each(|writing| writing.leave(is_late));
        recorded
    }
}
