//! What is printed of a request in the place of sending it.

use std::path::PathBuf;

use keyward_api::{Access, Endpoint as _, Operation, auth::ListAccessors, client::HttpRequest};
use reqwest::Url;

use super::address::Address;
use crate::{Environment, arguments::Connection};

/// How a request is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preview {
    /// As a command line of curl.
    Curl,
    /// As the rule of a policy that lets a token send it.
    Policy,
}

/// Whose token a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The one that `keyward print token` prints.
    Kept,
    /// Another one, which stands as `$TOKEN`.
    Other,
    /// Nobody's.
    Nobodys,
}

/// Writes options of curl that lead to the server as flags and environment say.
pub(super) fn connection(
    flags: &Connection,
    environment: &Environment,
    address: &Address,
) -> anyhow::Result<String> {
    let setting = |flag: &Option<String>, name| {
        flag.clone()
            .or_else(|| environment.setting(name).map(str::to_owned))
    };
    let skip = match flags.tls_skip_verify {
        Some(skip) => skip,
        None => environment.flag("SKIP_VERIFY")?.unwrap_or(false),
    };
    let mut options = String::new();
    if skip {
        options.push_str(" --insecure");
    }
    let authorities = match setting(&flags.ca_cert, "CACERT") {
        Some(file) => Some(("--cacert", file)),
        None => setting(&flags.ca_path, "CAPATH").map(|folder| ("--capath", folder)),
    };
    let certificate = setting(&flags.client_cert, "CLIENT_CERT").map(|file| ("--cert", file));
    let key = setting(&flags.client_key, "CLIENT_KEY").map(|file| ("--key", file));
    let socket = address.socket().map(PathBuf::from);
    let socket = socket.map(|path| ("--unix-socket", path.display().to_string()));
    let name = setting(&flags.tls_server_name, "TLS_SERVER_NAME");
    let name = name.filter(|_| socket.is_none());
    let name = name.map(|name| ("--connect-to", address.connect_to(&name)));
    for (option, value) in [authorities, certificate, key, socket, name]
        .into_iter()
        .flatten()
    {
        options.push_str(&format!(" {option} {}", word(&value)));
    }
    Ok(options)
}

/// Writes a request as a command line; `headers` are those that every request has.
pub(super) fn curl(
    connection: &str,
    request: &HttpRequest,
    url: &Url,
    whose: Whose,
    headers: &[(&str, &str)],
) -> String {
    let mut line = format!("curl{connection}");
    if request.method != "GET" {
        line.push_str(&format!(" -X {}", request.method));
    }
    // EXPOSE: headers of a request that is printed for who makes it; no token is among them.
    let own = request
        .headers
        .iter()
        .map(|(name, value)| (*name, &**value.expose()));
    for (name, value) in own.chain(headers.iter().copied()) {
        line.push_str(&format!(
            " -H {}",
            word(&format!("{}: {value}", titled(name)))
        ));
    }
    match whose {
        Whose::Kept => line.push_str(r#" -H "X-Vault-Token: $(keyward print token)""#),
        Whose::Other => line.push_str(r#" -H "X-Vault-Token: $TOKEN""#),
        Whose::Nobodys => {}
    }
    if let Some(body) = &request.body {
        // EXPOSE: what the user typed, for the user to send.
        let body = String::from_utf8_lossy(body.expose());
        line.push_str(&format!(" -d {}", single_quoted(&body)));
    }
    line.push_str(&format!(" {}", word(url.as_str())));
    line
}

/// Writes the rule of a policy that lets a token send a request.
pub(super) fn policy(request: &HttpRequest) -> String {
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, query),
        None => (&*request.target, ""),
    };
    let path = decoded(path.strip_prefix("/v1/").unwrap_or(path));
    let asks = |what| query.split('&').any(|parameter| parameter == what);
    let operation = match request.method {
        "DELETE" => Operation::Delete,
        "PATCH" => Operation::Patch,
        "GET" if asks("list=true") => Operation::List,
        "GET" if asks("scan=true") => Operation::Scan,
        "LIST" => Operation::List,
        "SCAN" => Operation::Scan,
        "GET" => Operation::Read,
        _ => Operation::Update,
    };
    let mut capabilities = match operation {
        Operation::Create | Operation::Update => vec!["create", "update"],
        other => vec![other.name()],
    };
    if needs_sudo(operation, &path) {
        capabilities.push("sudo");
    }
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    let path = path.replace('\n', "\\n");
    format!(
        "path \"{path}\" {{\n  capabilities = [\"{}\"]\n}}",
        capabilities.join("\", \"")
    )
}

/// Tells whether an operation needs `sudo` on every server; what engines ask for is not known here.
fn needs_sudo(operation: Operation, path: &str) -> bool {
    let accessors = format!("auth/token/{}", ListAccessors::PATH);
    if operation.lists() && path.trim_end_matches('/') == accessors {
        return ListAccessors::ACCESS == Access::Sudo;
    }
    let within = path.strip_prefix("sys/");
    within.and_then(|path| keyward_core::system_access(operation, path)) == Some(Access::Sudo)
}

/// Reads what was percent-encoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => &tail[2..],
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes the name of a header as people know it.
fn titled(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    parts.collect::<Vec<_>>().join("-")
}

/// Quotes a word of a command line as lightly as a shell allows.
fn word(text: &str) -> String {
    if text.contains(['"', '$', '`', '\\', '!', '\n']) {
        return single_quoted(text);
    }
    format!("\"{text}\"")
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r#"'"'"'"#))
}

#[cfg(test)]
mod tests {
    use keyward_crypto::SecretString;

    use super::*;

    fn request(method: &'static str, target: &str) -> HttpRequest {
        HttpRequest {
            method,
            target: target.to_owned(),
            headers: vec![("x-vault-request", SecretString::from("true"))],
            body: None,
        }
    }

    fn rule(method: &'static str, target: &str) -> String {
        policy(&request(method, target)).replace("\n", "")
    }

    #[test]
    fn a_rule_has_the_capability_of_the_operation() {
        for (method, target, path, capabilities) in [
            ("GET", "/v1/a/b", "a/b", r#""read""#),
            ("GET", "/v1/a?list=true", "a", r#""list""#),
            ("GET", "/v1/a?scan=true&limit=2", "a", r#""scan""#),
            ("PUT", "/v1/a%20b", "a b", r#""create", "update""#),
            ("POST", "/v1/a%22", r#"a\""#, r#""create", "update""#),
            ("PATCH", "/v1/a%2", "a%2", r#""patch""#),
            ("DELETE", "/v1/a", "a", r#""delete""#),
        ] {
            let wanted = format!("path \"{path}\" {{  capabilities = [{capabilities}]}}");
            assert_eq!(rule(method, target), wanted);
        }
    }

    #[test]
    fn a_rule_has_sudo_where_the_system_asks_for_it() {
        for (method, target, needs) in [
            ("PUT", "/v1/sys/seal", true),
            ("GET", "/v1/sys/raw/core/x", true),
            ("GET", "/v1/auth/token/accessors?list=true", true),
            ("GET", "/v1/sys/mounts", false),
            ("GET", "/v1/sys/seal-status", false),
            ("GET", "/v1/secret/sys/seal", false),
        ] {
            assert_eq!(rule(method, target).contains("sudo"), needs, "{target}");
        }
    }

    #[test]
    fn a_shell_reads_words_as_they_are() {
        assert_eq!(word("a b"), r#""a b""#);
        assert_eq!(word("$(x)"), "'$(x)'");
        assert_eq!(single_quoted("it's"), r#"'it'"'"'s'"#);
        assert_eq!(titled("x-vault-wrap-ttl"), "X-Vault-Wrap-Ttl");
    }
}
