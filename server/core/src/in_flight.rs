//! The requests that are being worked on, for `sys/in-flight-req`.

use std::{array, collections::HashMap, sync::Arc};

use keyward_api::sys::{InFlight, InFlightRequest};
use parking_lot::Mutex;

use crate::{Principal, Request, RequestId, Timestamp};

/// Requests at work on several cores meet rarely in one of so many tables.
const SHARDS: usize = 16;

/// A part of the table.
type Shard = Mutex<HashMap<RequestId, Entry>>;

/// A request, and when it came.
struct Entry {
    request: Arc<Request>,
    came: Timestamp,
    /// Who asks, once that is known.
    principal: Option<Arc<Principal>>,
}

/// The table of them.
pub(crate) struct InFlightRequests {
    shards: [Shard; SHARDS],
}

impl Default for InFlightRequests {
    fn default() -> Self {
        Self {
            shards: array::from_fn(|_| Mutex::default()),
        }
    }
}

/// That a request is in the table; it leaves with this, however it ends.
pub(crate) struct Entered<'t> {
    table: &'t InFlightRequests,
    id: RequestId,
}

impl Entered<'_> {
    /// Says who asks.
    pub(crate) fn belongs_to(&self, principal: &Arc<Principal>) {
        if let Some(entry) = self.table.shard(self.id).lock().get_mut(&self.id) {
            entry.principal = Some(Arc::clone(principal));
        }
    }
}

impl InFlightRequests {
    /// Puts a request in.
    pub(crate) fn enter(&self, request: &Arc<Request>, now: Timestamp) -> Entered<'_> {
        let entry = Entry {
            request: Arc::clone(request),
            came: now,
            principal: None,
        };
        self.shard(request.id).lock().insert(request.id, entry);
        Entered {
            table: self,
            id: request.id,
        }
    }

    /// Lists them.
    pub(crate) fn list(&self) -> InFlight {
        let mut listed = InFlight::new();
        for shard in &self.shards {
            for (id, entry) in &*shard.lock() {
                let Entry {
                    request,
                    came,
                    principal,
                } = entry;
                let remote = &request.remote;
                let described = InFlightRequest {
                    start_time: came.to_string(),
                    client_remote_address: match remote.address.contains(':') {
                        true => format!("[{}]:{}", remote.address, remote.port),
                        false => format!("{}:{}", remote.address, remote.port),
                    },
                    request_path: format!("/v1/{}", request.path.as_str()),
                    request_method: request.operation.method().to_owned(),
                    client_id: principal.as_ref().map(|it| it.client_id().to_owned()),
                };
                listed.insert(id.to_string(), described);
            }
        }
        listed
    }

    fn shard(&self, id: RequestId) -> &Shard {
        &self.shards[id.low_byte() % SHARDS]
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.table.shard(self.id).lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use keyward_api::Operation;
    use keyward_crypto::SecretBytes;

    use super::*;
    use crate::{CanonicalPath, Remote};

    #[test]
    fn a_request_is_listed_until_it_ends() {
        let table = InFlightRequests::default();
        let path = CanonicalPath::parse("kv/a").unwrap();
        let request = Request {
            remote: Remote {
                address: "::1".to_owned(),
                port: 7,
            },
            ..Request::new(Operation::Update, path, SecretBytes::new(Vec::new()))
        };
        let request = Arc::new(request);
        let entered = table.enter(&request, Timestamp::default());
        let listed = table.list();
        let described = &listed[&request.id.to_string()];
        assert_eq!(described.client_remote_address, "[::1]:7");
        assert_eq!(described.request_path, "/v1/kv/a");
        assert_eq!(described.request_method, "POST");
        assert_eq!(described.client_id, None);
        drop(entered);
        assert!(table.list().is_empty());
    }
}
