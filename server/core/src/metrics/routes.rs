//! Latencies of each mount, by operation.

use std::sync::{Arc, OnceLock};

use keyward_api::Operation;
use prometheus::Histogram;

use super::Metrics;

/// The handles of one mount. One is made at the first request of its operation, so that a mount
/// shows what it does and no more.
pub(crate) struct RouteMetrics {
    metrics: Arc<Metrics>,
    mount_point: String,
    latencies: [OnceLock<Histogram>; OPERATIONS.len()],
}

const OPERATIONS: [Operation; 7] = [
    Operation::Create,
    Operation::Delete,
    Operation::List,
    Operation::Patch,
    Operation::Read,
    Operation::Scan,
    Operation::Update,
];

impl RouteMetrics {
    /// Makes those of the mount at a path below `/v1/`.
    pub(crate) fn new(metrics: &Arc<Metrics>, mount_point: String) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            mount_point,
            latencies: Default::default(),
        }
    }

    /// Returns the latencies of an operation.
    pub(crate) fn of(&self, operation: Operation) -> &Histogram {
        self.latencies[operation as usize].get_or_init(|| {
            let labels = [self.mount_point.as_str(), operation.name()];
            self.metrics.route_request.with_label_values(&labels)
        })
    }

    /// Shows the mount no more.
    pub(crate) fn forget(&self) {
        for operation in OPERATIONS {
            let labels = [self.mount_point.as_str(), operation.name()];
            // One that was never made cannot be removed, which is as well.
            let _ = self.metrics.route_request.remove_label_values(&labels);
        }
    }
}
