//! The `listener` stanzas: where a server listens, and within what bounds.

use std::{
    fs, io,
    net::{SocketAddr, ToSocketAddrs as _},
};

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;
use keyward_core::hcl::{Block, Entry};
use keyward_http::{
    Doubt, ForwardedFor, JsonLimits, ListenerLimits, ResponseHeaders, Rules, TlsSettings,
    UnixSocket,
};

use super::{
    DEFAULT_ADDRESS,
    tls::TlsStanza,
    value::{bound, duration, duration_or_none, flag, number, plain, refuse, text, texts, unknown},
};

/// Where to listen, and within what bounds.
#[derive(Clone, Debug)]
pub(crate) struct ListenerConfig {
    pub(crate) place: Place,
    pub(crate) rules: Rules,
    pub(crate) limits: ListenerLimits,
}

/// Where to listen.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Tcp(SocketAddr, Option<TlsSettings>),
    Unix(UnixSocket),
}

impl ListenerConfig {
    /// Listens on an address with the default bounds.
    pub(crate) fn tcp(address: &str, tls: Option<TlsSettings>) -> Result<Self> {
        let headers = match &tls {
            Some(_) => ResponseHeaders::over_tls(),
            None => ResponseHeaders::default(),
        };
        Ok(Self {
            place: Place::Tcp(
                parse_address(address).with_context(|| {
                    format!("{address:?} is not an address such as {DEFAULT_ADDRESS}")
                })?,
                tls,
            ),
            rules: Rules {
                headers,
                ..Rules::default()
            },
            limits: ListenerLimits::DEFAULT,
        })
    }

    /// Reads a stanza; `rules` hold unless it says otherwise.
    pub(super) fn read(block: Block<'_>, rules: &Rules) -> Result<Self> {
        match block.label {
            "tcp" => tcp(block, rules),
            "unix" => unix(block, rules),
            other => Err(unknown("listener type", other, block.position)),
        }
    }
}

/// Reads an address to listen at: `127.0.0.1:8200`, a name of this machine and a port, or only
/// `:8200` for all its IPv4 addresses.
fn parse_address(text: &str) -> io::Result<SocketAddr> {
    let all = text.strip_prefix(':').map(|port| format!("0.0.0.0:{port}"));
    let found = all.as_deref().unwrap_or(text).to_socket_addrs()?.collect();
    preferred(found).ok_or_else(|| io::Error::other("the name has no address"))
}

/// Chooses one of the addresses of a name: IPv4 before IPv6, as Go does, whose programs are told
/// the same names.
fn preferred(addresses: Vec<SocketAddr>) -> Option<SocketAddr> {
    let first = addresses.first().copied();
    addresses.into_iter().find(SocketAddr::is_ipv4).or(first)
}

fn tcp(block: Block<'_>, rules: &Rules) -> Result<ListenerConfig> {
    let mut address = parse_address(DEFAULT_ADDRESS)?;
    let mut tls = TlsStanza::default();
    let mut forwarded = Forwarded::default();
    let mut shared = Shared::new(rules);
    for entry in &block.body.entries {
        match entry.key.as_str() {
            "address" => {
                let problem = || {
                    let problem = format_args!("must be an address such as {DEFAULT_ADDRESS:?}");
                    refuse(entry, problem)
                };
                address = parse_address(&text(entry)?).with_context(problem)?;
            }
            // Warned of by who reads all listeners.
            "cluster_address" => drop(text(entry)?),
            key => {
                if !(tls.takes(entry)? || forwarded.takes(entry)? || shared.takes(entry)?) {
                    return Err(unknown("setting of listener \"tcp\"", key, entry.position));
                }
            }
        }
    }
    let tls = tls.finish(block)?;
    let headers = match &tls {
        Some(_) => ResponseHeaders::over_tls(),
        None => ResponseHeaders::default(),
    };
    let (mut rules, limits) = shared.finish(headers)?;
    rules.forwarded = forwarded.finish()?;
    Ok(ListenerConfig {
        place: Place::Tcp(address, tls),
        rules,
        limits,
    })
}

fn unix(block: Block<'_>, rules: &Rules) -> Result<ListenerConfig> {
    let mut socket = UnixSocket::default();
    let mut shared = Shared::new(rules);
    for entry in &block.body.entries {
        match entry.key.as_str() {
            "address" => socket.path = text(entry)?.into(),
            "socket_mode" => {
                let mode = u32::from_str_radix(&plain(entry)?, 8).ok();
                let mode = mode.filter(|mode| *mode <= 0o777);
                socket.mode =
                    Some(mode.ok_or_else(|| {
                        refuse(entry, "must be octal permissions such as \"660\"")
                    })?);
            }
            "socket_user" => socket.user = Some(id(entry, "/etc/passwd")?),
            "socket_group" => socket.group = Some(id(entry, "/etc/group")?),
            "tls_disable" if flag(entry)? => {}
            key => {
                if !shared.takes(entry)? {
                    return Err(unknown("setting of listener \"unix\"", key, entry.position));
                }
            }
        }
    }
    if socket.path.as_os_str().is_empty() {
        bail!(
            "the listener at line {} needs the address of its socket, such as \"/run/keyward.sock\"",
            block.position.line
        );
    }
    let (rules, limits) = shared.finish(ResponseHeaders::default())?;
    Ok(ListenerConfig {
        place: Place::Unix(socket),
        rules,
        limits,
    })
}

/// Reads a number, or a name that a file of this machine gives a number.
fn id(entry: &Entry, file: &str) -> Result<u32> {
    let name = plain(entry)?;
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let lines = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    // name:password:id:…
    let found = lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(&name)).then(|| fields.nth(1)?.parse().ok())?
    });
    found.ok_or_else(|| refuse(entry, format_args!("is not in {file}: write its number")))
}

/// The settings that all listeners have.
struct Shared<'a> {
    rules: Rules,
    limits: ListenerLimits,
    no_idle_timeout: bool,
    headers: Option<&'a Entry>,
}

impl<'a> Shared<'a> {
    fn new(rules: &Rules) -> Self {
        Self {
            rules: rules.clone(),
            limits: ListenerLimits::DEFAULT,
            no_idle_timeout: false,
            headers: None,
        }
    }

    /// Takes an entry if it is one of these.
    fn takes(&mut self, entry: &'a Entry) -> Result<bool> {
        let limits = &mut self.rules.limits;
        match entry.key.as_str() {
            "max_request_size" => limits.max_request_size = bound(entry)?,
            "max_request_duration" => limits.max_request_duration = duration(entry)?,
            "max_token_header_size" => limits.max_token_size = bound(entry)?,
            "max_json_depth" => {
                limits.json.depth = bound(entry)?;
                if limits.json.depth > JsonLimits::DEEPEST {
                    let most = JsonLimits::DEEPEST;
                    return Err(refuse(entry, format_args!("must be at most {most}")));
                }
            }
            "max_json_string_value_length" => limits.json.string_length = bound(entry)?,
            "max_json_object_entry_count" => limits.json.object_entries = bound(entry)?,
            "max_json_array_element_count" => limits.json.array_elements = bound(entry)?,
            "http_read_header_timeout" => self.limits.header_timeout = duration(entry)?,
            "http_read_timeout" => limits.read_timeout = duration(entry)?,
            "http_write_timeout" => self.limits.write_timeout = duration_or_none(entry)?,
            "http_idle_timeout" => match duration_or_none(entry)? {
                Some(timeout) => self.limits.idle_timeout = timeout,
                None => self.no_idle_timeout = true,
            },
            "custom_response_headers" => self.headers = Some(entry),
            "disable_unauthed_generate_root_endpoints" => {
                self.rules.root_generation_is_closed = flag(entry)?;
            }
            "disable_unauthed_rekey_endpoints" => {
                if !flag(entry)? {
                    return Err(refuse(entry, "must be true: who rekeys needs a token here"));
                }
            }
            "proxy_protocol_authorized_addrs" | "proxy_protocol_behavior" => {
                return Err(refuse(
                    entry,
                    "cannot be had: have the proxy send X-Forwarded-For, and name it in \
                     x_forwarded_for_authorized_addrs",
                ));
            }
            // No answer has any.
            "redact_addresses" => drop(flag(entry)?),
            "redact_cluster_name" => self.rules.redaction.cluster_name = flag(entry)?,
            "redact_version" => self.rules.redaction.version = flag(entry)?,
            "inflight_requests_logging" => {
                let open = &mut self.rules.open.in_flight;
                one_flag(entry, "unauthenticated_in_flight_requests_access", open)?;
            }
            "telemetry" => {
                let open = &mut self.rules.open.metrics;
                one_flag(entry, "unauthenticated_metrics_access", open)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(mut self, headers: ResponseHeaders) -> Result<(Rules, ListenerLimits)> {
        if self.no_idle_timeout {
            self.limits.idle_timeout = self.rules.limits.read_timeout;
        }
        self.rules.headers = headers;
        if let Some(entry) = self.headers {
            custom_headers(entry, &mut self.rules.headers)?;
        }
        Ok((self.rules, self.limits))
    }
}

/// Reads a block that holds one truth value: `telemetry { unauthenticated_metrics_access = true }`.
fn one_flag(entry: &Entry, name: &str, set: &mut bool) -> Result<()> {
    let body = entry.value.as_object();
    let body = body.ok_or_else(|| refuse(entry, "must be a block"))?;
    for setting in &body.entries {
        if setting.key != name {
            let what = format!("setting of {:?}", entry.key);
            return Err(unknown(&what, &setting.key, setting.position));
        }
        *set = flag(setting)?;
    }
    Ok(())
}

/// Reads `custom_response_headers { "2xx" = { "X-Name" = ["value"] } }`.
fn custom_headers(entry: &Entry, headers: &mut ResponseHeaders) -> Result<()> {
    let object = |entry: &'_ Entry| refuse(entry, "must be a block");
    let by_status = entry.value.as_object().ok_or_else(|| object(entry))?;
    for status in &by_status.entries {
        let named = status.value.as_object().ok_or_else(|| object(status))?;
        for header in &named.entries {
            let values = match header.value.as_text() {
                // A comma is part of the value here.
                Some(text) => vec![text.to_owned()],
                None => texts(header)?,
            };
            let added = headers.add(&status.key, &header.key, &values);
            added.map_err(|problem| refuse(header, format_args!("cannot be sent: {problem}")))?;
        }
    }
    Ok(())
}

/// The settings about proxies.
#[derive(Default)]
struct Forwarded<'a> {
    authorized: Vec<IpNet>,
    hop_skips: usize,
    unauthorized: Option<Doubt>,
    missing: Option<Doubt>,
    /// One that means nothing without proxies.
    dependent: Option<&'a Entry>,
}

impl<'a> Forwarded<'a> {
    fn takes(&mut self, entry: &'a Entry) -> Result<bool> {
        let doubt = |entry| {
            flag(entry).map(|refuses| {
                Some(if refuses {
                    Doubt::Refused
                } else {
                    Doubt::Ignored
                })
            })
        };
        match entry.key.as_str() {
            "x_forwarded_for_authorized_addrs" => {
                let networks = texts(entry)?.into_iter().map(|text| network(entry, &text));
                self.authorized = networks.collect::<Result<_>>()?;
                return Ok(true);
            }
            "x_forwarded_for_hop_skips" => self.hop_skips = number(entry)?,
            "x_forwarded_for_reject_not_authorized" => self.unauthorized = doubt(entry)?,
            "x_forwarded_for_reject_not_present" => self.missing = doubt(entry)?,
            _ => return Ok(false),
        }
        self.dependent = Some(entry);
        Ok(true)
    }

    /// Puts them together; none believes nobody.
    fn finish(self) -> Result<Option<ForwardedFor>> {
        if self.authorized.is_empty() {
            return match self.dependent {
                None => Ok(None),
                Some(entry) => Err(refuse(
                    entry,
                    "says nothing without x_forwarded_for_authorized_addrs",
                )),
            };
        }
        Ok(Some(ForwardedFor {
            authorized: self.authorized,
            hop_skips: self.hop_skips,
            unauthorized: self.unauthorized.unwrap_or(Doubt::Refused),
            missing: self.missing.unwrap_or(Doubt::Refused),
        }))
    }
}

/// Reads `10.0.0.0/8`, or one address.
fn network(entry: &Entry, text: &str) -> Result<IpNet> {
    let network = text.parse().ok();
    let network = network.or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)));
    network.ok_or_else(|| refuse(entry, format_args!("names {text:?}, which is no network")))
}

#[cfg(test)]
mod tests;
