//! Encryption that keeps the format.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use keyward_api::{
    Base64, Sensitive,
    transit::{
        Answer, Decode, DecodeItem, Decoded, DecodedItem, Encode, EncodeItem, Encoded, EncodedItem,
    },
};
use keyward_core::{Error, Response, View, engine::Context};
use keyward_crypto::{Alphabet, Format, KeyType, Part, SecretString};

use super::{
    Transit,
    batch::{self, Pace},
    input,
    store::Key,
    template::{self, Template},
};

/// The alphabet of a key that has none of its own.
const DEFAULT_ALPHABET: &str = "builtin/numeric";

const MISSING_VERSION: &str =
    "missing key_version: the value does not tell which version encoded it";
const BOTH: &str = "a template has an alphabet of its own: give one or the other";

pub(super) async fn encode(
    cx: Context<Transit>,
    request: Encode,
) -> Result<Response<Answer<Encoded, EncodedItem>>, Error> {
    let mut coder = Coder::new(&cx, &request.name).await?;
    let whole = Asked::of_encode(&request);
    let Some(items) = &request.batch_input else {
        let encoded = coder.encode(request.value.as_ref(), whole).await?;
        return Ok(Response::data(Answer::One(encoded)));
    };
    batch::not_empty(items)?;
    let mut results = Vec::with_capacity(items.len());
    let mut pace = Pace::default();
    for item in items {
        let asked = Asked::of_encode_item(item).or(whole);
        let result = batch::of_item(coder.encode(item.value.as_ref(), asked).await)?;
        let reference = item.reference.clone().unwrap_or_default();
        results.push(match result {
            Ok(encoded) => EncodedItem {
                encoded_value: Some(encoded.encoded_value),
                key_version: Some(encoded.key_version),
                error: None,
                reference,
            },
            Err(error) => EncodedItem {
                error: Some(error),
                reference,
                ..EncodedItem::default()
            },
        });
        // Ten rounds with numbers as long as the value: as dear as a signature.
        pace.spend(Pace::SIGNATURE).await;
    }
    let failed = results.iter().filter(|item| item.error.is_some()).count();
    let answer = Response::data(Answer::batch(results));
    let code = request.partial_failure_response_code;
    Ok(batch::judge(answer, items.len(), failed, code))
}

pub(super) async fn decode(
    cx: Context<Transit>,
    request: Decode,
) -> Result<Response<Answer<Decoded, DecodedItem>>, Error> {
    let mut coder = Coder::new(&cx, &request.name).await?;
    let whole = Asked::of_decode(&request);
    let Some(items) = &request.batch_input else {
        let decoded = coder.decode(request.value.as_deref(), whole).await?;
        return Ok(Response::data(Answer::One(decoded)));
    };
    batch::not_empty(items)?;
    let mut results = Vec::with_capacity(items.len());
    let mut pace = Pace::default();
    for item in items {
        let asked = Asked::of_decode_item(item).or(whole);
        let result = batch::of_item(coder.decode(item.value.as_deref(), asked).await)?;
        let reference = item.reference.clone().unwrap_or_default();
        results.push(match result {
            Ok(decoded) => DecodedItem {
                decoded_value: Some(decoded.decoded_value),
                error: None,
                reference,
            },
            Err(error) => DecodedItem {
                error: Some(error),
                reference,
                ..DecodedItem::default()
            },
        });
        // Ten rounds with numbers as long as the value: as dear as a signature.
        pace.spend(Pace::SIGNATURE).await;
    }
    let failed = results.iter().filter(|item| item.error.is_some()).count();
    let answer = Response::data(Answer::batch(results));
    let code = request.partial_failure_response_code;
    Ok(batch::judge(answer, items.len(), failed, code))
}

/// Where the symbols of a value are found: an alphabet, or a template. Neither is the key's choice.
type Choice<'a> = (Option<&'a str>, Option<&'a str>);

/// How a request, or an item of a batch, wants a value to be treated.
#[derive(Clone, Copy)]
struct Asked<'a> {
    choice: Choice<'a>,
    tweak: Option<&'a Base64>,
    keep_others: Option<bool>,
    key_version: Option<i64>,
}

/// Takes the same fields from each of the four types that have them.
macro_rules! asked {
    ($($name:ident: $type:ident),*) => {
        $(fn $name(from: &'a $type) -> Self {
            let given = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
            Self {
                choice: (given(&from.alphabet), given(&from.template)),
                tweak: from.tweak.as_ref(),
                keep_others: from.keep_others,
                key_version: from.key_version,
            }
        })*
    };
}

impl<'a> Asked<'a> {
    asked!(of_decode: Decode, of_decode_item: DecodeItem, of_encode: Encode,
        of_encode_item: EncodeItem);

    /// Fills in what an item does not say.
    fn or(self, request: Self) -> Self {
        Self {
            choice: match self.choice {
                (None, None) => request.choice,
                choice => choice,
            },
            tweak: self.tweak.or(request.tweak),
            keep_others: self.keep_others.or(request.keep_others),
            key_version: self.key_version.or(request.key_version),
        }
    }
}

/// An alphabet, or a template that has one.
enum Layout {
    Alphabet(Alphabet),
    Template(Template),
}

impl Layout {
    async fn find(view: &View, (alphabet, template): Choice<'_>) -> Result<Self, Error> {
        match (alphabet, template) {
            (Some(_), Some(_)) => Err(Error::invalid(BOTH)),
            (_, Some(name)) => Ok(Self::Template(template::template(view, name).await?)),
            (text, None) => {
                let text = text.unwrap_or(DEFAULT_ALPHABET);
                Ok(Self::Alphabet(template::alphabet(view, text).await?))
            }
        }
    }

    fn alphabet(&self) -> &Alphabet {
        match self {
            Self::Alphabet(alphabet) => alphabet,
            Self::Template(template) => &template.alphabet,
        }
    }

    /// Finds where a template has the parts of a value that are encrypted.
    fn ranges(&self, value: &SecretString, asked: Asked<'_>) -> Result<Ranges, Error> {
        match self {
            Self::Alphabet(_) => Ok(None),
            Self::Template(_) if asked.keep_others == Some(true) => Err(Error::invalid(
                "a template says itself what stays: keep_others has no place beside it",
            )),
            // EXPOSE: matched, which leaves offsets alone.
            Self::Template(template) => template.parts(value.expose()).map(Some),
        }
    }

    fn format<'f>(&'f self, ranges: &'f Ranges, asked: Asked<'f>) -> Result<Format<'f>, Error> {
        let part = match ranges {
            Some(ranges) => Part::Within(ranges),
            None if asked.keep_others.unwrap_or_default() => Part::Symbols,
            None => Part::All,
        };
        Ok(Format {
            alphabet: self.alphabet(),
            part,
            tweak: tweak(asked.tweak)?,
        })
    }
}

/// Where the parts of a value are that a template encrypts; none where there is no template.
type Ranges = Option<Vec<Range<usize>>>;

/// A key that keeps the format, and the layouts that one request has asked for.
struct Coder<'a> {
    cx: &'a Context<Transit>,
    name: &'a str,
    key: Arc<Key>,
    /// What could not be found is remembered too: each item that names it fails by itself.
    layouts: BTreeMap<(Option<String>, Option<String>), Result<Layout, String>>,
}

impl<'a> Coder<'a> {
    async fn new(cx: &'a Context<Transit>, name: &'a str) -> Result<Self, Error> {
        let key = input::find(cx, name).await?;
        key.keyring.check_format()?;
        Ok(Self {
            cx,
            name,
            key,
            layouts: BTreeMap::new(),
        })
    }

    async fn layout(&mut self, asked: Asked<'_>) -> Result<&Layout, Error> {
        let settings = &self.key.settings;
        let choice = match asked.choice {
            (None, None) => (settings.alphabet.as_deref(), settings.template.as_deref()),
            choice => choice,
        };
        let key = (choice.0.map(str::to_owned), choice.1.map(str::to_owned));
        if !self.layouts.contains_key(&key) {
            let found = batch::of_item(Layout::find(self.cx.view(), choice).await)?;
            self.layouts.insert(key.clone(), found);
        }
        match self.layouts.get(&key) {
            Some(Ok(layout)) => Ok(layout),
            Some(Err(refusal)) => Err(Error::Invalid(refusal.clone())),
            None => Err(Error::internal("a layout was lost")),
        }
    }

    async fn encode(
        &mut self,
        value: Option<&Sensitive>,
        asked: Asked<'_>,
    ) -> Result<Encoded, Error> {
        let value = value.ok_or_else(|| Error::invalid("missing value to encode"))?;
        // EXPOSE: encrypted at once.
        let value = SecretString::from(value.expose());
        let version = input::version(asked.key_version, "encryption")?;
        let key = Arc::clone(&self.key);
        let layout = self.layout(asked).await?;
        let ranges = layout.ranges(&value, asked)?;
        let format = layout.format(&ranges, asked)?;
        let (text, key_version) = key.keyring.encipher(&value, &format, version)?;
        if let Layout::Template(template) = layout {
            check_parts(template, &value, &ranges, &text)?;
        }
        self.mark(key_version).await;
        // EXPOSE: what is encrypted is public.
        let encoded_value = text.expose().clone();
        Ok(Encoded {
            encoded_value,
            key_version,
        })
    }

    async fn decode(&mut self, value: Option<&str>, asked: Asked<'_>) -> Result<Decoded, Error> {
        let value = value.ok_or_else(|| Error::invalid("missing value to decode"))?;
        let value = SecretString::from(value);
        let version = input::version(asked.key_version, "decryption")?;
        // The latest is no good guess: another version than that of encoding gives another value,
        // and nobody would notice.
        let version = version.ok_or_else(|| Error::invalid(MISSING_VERSION))?;
        let key = Arc::clone(&self.key);
        let layout = self.layout(asked).await?;
        let ranges = layout.ranges(&value, asked)?;
        let format = layout.format(&ranges, asked)?;
        let text = key.keyring.decipher(&value, &format, version)?;
        self.mark(version).await;
        Ok(Decoded {
            decoded_value: Sensitive::from(text),
        })
    }

    async fn mark(&self, version: u32) {
        let now = input::moment(self.cx.now());
        let store = &self.cx.store;
        store.mark(self.name, &self.key, version, now).await;
    }
}

/// Refuses a text in which the template would find other parts, or none: it could not be decoded.
fn check_parts(
    template: &Template,
    value: &SecretString,
    ranges: &Ranges,
    text: &SecretString,
) -> Result<(), Error> {
    // EXPOSE: both are looked at symbol by symbol; only offsets are kept.
    let (value, text) = (value.expose(), text.expose());
    let is_part = |ranges: &[Range<usize>], at| ranges.iter().any(|range| range.contains(&at));
    let before = ranges.as_deref().unwrap_or_default();
    let after = template.parts(text).unwrap_or_default();
    // By symbols and not by bytes, of which an alphabet's symbols may have different numbers.
    let before = value.char_indices().map(|(at, _)| is_part(before, at));
    let after = text.char_indices().map(|(at, _)| is_part(&after, at));
    if before.eq(after) {
        return Ok(());
    }
    Err(Error::invalid(
        "the template does not match what would be encoded: its groups must match any symbols of \
         its alphabet",
    ))
}

/// Reads the alphabet or the template of a new key; only a type that keeps the format has one.
pub(super) async fn own(
    view: &View,
    key_type: &dyn KeyType,
    alphabet: Option<&str>,
    template: Option<&str>,
) -> Result<(Option<String>, Option<String>), Error> {
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let (alphabet, template) = (given(alphabet), given(template));
    if key_type.format().is_none() {
        let field = match (&alphabet, &template) {
            (None, None) => return Ok((None, None)),
            (Some(_), _) => "alphabet",
            (None, Some(_)) => "template",
        };
        return Err(Error::invalid(format!(
            "{field} is not valid for algorithm {}",
            key_type.name()
        )));
    }
    let alphabet = match &template {
        None => alphabet.or_else(|| Some(DEFAULT_ALPHABET.to_owned())),
        Some(_) => alphabet,
    };
    Layout::find(view, (alphabet.as_deref(), template.as_deref())).await?;
    Ok((alphabet, template))
}

fn tweak(value: Option<&Base64>) -> Result<&[u8], Error> {
    input::bytes(value).map_err(|_| Error::invalid("failed to base64-decode tweak"))
}
