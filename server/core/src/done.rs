//! What a request came to, and Vault's envelope around it.

use std::{
    fmt::{Display, Write as _},
    sync::Arc,
};

use keyward_api::{GrantedAuth, Reply, WrapInfo};
use keyward_crypto::SecretBytes;
use serde_json::value::RawValue;

use crate::{
    Document, Error, MountEntry, Outcome, RequestId, json,
    wrapping::{Wrapped, WrappedDocument},
};

/// What a request came to, ready to be written into the envelope.
#[derive(Debug)]
pub struct Done {
    /// The JSON text of the data.
    pub data: Option<SecretBytes>,
    /// How it went.
    pub outcome: Outcome,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// The token that was made.
    pub auth: Option<GrantedAuth>,
    /// The name of that token in audit entries; empty where none was made.
    pub display_name: String,
    /// The token that opens the answer, where it was wrapped.
    pub wrap_info: Option<WrapInfo>,
    /// The lease that was registered; empty where there is none.
    pub lease_id: String,
    /// Whether the lease may be renewed.
    pub renewable: bool,
    /// Seconds that the data may be used; 0 where there is no lease.
    pub lease_duration: u64,
    /// Whether the fields of the data stand beside the envelope's once more.
    pub at_top: bool,
    /// What is sent in the place of data and envelope.
    pub document: Option<Document>,
    /// The mount that answered.
    pub mount: Arc<MountEntry>,
    /// Of an answer that was unwrapped: who gave it.
    pub origin: Option<Origin>,
    /// Whether it is the answer of an earlier request with the same idempotency key.
    pub replayed: bool,
    /// Whether it is what a login answered that came along with the request, which was not done.
    pub of_login: bool,
}

/// Where an answer came from that was wrapped first.
#[derive(Debug)]
pub struct Origin {
    /// The id of the request that it answered.
    pub request_id: String,
    /// The type of the mount that answered.
    pub mount_type: String,
}

impl Done {
    /// Makes an answer with nothing in it.
    pub(crate) const fn empty(mount: Arc<MountEntry>) -> Self {
        Self {
            data: None,
            outcome: Outcome::Success,
            warnings: Vec::new(),
            auth: None,
            display_name: String::new(),
            wrap_info: None,
            lease_id: String::new(),
            renewable: false,
            lease_duration: 0,
            at_top: false,
            document: None,
            mount,
            origin: None,
            replayed: false,
            of_login: false,
        }
    }

    /// Makes an answer again of one that was wrapped.
    ///
    /// # Errors
    /// The envelope is none, which is a fault of the server.
    pub(crate) fn unwrapped(wrapped: Wrapped, mount: Arc<MountEntry>) -> Result<Self, Error> {
        let document = wrapped.document.map(WrappedDocument::into_document);
        // EXPOSE: taken apart into an answer, which keeps its secrets wrapped.
        let envelope = wrapped.envelope.expose();
        let reply: Reply<&RawValue> = serde_json::from_slice(envelope).map_err(Error::internal)?;
        let data = reply.data.map(|data| data.get().as_bytes());
        Ok(Self {
            data: data.map(SecretBytes::from),
            outcome: wrapped.outcome,
            warnings: reply.warnings.unwrap_or_default(),
            auth: reply.auth,
            wrap_info: reply.wrap_info,
            lease_id: reply.lease_id,
            renewable: reply.renewable,
            lease_duration: reply.lease_duration,
            document: document.transpose()?,
            origin: Some(Origin {
                request_id: reply.request_id,
                mount_type: reply.mount_type,
            }),
            ..Self::empty(mount)
        })
    }

    /// Tells whether there is nothing to answer but that it was done.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.data.is_none()
            && self.document.is_none()
            && self.auth.is_none()
            && self.wrap_info.is_none()
            && self.warnings.is_empty()
            && self.lease_id.is_empty()
    }

    /// Tells whether it asks for a second factor in the place of giving a token.
    pub(crate) fn requires_mfa(&self) -> bool {
        let auth = self.auth.as_ref();
        auth.is_some_and(|auth| auth.mfa_requirement.is_some())
    }

    /// Writes Vault's envelope, by hand, so that the data is copied once and never escaped again.
    ///
    /// An answer that was wrapped names no request outside; inside it names the one that it answers.
    ///
    /// # Errors
    /// [`Error::Internal`] when a part refuses to serialize.
    pub fn envelope(&self, request_id: RequestId) -> Result<SecretBytes, Error> {
        let (id, mount_type): (&dyn Display, _) = match (&self.wrap_info, &self.origin) {
            (Some(_), _) => (&"", &self.mount.kind),
            (None, Some(origin)) => (&origin.request_id, &origin.mount_type),
            (None, None) => (&request_id, &self.mount.kind),
        };
        let data = exposed(self.data.as_ref());
        // Tokens travel in these two, so their texts are wiped too.
        let wrap_info = self.wrap_info.as_ref().map(json::to_secret).transpose()?;
        let auth = self.auth.as_ref().map(json::to_secret).transpose()?;
        let warnings = match &self.warnings[..] {
            [] => "null".to_owned(),
            warnings => serde_json::to_string(warnings).map_err(Error::internal)?,
        };
        let text = |text: &str| serde_json::to_string(text).map_err(Error::internal);
        let at_top = if self.at_top { inner(data) } else { &[] };
        let mut head = String::with_capacity(192);
        // Writing to a String cannot fail.
        let _ = write!(
            head,
            "\"request_id\":\"{id}\",\"lease_id\":{},\"renewable\":{},\"lease_duration\":{},\"data\":",
            text(&self.lease_id)?,
            self.renewable,
            self.lease_duration,
        );
        let tail = format!(",\"mount_type\":{}}}", text(mount_type)?);
        let parts: [&[u8]; 12] = [
            b"{",
            at_top,
            if at_top.is_empty() { b"" } else { b"," },
            head.as_bytes(),
            data,
            b",\"wrap_info\":",
            exposed(wrap_info.as_ref()),
            b",\"warnings\":",
            warnings.as_bytes(),
            b",\"auth\":",
            exposed(auth.as_ref()),
            tail.as_bytes(),
        ];
        // The exact length, so that no outgrown buffer stays behind unwiped.
        Ok(SecretBytes::new(parts.concat()))
    }
}

/// Returns a part of the answer, or nothing in JSON's word.
fn exposed(part: Option<&SecretBytes>) -> &[u8] {
    // EXPOSE: copied into the answer.
    part.map_or(b"null", |part| part.expose())
}

/// Returns the members of an object without its braces.
fn inner(object: &[u8]) -> &[u8] {
    object
        .strip_prefix(b"{")
        .and_then(|rest| rest.strip_suffix(b"}"))
        .unwrap_or_default()
}
