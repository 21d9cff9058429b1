path "pki/issue/web"{capabilities=["create","update"]comment="for the ingress"}path "pki/ca"{capabilities=["read"]}path "pki/cert/*"{capabilities=["read","list"]}
