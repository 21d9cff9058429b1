//! The engine at `sys/`: the server about itself, one file a resource.

mod audit;
mod capabilities;
mod config;
mod control_group;
mod cors;
mod experiments;
mod generate_root;
mod host;
mod inspect;
mod leases;
mod locked_users;
mod loggers;
mod metrics;
mod mfa;
mod mounts;
mod openapi;
mod passwords;
mod plugins;
mod policies;
mod quotas;
mod raw;
mod rekey;
mod remount;
mod response_keys;
mod rotate;
mod seal;
#[cfg(test)]
mod tests;
mod tools;
mod ui;
mod versions;
mod wrapping;

use std::sync::Arc;

use keyward_api::{Access, Operation, Sensitive};
use keyward_crypto::SecretBytes;
use serde::Serialize;

use crate::{
    Document, Error, Response,
    engine::{Engine, Mounted, Routes},
    parse_share,
};

pub(crate) use passwords::make_up as make_up_password;
pub(crate) use versions::note as note_version;

/// The system engine; what it works on are the services of the core.
pub(crate) struct Sys;

impl Engine for Sys {}

/// The endpoints that a server has only where it is told so.
#[derive(Clone, Copy, Debug, Default)]
pub struct OptionalEndpoints {
    /// `sys/internal/inspect`: what the server makes of its mounts and of a request.
    pub introspection: bool,
    /// `sys/raw`: whoever has `sudo` there reads and writes all that is stored, in clear.
    pub raw_storage: bool,
}

/// Tells who may call an operation of the system, at a path below `sys/`: what is so on every
/// server, also of endpoints that it has only where it is told so. None if there is none.
#[must_use]
pub fn access(operation: Operation, path: &str) -> Option<Access> {
    let all = OptionalEndpoints {
        introspection: true,
        raw_storage: true,
    };
    let mounted = mount(all);
    let found = mounted.routes.find(operation, path).ok()?;
    Some(found.access())
}

/// Builds the one mount of the system engine.
pub(crate) fn mount(endpoints: OptionalEndpoints) -> Mounted {
    let engine = Arc::new(Sys);
    let mut routes = Routes::of(Arc::clone(&engine))
        .on(audit::list)
        .on(audit::enable)
        .on(audit::disable)
        .on(audit::hash)
        .on(audit::head)
        .on(audit::list_headers)
        .on(audit::read_header)
        .on(audit::write_header)
        .on(audit::delete_header)
        .on(capabilities::of_accessor)
        .on(capabilities::of_self)
        .on(capabilities::of_token)
        .on(config::read)
        .on(config::reload)
        .on(config::list_ui_headers)
        .on(config::read_ui_header)
        .on(config::write_ui_header)
        .on(config::delete_ui_header)
        .on(cors::read)
        .on(cors::write)
        .on(cors::delete)
        .on(experiments::read)
        .on(control_group::authorize)
        .on(control_group::read)
        .on(generate_root::read)
        .on(generate_root::read_old)
        .on(generate_root::read_with_token)
        .on(generate_root::begin)
        .on(generate_root::begin_old)
        .on(generate_root::begin_with_token)
        .on(generate_root::cancel)
        .on(generate_root::cancel_old)
        .on(generate_root::decode)
        .on(generate_root::cancel_with_token)
        .on(generate_root::update)
        .on(generate_root::update_with_token)
        .on(host::command_line)
        .on(host::information)
        .on(host::ha_status)
        .on(host::in_flight)
        .on(host::replication)
        .on(leases::count)
        .on(leases::list)
        .on(leases::list_below)
        .on(leases::lookup)
        .on(leases::read)
        .on(leases::renew)
        .on(leases::renew_in_body)
        .on(leases::renew_old)
        .on(leases::revoke)
        .on(leases::revoke_in_body)
        .on(leases::revoke_old)
        .on(leases::revoke_prefix)
        .on(leases::revoke_prefix_old)
        .on(leases::revoke_force)
        .on(leases::revoke_force_old)
        .on(leases::tidy)
        .on(locked_users::list)
        .on(locked_users::unlock)
        .on(loggers::list)
        .on(loggers::monitor)
        .on(loggers::read)
        .on(loggers::write_all)
        .on(loggers::write)
        .on(loggers::reset_all)
        .on(loggers::reset)
        .on(metrics::count_entities)
        .on(metrics::count_requests)
        .on(metrics::count_tokens)
        .on(metrics::read)
        .on(mfa::validate)
        .on(mounts::list)
        .on(mounts::list_auth)
        .on(mounts::enable)
        .on(mounts::enable_auth)
        .on(mounts::disable)
        .on(mounts::disable_auth)
        .on(mounts::read)
        .on(mounts::read_auth)
        .on(mounts::tune)
        .on(mounts::tune_auth)
        .on(mounts::read_tune)
        .on(mounts::read_auth_tune)
        .on(openapi::help)
        .on(openapi::query)
        .on(openapi::read)
        .on(passwords::list)
        .on(passwords::read)
        .on(passwords::write)
        .on(passwords::delete)
        .on(passwords::generate)
        .on(plugins::read_all)
        .on(plugins::list)
        .on(plugins::read)
        .on(plugins::register)
        .on(plugins::deregister)
        .on(plugins::reload)
        .on(policies::list)
        .on(policies::list_detailed)
        .on(policies::list_old)
        .on(policies::list_old_by_get)
        .on(policies::patch)
        .on(policies::read)
        .on(policies::read_detailed)
        .on(policies::read_old)
        .on(policies::write)
        .on(policies::write_old)
        .on(policies::delete)
        .on(policies::delete_old)
        .on(quotas::delete)
        .on(quotas::list)
        .on(quotas::read)
        .on(quotas::read_config)
        .on(quotas::write)
        .on(quotas::write_config)
        .on(rekey::read)
        .on(rekey::begin)
        .on(rekey::cancel)
        .on(rekey::update)
        .on(rekey::read_verification)
        .on(rekey::restart_verification)
        .on(rekey::verify)
        .on(rekey::read_backup)
        .on(rekey::delete_backup)
        .on(rekey::read_recovery)
        .on(rekey::begin_recovery)
        .on(rekey::cancel_recovery)
        .on(rekey::update_recovery)
        .on(rekey::read_recovery_verification)
        .on(rekey::restart_recovery_verification)
        .on(rekey::verify_recovery)
        .on(rekey::read_recovery_backup)
        .on(rekey::delete_recovery_backup)
        .on(remount::remount)
        .on(remount::status)
        .on(response_keys::read)
        .on(rotate::rotate_root)
        .on(rotate::read_root)
        .on(rotate::begin_root)
        .on(rotate::cancel_root)
        .on(rotate::update_root)
        .on(rotate::read_root_verification)
        .on(rotate::restart_root_verification)
        .on(rotate::verify_root)
        .on(rotate::read_root_backup)
        .on(rotate::delete_root_backup)
        .on(rotate::read_recovery)
        .on(rotate::begin_recovery)
        .on(rotate::cancel_recovery)
        .on(rotate::update_recovery)
        .on(rotate::read_recovery_verification)
        .on(rotate::restart_recovery_verification)
        .on(rotate::verify_recovery)
        .on(rotate::read_recovery_backup)
        .on(rotate::delete_recovery_backup)
        .on(seal::key_status)
        .on(seal::read_rotate_config)
        .on(seal::write_rotate_config)
        .on(seal::read_rotate_keyring_config)
        .on(seal::write_rotate_keyring_config)
        .on(seal::rotate)
        .on(seal::rotate_keyring)
        .on(seal::seal)
        .on(seal::step_down)
        .on(tools::hash)
        .on(tools::random)
        .on(ui::mount)
        .on(ui::mounts)
        .on(ui::namespaces)
        .on(ui::resultant_acl)
        .on(versions::list)
        .on(wrapping::lookup)
        .on(wrapping::read)
        .on(wrapping::rewrap)
        .on(wrapping::unwrap)
        .on(wrapping::wrap);
    if endpoints.introspection {
        routes = routes.on(inspect::request).on(inspect::router);
    }
    if endpoints.raw_storage {
        routes = routes
            .on(raw::delete)
            .on(raw::list)
            .on(raw::read)
            .on_upsert(raw::write, raw::exists);
    }
    Mounted {
        routes: routes.build(),
        engine,
    }
}

/// Answers without the envelope, as Vault does on the older paths of its keys.
fn bare<T: Serialize>(value: &T) -> Result<Response<T>, Error> {
    Document::json("application/json", value).map(Response::document)
}

/// Reads an unseal share of a request.
fn share(key: Option<&Sensitive>) -> Result<SecretBytes, Error> {
    // EXPOSE: decoded into the share.
    let key = key.map(Sensitive::expose).filter(|key| !key.is_empty());
    let missing = || Error::invalid("'key' must be specified in request body as JSON");
    parse_share(key.ok_or_else(missing)?)
}
