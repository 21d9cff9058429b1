# Everyone has a folder of their own.
path "secret/data/{{identity.entity.name}}/*" {
  capabilities = ["create", "update", "patch", "read", "delete"]
}
path "secret/metadata/{{identity.entity.aliases.auth_userpass_1234.name}}/*" {
  capabilities = ["list"]
}
path "secret/data/groups/{{identity.groups.ids.7b2a.name}}/*" {
  capabilities = ["read"]
}
