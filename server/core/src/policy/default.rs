//! The texts of the policies that every server has.

/// Grants what every token needs for itself, as Vault's `default` policy does. An operator may
/// change the stored text.
pub const DEFAULT_POLICY: &str = r#"# A token may look at, renew and revoke itself.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }

# It may ask what it is allowed to do.
path "sys/capabilities-self"        { capabilities = ["update"] }
path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }

# It may read the entity that it stands for.
path "identity/entity/id/{{identity.entity.id}}"     { capabilities = ["read"] }
path "identity/entity/name/{{identity.entity.name}}" { capabilities = ["read"] }

# It may sign in to other services through an OIDC provider.
path "identity/oidc/provider/+/authorize" { capabilities = ["read", "update"] }

# Who knows the id of a lease may look at it and renew it; the first path is the old one.
path "sys/renew"         { capabilities = ["update"] }
path "sys/leases/renew"  { capabilities = ["update"] }
path "sys/leases/lookup" { capabilities = ["update"] }

# It has a store of its own, which ends with it.
path "cubbyhole/*" { capabilities = ["create", "read", "update", "delete", "list"] }

# It may wrap values for others and unwrap what it was handed.
path "sys/wrapping/wrap"   { capabilities = ["update"] }
path "sys/wrapping/lookup" { capabilities = ["update"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }

# It may hash.
path "sys/tools/hash"   { capabilities = ["update"] }
path "sys/tools/hash/*" { capabilities = ["update"] }
"#;

/// Grants a wrapping token what it is for; nobody can change this.
pub const WRAPPING_POLICY: &str = r#"
path "cubbyhole/response" {
    capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}

path "auth/token/revoke-self" {
    capabilities = ["update"]
}
"#;
