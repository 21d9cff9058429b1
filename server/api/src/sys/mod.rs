//! `sys/`: the server about itself.

mod audit;
mod capabilities;
mod config;
mod control_group;
mod cors;
mod experiments;
mod generate_root;
mod health;
mod host;
mod inspect;
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
mod tools;
mod ui;
mod versions;
mod wrapping;

pub use audit::{
    AuditDevice, AuditHash, AuditHead, AuditedHeader, AuditedHeaders, DeleteAuditedHeader,
    DisableAuditDevice, EnableAuditDevice, HashForAudit, ListAuditDevices, ListAuditedHeaders,
    ReadAuditHead, ReadAuditedHeader, WriteAuditedHeader,
};
pub use capabilities::{Capabilities, CapabilitiesAccessor, CapabilitiesReply, CapabilitiesSelf};
pub use config::{
    DeleteUiHeader, ListUiHeaders, ReadSanitizedConfig, ReadUiHeader, ReloadConfig, UiHeader,
    UiHeaderNames, WriteUiHeader,
};
pub use control_group::{
    Authorization, AuthorizeRequest, ReadWaitingRequest, RequestApproval, Requester, WaitingRequest,
};
pub use cors::{Cors, DeleteCors, ReadCors, WriteCors};
pub use experiments::{Experiments, ReadExperiments};
pub use generate_root::{
    BeginRootGeneration, BeginRootGenerationOld, BeginRootTokenGeneration, CancelRootGeneration,
    CancelRootGenerationOld, CancelRootTokenGeneration, DecodeToken, DecodedToken,
    ReadRootGeneration, ReadRootGenerationOld, ReadRootTokenGeneration, RootGenerationStatus,
    UpdateRootGeneration, UpdateRootTokenGeneration,
};
pub use health::{Health, ReadHealth};
pub use host::{
    HaNode, HaStatus, HostInfo, InFlight, InFlightRequest, ReadCommandLine, ReadHaStatus,
    ReadHostInfo, ReadInFlight, ReadReplication, Replication,
};
pub use inspect::{
    InspectRequest, InspectRouter, InspectedAlias, InspectedConnection, InspectedEntity,
    InspectedEnvironment, InspectedGroup, InspectedMount, InspectedRequest, InspectedWrapping,
    RequestFacts,
};
pub use locked_users::{
    LockedAtMount, LockedInNamespace, LockedUsers, ReadLockedUsers, UnlockUser,
};
pub use loggers::{
    DeleteLogger, DeleteLoggers, Loggers, Monitor, ReadLogger, ReadLoggers, WriteLogger,
    WriteLoggers,
};
pub use metrics::{
    CountEntities, CountRequests, CountTokens, EntityCount, EntityCounters, ReadMetrics,
    TokenCount, TokenCounters, Total,
};
pub use mfa::{Passcodes, ValidateMfa};
pub use mounts::{
    DisableAuth, DisableMount, EnableAuth, EnableMount, EngineOptions, ListAuth, ListMounts,
    MountConfigInput, MountOutput, ReadAuth, ReadAuthTune, ReadMount, ReadTune, Tune, TuneAuth,
    TuneOutput, UserLockoutInput,
};
pub use openapi::{Help, QueryOpenApi, ReadHelp, ReadOpenApi};
pub use passwords::{
    DeletePasswordPolicy, GeneratePassword, ListPasswordPolicies, Password, PasswordPolicies,
    PasswordPolicy, ReadPasswordPolicy, WritePasswordPolicy,
};
pub use plugins::{
    DeregisterPlugin, ListPlugins, ListedPlugin, Plugin, PluginNames, Plugins, ReadPlugin,
    ReadPlugins, RegisterPlugin, ReloadPlugin, Reloaded,
};
pub use policies::{
    DeletePolicy, DeletePolicyOld, DetailedPolicies, DetailedPolicy, ListDetailedPolicies,
    ListPolicies, ListPoliciesOld, ListPoliciesOldByGet, PatchPolicy, Policies, PoliciesOld,
    Policy, PolicyOld, ReadDetailedPolicy, ReadPolicy, ReadPolicyOld, WritePolicy, WritePolicyOld,
};
pub use quotas::{
    DeleteRateLimit, ListRateLimits, QuotaConfig, RateLimit, RateLimits, ReadQuotaConfig,
    ReadRateLimit, WriteQuotaConfig, WriteRateLimit,
};
pub use raw::{DeleteRaw, ListRaw, RawEntry, RawKeys, ReadRaw, WriteRaw};
pub use rekey::{
    BeginRecoveryRekey, BeginRekey, CancelRecoveryRekey, CancelRekey, DeleteRecoveryRekeyBackup,
    DeleteRekeyBackup, NewShares, ReadRecoveryRekey, ReadRecoveryRekeyBackup,
    ReadRecoveryRekeyVerification, ReadRekey, ReadRekeyBackup, ReadRekeyVerification, RekeyBackup,
    RekeyProgress, RekeyStatus, RekeyVerification, RekeyVerificationStatus, RekeyVerified,
    RestartRecoveryRekeyVerification, RestartRekeyVerification, UpdateRecoveryRekey, UpdateRekey,
    VerifyRecoveryRekey, VerifyRekey,
};
pub use remount::{Migration, ReadRemount, Remount, RemountStatus, Remounted};
pub use response_keys::ReadResponseKeys;
pub use rotate::{
    BeginRecoveryRotation, BeginRootRotation, CancelRecoveryRotation, CancelRootRotation,
    DeleteRecoveryRotationBackup, DeleteRootRotationBackup, ReadRecoveryRotation,
    ReadRecoveryRotationBackup, ReadRecoveryRotationVerification, ReadRootRotation,
    ReadRootRotationBackup, ReadRootRotationVerification, RestartRecoveryRotationVerification,
    RestartRootRotationVerification, RotateRoot, RotationProgress, RotationStatus,
    UpdateRecoveryRotation, UpdateRootRotation, VerifyRecoveryRotation, VerifyRootRotation,
};
pub use seal::{
    InitStatus, Initialize, Initialized, KeyStatus, Leader, ReadInitStatus, ReadKeyStatus,
    ReadLeader, ReadRotateConfig, ReadRotateKeyringConfig, ReadSealStatus, Rotate, RotateConfig,
    RotateKeyring, Seal, SealStatus, StepDown, Unseal, WriteRotateConfig, WriteRotateKeyringConfig,
};
pub use tools::{SystemHash, SystemRandom};
pub use ui::{
    ReadResultantAcl, ResultantAcl, ResultantRule, ShownMount, UiMount, UiMountOutput, UiMounts,
    UiMountsReply, UiNamespaces, UiNamespacesReply,
};
pub use versions::{InstalledVersion, ListVersions, Versions};
pub use wrapping::{LookupWrapping, ReadWrapping, Rewrap, Unwrap, Wrap, WrappingInfo};
