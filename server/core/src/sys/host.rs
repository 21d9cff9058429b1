//! `sys/host-info`, `sys/ha-status`, `sys/replication/status`, `sys/in-flight-req` and
//! `sys/pprof/cmdline`.

use keyward_api::sys::{
    HaNode, HaStatus, HostInfo, InFlight, ReadCommandLine, ReadHaStatus, ReadHostInfo,
    ReadInFlight, ReadReplication, Replication,
};
use keyward_crypto::SecretBytes;

use super::{Sys, bare};
use crate::{Document, Error, Response, engine::Context};

/// Tells about the machine.
pub(super) async fn information(
    cx: Context<Sys>,
    _: ReadHostInfo,
) -> Result<Response<HostInfo>, Error> {
    let mut information = cx.core().host.information()?;
    information.timestamp = cx.now().to_string();
    Ok(Response::data(information))
}

/// Lists the servers of the cluster: this one.
pub(super) async fn ha_status(
    cx: Context<Sys>,
    _: ReadHaStatus,
) -> Result<Response<HaStatus>, Error> {
    let host = &cx.core().host;
    let configuration = host.configuration();
    let configured = |name: &str| {
        let text = configuration.get(name).and_then(|value| value.as_str());
        text.unwrap_or_default().to_owned()
    };
    let node = HaNode {
        hostname: host.name(),
        api_address: configured("api_addr"),
        cluster_address: configured("cluster_addr"),
        active_node: true,
        last_echo: None,
        version: cx.core().settings.version.to_owned(),
    };
    Ok(Response::data(HaStatus { nodes: vec![node] }).at_top())
}

/// Lists the requests that are being worked on.
pub(super) async fn in_flight(
    cx: Context<Sys>,
    _: ReadInFlight,
) -> Result<Response<InFlight>, Error> {
    bare(&cx.core().in_flight.list())
}

/// Tells that nothing is replicated: commands of Vault that gather what is known about a server end
/// where they are not told.
pub(super) async fn replication(
    _: Context<Sys>,
    _: ReadReplication,
) -> Result<Response<Replication>, Error> {
    let mode = "disabled".to_owned();
    Ok(Response::data(Replication { mode }))
}

/// Tells how the process was started.
pub(super) async fn command_line(
    cx: Context<Sys>,
    _: ReadCommandLine,
) -> Result<Response<String>, Error> {
    let words = cx.core().host.command_line()?.join("\0");
    let body = SecretBytes::new(words.into_bytes());
    Ok(Response::document(Document::new(
        "text/plain; charset=utf-8",
        body,
    )))
}
