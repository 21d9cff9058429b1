//! The compiled rules of all the policies of a token.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    num::NonZeroU64,
    sync::Arc,
    time::Duration,
};

use keyward_api::sys::ResultantRule;
use serde_json::{Map, Value};

use super::{
    Capabilities, Capability, Control, Demand, Holder, Listing, Policy, Rule, Unfit, Wrapping,
    fold,
    listing::LIMIT,
    parameters::Parameters,
    pattern::{Pattern, Patterns},
};
use crate::Timestamp;

/// What the policies of a token allow, compiled once and immutable.
///
/// One rule counts for a path: the one written for exactly this path; else, among all patterns that
/// match, the one
/// 1. whose first wildcard stands latest,
/// 2. then, that does not end in `*`,
/// 3. then, with the fewest `+` segments,
/// 4. then, that is longest,
/// 5. then, that is greatest in byte order.
///
/// Finding it takes one hash of the path and, if that fails, one binary search and a walk over the
/// patterns whose literal beginning the path shares. A check allocates nothing unless the rule
/// restricts parameters.
#[derive(Debug)]
pub struct Acl {
    root: Option<PolicyNames>,
    rules: Rules,
    /// The same with all paths [folded](fold); none if they are so anyway.
    folded: Option<Rules>,
    restricts_parameters: bool,
    /// When the first of the rules that count here stops to.
    until: Option<Timestamp>,
}

/// Rules, by their paths.
#[derive(Debug, Default)]
struct Rules {
    exact: HashMap<Box<str>, Grant>,
    patterns: Patterns<Grant>,
}

/// By which other paths rules count for what a path leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spellings {
    /// The one by which the server knows it, if that is another one.
    pub known_as: Option<String>,
    /// The path with all letters folded into one case, where what it leads to is the same in any: for
    /// rules whose own paths have capital letters.
    pub folded: Option<String>,
}

/// The names of the policies that grant one thing, in the order in which the token has them.
type PolicyNames = Arc<[Arc<str>]>;

/// One request, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What the operation needs.
    pub capability: Capability,
    /// The path, from the mount on; leading slashes do not count.
    pub path: &'a str,
    /// The body and the query. They may be left out where [`Acl::needs_parameters`] says so; a rule
    /// that needs them refuses a request without.
    pub parameters: Option<&'a Map<String, Value>>,
    /// The life of the wrapping token, if the answer is to be wrapped.
    pub wrap_ttl: Option<Duration>,
}

/// The answer to a [`Question`]; by default nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Whether a path that asks for `sudo` opens; says nothing about `allowed`.
    pub sudo: bool,
    /// Whether it was the root policy that decided.
    pub root: bool,
    /// The policies that grant the capability, for the audit entry; empty unless allowed.
    pub granting: PolicyNames,
    /// What is said of the answer to a list that is allowed; none if nothing is.
    pub listing: Option<Arc<Listing>>,
    /// What others have to approve first; none unless allowed.
    pub(crate) demand: Option<Arc<Demand>>,
}

impl Verdict {
    /// Lets a request through that no policy is asked about.
    pub(crate) fn public() -> Self {
        Self {
            allowed: true,
            ..Self::default()
        }
    }

    /// Tells whether no policy was asked.
    pub(crate) fn is_public(&self) -> bool {
        self.allowed && !self.root && self.granting.is_empty()
    }

    /// Lets in what both let in: both have to be approved, and a list is cut as both say. One that
    /// two filters are for is let in by neither.
    fn and(self, other: Self) -> Self {
        let sudo = self.sudo && other.sudo;
        let listing = match (self.listing, other.listing) {
            (Some(one), Some(other)) => one.both(&other).map(Arc::new).map(Some),
            (one, other) => Some(one.or(other)),
        };
        let (true, true, Some(listing)) = (self.allowed, other.allowed, listing) else {
            return Self {
                sudo,
                ..Self::default()
            };
        };
        let demand = match (self.demand, other.demand) {
            (Some(one), Some(other)) => Some(Arc::new(one.and(&other))),
            (one, other) => one.or(other),
        };
        Self {
            allowed: true,
            sudo,
            root: false,
            granting: other.granting,
            listing,
            demand,
        }
    }
}

impl Acl {
    /// Compiles the policies of a token that nobody in particular holds, as they count at `now`. If
    /// the root policy is among them, it alone counts.
    #[must_use]
    pub fn new(policies: &[Arc<Policy>], now: Timestamp) -> Self {
        Self::of(policies, None, now)
    }

    /// Compiles the policies of a token and of who holds it, as they count at `now`.
    pub(crate) fn of(
        policies: &[Arc<Policy>],
        holder: Option<&dyn Holder>,
        now: Timestamp,
    ) -> Self {
        let root = policies.iter().find(|policy| policy.is_root);
        let mut counting = Vec::new();
        let mut until = None;
        for policy in policies {
            for rule in &policy.rules {
                let expiration = earlier(policy.expiration, rule.expiration);
                if expiration.is_some_and(|expiration| expiration <= now) {
                    continue;
                }
                until = earlier(until, expiration);
                let path = match (rule.is_template, holder) {
                    (false, _) => Ok(Some(Cow::Borrowed(rule.path.as_str()))),
                    (true, None) => Ok(None),
                    (true, Some(holder)) => {
                        holder.path(&rule.path).map(|path| path.map(Cow::Owned))
                    }
                };
                match path {
                    Ok(Some(path)) => counting.push((path, &**policy, rule)),
                    Ok(None) => {}
                    Err(Unfit) if root.is_some() => {}
                    // Until the rule that is at fault ends, whatever the others do.
                    Err(Unfit) => return Self::nothing(expiration),
                }
            }
        }

        let has_capitals = counting.iter().any(|(path, ..)| *fold(path) != **path);
        let folded = has_capitals.then(|| {
            let folded = counting.iter();
            Rules::of(folded.map(|(path, policy, rule)| (fold(path).into(), *policy, *rule)))
        });
        let restricts_parameters = counting
            .iter()
            .any(|(_, _, rule)| !rule.parameters.is_empty() || rule.listing.limit.is_some());
        Self {
            root: root.map(|policy| PolicyNames::from([Arc::clone(&policy.name)])),
            rules: Rules::of(counting.into_iter()),
            folded,
            restricts_parameters,
            until,
        }
    }

    /// Makes the rules that allow nothing.
    fn nothing(until: Option<Timestamp>) -> Self {
        Self {
            root: None,
            rules: Rules::default(),
            folded: None,
            restricts_parameters: false,
            until,
        }
    }

    /// Whether it still says what the policies do: from when a rule has ended on, it must be compiled
    /// anew.
    pub(crate) fn counts_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether [`check`](Self::check) must see the parameters of such a request.
    #[must_use]
    pub fn needs_parameters(&self, capability: Capability, path: &str) -> bool {
        self.needs_parameters_spelled(capability, path, &Spellings::default())
    }

    /// Whether [`check_spelled`](Self::check_spelled) must see the parameters of such a request.
    #[must_use]
    pub fn needs_parameters_spelled(
        &self,
        capability: Capability,
        path: &str,
        spellings: &Spellings,
    ) -> bool {
        if !self.restricts_parameters
            || self.root.is_some()
            || !(capability.carries_parameters() || capability.lists())
        {
            return false;
        }
        let restricts = |grant: &Grant| {
            if capability.lists() {
                grant.limit().is_some()
            } else {
                !grant.parameters.is_empty()
            }
        };
        let known_as = spellings.known_as.as_deref();
        self.rules.find(capability, path).is_some_and(restricts)
            || known_as
                .and_then(|path| self.rules.find(capability, path))
                .is_some_and(restricts)
            || self.of_folded(capability, spellings).is_some_and(restricts)
    }

    /// Whether a rule has capital letters in its path, so that [`Spellings::folded`] is looked at.
    #[must_use]
    pub const fn has_capitals(&self) -> bool {
        self.folded.is_some()
    }

    /// Finds the rule that counts whatever the case of names in its path.
    fn of_folded(&self, capability: Capability, spellings: &Spellings) -> Option<&Grant> {
        let (rules, path) = (self.folded.as_ref()?, spellings.folded.as_deref()?);
        rules.find(capability, path)
    }

    /// Decides about one request to a path that is spelled in one way.
    #[must_use]
    pub fn check(&self, question: &Question<'_>) -> Verdict {
        self.check_spelled(question, &Spellings::default())
    }

    /// Decides about one request.
    ///
    /// Of the paths that lead to one thing, each that a rule counts for has to let it in, so that no
    /// way to spell a name escapes a rule. A rule with capital letters only restricts what is spelled
    /// another way: it may be about a mount whose path differs in them.
    #[must_use]
    pub fn check_spelled(&self, question: &Question<'_>, spellings: &Spellings) -> Verdict {
        if let Some(names) = &self.root {
            return Verdict {
                allowed: true,
                sudo: true,
                root: true,
                granting: Arc::clone(names),
                listing: None,
                demand: None,
            };
        }
        let of = |path: &str| self.rules.find(question.capability, path);
        let sent = of(question.path);
        let known = spellings.known_as.as_deref().and_then(of);
        let mut verdict = match (sent, known) {
            (Some(sent), Some(known)) => sent.decide(question).and(known.decide(question)),
            (Some(one), None) | (None, Some(one)) => one.decide(question),
            (None, None) => return Verdict::default(),
        };
        if let Some(folded) = self.of_folded(question.capability, spellings) {
            verdict = verdict.and(folded.decide(question));
        }
        verdict
    }

    /// Lists what may be done on a path that is spelled in one way.
    #[must_use]
    pub fn capabilities(&self, path: &str) -> Vec<Capability> {
        self.capabilities_spelled(path, &Spellings::default())
    }

    /// Lists what may be done on a path, as [`check_spelled`](Self::check_spelled) decides, sorted by
    /// name: `root` alone for the root policy, `deny` alone for nothing.
    ///
    /// A path is looked up as if it were to be listed: `a/` shows what a rule for `a` grants.
    #[must_use]
    pub fn capabilities_spelled(&self, path: &str, spellings: &Spellings) -> Vec<Capability> {
        if self.root.is_some() {
            return vec![Capability::Root];
        }
        let of = |path: &str| self.rules.find(Capability::List, path);
        let known = spellings.known_as.as_deref().and_then(of);
        let mut counting = of(path).into_iter().chain(known);
        let first = counting.next();
        let others = counting.chain(self.of_folded(Capability::List, spellings));
        let others: Vec<_> = others.map(|grant| grant.capabilities).collect();
        let granted = first
            .into_iter()
            .flat_map(|grant| grant.capabilities.iter());
        let mut capabilities: Vec<_> = granted
            .filter(|one| others.iter().all(|other| other.contains(*one)))
            .collect();
        if capabilities.is_empty() {
            capabilities.push(Capability::Deny);
        }
        capabilities
    }

    /// Whether the root policy is among the policies.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.root.is_some()
    }

    /// Lists the rules that are written for one path each.
    pub fn exact_rules(&self) -> impl Iterator<Item = (String, ResultantRule)> {
        let rules = self.rules.exact.iter();
        rules.map(|(path, grant)| (path.to_string(), grant.show()))
    }

    /// Lists the rules that are written for all paths with a beginning, by that beginning.
    pub fn prefix_rules(&self) -> impl Iterator<Item = (String, ResultantRule)> {
        let rules = self.rules.patterns.prefixes();
        rules.map(|(path, grant)| (path.to_owned(), grant.show()))
    }

    /// Whether anything may be done on a path, or a rule grants something on paths that begin with
    /// it: with the path of a mount, whether the mount is worth showing.
    #[must_use]
    pub fn reaches(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        self.root.is_some()
            || self
                .rules
                .find(Capability::List, path)
                .is_some_and(Grant::is_of_use)
            || self
                .rules
                .exact
                .iter()
                .any(|(rule, grant)| rule.starts_with(path) && grant.is_of_use())
            || self.rules.patterns.below(path).any(Grant::is_of_use)
    }
}

impl Rules {
    /// Unites the rules that are written for one path, and makes them ready to be found.
    fn of<'r>(rules: impl Iterator<Item = (Cow<'r, str>, &'r Policy, &'r Rule)>) -> Self {
        let mut drafts: BTreeMap<Cow<'_, str>, Draft> = BTreeMap::new();
        for (path, policy, rule) in rules {
            drafts.entry(path).or_default().unite(policy, rule);
        }
        let mut exact = HashMap::new();
        let mut patterns = Vec::new();
        for (path, draft) in drafts {
            let grant = draft.finish();
            match Pattern::parse(&path) {
                Some(pattern) => patterns.push((pattern, grant)),
                None => drop(exact.insert(path.into_owned().into(), grant)),
            }
        }
        Self {
            exact,
            patterns: patterns.into_iter().collect(),
        }
    }

    /// Finds the rule that counts.
    fn find(&self, capability: Capability, path: &str) -> Option<&Grant> {
        let path = path.trim_start_matches('/');
        let folder = if capability.lists() {
            path.strip_suffix('/')
        } else {
            None
        };
        let exact = |path: &str| self.exact.get(path);
        let pattern = |path: &str| self.patterns.find(path);
        exact(path)
            .or_else(|| folder.and_then(exact))
            .or_else(|| pattern(path))
            .or_else(|| folder.and_then(pattern))
    }
}

/// The earlier of two moments, of which none is never.
fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// What the rules for one path grant together.
#[derive(Debug)]
struct Grant {
    capabilities: Capabilities,
    parameters: Parameters,
    wrapping: Wrapping,
    listing: Option<Arc<Listing>>,
    /// Who grants each of the capabilities; nobody grants a denial.
    granting: Vec<(Capability, PolicyNames)>,
    /// What others have to approve, by what is asked for.
    demands: Vec<(Capability, Arc<Demand>)>,
}

impl Grant {
    /// Whether it grants anything.
    fn is_of_use(&self) -> bool {
        !self.granting.is_empty()
    }

    /// The most entries that a list may give at a time.
    fn limit(&self) -> Option<NonZeroU64> {
        self.listing.as_deref().and_then(|listing| listing.limit)
    }

    /// Decides about a request that it counts for.
    fn decide(&self, question: &Question<'_>) -> Verdict {
        let granting = self.permit(question);
        let lists = granting.is_some() && question.capability.lists();
        let demands = granting.is_some();
        Verdict {
            allowed: granting.is_some(),
            sudo: self.capabilities.contains(Capability::Sudo),
            root: false,
            granting: granting.cloned().unwrap_or_default(),
            listing: self.listing.clone().filter(|_| lists),
            demand: self.demand(question.capability).filter(|_| demands),
        }
    }

    /// Names the policies that let a request through, if it passes.
    fn permit(&self, question: &Question<'_>) -> Option<&PolicyNames> {
        let capability = question.capability;
        let (_, names) = self
            .granting
            .iter()
            .find(|(granted, _)| *granted == capability)?;
        let restricted = capability.carries_parameters() && !self.parameters.is_empty();
        // Beside a limit alone, as the peer has it: other requirements are not put to lists.
        let must_ask = || self.parameters.required.iter().any(|name| name == LIMIT);
        let listing = self.listing.as_deref().filter(|_| capability.lists());
        let passes = self.wrapping.permits(question.wrap_ttl)
            && listing.is_none_or(|it| it.permit(question.parameters, must_ask()))
            && (!restricted
                || question
                    .parameters
                    .is_some_and(|given| self.parameters.permit(given)));
        passes.then_some(names)
    }

    /// Shows it on the wire.
    fn show(&self) -> ResultantRule {
        let Parameters {
            allowed,
            denied,
            required,
        } = self.parameters.clone();
        let seconds = |bound: Option<Duration>| bound.map(|bound| bound.as_secs());
        let mut capabilities: Vec<_> = self.capabilities.iter().collect();
        if capabilities.is_empty() {
            capabilities.push(Capability::Deny);
        }
        ResultantRule {
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            allowed_parameters: allowed,
            denied_parameters: denied,
            required_parameters: required,
            min_wrapping_ttl: seconds(self.wrapping.min),
            max_wrapping_ttl: seconds(self.wrapping.max),
        }
    }

    fn demand(&self, capability: Capability) -> Option<Arc<Demand>> {
        let mut demands = self.demands.iter();
        let (_, demand) = demands.find(|(demanded, _)| *demanded == capability)?;
        Some(Arc::clone(demand))
    }
}

/// A [`Grant`] while policies are added to it.
#[derive(Debug, Default)]
struct Draft {
    capabilities: Capabilities,
    parameters: Parameters,
    wrapping: Wrapping,
    listing: Listing,
    granting: BTreeMap<Capability, Vec<Arc<str>>>,
    controls: Vec<Arc<Control>>,
}

impl Draft {
    fn unite(&mut self, policy: &Policy, rule: &Rule) {
        self.capabilities = self.capabilities.union(rule.capabilities);
        self.parameters.merge(&rule.parameters);
        self.wrapping.merge(rule.wrapping);
        self.listing.merge(&rule.listing);
        self.controls.extend(rule.control.clone());
        for capability in rule.capabilities.iter() {
            let names = self.granting.entry(capability).or_default();
            if names.last() != Some(&policy.name) {
                names.push(Arc::clone(&policy.name));
            }
        }
    }

    fn finish(self) -> Grant {
        let Self {
            capabilities,
            parameters,
            wrapping,
            listing,
            granting,
            controls,
        } = self;
        let in_force = |capability: &Capability| {
            capabilities.contains(*capability) && *capability != Capability::Deny
        };
        let granting = granting
            .into_iter()
            .filter(|(capability, _)| in_force(capability));
        let granting: Vec<(Capability, PolicyNames)> = granting
            .map(|(capability, names)| (capability, names.into()))
            .collect();
        let demands = granting
            .iter()
            .filter_map(|(capability, _)| Some((*capability, Demand::of(&controls, *capability)?)));
        let demands = demands.collect();
        Grant {
            capabilities,
            parameters,
            wrapping,
            listing: (!listing.is_empty()).then(|| Arc::new(listing)),
            granting,
            demands,
        }
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tests;
