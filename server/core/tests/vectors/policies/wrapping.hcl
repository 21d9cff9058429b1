# Whoever hands out secret ids must wrap them, for one to five minutes.
path "auth/approle/role/+/secret-id" {
  capabilities     = ["create", "update"]
  min_wrapping_ttl = "1m"
  max_wrapping_ttl = 300
}
