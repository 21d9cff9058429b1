path "auth/token/create" {
  capabilities        = ["create", "update"]
  allowed_parameters  = {
    "policies" = [["app"], ["app", "default"]]
    "ttl"      = ["1h", "30m", 3600]
    "renewable" = [true]
    "*"        = []
  }
  denied_parameters   = { "no_parent" = [], "id" = [] }
  required_parameters = ["ttl", "policies"]
}

path "database/roles/*" {
  capabilities       = ["create", "update"]
  allowed_parameters { "db_name" = ["orders-*", "*-test", "*shared*"] }
}
