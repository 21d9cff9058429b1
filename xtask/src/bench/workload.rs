//! The calls that are measured, and what must be on the server for them.

use std::fmt;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

use super::target::Target;
use crate::http::{Api, Refusal, request};

/// One kind of call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Workload {
    /// Transit encrypt under an AES-256-GCM key.
    Encrypt,
    /// Transit decrypt under the same key.
    Decrypt,
    /// Transit sign with an Ed25519 key.
    Sign,
    /// KV version 2 read of the latest version.
    KvRead,
    /// KV version 2 write of a new version.
    KvWrite,
}

/// Where the engines are mounted.
pub(super) struct Mounts {
    pub(super) transit: String,
    pub(super) kv: String,
}

/// The names of our two keys.
const ENCRYPTION_KEY: &str = "bench-aes";
const SIGNING_KEY: &str = "bench-ed25519";

impl Workload {
    pub(super) const ALL: [Self; 5] = [
        Self::Encrypt,
        Self::Decrypt,
        Self::Sign,
        Self::KvRead,
        Self::KvWrite,
    ];

    /// Makes mounts, keys and stored values on the server, tries the call once, and returns one
    /// request for each connection.
    ///
    /// # Errors
    /// The server refused, or its answer is wrong: then there is nothing worth measuring.
    pub(super) async fn prepare(
        self,
        target: &Target,
        mounts: &Mounts,
        connections: u32,
        payload_bytes: u32,
    ) -> Result<Vec<Vec<u8>>> {
        let mut api = Api::connect(&target.address, &target.token).await?;
        let payload = payload(payload_bytes);
        let transit = format!("/v1/{}", mounts.transit);
        match self {
            Self::Encrypt | Self::Decrypt => {
                mount(&mut api, &mounts.transit, &json!({"type": "transit"})).await?;
                let key = json!({"type": "aes256-gcm96"});
                api.post(&format!("{transit}/keys/{ENCRYPTION_KEY}"), &key)
                    .await?;
                let encrypt = format!("{transit}/encrypt/{ENCRYPTION_KEY}");
                let sealed = api.post(&encrypt, &json!({"plaintext": payload})).await?;
                let ciphertext = text(&sealed, "/data/ciphertext")?;
                let path = format!("{transit}/decrypt/{ENCRYPTION_KEY}");
                let opened = api.post(&path, &json!({"ciphertext": ciphertext})).await?;
                if text(&opened, "/data/plaintext")? != payload {
                    bail!("what was encrypted did not decrypt to itself");
                }
                if self == Self::Encrypt {
                    return Ok(Self::encrypt_requests(
                        target,
                        mounts,
                        connections,
                        payload_bytes,
                    ));
                }
                let body = json!({"ciphertext": ciphertext});
                Ok(requests(target, connections, |_| {
                    ("POST", path.clone(), body.clone())
                }))
            }
            Self::Sign => {
                mount(&mut api, &mounts.transit, &json!({"type": "transit"})).await?;
                let key = json!({"type": "ed25519"});
                api.post(&format!("{transit}/keys/{SIGNING_KEY}"), &key)
                    .await?;
                let path = format!("{transit}/sign/{SIGNING_KEY}");
                let body = json!({"input": payload});
                let signed = api.post(&path, &body).await?;
                let check =
                    json!({"input": payload, "signature": text(&signed, "/data/signature")?});
                let verified = api
                    .post(&format!("{transit}/verify/{SIGNING_KEY}"), &check)
                    .await?;
                if verified.pointer("/data/valid") != Some(&Value::Bool(true)) {
                    bail!("what was signed did not verify");
                }
                Ok(requests(target, connections, |_| {
                    ("POST", path.clone(), body.clone())
                }))
            }
            Self::KvRead | Self::KvWrite => {
                let engine = json!({"type": "kv", "options": {"version": "2"}});
                mount(&mut api, &mounts.kv, &engine).await?;
                let body = json!({"data": {"value": payload}});
                let path = |connection| format!("/v1/{}/data/bench/{connection}", mounts.kv);
                for connection in 0..connections {
                    api.post(&path(connection), &body).await?;
                }
                let stored = api.get(&path(0)).await?;
                if text(&stored, "/data/data/value")? != payload {
                    bail!("what was stored did not read as itself");
                }
                Ok(requests(target, connections, |connection| match self {
                    Self::KvRead => ("GET", path(connection), Value::Null),
                    _ => ("POST", path(connection), body.clone()),
                }))
            }
        }
    }

    /// The encrypt requests alone, for a server where nothing need be set up.
    pub(super) fn encrypt_requests(
        target: &Target,
        mounts: &Mounts,
        connections: u32,
        payload_bytes: u32,
    ) -> Vec<Vec<u8>> {
        let path = format!("/v1/{}/encrypt/{ENCRYPTION_KEY}", mounts.transit);
        let body = json!({"plaintext": payload(payload_bytes)});
        requests(target, connections, |_| {
            ("POST", path.clone(), body.clone())
        })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Sign => "sign",
            Self::KvRead => "kv-read",
            Self::KvWrite => "kv-write",
        })
    }
}

/// Mounts an engine, unless the path is in use already: then it is ours from an earlier run, or
/// the one that the person named.
async fn mount(api: &mut Api, path: &str, engine: &Value) -> Result<()> {
    match api.post(&format!("/v1/sys/mounts/{path}"), engine).await {
        Ok(_) => Ok(()),
        Err(error) => match error.downcast_ref::<Refusal>() {
            Some(refusal) if refusal.text.contains("already in use") => Ok(()),
            _ => Err(error),
        },
    }
}

/// Base64 of `size` bytes that look random and are the same in every run.
fn payload(size: u32) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes: Vec<u8> = (0..size)
        .map(|_| {
            // xorshift64 (Marsaglia, 2003).
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect();
    BASE64.encode(bytes)
}

fn requests(
    target: &Target,
    connections: u32,
    call: impl Fn(u32) -> (&'static str, String, Value),
) -> Vec<Vec<u8>> {
    (0..connections)
        .map(|connection| {
            let (method, path, body) = call(connection);
            let body = if body.is_null() {
                String::new()
            } else {
                body.to_string()
            };
            request(
                method,
                &target.address,
                &path,
                &target.token,
                body.as_bytes(),
            )
        })
        .collect()
}

fn text<'a>(answer: &'a Value, pointer: &str) -> Result<&'a str> {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("the answer has no {pointer}: {answer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_size_and_does_not_change_between_runs() {
        for size in [1, 256, 1000] {
            let decoded = BASE64.decode(payload(size)).unwrap();
            assert_eq!(decoded.len(), size as usize);
        }
        assert_eq!(payload(256), payload(256));
    }

    #[test]
    fn every_workload_is_named_as_the_command_line_names_it() {
        for workload in Workload::ALL {
            assert_eq!(
                Workload::from_str(&workload.to_string(), false),
                Ok(workload)
            );
        }
    }
}
