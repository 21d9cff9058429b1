//! `sys/internal/inspect`: what the server makes of its mounts and of a request, for who looks for a
//! fault.

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::sys::{
    InspectRequest, InspectRouter, InspectedConnection, InspectedEnvironment, InspectedMount,
    InspectedRequest, InspectedWrapping, RequestFacts,
};

use super::Sys;
use crate::{Denial, Error, Response, engine::Context, mounts::Mount};

/// Shows the mounts, sorted as is asked for.
pub(super) async fn router(
    cx: Context<Sys>,
    InspectRouter { tag }: InspectRouter,
) -> Result<Response<BTreeMap<String, Vec<InspectedMount>>>, Error> {
    let key: fn(&Mount) -> String = match tag.as_str() {
        "accessor" => |mount| mount.entry.accessor.clone(),
        "root" => Mount::full_path,
        "storage" => |mount| mount.view.prefix().to_owned(),
        "uuid" => |mount| mount.entry.uuid.clone(),
        _ => return Err(Error::not_found()),
    };
    let tells_storage = matches!(tag.as_str(), "root" | "storage");
    let mut mounts = cx.core().mounts.all();
    mounts.sort_by_key(|mount| key(mount));
    let shown = |mount: &Arc<Mount>| InspectedMount {
        accessor: mount.entry.accessor.clone(),
        mount_namespace: String::new(),
        mount_path: mount.entry.path.clone(),
        mount_type: mount.entry.kind.clone(),
        storage_prefix: tells_storage.then(|| mount.view.prefix().to_owned()),
        tainted: tells_storage.then_some(false),
        uuid: mount.entry.uuid.clone(),
    };
    let mounts = mounts.iter().map(shown).collect();
    Ok(Response::data([(tag, mounts)].into()))
}

/// Shows this request, without its token.
pub(super) async fn request(
    cx: Context<Sys>,
    _: InspectRequest,
) -> Result<Response<InspectedRequest>, Error> {
    let (core, request, mount) = (cx.core(), cx.request(), cx.mount());
    let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
    let token = &principal.token;
    let identity = principal.identity.as_deref();
    let groups = identity.map(|identity| identity.inspect_groups());
    let path = request.path.as_str();
    let path = path.strip_prefix(&mount.path).unwrap_or(path);
    let version = core.settings.version.to_owned();
    let req = RequestFacts {
        client_id: principal.client_id().to_owned(),
        client_token: String::new(),
        client_token_accessor: token.accessor().to_owned(),
        client_token_remaining_uses: token.num_uses(),
        connection: InspectedConnection {
            remote_addr: request.remote.address.clone(),
            remote_port: request.remote.port,
        },
        display_name: token.display_name().to_owned(),
        entity_id: token.entity_id().to_owned(),
        headers: BTreeMap::new(),
        id: request.id.to_string(),
        mount_accessor: mount.accessor.clone(),
        mount_point: mount.path.clone(),
        mount_type: mount.kind.clone(),
        operation: cx.operation().name().to_owned(),
        path: path.to_owned(),
        unauthenticated: false,
        wrap_info: request
            .wrap_ttl
            .map(|ttl| InspectedWrapping { ttl: ttl.as_secs() }),
    };
    Ok(Response::data(InspectedRequest {
        cluster_id: core.cluster.id.clone(),
        cluster_id_error: None,
        data: BTreeMap::new(),
        entity: identity.map(|identity| identity.inspect(&core.mounts)),
        entity_error: None,
        groups: groups.filter(|groups| !groups.is_empty()),
        groups_error: None,
        plugin_env: InspectedEnvironment {
            vault_version: version.clone(),
        },
        plugin_env_error: None,
        req,
        vault_version: version,
        vault_version_error: None,
    }))
}
