//! The headers that answers of the user interface carry: `sys/config/ui/headers`.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;

use crate::{Error, view::View};

const KEY: &str = "ui-headers";

/// Headers by their names, as in `Content-Security-Policy`.
type Headers = BTreeMap<String, Vec<String>>;

/// The table of the headers.
pub(crate) struct UiHeaders {
    view: View,
    headers: ArcSwap<Headers>,
    /// Held by the one change that is being made.
    changing: tokio::sync::Mutex<()>,
}

impl UiHeaders {
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let stored = view.get_as::<Headers>(KEY).await?;
        let headers = stored.map(|(headers, _)| headers).unwrap_or_default();
        Ok(Self {
            view,
            headers: ArcSwap::from_pointee(headers),
            changing: tokio::sync::Mutex::default(),
        })
    }

    pub(crate) fn current(&self) -> Arc<Headers> {
        self.headers.load_full()
    }

    /// Sets the values of a header.
    pub(crate) async fn set(
        &self,
        name: &str,
        values: Vec<String>,
        request: &View,
    ) -> Result<(), Error> {
        let name = canonical(name);
        if name.starts_with("X-Vault-") {
            return Err(Error::invalid("X-Vault headers cannot be set"));
        }
        if values.is_empty() {
            return Err(Error::invalid("header and values must be specified"));
        }
        // What cannot be sent would make every answer of the interface fail (RFC 9110 section 5.5).
        let sendable = |value: &String| value.bytes().all(|it| matches!(it, b'\t' | b' '..=b'~'));
        if !values.iter().all(sendable) {
            return Err(Error::invalid("a value of the header cannot be sent"));
        }
        let change = |headers: &mut Headers| drop(headers.insert(name, values));
        self.change(change, request).await
    }

    /// Removes a header.
    pub(crate) async fn remove(&self, name: &str, request: &View) -> Result<(), Error> {
        let change = |headers: &mut Headers| drop(headers.remove(&canonical(name)));
        self.change(change, request).await
    }

    async fn change(&self, change: impl FnOnce(&mut Headers), request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut headers = (*self.current()).clone();
        change(&mut headers);
        request.on_record().await?;
        self.view.put_as(KEY, &headers).await?;
        self.headers.store(Arc::new(headers));
        Ok(())
    }
}

/// Writes a name as Go does: `x-frame-options` is `X-Frame-Options`.
pub(crate) fn canonical(name: &str) -> String {
    let mut first = true;
    let letters = name.chars().map(|letter| {
        let written = match first {
            true => letter.to_ascii_uppercase(),
            false => letter.to_ascii_lowercase(),
        };
        first = letter == '-';
        written
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_go_writes_them() {
        for (name, written) in [
            ("x-frame-options", "X-Frame-Options"),
            ("CONTENT-SECURITY-POLICY", "Content-Security-Policy"),
            ("te", "Te"),
        ] {
            assert_eq!(canonical(name), written);
        }
    }
}
