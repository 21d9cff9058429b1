//! The rules once more, slowly: written from their description alone and sharing nothing with the
//! compiled table but the words. Over random policies and requests, both must decide alike.

use std::{
    cell::Cell,
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

use super::{Acl, Capability, Policy, Question, Timestamp};

/// One `path` block.
#[derive(Clone, Debug)]
struct Block {
    path: String,
    capabilities: Vec<Capability>,
    allowed: Vec<(String, Vec<&'static str>)>,
    denied: Vec<(String, Vec<&'static str>)>,
    required: Vec<&'static str>,
    min_wrapping: Option<u64>,
    max_wrapping: Option<u64>,
    limit: Option<i64>,
    /// How many have to approve, and of what; of all if it says nothing.
    control: Option<(usize, Vec<Capability>)>,
    /// In seconds, as [`NOW`].
    expiration: Option<u64>,
}

/// When all requests are made.
const NOW: u64 = 2;

/// The blocks that still count.
fn living(policies: &[Vec<Block>]) -> Vec<Vec<Block>> {
    let lives = |block: &&Block| block.expiration.is_none_or(|end| end > NOW);
    let policies = policies.iter();
    policies
        .map(|blocks| blocks.iter().filter(lives).cloned().collect())
        .collect()
}

impl Block {
    fn to_hcl(&self) -> String {
        let lists = |lists: &[(String, Vec<&str>)]| {
            let lists = lists
                .iter()
                .map(|(name, values)| format!("{name:?} = {values:?}"));
            format!("{{ {} }}", lists.collect::<Vec<_>>().join(", "))
        };
        let names: Vec<_> = self
            .capabilities
            .iter()
            .map(|capability| capability.name())
            .collect();
        let mut text = format!("path {:?} {{ capabilities = {names:?} ", self.path);
        for (key, values) in [("allowed", &self.allowed), ("denied", &self.denied)] {
            if !values.is_empty() {
                text += &format!("{key}_parameters = {} ", lists(values));
            }
        }
        if !self.required.is_empty() {
            text += &format!("required_parameters = {:?} ", self.required);
        }
        for (key, ttl) in [("min", self.min_wrapping), ("max", self.max_wrapping)] {
            if let Some(ttl) = ttl {
                text += &format!("{key}_wrapping_ttl = {ttl} ");
            }
        }
        if let Some(limit) = self.limit {
            text += &format!("pagination_limit = {limit} ");
        }
        if let Some((approvals, controlled)) = &self.control {
            let names = controlled.iter().map(|capability| capability.name());
            let controlled = match names.collect::<Vec<_>>() {
                names if names.is_empty() => String::new(),
                names => format!("controlled_capabilities = {names:?}"),
            };
            text += &format!(
                "control_group {{ factor \"f\" {{ {controlled} \
                 identity {{ group_names = [\"g\"] approvals = {approvals} }} }} }} "
            );
        }
        if let Some(seconds) = self.expiration {
            text += &format!("expiration = \"1970-01-01T00:00:0{seconds}Z\" ");
        }
        text + "}\n"
    }
}

/// Whether the path of a rule covers the path of a request.
fn covers(rule: &str, path: &str) -> bool {
    let (rule, open) = match rule.strip_suffix('*') {
        Some(rule) => (rule, true),
        None => (rule, false),
    };
    let rule: Vec<&str> = rule.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    if path.len() < rule.len() || (path.len() > rule.len() && !open) {
        return false;
    }
    rule.iter()
        .zip(&path)
        .enumerate()
        .all(|(index, (wanted, segment))| {
            let is_last = index + 1 == rule.len();
            *wanted == "+" || wanted == segment || (open && is_last && segment.starts_with(wanted))
        })
}

/// Whether a path has `+` in a place that makes Vault treat it as a pattern.
fn has_plus(rule: &str) -> bool {
    rule.split('/')
        .any(|segment| segment.starts_with('+') && (segment == "+" || rule.contains("/+")))
}

fn is_pattern(rule: &str) -> bool {
    rule.ends_with('*') || has_plus(rule)
}

/// How two patterns compare that both cover a path; the greater counts.
fn rank(rule: &str) -> (usize, bool, isize, usize, &str) {
    let literal = rule.strip_suffix('*').unwrap_or(rule);
    let first = if has_plus(rule) {
        literal.find('+')
    } else {
        None
    };
    let pluses = literal.split('/').filter(|segment| *segment == "+").count() as isize;
    (
        first.unwrap_or(literal.len()),
        !rule.ends_with('*'),
        -pluses,
        literal.len(),
        literal,
    )
}

/// The path of the rule that counts.
fn winner<'a>(rules: &[&'a str], capability: Capability, path: &str) -> Option<&'a str> {
    let lists = matches!(capability, Capability::List | Capability::Scan);
    let mut spellings = vec![path];
    if lists && let Some(folder) = path.strip_suffix('/') {
        spellings.push(folder);
    }
    let exact = |spelling: &&str| {
        rules
            .iter()
            .find(|rule| *rule == spelling && !is_pattern(rule))
    };
    if let Some(rule) = spellings.iter().find_map(exact) {
        return Some(rule);
    }
    spellings.iter().find_map(|spelling| {
        let covering = rules
            .iter()
            .filter(|rule| is_pattern(rule) && covers(rule, spelling));
        covering.max_by_key(|rule| rank(rule)).copied()
    })
}

/// Unites lists of values by name; an empty list means every value and stays so.
fn unite<'a>(
    lists: impl Iterator<Item = &'a (String, Vec<&'static str>)>,
) -> Vec<(String, Option<Vec<&'static str>>)> {
    let mut united: Vec<(String, Option<Vec<&'static str>>)> = Vec::new();
    for (name, values) in lists {
        let name = name.to_lowercase();
        let values = (!values.is_empty()).then(|| values.clone());
        match united.iter_mut().find(|(known, _)| *known == name) {
            None => united.push((name, values)),
            Some((_, present)) => {
                *present = present.take().zip(values).map(|(a, b)| [a, b].concat());
            }
        }
    }
    united
}

fn in_list(values: &Option<Vec<&str>>, given: &str) -> bool {
    let Some(values) = values else { return true };
    values.iter().any(
        |value| match (value.strip_prefix('*'), value.strip_suffix('*')) {
            (None, None) => *value == given,
            (Some(end), None) => given.ends_with(end),
            (None, Some(start)) => given.starts_with(start),
            // Both from one star only.
            (Some(_), Some("")) => given == "*",
            (Some(middle), Some(_)) => given.contains(middle.trim_end_matches('*')),
        },
    )
}

/// The most entries of a list, if several blocks say so; below 1 is none.
fn limit_of<'a>(blocks: impl Iterator<Item = &'a Block>) -> Option<i64> {
    let limits = blocks.filter_map(|block| block.limit);
    limits.filter(|limit| *limit > 0).min()
}

/// Decides on a request; returns who granted it.
fn decide(policies: &[Vec<Block>], question: &Question<'_>) -> Option<Vec<usize>> {
    let blocks = || policies.iter().flatten();
    let rules: Vec<&str> = blocks().map(|block| block.path.as_str()).collect();
    let path = question.path.trim_start_matches('/');
    let rule = winner(&rules, question.capability, path)?;
    let united = || blocks().filter(|block| block.path == rule);
    let grants =
        |block: &Block| block.path == rule && block.capabilities.contains(&question.capability);

    if united().any(|block| block.capabilities.contains(&Capability::Deny)) || !blocks().any(grants)
    {
        return None;
    }
    let (min, max) = (
        united().filter_map(|b| b.min_wrapping).min(),
        united().filter_map(|b| b.max_wrapping).min(),
    );
    let ttl = question.wrap_ttl.map(|ttl| ttl.as_secs());
    if min.is_some_and(|min| ttl.is_none_or(|ttl| ttl < min))
        || max.is_some_and(|max| ttl.is_none_or(|ttl| ttl > max))
    {
        return None;
    }
    let reads_parameters = matches!(
        question.capability,
        Capability::Create | Capability::Patch | Capability::Read | Capability::Update
    );
    let lists = matches!(question.capability, Capability::List | Capability::Scan);
    if lists && let Some(limit) = limit_of(united()) {
        let must_ask = united().any(|block| block.required.contains(&"limit"));
        match question.parameters?.get("limit") {
            None if must_ask => return None,
            None => {}
            Some(asked) => match asked.as_str()? {
                "" | "max" => {}
                asked if (0..=limit).contains(&asked.parse::<i64>().ok()?) => {}
                _ => return None,
            },
        }
    }
    if reads_parameters {
        let given = question.parameters?;
        if united()
            .flat_map(|block| &block.required)
            .any(|name| !given.contains_key(*name))
        {
            return None;
        }
        let denied = unite(united().flat_map(|block| &block.denied));
        let allowed = unite(united().flat_map(|block| &block.allowed));
        for (name, value) in given {
            let name = name.to_lowercase();
            let value = value.as_str().unwrap_or_default();
            let named = |(known, _): &&(String, _)| *known == name;
            let star = |(known, _): &(String, _)| known == "*";
            if denied.iter().any(star)
                || denied
                    .iter()
                    .find(named)
                    .is_some_and(|(_, values)| in_list(values, value))
            {
                return None;
            }
            let permitted = match allowed.iter().find(named) {
                Some((_, values)) => in_list(values, value),
                None => allowed.is_empty() || allowed.iter().any(star),
            };
            if !permitted {
                return None;
            }
        }
    }
    Some(
        (0..policies.len())
            .filter(|index| policies[*index].iter().any(grants))
            .collect(),
    )
}

/// Paths made of few words, so that they meet.
fn any_path(
    words: &'static [&'static str],
    ends: &'static [&'static str],
) -> impl Strategy<Value = String> {
    (prop::collection::vec(select(words), 1..5), select(ends))
        .prop_map(|(segments, end)| segments.join("/") + end)
}

fn any_rule_path() -> impl Strategy<Value = String> {
    any_path(
        &["a", "b", "ab", "+", "+", "+", "", "a+", "+b"],
        &["", "", "", "*", "*", "/", "/*"],
    )
    // What the parser refuses or rewrites is not at issue here.
    .prop_filter("a path that is kept as written", |path| {
        !path.contains("+*") && !path.starts_with('/')
    })
}

fn any_request_path() -> impl Strategy<Value = String> {
    any_path(&["a", "b", "ab", "aa", "+", "", "a+", "+b"], &["", "", "/"])
}

fn any_values() -> impl Strategy<Value = Vec<(String, Vec<&'static str>)>> {
    let values = prop::collection::vec(select(&["x", "y", "x*", "*y", "*y*", "*", "**"][..]), 0..3);
    let values = prop::collection::btree_map(
        select(&["p", "Q", "*"][..]).prop_map(str::to_owned),
        values,
        1..3,
    );
    prop_oneof![3 => Just(Vec::new()), 1 => values.prop_map(|values| values.into_iter().collect())]
}

fn any_block() -> impl Strategy<Value = Block> {
    let grantable: Vec<_> = Capability::ALL
        .into_iter()
        .filter(|capability| !matches!(capability, Capability::Deny | Capability::Root))
        .collect();
    let capabilities = prop_oneof![
        9 => prop::sample::subsequence(grantable, 0..=8),
        1 => Just(vec![Capability::Deny, Capability::Read]),
    ];
    let required = prop_oneof![
        5 => Just(vec![]),
        1 => Just(vec!["p"]),
        1 => Just(vec!["q", "p"]),
        1 => Just(vec!["limit"]),
    ];
    let limit = prop_oneof![3 => Just(None), 1 => (-1..4i64).prop_map(Some)];
    let controllable = vec![Capability::Create, Capability::List, Capability::Read];
    let control = (1..4usize, prop::sample::subsequence(controllable, 0..=3));
    let control = prop_oneof![3 => Just(None), 1 => control.prop_map(Some)];
    let ttl = || prop_oneof![8 => Just(None), 1 => (1..4u64).prop_map(Some)];
    (
        any_rule_path(),
        capabilities,
        any_values(),
        any_values(),
        required,
        ttl(),
        ttl(),
        (limit, control),
        ttl(),
    )
        .prop_map(
            |(path, capabilities, allowed, denied, required, min, max, rest, expiration)| Block {
                path,
                capabilities,
                allowed,
                denied,
                required,
                min_wrapping: min.zip(max).map_or(min, |(min, max)| Some(min.min(max))),
                max_wrapping: max,
                limit: rest.0,
                control: rest.1,
                expiration,
            },
        )
}

fn any_parameters() -> impl Strategy<Value = Map<String, Value>> {
    let value = select(&["x", "y", "xy", "zyz", "*", ""][..]).prop_map(|value| json!(value));
    let name = select(&["p", "P", "q", "r", "*"][..]).prop_map(str::to_owned);
    let limit = select(&["", "0", "1", "2", "3", "9", "-1", "max", "2.0", "x"][..]);
    (
        prop::collection::btree_map(name, value, 0..3),
        prop::option::of(limit),
    )
        .prop_map(|(mut given, limit)| {
            given.extend(limit.map(|limit| ("limit".to_owned(), json!(limit))));
            given.into_iter().collect()
        })
}

/// The path of a request.
#[derive(Clone, Debug)]
enum Asked {
    /// Any.
    Free(String),
    /// One that a rule covers: a word for each `+`, a rest for a last `*`.
    Covered {
        rule: Index,
        word: &'static str,
        rest: &'static str,
    },
}

impl Asked {
    fn path(&self, rules: &[&str]) -> String {
        match self {
            Self::Free(path) => path.clone(),
            Self::Covered { rule, word, rest } => {
                let rule = rule.get(rules);
                let (literal, rest) = match rule.strip_suffix('*') {
                    Some(literal) => (literal, *rest),
                    None => (*rule, ""),
                };
                let segments = literal
                    .split('/')
                    .map(|segment| if segment == "+" { word } else { segment });
                segments.collect::<Vec<_>>().join("/") + rest
            }
        }
    }
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let word = select(&["a", "b", "ab", "+", ""][..]);
    let rest = select(&["", "a", "b", "/", "/a", "b/ab/"][..]);
    let covered = (any::<Index>(), word, rest).prop_map(|(rule, word, rest)| Asked::Covered {
        rule,
        word,
        rest,
    });
    prop_oneof![1 => any_request_path().prop_map(Asked::Free), 2 => covered]
}

/// On how many (policies, path, operation) both must decide alike.
const TRIPLES: u32 = 1_000_000;
const CASES: u32 = 15_000;

/// The capabilities that no request asks for by what it does; they are compared too and not counted.
const NO_OPERATIONS: [Capability; 3] = [Capability::Deny, Capability::Root, Capability::Sudo];

/// Set to repeat a failure.
const SEED: &str = "KEYWARD_TEST_SEED";

/// How the triples fell; a generator whose rules never meet would prove nothing.
#[derive(Debug, Default)]
struct Tally {
    triples: Cell<u32>,
    allowed: Cell<u32>,
    /// Several rules cover the path, none of them for it alone.
    contested: Cell<u32>,
    /// The rule that counts grants the capability, and yet the request is refused.
    restricted: Cell<u32>,
}

fn count(cell: &Cell<u32>, holds: bool) {
    cell.set(cell.get() + u32::from(holds));
}

#[test]
#[allow(clippy::print_stdout, reason = "the seed repeats a failure")]
fn the_compiled_table_decides_as_the_description_does() {
    let seed = std::env::var(SEED).map_or_else(
        |_| RandomState::new().hash_one(0) >> 16,
        |seed| seed.parse().unwrap(),
    );
    println!("{SEED}={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let tally = Tally::default();
    let cases = (
        prop::collection::vec(prop::collection::vec(any_block(), 1..6), 1..4),
        prop::collection::vec(any_asked(), 8..13),
        any_parameters(),
        prop::option::of((0..5u64).prop_map(Duration::from_secs)),
    );
    TestRunner::new_with_rng(config, chance)
        .run(&cases, |(policies, asked, given, ttl)| {
            decide_alike(&policies, &asked, &given, ttl, &tally)
        })
        .unwrap_or_else(|error| panic!("repeat with {SEED}={seed}: {error}"));
    println!("{tally:?}");
    let triples = tally.triples.get();
    assert!(triples >= TRIPLES, "{tally:?}");
    assert!(tally.allowed.get() > triples / 10, "{tally:?}");
    assert!(tally.contested.get() > triples / 10, "{tally:?}");
    assert!(tally.restricted.get() > triples / 50, "{tally:?}");
}

/// The paths that rules are written for, each once.
fn paths_of(policies: &[Vec<Block>]) -> Vec<&str> {
    let paths: BTreeSet<&str> = policies.iter().flatten().map(|b| b.path.as_str()).collect();
    paths.into_iter().collect()
}

fn decide_alike(
    policies: &[Vec<Block>],
    asked: &[Asked],
    given: &Map<String, Value>,
    wrap_ttl: Option<Duration>,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let policy = |(index, blocks): (usize, &Vec<Block>)| {
        let text: String = blocks.iter().map(Block::to_hcl).collect();
        Arc::new(Policy::parse(&index.to_string(), &text).unwrap())
    };
    let now = Timestamp::from_unix_nanos(NOW * 1_000_000_000);
    let acl = Acl::new(
        &policies.iter().enumerate().map(policy).collect::<Vec<_>>(),
        now,
    );
    let written = paths_of(policies);
    let paths: Vec<String> = asked.iter().map(|asked| asked.path(&written)).collect();
    let policies = &living(policies);
    let rules = paths_of(policies);
    for (path, capability) in paths
        .iter()
        .flat_map(|path| Capability::ALL.map(|capability| (path, capability)))
    {
        let parameters = Some(given);
        let question = Question {
            capability,
            path,
            parameters,
            wrap_ttl,
        };
        let expected = decide(policies, &question);
        let verdict = acl.check(&question);
        prop_assert_eq!(
            verdict.allowed,
            expected.is_some(),
            "{} {}",
            capability,
            path
        );
        let names = verdict
            .granting
            .iter()
            .map(|name| name.parse::<usize>().unwrap());
        prop_assert_eq!(names.collect::<Vec<_>>(), expected.unwrap_or_default());
        let rule = winner(&rules, capability, path.trim_start_matches('/'));
        let united = || {
            let blocks = policies.iter().flatten();
            blocks.filter(|block| Some(block.path.as_str()) == rule)
        };
        let limit = verdict.listing.as_deref().and_then(|listing| listing.limit);
        let lists = matches!(capability, Capability::List | Capability::Scan);
        let expected = limit_of(united()).filter(|_| verdict.allowed && lists);
        prop_assert_eq!(limit.map(|limit| limit.get() as i64), expected);
        let approvals = verdict.demand.iter().flat_map(|demand| &demand.factors);
        let approvals: BTreeSet<_> = approvals.map(|factor| factor.approvals).collect();
        let meant = |(_, controlled): &&(usize, Vec<Capability>)| {
            controlled.is_empty() || controlled.contains(&capability)
        };
        let controls = united().filter_map(|block| block.control.as_ref());
        let expected: BTreeSet<_> = match verdict.allowed {
            true => controls
                .filter(meant)
                .map(|(approvals, _)| *approvals)
                .collect(),
            false => BTreeSet::new(),
        };
        prop_assert_eq!(approvals, expected, "approvals of {} {}", capability, path);
        let grants = |capability| united().any(|b| b.capabilities.contains(&capability));
        let sudo = grants(Capability::Sudo) && !grants(Capability::Deny);
        prop_assert_eq!(verdict.sudo, sudo, "sudo on {}", path);
        if !acl.needs_parameters(capability, path) {
            let without = Question {
                parameters: None,
                ..question
            };
            prop_assert_eq!(acl.check(&without).allowed, verdict.allowed);
        }

        if NO_OPERATIONS.contains(&capability) {
            continue;
        }
        count(&tally.triples, true);
        count(&tally.allowed, verdict.allowed);
        let covering = rules.iter().filter(|rule| covers(rule, path)).count();
        count(
            &tally.contested,
            covering > 1 && rule.is_some_and(is_pattern),
        );
        count(
            &tally.restricted,
            grants(capability) && !grants(Capability::Deny) && !verdict.allowed,
        );
    }
    Ok(())
}
