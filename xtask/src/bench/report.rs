//! The figures: a table for people, JSON for programs.

use std::fmt;

use comfy_table::{Cell, CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

use super::drive::{Goal, Load, Outcome};
use super::echo::Echo;
use super::workload::Workload;

/// Everything that one run measured.
#[derive(Serialize)]
pub(super) struct Report {
    connections: u32,
    threads: u32,
    payload_bytes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
    rows: Vec<Row>,
    memory: Vec<Memory>,
}

/// One workload on one target. Latencies are in microseconds.
#[derive(Serialize)]
pub(super) struct Row {
    target: String,
    workload: Workload,
    requests: u64,
    requests_per_second: f64,
    /// This target's requests per second over the first target's.
    ratio: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
    errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_busy: Option<f64>,
}

/// What the process of one target held before and after, in KiB.
#[derive(Serialize)]
pub(super) struct Memory {
    target: String,
    before: u64,
    after: u64,
}

impl Row {
    pub(super) fn new(target: &str, workload: Workload, outcome: Outcome) -> Self {
        let latencies = &outcome.latencies;
        let micros = |nanos: u64| nanos as f64 / 1_000.0;
        Self {
            target: target.to_owned(),
            workload,
            requests: latencies.len(),
            requests_per_second: latencies.len() as f64 / outcome.elapsed.as_secs_f64(),
            ratio: 1.0,
            p50: micros(latencies.value_at_quantile(0.5)),
            p99: micros(latencies.value_at_quantile(0.99)),
            p999: micros(latencies.value_at_quantile(0.999)),
            max: micros(latencies.max()),
            errors: outcome.errors,
            first_error: outcome.first_error,
            client_busy: outcome.client_busy,
        }
    }
}

impl Memory {
    pub(super) fn new(target: &str, before: u64, after: u64) -> Self {
        Self {
            target: target.to_owned(),
            before,
            after,
        }
    }
}

impl Report {
    pub(super) fn new(
        load: &Load,
        payload_bytes: u32,
        mut rows: Vec<Row>,
        memory: Vec<Memory>,
    ) -> Self {
        let firsts: Vec<(Workload, f64)> = rows
            .iter()
            .map(|row| (row.workload, row.requests_per_second))
            .collect();
        for row in &mut rows {
            // The first row of a workload is the first target's.
            if let Some((_, first)) = firsts
                .iter()
                .find(|(workload, _)| *workload == row.workload)
            {
                row.ratio = row.requests_per_second / first;
            }
        }
        let (requests, seconds) = match load.goal {
            Goal::Requests(requests) => (Some(requests), None),
            Goal::Time(time) => (None, Some(time.as_secs())),
        };
        Self {
            connections: load.connections,
            threads: load.threads,
            payload_bytes,
            requests,
            seconds,
            rows,
            memory,
        }
    }

    /// Whether any request failed, or none succeeded.
    pub(super) fn failed(&self) -> bool {
        self.rows
            .iter()
            .any(|row| row.errors > 0 || row.requests == 0)
    }

    /// What the first target's encrypt keeps of the bare echo's requests per second.
    fn share_of_echo(&self) -> Option<(&str, f64)> {
        let encrypt = |row: &&Row| row.workload == Workload::Encrypt;
        let first = self.rows.iter().find(encrypt)?;
        let echo = self
            .rows
            .iter()
            .filter(encrypt)
            .find(|row| row.target == Echo::LABEL)?;
        Some((
            &first.target,
            first.requests_per_second / echo.requests_per_second,
        ))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header([
            "workload",
            "target",
            "requests/s",
            "ratio",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "max µs",
            "errors",
            "client busy",
        ]);
        for row in &self.rows {
            let numbers = [
                format!("{:.0}", row.requests_per_second),
                format!("{:.3}", row.ratio),
                format!("{:.0}", row.p50),
                format!("{:.0}", row.p99),
                format!("{:.0}", row.p999),
                format!("{:.0}", row.max),
                row.errors.to_string(),
                row.client_busy
                    .map_or_else(|| "–".to_owned(), |busy| format!("{:.0} %", busy * 100.0)),
            ];
            let mut cells = vec![Cell::new(row.workload), Cell::new(&row.target)];
            cells.extend(
                numbers.map(|number| Cell::new(number).set_alignment(CellAlignment::Right)),
            );
            table.add_row(cells);
        }
        writeln!(
            f,
            "{} connections, {} client thread(s), {} byte payload",
            self.connections, self.threads, self.payload_bytes
        )?;
        writeln!(f, "{table}")?;
        for row in &self.rows {
            if let Some(error) = &row.first_error {
                writeln!(
                    f,
                    "{} on {}, first error: {error}",
                    row.workload, row.target
                )?;
            }
        }
        if let Some((target, share)) = self.share_of_echo() {
            writeln!(
                f,
                "{target} encrypts at {:.0} % of the bare echo",
                share * 100.0
            )?;
        }
        for Memory {
            target,
            before,
            after,
        } in &self.memory
        {
            writeln!(f, "{target} holds {after} KiB ({before} KiB before)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(target: &str, workload: Workload, requests_per_second: f64) -> Row {
        Row {
            target: target.to_owned(),
            workload,
            requests: 1,
            requests_per_second,
            ratio: 1.0,
            p50: 1.0,
            p99: 1.0,
            p999: 1.0,
            max: 1.0,
            errors: 0,
            first_error: None,
            client_busy: None,
        }
    }

    fn report(rows: Vec<Row>) -> Report {
        let load = Load {
            connections: 1,
            threads: 1,
            warm_up: std::time::Duration::ZERO,
            goal: Goal::Requests(1),
        };
        Report::new(&load, 256, rows, Vec::new())
    }

    #[test]
    fn a_ratio_refers_to_the_first_target_of_the_same_workload() {
        let report = report(vec![
            row("a", Workload::Encrypt, 100.0),
            row("b", Workload::Encrypt, 25.0),
            row(Echo::LABEL, Workload::Encrypt, 200.0),
            row("a", Workload::Sign, 10.0),
            row("b", Workload::Sign, 40.0),
        ]);
        let ratios: Vec<f64> = report.rows.iter().map(|row| row.ratio).collect();
        assert_eq!(ratios, [1.0, 0.25, 2.0, 1.0, 4.0]);
        assert_eq!(report.share_of_echo(), Some(("a", 0.5)));
    }

    #[test]
    fn one_error_fails_the_run() {
        assert!(!report(vec![row("a", Workload::Encrypt, 100.0)]).failed());
        let failing = Row {
            errors: 1,
            ..row("a", Workload::Encrypt, 100.0)
        };
        assert!(report(vec![failing]).failed());
    }
}
