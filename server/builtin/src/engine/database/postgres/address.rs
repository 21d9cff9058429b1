//! Where a database is: libpq's URLs and key-value pairs, with Vault's templates.

use tokio_postgres::{Config, config::SslMode};

use super::{CONNECTING, Fault, Settings};

/// How far TLS protects a connection (PostgreSQL 15, section 34.19.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// No TLS.
    Disable,
    /// TLS if the server has it, to whoever it is.
    Prefer,
    /// TLS; to whoever it is, unless authorities are given.
    Require,
    /// TLS to a server whose certificate an authority signed.
    VerifyCa,
    /// The same, to the server of the name that is asked for.
    VerifyFull,
}

/// Parameters of libpq that this server has others for.
const FILES: [&str; 3] = ["sslcert", "sslkey", "sslrootcert"];

/// What stands for the templates while the rest is read: in no URL that means something.
const USER: &str = "keyward-template-username";
const PASSWORD: &str = "keyward-template-password";

/// Reads where a database is and who goes there.
pub(super) fn parse(settings: &Settings<'_>) -> Result<(Config, Mode), Fault> {
    let (plain, mode) = without_tls(settings.connection_url)?;
    let marked = plain
        .replace("{{username}}", USER)
        .replace("{{password}}", PASSWORD);
    // The cause may quote a password.
    let parsed = marked.parse::<Config>();
    let mut config =
        parsed.map_err(|_| Fault::Refused("connection_url cannot be read".to_owned()))?;
    if config.get_user() == Some(USER) {
        config.user(settings.username);
    }
    if config.get_password() == Some(PASSWORD.as_bytes()) {
        // EXPOSE: proven to the database.
        config.password(settings.password.map_or("", |password| password.expose()));
    }
    if config.get_hosts().is_empty() {
        return Err(Fault::Refused("connection_url names no host".to_owned()));
    }
    if config.get_application_name().is_none() {
        config.application_name("keyward");
    }
    config.connect_timeout(CONNECTING);
    config.ssl_mode(match mode {
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
    });
    Ok((config, mode))
}

/// Takes the parameters about TLS out, which the library knows in part.
fn without_tls(url: &str) -> Result<(String, Mode), Fault> {
    let mut mode = Mode::Prefer;
    let mut is_ours = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if FILES.contains(&name) {
            return Err(Fault::Refused(format!(
                "{name} is not read from a file: give tls_ca, tls_certificate and private_key"
            )));
        }
        if name != "sslmode" {
            return Ok(false);
        }
        mode = match value.trim_matches('\'') {
            "disable" => Mode::Disable,
            "allow" | "prefer" => Mode::Prefer,
            "require" => Mode::Require,
            "verify-ca" => Mode::VerifyCa,
            "verify-full" => Mode::VerifyFull,
            _ => return Err(Fault::Refused("sslmode is invalid".to_owned())),
        };
        Ok(true)
    };
    let (head, parameters, separator) = match url.split_once('?') {
        Some((head, parameters)) if url.contains("://") => (Some(head), parameters, '&'),
        _ if url.contains("://") => return Ok((url.to_owned(), mode)),
        _ => (None, url, ' '),
    };
    let mut kept = Vec::new();
    for parameter in parameters.split(separator) {
        if !is_ours(parameter)? {
            kept.push(parameter);
        }
    }
    let kept = kept.join(&separator.to_string());
    let plain = match head {
        None => kept,
        Some(head) if kept.is_empty() => head.to_owned(),
        Some(head) => format!("{head}?{kept}"),
    };
    Ok((plain, mode))
}

#[cfg(test)]
mod tests {
    use keyward_api::Sensitive;

    use super::*;

    fn parsed(url: &str) -> Result<(Config, Mode), String> {
        let password = Sensitive::new("p@:/?#[]%".to_owned());
        let settings = Settings {
            connection_url: url,
            username: "us er@",
            password: Some(&password),
            tls_ca: None,
            tls_certificate: None,
            private_key: None,
            open: 1,
            idle: 1,
        };
        parse(&settings).map_err(|fault| fault.to_string())
    }

    #[test]
    fn user_and_password_need_no_escapes_in_either_form() {
        for url in [
            "postgresql://{{username}}:{{password}}@localhost:5432/app?sslmode=disable",
            "postgres://localhost/app?user={{username}}&password={{password}}&sslmode=disable",
            "host=localhost user='{{username}}' password={{password}} dbname=app sslmode=disable",
        ] {
            let (config, mode) = parsed(url).unwrap();
            assert_eq!(config.get_user(), Some("us er@"), "{url}");
            assert_eq!(config.get_password(), Some(&b"p@:/?#[]%"[..]), "{url}");
            assert_eq!(config.get_dbname(), Some("app"), "{url}");
            assert_eq!(mode, Mode::Disable, "{url}");
        }
        let (config, mode) = parsed("postgresql://own:own@localhost").unwrap();
        assert_eq!(config.get_user(), Some("own"));
        assert_eq!(config.get_password(), Some(&b"own"[..]));
        assert_eq!(mode, Mode::Prefer);
    }

    #[test]
    fn what_makes_no_sense_is_refused_without_being_repeated() {
        for (url, text) in [
            (
                "postgresql://u:secret@h:port/",
                "connection_url cannot be read",
            ),
            ("secret", "connection_url cannot be read"),
            ("user=x", "connection_url names no host"),
            ("postgresql://h?sslmode=secret", "sslmode is invalid"),
            (
                "host=h sslrootcert=/etc/passwd",
                "sslrootcert is not read from a file: give tls_ca, tls_certificate and private_key",
            ),
        ] {
            assert_eq!(parsed(url).err().as_deref(), Some(text), "{url}");
        }
    }
}
