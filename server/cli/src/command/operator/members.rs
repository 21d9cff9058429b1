//! `keyward operator members`.

use keyward_api::sys::{HaNode, HaStatus, ReadHaStatus};

use super::{answered, shown};
use crate::{arguments::Format, error::Outcome, json::Json, output, session::Session};

/// Prints the servers of the cluster.
pub(super) async fn run(session: &mut Session<'_, '_>) -> Outcome {
    let request = ReadHaStatus::default();
    let doing = "reading the servers of the cluster";
    let status: HaStatus = answered(session.call(doing, "sys", &request).await?)?;
    if session.format != Format::Table {
        // Under the name that Vault's command line has for them.
        let nodes = shown(&status.nodes)?;
        return session.show_value(&Json::object([("Nodes", nodes)]));
    }
    Ok(session.io.print(&table(status.nodes))?)
}

fn table(nodes: Vec<HaNode>) -> String {
    let rows = nodes.into_iter().map(|node| {
        [
            node.hostname,
            node.api_address,
            node.cluster_address,
            node.active_node.to_string(),
            node.version,
            node.last_echo.unwrap_or_default(),
        ]
    });
    let names = [
        "Host Name",
        "API Address",
        "Cluster Address",
        "Active Node",
        "Version",
        "Last Echo",
    ];
    output::table(names, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_does_not_tell_is_not_there() {
        let node = HaNode {
            hostname: "vault-1".to_owned(),
            api_address: "https://vault-1.example:8200".to_owned(),
            active_node: true,
            version: "1.0.0".to_owned(),
            ..HaNode::default()
        };
        let wanted = "\
Host Name    API Address                     Cluster Address    Active Node    Version    Last Echo
---------    -----------                     ---------------    -----------    -------    ---------
vault-1      https://vault-1.example:8200    n/a                true           1.0.0      n/a
";
        assert_eq!(table(vec![node]), wanted);
    }
}
