//! What is counted, as somebody reads it: Prometheus' text, or Vault's JSON.

use prometheus::{
    TEXT_FORMAT, TextEncoder,
    proto::{LabelPair, Metric, MetricFamily, MetricType},
};
use serde_json::{Map, Value, json};

use super::{Metrics, Telemetry};
use crate::{Document, Error, Timestamp, engine::Class, lifecycle::Unsealed};

/// The two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Prometheus,
}

impl Format {
    /// Reads the parameter `format`; if it is not given, the header `Accept`, as Vault does: what a
    /// Prometheus sends by itself, and what is made for this.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such form, or it is switched off; the texts are Vault's.
    pub(crate) fn parse(format: &str, accept: &str, telemetry: Telemetry) -> Result<Self, Error> {
        let wanted = accept.starts_with("application/openmetrics-text")
            || accept.contains("prometheus/telemetry");
        let format = match format {
            "" if wanted => "prometheus",
            given => given,
        };
        match format {
            "" => Ok(Self::Json),
            "prometheus" if telemetry.prometheus => Ok(Self::Prometheus),
            "prometheus" => Err(Error::invalid("prometheus is not enabled")),
            other => Err(Error::Invalid(format!(
                "metric response format {other:?} unknown"
            ))),
        }
    }
}

/// Looks up what is not counted, and writes all of it.
pub(crate) fn render(
    metrics: &Metrics,
    unsealed: Option<&Unsealed>,
    format: Format,
) -> Result<Document, Error> {
    metrics.look_up(unsealed);
    let families = metrics.registry.gather();
    match format {
        Format::Json => {
            let json = metrics.json(&families);
            Document::json("application/json", &json)
        }
        Format::Prometheus => {
            let text = TextEncoder::new().encode_to_string(&families);
            let text = text.map_err(Error::internal)?;
            Ok(Document::new(TEXT_FORMAT, text.into_bytes().into()))
        }
    }
}

impl Metrics {
    fn look_up(&self, unsealed: Option<&Unsealed>) {
        self.active.set(unsealed.is_some().into());
        self.unsealed.set(unsealed.is_some().into());
        let in_flight = unsealed.map_or(0, |core| core.in_flight.list().len());
        self.in_flight_requests.set(count(in_flight));
        self.mounts.reset();
        self.encryptions.reset();
        let Some(core) = unsealed else { return };
        for mount in core.mounts.all() {
            let class = match mount.class {
                Class::Auth => "auth",
                Class::Secret => "logical",
            };
            let local = if mount.entry.local { "true" } else { "false" };
            self.mounts.with_label_values(&[class, local]).inc();
        }
        let keyring = core.barrier.keyring();
        let term = keyring.latest_version();
        self.encryptions
            .with_label_values(&[term.to_string()])
            .set(i64::try_from(keyring.encryptions(term)).unwrap_or(i64::MAX));
        self.rate_limits.set(count(core.quotas.count()));
    }

    /// Writes Vault's JSON. Its counts are those of the last ten seconds, ours those since the
    /// start, and so are the rates, which are per second; the least, the greatest and the deviation
    /// are not known.
    fn json(&self, families: &[MetricFamily]) -> Value {
        let (mut gauges, mut counters, mut samples) = (Vec::new(), Vec::new(), Vec::new());
        let seconds = self.clock.now().since(self.started).as_secs_f64().max(1.0);
        for family in families {
            let plain = family.name();
            let name = self.names.get(plain).copied().unwrap_or(plain);
            for metric in family.get_metric() {
                let labels = labels(metric.get_label());
                let sample = |count: u64, sum: f64| {
                    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more")]
                    let mean = if count == 0 { 0.0 } else { sum / count as f64 };
                    json!({
                        "Name": name,
                        "Count": count,
                        "Rate": sum / seconds,
                        "Sum": sum,
                        "Mean": mean,
                        "Labels": labels,
                    })
                };
                match family.get_field_type() {
                    MetricType::COUNTER => counters.push(counter(metric, sample)),
                    MetricType::HISTOGRAM => {
                        let histogram = metric.get_histogram();
                        let (count, sum) =
                            (histogram.get_sample_count(), histogram.get_sample_sum());
                        samples.push(sample(count, sum));
                    }
                    _ => gauges.push(json!({
                        "Name": name,
                        "Value": metric.get_gauge().get_value(),
                        "Labels": labels,
                    })),
                }
            }
        }
        json!({
            "Timestamp": spelled(self.clock.now()),
            "Gauges": gauges,
            "Points": [],
            "Counters": counters,
            "Samples": samples,
        })
    }
}

fn counter(metric: &Metric, sample: impl Fn(u64, f64) -> Value) -> Value {
    let value = metric.get_counter().get_value();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counters hold whole numbers from 0 on"
    )]
    let count = value as u64;
    sample(count, value)
}

fn labels(pairs: &[LabelPair]) -> Map<String, Value> {
    let pairs = pairs.iter();
    pairs
        .map(|pair| (pair.name().to_owned(), pair.value().into()))
        .collect()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes a moment as Go prints one.
fn spelled(moment: Timestamp) -> String {
    let moment = moment.date_time();
    let (hour, minute, second) = moment.to_hms();
    format!(
        "{} {hour:02}:{minute:02}:{second:02} +0000 UTC",
        moment.date()
    )
}
