//! TLS to the database, in libpq's modes.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

/// An authority, and the files of a server that it signed for `name`.
fn authority(name: &str) -> (String, [(&'static str, String); 2]) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    let files = [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ];
    (pem, files)
}

async fn verified(name: &str, cases: &[(&str, Option<&str>, Result<(), &str>)]) -> String {
    let (trusted, files) = authority(name);
    let (other, _) = authority(name);
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let postgres = Postgres::start_with(&files, &["ssl=on"]);
    let house = House::new().await;
    for (mode, ca, outcome) in cases {
        let ca = match *ca {
            Some("trusted") => Some(trusted.as_str()),
            Some("other") => Some(other.as_str()),
            ca => ca,
        };
        let mut config = connection(&postgres);
        config["connection_url"] = json!(postgres.url(mode));
        config["tls_ca"] = json!(ca);
        let written = house.write("database/config/main", config).await;
        match (written, outcome) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(text)) => {
                assert!(error.to_string().contains(text), "{mode}: {error}");
            }
            (written, _) => panic!("{mode} {ca:?}: {written:?}"),
        }
        house.delete("database/config/main").await.unwrap();
    }
    let mut config = connection(&postgres);
    config["connection_url"] = json!(postgres.url("require"));
    house.write("database/config/main", config).await.unwrap();
    let role = json!({"db_name": "main", "creation_statements":
        "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND 1 / (ssl::int) = 1"});
    house.write("database/roles/read", role).await.unwrap();
    house.user("read").await.lease
}

#[tokio::test]
async fn a_server_is_verified_as_far_as_is_asked() {
    let unknown = Err("invalid peer certificate");
    verified(
        "127.0.0.1",
        &[
            ("disable", None, Ok(())),
            ("prefer", None, Ok(())),
            ("require", None, Ok(())),
            ("require", Some("trusted"), Ok(())),
            ("require", Some("other"), unknown),
            ("verify-ca", Some("trusted"), Ok(())),
            ("verify-ca", Some("other"), unknown),
            ("verify-ca", None, Err("sslmode=verify-ca needs tls_ca")),
            ("verify-full", Some("trusted"), Ok(())),
            ("verify-full", Some("other"), unknown),
            ("verify-full", None, unknown),
            (
                "verify-full",
                Some("none"),
                Err("there is no certificate in the PEM text"),
            ),
            ("verify", None, Err("sslmode is invalid")),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_server_of_another_name_is_refused_where_the_name_counts() {
    verified(
        "elsewhere.example.com",
        &[
            ("require", Some("trusted"), Ok(())),
            ("verify-ca", Some("trusted"), Ok(())),
            ("verify-full", Some("trusted"), Err("not valid for name")),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_server_without_tls_serves_only_who_does_not_insist() {
    let postgres = Postgres::start();
    let house = House::new().await;
    for (mode, serves) in [("prefer", true), ("require", false), ("verify-full", false)] {
        let mut config = connection(&postgres);
        config["connection_url"] = json!(postgres.url(mode));
        let written = house.write("database/config/main", config).await;
        assert_eq!(written.is_ok(), serves, "{mode}");
    }
}
