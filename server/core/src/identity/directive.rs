//! What stands between `{{` and `}}`: the values of an entity that templates name.

use std::collections::BTreeMap;

use keyward_api::coerce;
use serde_json::{Value, json};

use super::{Alias, Group, Identity};
use crate::Timestamp;

/// The name of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive<'t> {
    /// `identity.entity.aliases.ACCESSOR.…`
    Alias(&'t str, AliasField<'t>),
    /// `identity.entity.metadata`, `identity.entity.metadata.KEY`
    EntityMetadata(Option<&'t str>),
    /// `identity.entity.id`
    EntityId,
    /// `identity.entity.name`
    EntityName,
    /// `identity.groups.ids.ID.…` and `identity.groups.names.NAME.…`
    Group(Listed, &'t str, GroupField<'t>),
    /// `identity.entity.groups.ids` and `identity.entity.groups.names`
    Groups(Listed),
    /// `time.now`, `time.now.plus.DURATION`, `time.now.minus.DURATION`: so many seconds from now.
    Time(i64),
}

/// What is told of an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AliasField<'t> {
    CustomMetadata(Option<&'t str>),
    Id,
    Metadata(Option<&'t str>),
    Name,
}

/// What is told of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupField<'t> {
    Id,
    Metadata(&'t str),
    Name,
}

/// What groups are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Ids,
    Names,
}

/// Why a text names no value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no value of this name.
    Unknown,
    /// What is added to the time is no duration; says why.
    Duration(String),
}

impl<'t> Directive<'t> {
    /// Reads what stands between the braces.
    pub(super) fn parse(text: &'t str) -> Result<Self, Fault> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("identity.entity.") {
            return Self::of_entity(rest).ok_or(Fault::Unknown);
        }
        if let Some(rest) = text.strip_prefix("identity.groups.") {
            return Self::of_group(rest).ok_or(Fault::Unknown);
        }
        match text.strip_prefix("time.now") {
            Some("") => Ok(Self::Time(0)),
            Some(rest) => {
                let (sign, duration) =
                    match (rest.strip_prefix(".plus."), rest.strip_prefix(".minus.")) {
                        (Some(duration), _) => (1, duration),
                        (_, Some(duration)) => (-1, duration),
                        _ => return Err(Fault::Unknown),
                    };
                let seconds = coerce::parse_seconds(duration).map_err(Fault::Duration)?;
                Ok(Self::Time(seconds.saturating_mul(sign)))
            }
            None => Err(Fault::Unknown),
        }
    }

    fn of_entity(text: &'t str) -> Option<Self> {
        Some(match text {
            "id" => Self::EntityId,
            "name" => Self::EntityName,
            "metadata" => Self::EntityMetadata(None),
            "groups.ids" => Self::Groups(Listed::Ids),
            "groups.names" => Self::Groups(Listed::Names),
            _ => {
                if let Some(key) = text.strip_prefix("metadata.") {
                    return Some(Self::EntityMetadata(Some(key)));
                }
                let (accessor, field) = text.strip_prefix("aliases.")?.split_once('.')?;
                Self::Alias(accessor, AliasField::parse(field)?)
            }
        })
    }

    fn of_group(text: &'t str) -> Option<Self> {
        let (listed, rest) = match text.split_once('.')? {
            ("ids", rest) => (Listed::Ids, rest),
            ("names", rest) => (Listed::Names, rest),
            _ => return None,
        };
        let (key, field) = rest.split_once('.')?;
        let field = match field {
            "id" => GroupField::Id,
            "name" => GroupField::Name,
            other => GroupField::Metadata(other.strip_prefix("metadata.")?),
        };
        Some(Self::Group(listed, key, field))
    }

    /// Tells whether the value is one text, where there is one.
    pub(super) const fn is_text(&self) -> bool {
        !matches!(
            self,
            Self::Alias(
                _,
                AliasField::CustomMetadata(None) | AliasField::Metadata(None)
            ) | Self::EntityMetadata(None)
                | Self::Groups(_)
                | Self::Time(_)
        )
    }

    /// Returns the value where it is one text; none if there is none.
    pub(super) fn text<'i>(&self, identity: &'i Identity) -> Option<&'i str> {
        let entity = &identity.entity;
        match *self {
            Self::Alias(accessor, field) => field.text(entity.alias_at(accessor)?),
            Self::EntityId => Some(&entity.id),
            Self::EntityMetadata(key) => pair(entity.metadata.as_ref(), key?),
            Self::EntityName => Some(&entity.name),
            Self::Group(listed, key, field) => {
                let mut groups = identity.groups.iter();
                let group = groups.find(|group| listed.of(group) == key)?;
                match field {
                    GroupField::Id => Some(&group.id),
                    GroupField::Metadata(key) => pair(group.metadata.as_ref(), key),
                    GroupField::Name => Some(&group.name),
                }
            }
            Self::Groups(_) | Self::Time(_) => None,
        }
    }

    /// Returns the value as JSON. What is missing is an empty text, or an empty object.
    pub(super) fn json(&self, identity: &Identity, now: Timestamp) -> Value {
        let entity = &identity.entity;
        match *self {
            Self::Alias(accessor, AliasField::CustomMetadata(None)) => {
                let alias = entity.alias_at(accessor);
                pairs(alias.and_then(|alias| alias.custom_metadata.as_ref()))
            }
            Self::Alias(accessor, AliasField::Metadata(None)) => {
                let alias = entity.alias_at(accessor);
                pairs(alias.and_then(|alias| alias.metadata.as_ref()))
            }
            Self::EntityMetadata(None) => pairs(entity.metadata.as_ref()),
            Self::Groups(listed) => {
                let names = identity.groups.iter().map(|group| listed.of(group));
                names.collect::<Vec<_>>().into()
            }
            Self::Time(from_now) => {
                let now = i64::try_from(now.unix_seconds()).unwrap_or(i64::MAX);
                now.saturating_add(from_now).into()
            }
            _ => self.text(identity).unwrap_or_default().into(),
        }
    }
}

impl<'t> AliasField<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        Some(match text {
            "id" => Self::Id,
            "name" => Self::Name,
            "metadata" => Self::Metadata(None),
            "custom_metadata" => Self::CustomMetadata(None),
            _ => match text.strip_prefix("metadata.") {
                Some(key) => Self::Metadata(Some(key)),
                None => Self::CustomMetadata(Some(text.strip_prefix("custom_metadata.")?)),
            },
        })
    }

    fn text(self, alias: &Alias) -> Option<&str> {
        match self {
            Self::CustomMetadata(key) => pair(alias.custom_metadata.as_ref(), key?),
            Self::Id => Some(&alias.id),
            Self::Metadata(key) => pair(alias.metadata.as_ref(), key?),
            Self::Name => Some(&alias.name),
        }
    }
}

impl Listed {
    fn of(self, group: &Group) -> &str {
        match self {
            Self::Ids => &group.id,
            Self::Names => &group.name,
        }
    }
}

fn pair<'m>(metadata: Option<&'m BTreeMap<String, String>>, key: &str) -> Option<&'m str> {
    metadata?.get(key).map(String::as_str)
}

fn pairs(metadata: Option<&BTreeMap<String, String>>) -> Value {
    metadata.map_or_else(|| json!({}), |metadata| json!(metadata))
}
