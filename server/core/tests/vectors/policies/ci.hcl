# Written by a tool that quotes everything and indents with tabs.
"path" "auth/jwt/login" {
	"capabilities" = [
		"create",
		"read", # for the preflight
	]
}

"path" "secret/data/ci/*" {
	"capabilities" = [
		"read"
	]
	"comment" = <<EOF
Builds read what they need;
nobody "writes" here.
EOF
}
