name = "old"

path "*"              { policy = "read" }
path "secret/*"       { policy = "write" }
path "secret/super/*" { policy = "deny" }
path "sys/*"          { policy = "sudo" }
