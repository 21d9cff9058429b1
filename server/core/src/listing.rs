//! Lists as the policies of the caller have them: no longer than they allow, and without what the
//! caller may not read.
//!
//! A filter is put to the entries that an engine gives. Where so many are asked for at a time, the
//! engine is asked again until there are as many that the caller may see, or no more: else a page
//! that is empty would not mean the end, and one that is short would tell that something is hidden.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use keyward_api::{Access, Operation};
use keyward_crypto::SecretBytes;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    Error, Response,
    engine::{Call, Fields, Matched},
    gate::Principal,
    json,
    lifecycle::Unsealed,
    policy::{KeyFilter, LIMIT, Limited, Listing, Question},
};

/// How many entries an engine is asked for at once, at least, where some may be left out.
const PAGE: u64 = 128;

/// The part of a list that an engine is asked for, whatever the caller says.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The most entries; 0 is all.
    pub(crate) limit: Box<RawValue>,
    /// Behind which entry it begins, where that is not as the caller says.
    pub(crate) after: Option<Box<RawValue>>,
}

impl Page {
    fn of(limit: u64, after: Option<&str>) -> Result<Self, Error> {
        let limit = to_raw_value(&limit).map_err(Error::internal)?;
        let after = after.map(to_raw_value).transpose();
        let after = after.map_err(Error::internal)?;
        Ok(Self { limit, after })
    }
}

/// Has a list made, as the policies of the caller have it.
///
/// # Errors
/// As the engine answers, [`Error::NotFound`] if nothing is left, and [`Error::Invalid`] if there is
/// a filter and the answer is no list of keys: what it says cannot be told apart.
pub(crate) async fn run(
    core: &Unsealed,
    matched: &Matched<'_>,
    call: Call,
    listing: Option<&Listing>,
) -> Result<Response, Error> {
    // EXPOSE: only whether there is anything in it.
    if listing.is_none() && call.request.body.expose().is_empty() {
        return matched.run(call).await;
    }
    let nothing = Listing::default();
    let listing = listing.unwrap_or(&nothing);
    let limited = {
        // EXPOSE: one parameter of it is read, which holds no secret.
        let fields = Fields::parse(call.request.body.expose())?.to_map()?;
        listing.limited(fields.get(LIMIT))
    };
    let whole = match limited {
        Limited::AsAsked(_) => None,
        Limited::To(limit) => Some(Page::of(limit, None)?),
    };
    let Some((filter, principal)) = listing.filter.as_deref().zip(call.principal.clone()) else {
        let page = whole;
        return matched.run(Call { page, ..call }).await;
    };
    let request = Arc::clone(&call.request);
    let sieve = Sieve {
        core,
        principal: &principal,
        filter,
        list: request.path.as_str(),
    };
    let goal = match limited {
        Limited::AsAsked(limit) => limit,
        Limited::To(limit) => Some(limit).filter(|&limit| limit > 0),
    };
    let goal = goal.filter(|_| matched.pages());
    let Some(goal) = goal else {
        let page = whole;
        let mut response = matched.run(Call { page, ..call }).await?;
        if let Some(data) = plain(&mut response)? {
            let kept = sieve.sift(&data, usize::MAX)?.kept;
            response.data = Some(written(&[(data, kept)])?);
        }
        return Ok(response);
    };
    let mut wanted = usize::try_from(goal).unwrap_or(usize::MAX);
    let size = goal.max(PAGE);
    let mut pages = Vec::new();
    let mut base = None;
    let mut after: Option<String> = None;
    loop {
        let page = Some(Page::of(size, after.as_deref())?);
        let call = Call {
            page,
            ..call.again()
        };
        let mut response = match matched.run(call).await {
            // The page before was the last one, and full.
            Err(Error::NotFound(_)) if base.is_some() => break,
            came => came?,
        };
        let Some(data) = plain(&mut response)? else {
            return Ok(response);
        };
        base.get_or_insert(response);
        let Sifted { kept, given, last } = sieve.sift(&data, wanted)?;
        wanted -= kept.len();
        if !kept.is_empty() {
            pages.push((data, kept));
        }
        let is_last = u64::try_from(given).is_ok_and(|given| given < size) || last == after;
        if wanted == 0 || is_last {
            break;
        }
        after = last;
    }
    let mut response = base.ok_or_else(Error::not_found)?;
    response.data = Some(written(&pages)?);
    Ok(response)
}

/// Takes the data out of an answer that may be filtered: one that has nothing but data.
fn plain(response: &mut Response) -> Result<Option<SecretBytes>, Error> {
    let Response {
        data,
        auth,
        lease,
        document,
        wrapped,
        ..
    } = response;
    match (auth, lease, document, wrapped) {
        (None, None, None, None) => Ok(data.take()),
        _ => Err(unfiltered()),
    }
}

fn unfiltered() -> Error {
    Error::invalid(
        "a policy has the keys of this list filtered, and the answer is not one of keys alone",
    )
}

/// What a filter is put to.
struct Sieve<'a> {
    core: &'a Unsealed,
    principal: &'a Principal,
    filter: &'a KeyFilter,
    /// The path of the list.
    list: &'a str,
}

/// What a page came to.
struct Sifted {
    /// The entries that the caller sees.
    kept: Vec<String>,
    /// How many there were.
    given: usize,
    last: Option<String>,
}

/// The data of a list. Any other field might tell what is to be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed<'a> {
    #[serde(borrow)]
    keys: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    key_info: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
}

impl<'a> Listed<'a> {
    fn of(data: &'a SecretBytes) -> Result<Self, Error> {
        // EXPOSE: read in place; what is kept is written into a wiped buffer again.
        serde_json::from_slice(data.expose()).map_err(|_| unfiltered())
    }
}

impl Sieve<'_> {
    /// Picks out the entries that the caller may see, so many at most.
    fn sift(&self, data: &SecretBytes, wanted: usize) -> Result<Sifted, Error> {
        let Listed { keys, .. } = Listed::of(data)?;
        let seen = keys.iter().filter(|key| self.shows(key)).take(wanted);
        Ok(Sifted {
            kept: seen.map(|key| key.clone().into_owned()).collect(),
            given: keys.len(),
            last: keys.last().map(|key| key.clone().into_owned()),
        })
    }

    /// Whether the caller may read what an entry stands for, or list it if that is a folder; without
    /// parameters and unwrapped, since nobody says how it would be asked for.
    fn shows(&self, key: &str) -> bool {
        let Some(path) = self.filter.path(self.list, key) else {
            return false;
        };
        let path = path.trim_start_matches('/');
        let operation = match key.ends_with('/') {
            true => Operation::List,
            false => Operation::Read,
        };
        let acl = &self.principal.acl;
        let question = Question {
            capability: operation.into(),
            path,
            parameters: Some(&serde_json::Map::new()),
            wrap_ttl: None,
        };
        let spellings = self.core.mounts.spellings(path, acl.has_capitals());
        let verdict = acl.check_spelled(&question, &spellings);
        let needs_sudo = || {
            let found = self.core.mounts.find(path);
            found.is_some_and(|(mount, rest)| {
                let route = mount.mounted.routes.find(operation, rest);
                route.is_ok_and(|route| route.access() == Access::Sudo)
            })
        };
        verdict.allowed && (verdict.sudo || !needs_sudo())
    }
}

/// Writes what is left of all pages as one list.
///
/// # Errors
/// [`Error::NotFound`] if that is nothing: so is a list answered that is empty.
fn written(pages: &[(SecretBytes, Vec<String>)]) -> Result<SecretBytes, Error> {
    #[derive(Serialize)]
    struct Filtered<'a> {
        keys: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        key_info: Option<BTreeMap<&'a str, &'a RawValue>>,
    }
    let mut keys = Vec::new();
    let mut key_info: Option<BTreeMap<&str, &RawValue>> = None;
    for (data, kept) in pages {
        let infos = Listed::of(data)?.key_info;
        keys.extend(kept.iter().map(String::as_str));
        if let Some(infos) = infos {
            let told = kept.iter().filter_map(|key| {
                let info = infos.get(key.as_str())?;
                Some((key.as_str(), *info))
            });
            key_info.get_or_insert_default().extend(told);
        }
    }
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    json::to_secret(&Filtered { keys, key_info })
}
