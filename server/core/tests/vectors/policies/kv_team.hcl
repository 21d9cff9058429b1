/* A team and its part of a KV version 2 mount.
   Production is read only. */
path "secret/data/team-a/+/config" { capabilities = ["create", "update", "patch", "read"], }
path "secret/data/team-a/prod/*"   { capabilities = ["read",], }
path "secret/metadata/team-a/*"    { capabilities = ["list", "read", "scan"] }
path "secret/metadata/"            { capabilities = ["list"] }
path "secret/+/team-b/*"           { capabilities = ["deny"] }
