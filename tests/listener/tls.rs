//! TLS: who is let in, and certificates that change while the server runs.

use std::{
    fs,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use reqwest::Version;

use super::installed;
use crate::support::{Authority, Installation, bao, exchange, isolated};

const FILES: &str = "tls_cert_file = \"DIR/cert.pem\"\n  tls_key_file = \"DIR/key.pem\"";

/// Installs a server with a certificate of `authority` that holds for `names`.
fn secured(authority: &Authority, names: &[&str], more: &str) -> Installation {
    let installation = installed(&format!("{FILES}\n  {more}"));
    certify(&installation, authority, names);
    installation
}

fn certify(installation: &Installation, authority: &Authority, names: &[&str]) {
    let certificate = installation.path("cert.pem");
    authority
        .sign(names)
        .write(&certificate, &installation.path("key.pem"));
    fs::write(installation.path("ca.pem"), &authority.pem).unwrap();
}

fn health(installation: &Installation) -> String {
    format!("https://{}/v1/sys/health", installation.socket_address())
}

#[tokio::test]
async fn tls_carries_http_1_and_http_2_and_says_that_it_stays() {
    let authority = Authority::new();
    let installation = secured(&authority, &["127.0.0.1"], "");
    let _server = installation.start();
    let url = health(&installation);
    let both = authority.trust().build().unwrap();
    let one = authority.trust().http1_only().build().unwrap();
    for (client, version) in [(both, Version::HTTP_2), (one, Version::HTTP_11)] {
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.version(), version);
        assert_eq!(answer.status(), 501);
        assert_eq!(
            answer.headers()["strict-transport-security"],
            "max-age=31536000; includeSubDomains"
        );
    }
    let stranger = Authority::new().trust().build().unwrap();
    stranger.get(&url).send().await.unwrap_err();
}

#[test]
fn a_client_without_tls_is_told_so() {
    let installation = secured(&Authority::new(), &["127.0.0.1"], "");
    let _server = installation.start();
    let address = installation.socket_address();
    let answer = exchange(address, "GET", "/v1/sys/health", &[], b"").unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body,
        "Client sent an HTTP request to an HTTPS server.\n"
    );
}

#[tokio::test]
async fn a_version_that_is_not_served_is_refused() {
    let authority = Authority::new();
    let installation = secured(&authority, &["127.0.0.1"], "tls_min_version = \"tls13\"");
    let _server = installation.start();
    let url = health(&installation);
    let old = authority
        .trust()
        .tls_version_max(reqwest::tls::Version::TLS_1_2);
    old.build().unwrap().get(&url).send().await.unwrap_err();
    let new = authority.trust().build().unwrap();
    assert_eq!(new.get(&url).send().await.unwrap().status(), 501);
}

#[tokio::test]
async fn without_a_certificate_of_the_right_authority_nobody_gets_in() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let demand = "tls_client_ca_file = \"DIR/clients.pem\"
        tls_require_and_verify_client_cert = true";
    let installation = secured(&authority, &["127.0.0.1"], demand);
    fs::write(installation.path("clients.pem"), &clients.pem).unwrap();
    let _server = installation.start();
    let url = health(&installation);
    let identity = |of: &Authority| {
        let signed = of.sign(&["somebody"]);
        let pem = format!("{}{}", signed.key, signed.certificate);
        reqwest::Identity::from_pem(pem.as_bytes()).unwrap()
    };
    let known = authority
        .trust()
        .identity(identity(&clients))
        .build()
        .unwrap();
    assert_eq!(known.get(&url).send().await.unwrap().status(), 501);
    let unknown = authority
        .trust()
        .identity(identity(&authority))
        .build()
        .unwrap();
    unknown.get(&url).send().await.unwrap_err();
    let nobody = authority.trust().build().unwrap();
    nobody.get(&url).send().await.unwrap_err();
}

#[tokio::test]
async fn a_new_certificate_takes_over_without_losing_a_request() {
    let (old, new) = (Authority::new(), Authority::new());
    let installation = secured(&old, &["127.0.0.1"], "");
    let mut server = installation.start();
    let url = health(&installation);
    let trusts = |authority: &Authority| {
        let both = authority
            .trust()
            .tls_certs_merge([reqwest::Certificate::from_pem(new.pem.as_bytes()).unwrap()]);
        both.pool_max_idle_per_host(0).build().unwrap()
    };
    // Half of the clients shake hands for every request, the other half keep their connection.
    let kept = old.trust().build().unwrap();
    let (asked, done) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let clients = [trusts(&old), trusts(&old), kept.clone(), kept];
    let clients = clients.map(|client| {
        let (url, asked, done) = (url.clone(), Arc::clone(&asked), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let answer = client.get(&url).send().await.unwrap();
                assert_eq!(answer.status(), 501);
                asked.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let only_new = new.trust().build().unwrap();
    only_new.get(&url).send().await.unwrap_err();

    fs::write(installation.path("cert.pem"), "no certificate").unwrap();
    server.hang_up();
    server.wait_for("could not be read anew");
    old.trust().build().unwrap().get(&url).send().await.unwrap();

    certify(&installation, &new, &["127.0.0.1"]);
    server.hang_up();
    server.wait_for("a certificate was read anew");
    let before = asked.load(Ordering::Relaxed);
    assert_eq!(only_new.get(&url).send().await.unwrap().status(), 501);
    while asked.load(Ordering::Relaxed) < before + 20 {
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}

#[test]
fn command_lines_come_in_over_tls() {
    let installation = secured(&Authority::new(), &["vault.example"], "");
    let _server = installation.start();
    let address = format!("https://{}", installation.socket_address());
    let ca = installation.path("ca.pem");
    let (ca, folder) = (ca.to_str().unwrap(), installation.path(""));
    // Sealed: exit code 2, and it has answered.
    let answered = |ran: Output| {
        let said = format!("{ran:?}");
        assert!(
            ran.status.code() == Some(2) && said.contains("Sealed"),
            "{said}"
        );
    };
    let run = |arguments: &[&str]| {
        let address = format!("-address={address}");
        installation.run(&[&["status", &address], arguments].concat())
    };
    let name = "-tls-server-name=vault.example";
    answered(run(&[&format!("-ca-cert={ca}"), name]));
    answered(run(&["-tls-skip-verify"]));
    for arguments in [&[name][..], &[&format!("-ca-cert={ca}")]] {
        let refused = run(arguments);
        assert_ne!(refused.status.code(), Some(2), "{refused:?}");
        assert!(
            format!("{refused:?}").contains("certificate"),
            "{refused:?}"
        );
    }
    let mut peer = isolated(&bao(), &folder);
    peer.args([
        "status",
        "-address",
        &address,
        "-ca-cert",
        ca,
        "-tls-server-name",
        "vault.example",
    ]);
    answered(peer.output().unwrap());
}

#[test]
fn a_development_server_makes_a_certificate_and_says_how_to_trust_it() {
    let installation = installed("");
    let address = installation.socket_address();
    let folder = installation.path("dev");
    let mut server = installation.launch_with(&[
        "-dev",
        "-dev-tls",
        "-dev-tls-san=vault.example",
        &format!("-dev-tls-cert-dir={}", folder.display()),
        &format!("-dev-listen-address={address}"),
    ]);
    let ca = folder.join("vault-ca.pem");
    server.wait_for(&format!("$ export VAULT_CACERT='{}'", ca.display()));
    server.wait_until_it_answers(address).unwrap();
    for name in ["localhost", "vault.example"] {
        let ran = installation.run(&[
            "status",
            &format!("-address=https://{address}"),
            &format!("-ca-cert={}", ca.display()),
            &format!("-tls-server-name={name}"),
        ]);
        assert!(ran.status.success(), "{ran:?}");
    }
}

#[test]
fn a_certificate_that_is_missing_is_named_before_anything_is_touched() {
    let installation = installed(FILES);
    let (status, said) = installation
        .launch(&installation.config())
        .wait_until_it_ends();
    assert!(!status.success());
    assert!(
        said.contains("cannot read") && said.contains("cert.pem"),
        "{said}"
    );
    assert!(!installation.path("data").exists());
}
