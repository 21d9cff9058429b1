//! The calls as data: one JSON file an area, one line a call.
//!
//! A call names itself, says what to `do` (`"POST kv/data/a"`, the path being what follows `/v1/`)
//! and with which `body`. `${name}` in path, headers and body stands for a value an earlier reply
//! gave to `capture`; `${root}` is the root token. `each` repeats a call with `${each}` put in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One call of the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// What is asked, in words: unique within its area.
    pub(crate) call: String,
    /// Method and path.
    #[serde(rename = "do")]
    pub(crate) action: String,
    /// The JSON body.
    #[serde(default, deserialize_with = "present")]
    pub(crate) body: Option<Value>,
    /// The body as it goes over the wire, where it is no proper JSON.
    pub(crate) raw: Option<String>,
    /// More headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The token; the root token if left out, none if empty.
    #[serde(default = "root")]
    pub(crate) token: String,
    /// Which value of the reply gets which name: name → JSON pointer.
    #[serde(default)]
    pub(crate) capture: BTreeMap<String, String>,
    /// Where the reply holds values of the moment that no general rule knows: JSON pointers.
    #[serde(default)]
    pub(crate) volatile: Vec<String>,
    /// Reply headers that are compared beside the ones that always are.
    #[serde(default)]
    pub(crate) show: Vec<String>,
    /// Values to repeat the call with.
    #[serde(default)]
    each: Vec<Value>,
}

/// A `null` that stands there is a value.
pub(crate) fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn root() -> String {
    "${root}".to_owned()
}

/// The names a run has given to values so far.
pub(crate) type Names = BTreeMap<String, String>;

impl Call {
    /// Reads an area's list and unfolds what is to be repeated.
    pub(crate) fn list(area: &str, text: &str) -> Vec<Self> {
        let calls: Vec<Self> =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{area}.json: {error}"));
        let calls: Vec<Self> = calls.into_iter().flat_map(Self::unfold).collect();
        let mut names: Vec<&str> = calls.iter().map(|call| call.call.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1], "{area}.json names two calls alike");
        }
        calls
    }

    fn unfold(mut self) -> Vec<Self> {
        let each = std::mem::take(&mut self.each);
        if each.is_empty() {
            return vec![self];
        }
        each.into_iter()
            .map(|value| {
                let word = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                let put = |text: &str| text.replace("${each}", &word);
                let mut call = self.clone();
                call.call = match put(&self.call) {
                    same if same == self.call => format!("{same} ({value})"),
                    put => put,
                };
                call.action = put(&self.action);
                call.body = self.body.as_ref().map(|body| fill(body, &value, &put));
                call.raw = self.raw.as_deref().map(put);
                call.headers = self
                    .headers
                    .iter()
                    .map(|(k, v)| (k.clone(), put(v)))
                    .collect();
                call.token = put(&self.token);
                call.capture = self.capture.iter().map(|(k, v)| (put(k), put(v))).collect();
                call
            })
            .collect()
    }

    /// The call with every `${name}` replaced by what it stands for.
    ///
    /// # Panics
    /// If no earlier call gave a name that this one uses.
    pub(crate) fn with(&self, names: &Names) -> Self {
        let put = |text: &str| {
            let mut text = text.to_owned();
            for (name, value) in names {
                text = text.replace(&format!("${{{name}}}"), value);
            }
            assert!(
                !text.contains("${"),
                "{}: nothing gave a name in {text:?}",
                self.call
            );
            text
        };
        let mut call = self.clone();
        call.action = put(&self.action);
        call.body = self
            .body
            .as_ref()
            .map(|body| fill(body, &Value::Null, &put));
        call.raw = self.raw.as_deref().map(put);
        call.headers = self
            .headers
            .iter()
            .map(|(k, v)| (k.clone(), put(v)))
            .collect();
        call.token = put(&self.token);
        call
    }

    /// Method and path.
    pub(crate) fn method_and_path(&self) -> (&str, &str) {
        self.action
            .split_once(' ')
            .unwrap_or_else(|| panic!("{}: no method", self.call))
    }

    /// Whether it asks for all that lies below a folder, and not for a page of it.
    pub(crate) fn scans_all(&self) -> bool {
        let (method, path) = self.method_and_path();
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let asks = |name| query.split('&').any(|part| part.starts_with(name));
        (method == "SCAN" || asks("scan=true") || asks("scan=1"))
            && !asks("after=")
            && !asks("limit=")
    }

    /// What goes over the wire as the body.
    pub(crate) fn payload(&self) -> Option<String> {
        self.raw
            .clone()
            .or_else(|| self.body.as_ref().map(Value::to_string))
    }
}

/// Puts values into the strings of a body; a string that is `${each}` alone becomes the value.
fn fill(body: &Value, each: &Value, put: &impl Fn(&str) -> String) -> Value {
    match body {
        Value::String(text) if text == "${each}" && !each.is_null() => each.clone(),
        Value::String(text) => Value::String(put(text)),
        Value::Array(items) => items.iter().map(|item| fill(item, each, put)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, item)| (put(key), fill(item, each, put)))
            .collect(),
        other => other.clone(),
    }
}
