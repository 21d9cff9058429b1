// An application that encrypts and decrypts with one key and may not export it.
path "transit/encrypt/orders" { capabilities = ["update"] }
path "transit/decrypt/orders" { capabilities = ["update"] }
path "transit/rewrap/orders"  { capabilities = ["update"] }
path "transit/keys/orders"    { capabilities = ["read"] }
path "transit/export/*"       { capabilities = ["deny"] }
