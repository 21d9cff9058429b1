//! Identity: who the holders of tokens are, whatever door they came through.
//!
//! An entity is one person or machine; an alias is its name at one auth method; a group gives
//! policies to many. The operations below `identity/`.

mod alias;
mod entity;
mod group;
mod lookup;
mod mfa;
mod oidc;
mod persona;
mod provider;

pub use alias::{
    AliasInfo, AliasKey, AliasKeys, AliasWritten, DeleteEntityAlias, DeleteGroupAlias,
    DeletePersona, GroupAlias, GroupAliasInfo, ListEntityAliases, ListGroupAliases, ListPersonas,
    ReadEntityAlias, ReadGroupAlias, ReadPersona, WriteEntityAlias, WriteEntityAliasById,
    WriteGroupAlias, WriteGroupAliasById, WritePersona, WritePersonaById,
};
pub use entity::{
    BatchDeleteEntities, DeleteEntity, DeleteEntityByName, EntityInfo, EntityKey, EntityKeys,
    EntityWritten, KeyAlias, ListEntities, ListEntityNames, MergeConflict, MergeEntities, Names,
    ReadEntity, ReadEntityByName, WriteEntity, WriteEntityById, WriteEntityByName,
};
pub use group::{
    DeleteGroup, DeleteGroupByName, GroupInfo, GroupKey, GroupKeys, GroupWritten, ListGroupNames,
    ListGroups, ReadGroup, ReadGroupByName, WriteGroup, WriteGroupById, WriteGroupByName,
};
pub use lookup::{LookupEntity, LookupGroup};
pub use mfa::{
    AdminGenerateTotpSecret, CreateDuoMfaMethod, CreateOktaMfaMethod, CreatePingIdMfaMethod,
    CreateTotpMfaMethod, DeleteDuoMfaMethod, DeleteLoginEnforcement, DeleteOktaMfaMethod,
    DeletePingIdMfaMethod, DeleteTotpMfaMethod, DestroyTotpSecret, DuoMfaMethods,
    GenerateTotpSecret, ListDuoMfaMethods, ListLoginEnforcements, ListMfaMethods,
    ListOktaMfaMethods, ListPingIdMfaMethods, ListTotpMfaMethods, LoginEnforcement,
    LoginEnforcements, MfaMethod, MfaMethodCreated, MfaMethodId, MfaMethodType, MfaMethods,
    OktaMfaMethods, PingIdMfaMethods, ReadDuoMfaMethod, ReadLoginEnforcement, ReadMfaMethod,
    ReadOktaMfaMethod, ReadPingIdMfaMethod, ReadTotpMfaMethod, TotpMfaMethod, TotpSecretShown,
    UpdateDuoMfaMethod, UpdateOktaMfaMethod, UpdatePingIdMfaMethod, UpdateTotpMfaMethod,
    WriteLoginEnforcement, WriteMfaMethod,
};
pub use oidc::{
    DeleteOidcKey, DeleteOidcRole, IntrospectOidcToken, Introspection, ListOidcKeys, ListOidcRoles,
    OidcConfig, OidcDiscovery, OidcKey, OidcKeySet, OidcRole, OidcToken, ReadOidcConfig,
    ReadOidcDiscovery, ReadOidcKey, ReadOidcKeySet, ReadOidcRole, ReadOidcToken, RotateOidcKey,
    WriteOidcConfig, WriteOidcKey, WriteOidcRole,
};
pub use persona::{
    DeleteOldPersona, ListOldPersonas, ReadOldPersona, WriteOldPersona, WriteOldPersonaById,
};
pub use provider::{
    AuthorizeOidcClient, AuthorizeOidcClientByQuery, DeleteOidcAssignment, DeleteOidcClient,
    DeleteOidcProvider, DeleteOidcScope, ExchangeOidcCode, ListOidcAssignments, ListOidcClients,
    ListOidcProviders, ListOidcScopes, OidcAssignment, OidcAuthorization, OidcClient, OidcClients,
    OidcFailure, OidcGrant, OidcProvider, OidcProviderDiscovery, OidcProviders, OidcScope,
    OidcUserInfo, PostOidcUserInfo, ReadOidcAssignment, ReadOidcClient, ReadOidcProvider,
    ReadOidcProviderDiscovery, ReadOidcProviderKeySet, ReadOidcScope, ReadOidcUserInfo,
    WriteOidcAssignment, WriteOidcClient, WriteOidcProvider, WriteOidcScope,
};

/// Implements an endpoint that takes what another takes, one field of it in the path.
macro_rules! in_path {
    ($request:ident, $field:ident => $reply:ty, $path:literal, $format:literal $(; $($flag:ident),+)?) => {
        impl $crate::Endpoint for $request {
            const NAME: &'static str = stringify!($request);
            const OPERATION: $crate::Operation = $crate::Operation::Update;
            const PATH: &'static str = $path;
            $($($crate::endpoint!(@flag $flag);)+)?
            type Reply = $reply;

            fn path(&self) -> String {
                format!($format, self.0.$field.as_deref().unwrap_or_default())
            }
        }
    };
}
use in_path;
