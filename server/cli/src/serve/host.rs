//! What operators ask of the process: its machine, its configuration, its log.

use std::{fs, sync::Arc};

use anyhow::Result;
use keyward_api::sys::{HostInfo, Loggers};
use keyward_core::{Error, Host, Lines};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use sysinfo::{CpuRefreshKind, Disks, MemoryRefreshKind, RefreshKind, System};

use super::{listeners::Certificates, log::Log};
use crate::config::{Config, LogConfig};

/// This process.
pub(super) struct Process {
    pub(super) certificates: Arc<Certificates>,
    pub(super) configuration: Mutex<Map<String, Value>>,
    pub(super) log: &'static Log,
}

impl Process {
    /// Takes from a configuration that was read anew what holds without a restart: the level of the
    /// log, which flags come before.
    ///
    /// # Errors
    /// It cannot be taken; then all stays as it is.
    pub(super) fn follow(&self, config: Config, flags: LogConfig) -> Result<()> {
        const LEVEL: &str = "log_level";
        let is_new = self.log.configure(&config.log.under(flags))?;
        let mut configuration = self.configuration.lock();
        match config.shown.get(LEVEL) {
            Some(level) => configuration.insert(LEVEL.to_owned(), level.clone()),
            None => configuration.remove(LEVEL),
        };
        drop(configuration);
        // Once all of it is there: who reads this line may ask for it.
        if is_new {
            tracing::info!("the log_level is read anew");
        }
        Ok(())
    }
}

impl Host for Process {
    fn name(&self) -> String {
        System::host_name().unwrap_or_default()
    }

    fn information(&self) -> Result<HostInfo, Error> {
        let asked = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_frequency())
            .with_memory(MemoryRefreshKind::everything());
        let system = System::new_with_specifics(asked).map_err(Error::internal)?;
        Ok(HostInfo {
            cpu: processors(&system),
            cpu_times: fs::read_to_string("/proc/stat")
                .map_or_else(|_| Vec::new(), |it| times(&it)),
            disk: disks()?,
            host: machine(self.name()),
            memory: memory(&system),
            timestamp: String::new(),
        })
    }

    fn command_line(&self) -> Result<Vec<String>, Error> {
        let words = std::env::args_os();
        let words = words.map(|word| word.to_string_lossy().into_owned());
        Ok(without_token(words))
    }

    fn configuration(&self) -> Map<String, Value> {
        self.configuration.lock().clone()
    }

    fn reload_certificates(&self) {
        self.certificates.reload();
    }

    fn loggers(&self) -> Loggers {
        self.log.levels()
    }

    fn set_level(&self, logger: Option<&str>, level: Option<&str>) -> Result<(), Error> {
        self.log.set(logger, level)
    }

    fn monitor(&self, level: &str, format: &str) -> Result<Lines, Error> {
        self.log.monitor(level, format)
    }

    fn end_monitors(&self) {
        self.log.end_monitors();
    }
}

/// Hides the token of a development server in a command line, however it was given there.
fn without_token(words: impl Iterator<Item = String>) -> Vec<String> {
    const HIDDEN: &str = "***";
    let gives_it = |word: &str| {
        let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
        flag == Some("dev-root-token-id")
    };
    let mut is_token = false;
    let shown = words.map(|word| {
        if std::mem::take(&mut is_token) {
            return HIDDEN.to_owned();
        }
        match word.split_once('=') {
            Some((flag, _)) if gives_it(flag) => format!("{flag}={HIDDEN}"),
            Some(_) => word,
            None => {
                is_token = gives_it(&word);
                word
            }
        }
    });
    shown.collect()
}

/// Makes an object of named values.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64 * 100.0
}

fn processors(system: &System) -> Vec<Map<String, Value>> {
    let processors = system.cpus().iter().enumerate();
    let described = processors.map(|(index, cpu)| {
        object([
            ("cpu", json!(index)),
            ("vendorId", json!(cpu.vendor_id())),
            ("modelName", json!(cpu.brand())),
            ("mhz", json!(cpu.frequency())),
        ])
    });
    described.collect()
}

/// Reads `/proc/stat` (proc(5)), whose columns are hundredths of seconds.
fn times(stat: &str) -> Vec<Map<String, Value>> {
    const COLUMNS: [&str; 10] = [
        "user",
        "nice",
        "system",
        "idle",
        "iowait",
        "irq",
        "softirq",
        "steal",
        "guest",
        "guestNice",
    ];
    let mut processors = Vec::new();
    for line in stat.lines() {
        let mut fields = line.split_whitespace();
        let name = fields.next().unwrap_or_default();
        // The line `cpu` is the sum of the others.
        if !name.starts_with("cpu") || name == "cpu" {
            continue;
        }
        let mut described = object([("cpu", json!(name))]);
        for (column, ticks) in COLUMNS.iter().zip(fields) {
            let seconds = ticks.parse::<u64>().unwrap_or_default() as f64 / 100.0;
            described.insert((*column).to_owned(), json!(seconds));
        }
        processors.push(described);
    }
    processors
}

fn disks() -> Result<Vec<Map<String, Value>>, Error> {
    let disks = Disks::new_with_refreshed_list().map_err(Error::internal)?;
    let described = disks.iter().map(|disk| {
        let (total, free) = (disk.total_space(), disk.available_space());
        let used = total.saturating_sub(free);
        object([
            ("path", json!(disk.mount_point().to_string_lossy())),
            ("fstype", json!(disk.file_system().to_string_lossy())),
            ("total", json!(total)),
            ("free", json!(free)),
            ("used", json!(used)),
            ("usedPercent", json!(percent(used, total))),
        ])
    });
    Ok(described.collect())
}

fn machine(name: String) -> Map<String, Value> {
    object([
        ("hostname", json!(name)),
        ("uptime", json!(System::uptime().unwrap_or_default())),
        ("bootTime", json!(System::boot_time().unwrap_or_default())),
        ("os", json!(std::env::consts::OS)),
        ("platform", json!(System::distribution_id())),
        (
            "platformVersion",
            json!(System::os_version().unwrap_or_default()),
        ),
        (
            "kernelVersion",
            json!(System::kernel_version().unwrap_or_default()),
        ),
        ("kernelArch", json!(std::env::consts::ARCH)),
    ])
}

fn memory(system: &System) -> Map<String, Value> {
    let (total, used) = (system.total_memory(), system.used_memory());
    object([
        ("total", json!(total)),
        ("available", json!(system.available_memory())),
        ("used", json!(used)),
        ("usedPercent", json!(percent(used, total))),
        ("free", json!(system.free_memory())),
        ("swaptotal", json!(system.total_swap())),
        ("swapfree", json!(system.free_swap())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_each_processor_are_seconds() {
        let stat = "cpu  300 0 0 0\ncpu0 100 20 3 4 5 6 7 8 9 10\ncpu1 200 0 0 0\nintr 5\n";
        let times = times(stat);
        assert_eq!(times.len(), 2);
        assert_eq!(times[0]["cpu"], "cpu0");
        assert_eq!(times[0]["user"], 1.0);
        assert_eq!(times[0]["guestNice"], 0.1);
        assert_eq!(times[1]["user"], 2.0);
    }

    #[test]
    fn the_command_line_shows_no_token() {
        let shown = |line: &str| {
            let words = line.split(' ').map(str::to_owned);
            without_token(words).join(" ")
        };
        let hidden = "k server -dev -dev-root-token-id=*** -dev-tls";
        assert_eq!(
            shown("k server -dev -dev-root-token-id=t=t -dev-tls"),
            hidden
        );
        assert_eq!(
            shown("k --dev-root-token-id=t"),
            "k --dev-root-token-id=***"
        );
        assert_eq!(
            shown("k -dev-root-token-id t -config=c.hcl"),
            "k -dev-root-token-id *** -config=c.hcl"
        );
    }

    #[test]
    fn nothing_of_nothing_is_no_share() {
        assert_eq!(percent(0, 0), 0.0);
        assert_eq!(percent(1, 4), 25.0);
    }
}
