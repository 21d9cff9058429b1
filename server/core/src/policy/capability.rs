//! What a rule can grant.

use std::fmt;

/// One thing that a token may do on a path.
///
/// The order is that of the names, in which Vault lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Capability {
    /// Write what does not exist.
    Create = 1,
    /// Delete.
    Delete = 1 << 1,
    /// Nothing at all; wins over every other.
    Deny = 1 << 2,
    /// List names one level deep.
    List = 1 << 3,
    /// Change a part of what exists.
    Patch = 1 << 4,
    /// Read.
    Read = 1 << 5,
    /// Everything; no policy text can grant it, only the root policy has it.
    Root = 1 << 6,
    /// List names at all depths.
    Scan = 1 << 7,
    /// Use paths that ask for it beside the capability of the operation.
    Sudo = 1 << 8,
    /// Write what exists.
    Update = 1 << 9,
}

impl Capability {
    /// Every capability, sorted by name.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Delete,
        Self::Deny,
        Self::List,
        Self::Patch,
        Self::Read,
        Self::Root,
        Self::Scan,
        Self::Sudo,
        Self::Update,
    ];

    /// The name in policies and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Deny => "deny",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Read => "read",
            Self::Root => "root",
            Self::Scan => "scan",
            Self::Sudo => "sudo",
            Self::Update => "update",
        }
    }

    /// Finds the capability that a policy grants by this name; `root` is none.
    #[must_use]
    pub fn granted_by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.name() == name && *capability != Self::Root)
    }

    /// Whether it asks for the names below a path, which ends in a slash.
    pub(super) const fn lists(self) -> bool {
        matches!(self, Self::List | Self::Scan)
    }

    /// Whether requests of this kind carry parameters that a rule may restrict.
    pub(super) const fn carries_parameters(self) -> bool {
        matches!(self, Self::Create | Self::Patch | Self::Read | Self::Update)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u16);

impl Capabilities {
    /// Whether the set holds a capability.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & capability as u16 != 0
    }

    /// Lists the set, sorted by name.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |capability| self.contains(*capability))
    }

    /// Unites two sets; where one denies, nothing but the denial is left.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let both = Self(self.0 | other.0);
        if both.contains(Capability::Deny) {
            Self(Capability::Deny as u16)
        } else {
            both
        }
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        let single = |capability| Self(capability as u16);
        capabilities
            .into_iter()
            .map(single)
            .fold(Self::default(), Self::union)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
