//! The typed routes of an engine, matched by how specific they are, never by their order.

use std::{cmp::Ordering, future::Future, sync::Arc};

use keyward_api::{Access, Endpoint, Operation, schema};
use serde_json::Value;

use super::{BoxFuture, Call, Context, Fields, LoginClaim, extract::Extracted};
use crate::{Error, Principal, Response, json, lifecycle::Unsealed, listing::Page, view::View};

type Handler = Box<dyn Fn(Call) -> BoxFuture<'static, Result<Response, Error>> + Send + Sync>;
type Existence = Box<
    dyn Fn(Asker, Vec<(&'static str, String)>) -> BoxFuture<'static, Result<bool, Error>>
        + Send
        + Sync,
>;

/// Who would write something, and where: what the question whether it exists may depend on.
pub(crate) struct Asker {
    pub(crate) view: View,
    pub(crate) principal: Arc<Principal>,
    pub(crate) core: Arc<Unsealed>,
}

/// What is told of a route to who only looks at it: the document of the API, tests.
#[derive(Clone, Copy)]
pub struct Described {
    /// The name of its request, which says in words what it does.
    pub name: &'static str,
    /// Returns what is said of it, in Markdown; nothing of requests that are not of the API.
    pub text: fn() -> Option<&'static str>,
    /// What it does.
    pub operation: Operation,
    /// The path template, relative to the mount; see [`Endpoint::PATH`].
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Returns the schema of its parameters, those in the path included.
    pub parameters: fn() -> Option<Value>,
    /// Returns the schema of its answer; none if that has no data.
    pub reply: fn() -> Option<Value>,
    /// Whether it may have no data all the same.
    pub optional: bool,
    /// Whether it works with a named key on what the caller sends.
    pub keyed: bool,
    /// Whether the names in its path are the same in any case.
    pub any_case: bool,
    /// Whether its path may end in a slash.
    pub any_slash: bool,
    /// What an answer may also be; see [`Endpoint::STATUSES`].
    pub statuses: &'static [(&'static str, &'static str)],
}

impl Described {
    /// Describes an endpoint.
    #[must_use]
    pub const fn of<T: Endpoint>() -> Self {
        Self {
            name: T::NAME,
            text: schema::text_of::<T>,
            operation: T::OPERATION,
            path: T::PATH,
            access: T::ACCESS,
            parameters: schema::of::<T>,
            reply: schema::of::<T::Reply>,
            optional: T::OPTIONAL,
            keyed: T::KEYED,
            any_case: T::ANY_CASE,
            any_slash: T::ANY_SLASH,
            statuses: T::STATUSES,
        }
    }
}

/// One operation on one path template.
struct Route {
    described: Described,
    template: Template,
    handler: Handler,
    existence: Option<Existence>,
}

/// The routes of one mounted engine.
#[derive(Default)]
pub struct Routes {
    /// From the most specific template to the least.
    routes: Vec<Route>,
    /// Whether any of them is keyed.
    use_keys: bool,
    /// Whether any of them logs somebody in who may be locked out.
    have_logins: bool,
    /// Whether any of them takes one thing under several paths.
    have_spellings: bool,
}

/// A route that covers a path, with what its template captured.
pub struct Matched<'r> {
    route: &'r Route,
    captures: Vec<(&'static str, String)>,
}

/// Collects the routes of an engine `E`.
pub struct Builder<E> {
    engine: Arc<E>,
    routes: Routes,
}

impl Routes {
    /// Begins a list of routes whose handlers get `engine`.
    #[must_use]
    pub const fn of<E: Send + Sync + 'static>(engine: Arc<E>) -> Builder<E> {
        Builder {
            engine,
            routes: Self {
                routes: Vec::new(),
                use_keys: false,
                have_logins: false,
                have_spellings: false,
            },
        }
    }

    /// Finds the route for an operation on a path relative to the mount.
    ///
    /// # Errors
    /// [`Error::UnsupportedPath`] if no template covers the path, and
    /// [`Error::UnsupportedOperation`] if one does, but not for this operation.
    pub fn find(&self, operation: Operation, path: &str) -> Result<Matched<'_>, Error> {
        // A folder and its name are one thing to a list; elsewhere the slash counts.
        let path = match operation.lists() {
            true => path.strip_suffix('/').unwrap_or(path),
            false => path,
        };
        let mut covering: Option<&Template> = None;
        for route in &self.routes {
            // What covers the path most specifically decides; a catch-all behind it does not.
            if covering.is_some_and(|found| found.cmp_specific(&route.template).is_lt()) {
                break;
            }
            if let Some(captures) = route.template.captures(path) {
                if route.described.operation == operation {
                    return Ok(Matched { route, captures });
                }
                covering = Some(&route.template);
            }
        }
        Err(match covering {
            Some(_) => Error::UnsupportedOperation,
            None => Error::UnsupportedPath,
        })
    }

    /// Describes the routes that cover a path most specifically, whatever they do there.
    pub fn covering(&self, path: &str) -> impl Iterator<Item = Described> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let covers = |route: &&Route| route.template.captures(path).is_some();
        let first = self.routes.iter().find(covers);
        let as_specific = move |route: &&Route| {
            first.is_some_and(|first| first.template.cmp_specific(&route.template).is_eq())
        };
        let covering = self.routes.iter().filter(covers);
        covering.filter(as_specific).map(|route| route.described)
    }

    /// Tells whether what a path leads to is the same with its names in any case, and whether it is
    /// the same with a slash behind it.
    pub(crate) fn same_in(&self, path: &str) -> (bool, bool) {
        let (mut any_case, mut any_slash) = (false, false);
        if self.have_spellings {
            for route in self.covering(path) {
                any_case |= route.any_case;
                any_slash |= route.any_slash;
            }
        }
        (any_case, any_slash)
    }

    /// Tells whether any of them works with named keys.
    pub(crate) const fn use_keys(&self) -> bool {
        self.use_keys
    }

    /// Tells whether any of them logs somebody in who may be locked out.
    pub(crate) const fn have_logins(&self) -> bool {
        self.have_logins
    }

    /// Describes every route.
    pub fn describe(&self) -> impl Iterator<Item = Described> {
        self.routes.iter().map(|route| route.described)
    }
}

impl<E: Send + Sync + 'static> Builder<E> {
    /// Adds the handler of one endpoint.
    #[must_use]
    pub fn on<T, F, Fut>(self, handler: F) -> Self
    where
        T: Endpoint,
        F: Fn(Context<E>, T) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<T::Reply>, Error>> + Send + 'static,
    {
        self.add::<T, F, Fut>(handler, None, None)
    }

    /// Adds the handler of an endpoint that logs somebody in; `claim` tells as whom. Whoever fails
    /// there too often is locked out: the handler is not called then.
    #[must_use]
    pub fn on_login<T, F, Fut>(mut self, handler: F, claim: fn(&T) -> LoginClaim) -> Self
    where
        T: Endpoint,
        F: Fn(Context<E>, T) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<T::Reply>, Error>> + Send + 'static,
    {
        self.routes.have_logins = true;
        self.add::<T, F, Fut>(handler, None, Some(claim))
    }

    /// Adds the handler of one endpoint that creates what does not exist: where `exists` answers
    /// no, the operation is [`Operation::Create`] and asks for the capability `create`.
    #[must_use]
    pub fn on_upsert<T, F, Fut, X, XFut>(self, handler: F, exists: X) -> Self
    where
        T: Endpoint,
        F: Fn(Context<E>, T) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<T::Reply>, Error>> + Send + 'static,
        X: Fn(Arc<E>, View, String) -> XFut + Copy + Send + Sync + 'static,
        XFut: Future<Output = Result<bool, Error>> + Send + 'static,
    {
        let engine = Arc::clone(&self.engine);
        let existence: Existence = Box::new(move |asker, captures| {
            Box::pin(exists(Arc::clone(&engine), asker.view, first(captures)))
        });
        self.add::<T, F, Fut>(handler, Some(existence), None)
    }

    /// Adds the handler of an endpoint like [`on_upsert`](Self::on_upsert) where what exists depends
    /// on whose it is.
    #[must_use]
    pub(crate) fn on_own_upsert<T, F, Fut, X, XFut>(self, handler: F, exists: X) -> Self
    where
        T: Endpoint,
        F: Fn(Context<E>, T) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<T::Reply>, Error>> + Send + 'static,
        X: Fn(Asker, String) -> XFut + Copy + Send + Sync + 'static,
        XFut: Future<Output = Result<bool, Error>> + Send + 'static,
    {
        let existence: Existence =
            Box::new(move |asker, captures| Box::pin(exists(asker, first(captures))));
        self.add::<T, F, Fut>(handler, Some(existence), None)
    }

    /// Ends the list.
    #[must_use]
    pub fn build(self) -> Routes {
        let mut routes = self.routes;
        routes
            .routes
            .sort_by(|a, b| a.template.cmp_specific(&b.template));
        routes
    }

    fn add<T, F, Fut>(
        mut self,
        handler: F,
        existence: Option<Existence>,
        claim: Option<fn(&T) -> LoginClaim>,
    ) -> Self
    where
        T: Endpoint,
        F: Fn(Context<E>, T) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<T::Reply>, Error>> + Send + 'static,
    {
        let engine = Arc::clone(&self.engine);
        let handler: Handler = Box::new(move |mut call: Call| {
            let engine = Arc::clone(&engine);
            let page = call.page.take();
            Box::pin(async move {
                let request = Arc::clone(&call.request);
                // Before anything is done: what was done could not be told.
                if T::DOCUMENT && T::OPERATION != Operation::Read && request.wrap_ttl.is_some() {
                    return Err(Error::invalid(
                        "an answer that has no envelope cannot be wrapped",
                    ));
                }
                let extracted = {
                    // EXPOSE: parsed into the typed request, which keeps its secrets wrapped.
                    let mut fields = Fields::parse(request.body.expose())?;
                    if let Some(Page { limit, after }) = &page {
                        fields.set("limit", limit);
                        if let Some(after) = after {
                            fields.set("after", after);
                        }
                    }
                    fields.extract::<T>(&call.captures, T::FREE_FORM)?
                };
                let Extracted {
                    mut value,
                    warnings,
                } = extracted;
                if let Some(principal) = &call.principal
                    && !principal.token.caveats().is_empty()
                    && let Some(used) = value.key_use()
                {
                    principal.token.caveats().permit(&call.mount.path, used)?;
                }
                let core = Arc::clone(&call.core);
                let attempt = match claim {
                    Some(claim) => core.lockouts.begin(&call.mount, &claim(&value), call.now)?,
                    None => None,
                };
                let mut came = handler(Context::new(engine, call), value).await;
                if let Some(attempt) = attempt {
                    came = attempt.finish(came, core.clock.now());
                }
                let mut response = came?;
                response.warnings.extend(warnings);
                erase(response)
            })
        });
        self.routes.use_keys |= T::KEYED;
        self.routes.have_spellings |= T::ANY_CASE || T::ANY_SLASH;
        self.routes.routes.push(Route {
            described: Described::of::<T>(),
            template: Template::parse(T::PATH),
            handler,
            existence,
        });
        self
    }
}

impl Matched<'_> {
    /// Returns who may call.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.route.described.access
    }

    /// Tells whether it works with named keys.
    pub(crate) const fn uses_keys(&self) -> bool {
        self.route.described.keyed
    }

    /// Tells whether it gives a list in parts, and so takes `after` and `limit`.
    pub(crate) fn pages(&self) -> bool {
        let parameters = (self.route.described.parameters)().unwrap_or_default();
        let takes = |name: &str| parameters["properties"].get(name).is_some();
        takes("after") && takes("limit")
    }

    /// Decides between create and update where the route tells them apart.
    pub(crate) async fn operation(
        &self,
        asker: impl FnOnce() -> Asker,
    ) -> Result<Operation, Error> {
        match &self.route.existence {
            Some(exists) if !exists(asker(), self.captures.clone()).await? => Ok(Operation::Create),
            _ => Ok(self.route.described.operation),
        }
    }

    /// Takes the captures, for the call.
    pub(crate) fn take_captures(&mut self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.captures)
    }

    /// Runs the handler.
    pub(crate) fn run(&self, call: Call) -> BoxFuture<'static, Result<Response, Error>> {
        (self.route.handler)(call)
    }
}

/// The capture that names what is written; empty if the template has none.
fn first(captures: Vec<(&'static str, String)>) -> String {
    let first = captures.into_iter().next();
    first.map(|(_, value)| value).unwrap_or_default()
}

/// Turns a typed answer into its JSON text in a wiped buffer.
fn erase<T: serde::Serialize>(response: Response<T>) -> Result<Response, Error> {
    Ok(Response {
        data: response.data.as_ref().map(json::to_secret).transpose()?,
        warnings: response.warnings,
        auth: response.auth,
        lease: response.lease,
        outcome: response.outcome,
        at_top: response.at_top,
        accessor: response.accessor,
        wrapped: response.wrapped,
        document: response.document,
    })
}

/// A parsed path template; see [`Endpoint::PATH`].
struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    /// One segment of Vault's key name form.
    Name(&'static str),
    /// The same, or nothing.
    OptionalName(&'static str),
    /// All that is left.
    Rest(&'static str),
    /// One segment or more, up to the literals that end the template.
    Several(&'static str),
}

impl Segment {
    const fn rank(self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Name(_) => 1,
            Self::OptionalName(_) => 2,
            Self::Several(_) => 3,
            Self::Rest(_) => 4,
        }
    }
}

impl Template {
    fn parse(text: &'static str) -> Self {
        let segment = |part: &'static str| {
            let capture = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            match capture {
                None => Segment::Literal(part),
                Some(name) => match name.split_at(name.len().saturating_sub(1)) {
                    (name, "*") => Segment::Rest(name),
                    (name, "+") => Segment::Several(name),
                    (name, "?") => Segment::OptionalName(name),
                    _ => Segment::Name(name),
                },
            }
        };
        Self {
            segments: text.split('/').map(segment).collect(),
        }
    }

    /// Orders the more specific template first: literals before captures, segment by segment.
    fn cmp_specific(&self, other: &Self) -> Ordering {
        let ranks = |template: &Self| {
            template
                .segments
                .iter()
                .map(|segment| segment.rank())
                .collect::<Vec<_>>()
        };
        ranks(self)
            .cmp(&ranks(other))
            .then_with(|| other.segments.len().cmp(&self.segments.len()))
    }

    fn captures(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let mut captures = Vec::new();
        let mut rest = Some(path);
        for (index, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Rest(name) => {
                    captures.push((*name, rest.unwrap_or_default().to_owned()));
                    return Some(captures);
                }
                Segment::Several(name) => {
                    captures.push((*name, self.before_tail(index, rest?)?.to_owned()));
                    return Some(captures);
                }
                _ => {}
            }
            let (part, after) = match rest {
                None => (None, None),
                Some(path) => match path.split_once('/') {
                    Some((part, after)) => (Some(part), Some(after)),
                    None => (Some(path), None),
                },
            };
            match (segment, part) {
                (Segment::Literal(literal), Some(part)) if *literal == part => {}
                (Segment::Name(name) | Segment::OptionalName(name), Some(part))
                    if is_name(part) =>
                {
                    captures.push((*name, part.to_owned()));
                }
                (Segment::OptionalName(_), None) => {}
                _ => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(captures)
    }

    /// Cuts the literals behind the segment at `index` off the end of `path`.
    fn before_tail<'p>(&self, index: usize, path: &'p str) -> Option<&'p str> {
        let mut path = path;
        for segment in self.segments[index + 1..].iter().rev() {
            let Segment::Literal(literal) = segment else {
                return None;
            };
            path = path.strip_suffix(literal)?.strip_suffix('/')?;
        }
        (!path.is_empty()).then_some(path)
    }
}

/// Tells whether a segment has the form of a key name: `\w(([\w-.]+)?\w)?` with ASCII words.
#[must_use]
pub fn is_name(part: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = part.as_bytes();
    bytes.first().copied().is_some_and(word)
        && bytes.last().copied().is_some_and(word)
        && bytes
            .iter()
            .all(|&byte| word(byte) || byte == b'-' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
        Template::parse(template).captures(path)
    }

    #[test]
    fn a_template_captures_names_and_rests() {
        assert_eq!(
            captures("keys/{name}", "keys/a-b.c"),
            Some(vec![("name", "a-b.c".into())])
        );
        assert_eq!(captures("keys/{name}", "keys/-a"), None);
        assert_eq!(captures("keys/{name}", "keys/a/"), None);
        assert_eq!(captures("keys/{name}", "keys"), None);
        assert_eq!(
            captures("data/{path*}", "data/a/b/"),
            Some(vec![("path", "a/b/".into())])
        );
        assert_eq!(
            captures("metadata/{path*}", "metadata"),
            Some(vec![("path", String::new())])
        );
        assert_eq!(
            captures("m/{path+}/tune", "m/a/b/tune"),
            Some(vec![("path", "a/b".into())])
        );
        assert_eq!(captures("m/{path+}/tune", "m/tune"), None);
        assert_eq!(
            captures("sign/{name}/{hash?}", "sign/a"),
            Some(vec![("name", "a".into())])
        );
        assert_eq!(
            captures("sign/{name}/{hash?}", "sign/a/sha2-256"),
            Some(vec![("name", "a".into()), ("hash", "sha2-256".into())])
        );
    }

    #[test]
    fn the_more_specific_template_comes_first() {
        let order = |a, b| Template::parse(a).cmp_specific(&Template::parse(b));
        assert_eq!(order("keys/import", "keys/{name}"), Ordering::Less);
        assert_eq!(order("keys/{name}", "{path*}"), Ordering::Less);
        assert_eq!(order("config", "{path*}"), Ordering::Less);
        assert_eq!(
            order("keys/{name}/rotate", "keys/{name}"),
            Ordering::Greater
        );
    }
}
