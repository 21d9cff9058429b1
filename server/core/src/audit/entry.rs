//! The lines of the log: Vault's JSON, field by field in its order.

use std::{collections::BTreeMap, ops::Range};

use keyward_api::{
    GrantedAuth, ROOT_NAMESPACE_ID, WrapInfo,
    sys::{AuditedHeader, AuditedHeaders},
};

use super::{
    Lines,
    object::Object,
    options::Format,
    redact::{Hashed, Rules, Salt},
    ticket::{Answer, Facts},
};
use crate::{
    Denial, Done, Error, Identity, MountEntry, Timestamp, policy::Verdict, token::together,
};

/// The version that mounts show: every engine is part of the server.
const RUNNING_VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"), "+builtin.keyward");

/// Writes the lines of one request for one device.
pub(super) struct Entry<'a> {
    format: &'a Format,
    salt: &'a Salt,
    headers: &'a AuditedHeaders,
    facts: &'a Facts,
    /// The token as it was sent, hashed once for all the places where it stands.
    token: Option<Hashed>,
    out: Vec<u8>,
    /// Where `"auth":{…}` and `"request":{…}` of the request line stand, for the response line.
    blocks: Option<Blocks>,
}

#[derive(Clone)]
struct Blocks {
    auth: Range<usize>,
    request: Range<usize>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(
        format: &'a Format,
        salt: &'a Salt,
        headers: &'a AuditedHeaders,
        facts: &'a Facts,
    ) -> Self {
        let token = facts.request.token.as_ref().map(|token| {
            // EXPOSE: hashed.
            salt.hash(token.expose().as_bytes())
        });
        let out = Vec::with_capacity(4096);
        Self {
            format,
            salt,
            headers,
            facts,
            token,
            out,
            blocks: None,
        }
    }

    /// Writes the line of the request; `answer` is what it came to, if that is known already.
    pub(super) fn request(&mut self, answer: Option<&Answer<'_>>) {
        self.begin_line(self.facts.time, "request");
        let auth = self.block(|entry| entry.auth(answer));
        let request = self.block(Self::request_block);
        self.blocks = Some(Blocks { auth, request });
        if let Some(Answer::Failed(Error::Denied(denial))) = answer {
            let text = match denial {
                Denial::Origin => "origin denied",
                Denial::Policy => "1 error occurred:\n\t* permission denied\n\n",
                Denial::Locked | Denial::Token => "permission denied",
            };
            Object::inside(&mut self.out).text("error", text);
        }
        self.out.push(b'\n');
    }

    /// Writes the line of the answer.
    pub(super) fn response(&mut self, answer: &Answer<'_>, time: Timestamp) {
        self.begin_line(time, "response");
        let blocks = self.blocks.clone();
        // Who logs in is nobody before, whatever token it brings, and has a token after. A token that
        // was unwrapped is somebody's who logged in before.
        let is_public = self.facts.verdict.as_ref().is_some_and(Verdict::is_public);
        let is_nobody = is_public || self.facts.principal.is_none();
        let granted = match answer {
            Answer::Done(done) if is_nobody && done.origin.is_none() => Granted::of(done),
            _ => None,
        };
        match (granted, &blocks) {
            (Some(granted), _) => {
                let Self {
                    out, salt, format, ..
                } = self;
                Object::inside(out).object("auth", |block| granted.write(salt, format, block));
            }
            (None, Some(blocks)) => self.out.extend_from_within(blocks.auth.clone()),
            (None, None) => drop(self.block(|entry| entry.auth(Some(answer)))),
        }
        match blocks {
            Some(blocks) => self.out.extend_from_within(blocks.request),
            None => drop(self.block(Self::request_block)),
        }
        self.response_block(answer);
        if let Answer::Failed(error) = answer
            && let Some(text) = failure(error)
        {
            Object::inside(&mut self.out)
                .text("error", &format!("1 error occurred:\n\t* {text}\n\n"));
        }
        self.out.push(b'\n');
    }

    pub(super) fn finish(self) -> Lines {
        Lines::new(self.out)
    }

    fn begin_line(&mut self, time: Timestamp, kind: &str) {
        self.out.extend_from_slice(self.format.prefix.as_bytes());
        let mut line = Object::open(&mut self.out);
        line.text("time", &time.to_string());
        line.text("type", kind);
    }

    fn block(&mut self, write: impl FnOnce(&mut Self)) -> Range<usize> {
        let start = self.out.len();
        write(self);
        start..self.out.len()
    }

    /// Who asked, and what the policies said.
    fn auth(&mut self, answer: Option<&Answer<'_>>) {
        let Self {
            format,
            salt,
            facts,
            token: hashed,
            out,
            ..
        } = self;
        let mut line = Object::inside(out);
        let Some(token) = facts.principal.as_ref().map(|principal| &*principal.token) else {
            return line.object("auth", |auth| {
                policy_results(facts, answer, auth);
                auth.text("token_type", "default");
            });
        };
        line.object("auth", |auth| {
            if let Some(hashed) = hashed {
                auth.text("client_token", hashed.as_str());
            }
            accessor("accessor", token.accessor(), salt, format, auth);
            auth.text("display_name", token.display_name());
            let identity = facts
                .principal
                .as_ref()
                .and_then(|it| it.identity.as_deref());
            match identity.map_or(&[][..], Identity::policies) {
                [] => auth.texts("policies", token.policies()),
                more => auth.texts("policies", &together(token.policies(), more)),
            }
            auth.texts("token_policies", token.policies());
            if let Some(identity) = identity {
                auth.texts("identity_policies", identity.policies());
            }
            policy_results(facts, answer, auth);
            metadata(token.meta(), auth);
            auth.number("remaining_uses", token.num_uses());
            auth.text("entity_id", token.entity_id());
            auth.text("token_type", token.kind().name());
            auth.number("token_ttl", token.ttl());
            // Whole seconds, as Vault shows them.
            let seconds = token.created().unix_seconds() * 1_000_000_000;
            auth.text(
                "token_issue_time",
                &Timestamp::from_unix_nanos(seconds).to_string(),
            );
        });
    }

    fn request_block(&mut self) {
        let Self {
            format,
            salt,
            headers,
            facts,
            token: hashed,
            out,
            ..
        } = self;
        let request = &*facts.request;
        Object::inside(out).object("request", |block| {
            block.text("id", &request.id.to_string());
            if let Some(principal) = &facts.principal {
                block.text("client_id", principal.client_id());
            }
            block.text("operation", facts.operation.name());
            if let Some(mount) = &facts.mount {
                mount_fields(mount, request.path.as_str(), "mount_running_version", block);
            }
            if let Some(hashed) = hashed {
                block.text("client_token", hashed.as_str());
            }
            if let Some(principal) = &facts.principal {
                let text = principal.token.accessor();
                accessor("client_token_accessor", text, salt, format, block);
            }
            block.object("namespace", |namespace| {
                namespace.text("id", ROOT_NAMESPACE_ID)
            });
            block.text("path", request.path.as_str());
            let config = facts.mount.as_ref().map(|mount| &mount.config);
            let rules = Rules {
                clear_keys: config.map_or(&[][..], |config| &config.audit_non_hmac_request_keys),
                elides_lists: false,
            };
            // EXPOSE: written with every string hashed, but for those the operator wants to see.
            let body = request.body.expose();
            block.redacted("data", body, rules, salt);
            block.text("remote_address", &request.remote.address);
            block.number("remote_port", request.remote.port.into());
            block.number("wrap_ttl", request.wrap_ttl.map_or(0, |ttl| ttl.as_secs()));
            request_headers(&request.headers, headers, salt, block);
        });
    }

    fn response_block(&mut self, answer: &Answer<'_>) {
        let Self {
            format,
            salt,
            facts,
            out,
            ..
        } = self;
        Object::inside(out).object("response", |block| {
            if let Answer::Done(done) = answer
                && let Some(granted) = Granted::of(done)
            {
                block.object("auth", |block| granted.write(salt, format, block));
            }
            let path = facts.request.path.as_str();
            if let Some(mount) = &facts.mount {
                mount_fields(mount, path, "mount_running_plugin_version", block);
            }
            match answer {
                Answer::Done(done) => {
                    let Done {
                        data,
                        warnings,
                        lease_id,
                        document,
                        ..
                    } = done;
                    if !lease_id.is_empty() {
                        block.object("secret", |secret| secret.text("lease_id", lease_id));
                    }
                    let config = facts.mount.as_ref().map(|mount| &mount.config);
                    let rules = Rules {
                        clear_keys: config
                            .map_or(&[][..], |config| &config.audit_non_hmac_response_keys),
                        elides_lists: format.elides_lists && facts.operation.lists(),
                    };
                    if let Some(data) = data {
                        // EXPOSE: as the data of the request.
                        block.redacted("data", data.expose(), rules, salt);
                    }
                    if let Some(document) = document {
                        // Vault's names, and as in Vault no string is shown.
                        block.object("data", |data| {
                            let content_type = salt.hash(document.content_type.as_bytes());
                            data.text("http_content_type", content_type.as_str());
                            // EXPOSE: hashed.
                            let body = salt.hash(document.body.expose());
                            data.text("http_raw_body", body.as_str());
                        });
                    }
                    block.texts("warnings", warnings);
                    if let Some(info) = &done.wrap_info {
                        block.object("wrap_info", |block| wrap_info(info, salt, format, block));
                    }
                }
                // The sentence may quote what the caller sent.
                Answer::Failed(error) => {
                    if let Some(text) = shown_to_caller(error) {
                        let hashed = salt.hash(text.as_bytes());
                        block.object("data", |data| data.text("error", hashed.as_str()));
                    }
                }
            }
        });
    }
}

/// Writes those request headers that the log shows.
fn request_headers(
    sent: &BTreeMap<String, Vec<String>>,
    shown: &AuditedHeaders,
    salt: &Salt,
    block: &mut Object<'_>,
) {
    let mut shown = sent
        .iter()
        .filter_map(|(name, values)| Some((name, values, shown.headers.get(name)?)))
        .peekable();
    if shown.peek().is_none() {
        return;
    }
    block.object("headers", |block| {
        for (name, values, AuditedHeader { hmac }) in shown {
            if *hmac {
                let hashed = values.iter().map(|value| salt.hash(value.as_bytes()));
                block.pairs(name, hashed, Hashed::as_str);
            } else {
                block.pairs(name, values, |value| value);
            }
        }
    });
}

/// Returns the sentence that the caller reads, where it may hold more than [`failure`] tells.
fn shown_to_caller(error: &Error) -> Option<String> {
    match error {
        Error::Internal(_) | Error::NotFound(None) | Error::Unproven(_) => None,
        Error::UnsupportedOperation | Error::UnsupportedPath => None,
        other => Some(other.to_string()),
    }
}

/// Returns what kind of failure it was, in words that quote nothing.
const fn failure(error: &Error) -> Option<&'static str> {
    match error {
        Error::Busy(_)
        | Error::Conflict(_)
        | Error::Contested { .. }
        | Error::Invalid(_)
        | Error::Unprocessable(_) => Some("invalid request"),
        Error::Denied(Denial::Origin) => Some("origin denied"),
        Error::Denied(_) | Error::Refused(_) => Some("permission denied"),
        Error::Internal(_) | Error::SealUnavailable(_) => Some("internal error"),
        Error::Limited(_) => Some("request rate limit exceeded"),
        Error::Login(error) => failure(error),
        // Reading what is not there is no failure of the request.
        Error::NotFound(None) => None,
        Error::NotFound(Some(_)) => Some("not found"),
        Error::NoRoute(_) | Error::UnsupportedPath => Some("unsupported path"),
        Error::Sealed => Some("sealed"),
        Error::Unproven(why) => Some(why.text()),
        Error::UnsupportedOperation => Some("unsupported operation"),
    }
}

/// Writes what the gate said, if it came to that.
fn policy_results(facts: &Facts, answer: Option<&Answer<'_>>, auth: &mut Object<'_>) {
    let Some(verdict) = &facts.verdict else {
        return;
    };
    let denied = matches!(answer, Some(Answer::Failed(Error::Denied(_))));
    auth.object("policy_results", |results| {
        let allowed = verdict.allowed && !denied;
        results.flag("allowed", allowed);
        if allowed && !verdict.granting.is_empty() {
            results.list(
                "granting_policies",
                verdict.granting.iter(),
                |policy, name| {
                    policy.text("name", name);
                    policy.text("namespace_id", ROOT_NAMESPACE_ID);
                    policy.text("type", "acl");
                },
            );
        }
    });
}

/// A token that was made.
#[derive(Clone, Copy)]
struct Granted<'a> {
    auth: &'a GrantedAuth,
    display_name: &'a str,
}

impl<'a> Granted<'a> {
    fn of(done: &'a Done) -> Option<Self> {
        // Who is asked for a second factor is nobody yet.
        let auth = done.auth.as_ref()?;
        if auth.mfa_requirement.is_some() {
            return None;
        }
        Some(Self {
            auth,
            display_name: &done.display_name,
        })
    }

    fn write(self, salt: &Salt, format: &Format, block: &mut Object<'_>) {
        let Self { auth, display_name } = self;
        // EXPOSE: hashed. A token that was renewed by its accessor is not known.
        let token = auth.client_token.expose();
        if !token.is_empty() {
            block.text("client_token", salt.hash(token.as_bytes()).as_str());
        }
        accessor("accessor", &auth.accessor, salt, format, block);
        block.text("display_name", display_name);
        block.texts("policies", auth.policies.as_deref().unwrap_or_default());
        block.texts("token_policies", &auth.token_policies);
        block.texts("identity_policies", &auth.identity_policies);
        metadata(auth.metadata.as_ref(), block);
        block.number("num_uses", auth.num_uses);
        block.text("entity_id", &auth.entity_id);
        block.text("token_type", &auth.token_type);
        block.number("token_ttl", auth.lease_duration);
    }
}

fn accessor(
    name: &'static str,
    accessor: &str,
    salt: &Salt,
    format: &Format,
    block: &mut Object<'_>,
) {
    if accessor.is_empty() || !format.hashes_accessors {
        block.text(name, accessor);
    } else {
        block.text(name, salt.hash(accessor.as_bytes()).as_str());
    }
}

fn wrap_info(info: &WrapInfo, salt: &Salt, format: &Format, block: &mut Object<'_>) {
    block.number("ttl", info.ttl);
    // EXPOSE: hashed.
    let token = salt.hash(info.token.expose().as_bytes());
    block.text("token", token.as_str());
    accessor("accessor", &info.accessor, salt, format, block);
    block.text("creation_time", &info.creation_time);
    block.text("creation_path", &info.creation_path);
    if !info.wrapped_accessor.is_empty() {
        let wrapped = &info.wrapped_accessor;
        accessor("wrapped_accessor", wrapped, salt, format, block);
    }
}

fn metadata(metadata: Option<&BTreeMap<String, String>>, auth: &mut Object<'_>) {
    if let Some(metadata) = metadata.filter(|metadata| !metadata.is_empty()) {
        auth.object("metadata", |block| {
            for (name, text) in metadata {
                block.pair(name, text);
            }
        });
    }
}

fn mount_fields(mount: &MountEntry, path: &str, version: &'static str, block: &mut Object<'_>) {
    let is_auth = path.starts_with("auth/");
    let prefix = if is_auth { "auth/" } else { "" };
    block.text("mount_point", &format!("{prefix}{}", mount.path));
    block.text("mount_type", &mount.kind);
    block.text("mount_accessor", &mount.accessor);
    block.text(version, RUNNING_VERSION);
    block.text("mount_class", if is_auth { "auth" } else { "secret" });
}
