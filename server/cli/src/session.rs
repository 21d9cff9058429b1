//! What a command that talks to a server works with.

use std::fmt::Display;

use keyward_api::{
    Client, Endpoint, Failure, Reply,
    client::{CallError, HttpRequest, HttpResponse, Transport as _, percent_encode},
};
use keyward_crypto::{SecretBytes, SecretString};
use serde::de::DeserializeOwned;

use crate::{
    Io,
    answer::Answer,
    arguments::{Connection, Format},
    error::{Error, Outcome, describe},
    json::{self, Json},
    output, token_helper,
    transport::{Http, Unreachable},
};

/// The server, the streams, and how results are printed.
pub(crate) struct Session<'a, 'io> {
    pub(crate) http: Http,
    pub(crate) io: &'a mut Io<'io>,
    pub(crate) format: Format,
}

/// A request to any path: what is not known as an [`Endpoint`].
pub(crate) struct Raw<'a> {
    /// The HTTP method.
    pub(crate) method: &'static str,
    /// The path below `/v1/`.
    pub(crate) path: &'a str,
    /// The query without its question mark, ready to send; empty for none.
    pub(crate) query: String,
    /// The body.
    pub(crate) body: Option<SecretBytes>,
}

/// What is at a path.
pub(crate) enum Found {
    /// This.
    Answer(Answer),
    /// Nothing; the server may have said why.
    Nothing(Vec<String>),
}

impl Found {
    /// Insists that there is something at the path.
    pub(crate) fn at(self, path: &str) -> Outcome<Answer> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Nothing(reasons) => Err(Error::no_value(path, &reasons)),
        }
    }
}

impl<'a> Raw<'a> {
    /// A request without query and body.
    pub(crate) fn new(method: &'static str, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: String::new(),
            body: None,
        }
    }

    /// The same with a JSON body.
    pub(crate) fn with(self, body: &Json) -> Outcome<Self> {
        let body = body
            .to_bytes()
            .map_err(|error| Error::local(error.to_string()))?;
        Ok(Self {
            body: Some(body),
            ..self
        })
    }
}

impl Raw<'_> {
    /// Writes the request as it is sent.
    pub(crate) fn request(self) -> Result<HttpRequest, String> {
        let Self {
            method,
            path,
            query,
            body,
        } = self;
        let mut target = target(path)?;
        if !query.is_empty() {
            target = format!("{target}?{query}");
        }
        let mut headers = vec![("x-vault-request", SecretString::from("true"))];
        if body.is_some() {
            let kind = match method {
                "PATCH" => "application/merge-patch+json",
                _ => "application/json",
            };
            headers.push(("content-type", SecretString::from(kind)));
        }
        Ok(HttpRequest {
            method,
            target,
            headers,
            body,
        })
    }
}

impl<'a, 'io> Session<'a, 'io> {
    /// Prepares the connection that flags and environment describe.
    pub(crate) fn new(
        connection: &Connection,
        format: Option<Format>,
        io: &'a mut Io<'io>,
    ) -> Outcome<Self> {
        let token = match io.environment.setting("TOKEN") {
            Some(token) => Some(SecretString::from(token)),
            // Without a home there is no token kept.
            None => io
                .environment
                .home()
                .ok()
                .map(|home| token_helper::load(&home))
                .transpose()?
                .flatten(),
        };
        let format = match format {
            Some(format) => format,
            None => Format::of(&io.environment)?,
        };
        let http = Http::new(connection, &io.environment, token)?;
        Ok(Self { http, io, format })
    }

    /// Calls an endpoint; `doing` begins the sentence about a failure, as `sealing`.
    pub(crate) async fn call<E: Endpoint>(
        &self,
        doing: &str,
        mount: &str,
        request: &E,
    ) -> Outcome<Reply<E::Reply>> {
        let called = self.try_call(mount, request).await;
        called.map_err(|error| Error::call(doing, &error, &self.http.last()))
    }

    /// Calls an endpoint.
    pub(crate) async fn try_call<E: Endpoint>(
        &self,
        mount: &str,
        request: &E,
    ) -> Result<Reply<E::Reply>, CallError<Unreachable>> {
        // The transport knows the token: requests to any path need it as well.
        Client::new(&self.http, None).call(mount, request).await
    }

    /// Calls an endpoint to find out what it is that the user wants sent: it is neither wrapped nor
    /// only shown.
    pub(crate) async fn call_ahead<E: Endpoint>(
        &mut self,
        mount: &str,
        request: &E,
    ) -> Result<Reply<E::Reply>, CallError<Unreachable>> {
        let (wrap_ttl, preview) = (self.http.wrap_ttl.take(), self.http.preview.take());
        let called = self.try_call(mount, request).await;
        (self.http.wrap_ttl, self.http.preview) = (wrap_ttl, preview);
        called
    }

    /// Asks what is at a path to find out what to send; see [`call_ahead`](Self::call_ahead).
    pub(crate) async fn find_ahead(&mut self, doing: &str, raw: Raw<'_>) -> Outcome<Found> {
        let (wrap_ttl, preview) = (self.http.wrap_ttl.take(), self.http.preview.take());
        let found = self.find(doing, raw).await;
        (self.http.wrap_ttl, self.http.preview) = (wrap_ttl, preview);
        found
    }

    /// Sends a request to any path; `doing` begins the sentence about a failure. None is a success
    /// without a body.
    pub(crate) async fn send(&self, doing: &str, raw: Raw<'_>) -> Outcome<Option<Answer>> {
        let sent = self.try_send(raw).await;
        sent.map_err(|(error, _)| Error::call(doing, &error, &self.http.last()))
    }

    /// Calls an endpoint whose answer is shown as it came; see [`send`](Self::send).
    pub(crate) async fn send_to<E: Endpoint>(
        &self,
        doing: &str,
        mount: &str,
        request: &E,
    ) -> Outcome<Option<Answer>> {
        let path = format!("{mount}/{}", request.path());
        let body = Json::of(request).map_err(|error| Error::local(error.to_string()))?;
        let raw = Raw::new(E::OPERATION.method(), &path).with(&body)?;
        self.send(doing, raw).await
    }

    /// Asks what is at a path, or below it.
    pub(crate) async fn find(&self, doing: &str, raw: Raw<'_>) -> Outcome<Found> {
        match self.try_send(raw).await {
            Ok(Some(answer)) => Ok(Found::Answer(answer)),
            Ok(None) => Ok(Found::Nothing(Vec::new())),
            Err((
                CallError::Refused {
                    status: 404,
                    failure,
                    ..
                },
                _,
            )) => Ok(Found::Nothing(failure.errors)),
            Err((error, _)) => Err(Error::call(doing, &error, &self.http.last())),
        }
    }

    /// Sends a request to any path; see [`send`](Self::send). A refusal may carry an answer: a
    /// batch with a bad item has results.
    pub(crate) async fn try_send(
        &self,
        raw: Raw<'_>,
    ) -> Result<Option<Answer>, (CallError<Unreachable>, Option<Answer>)> {
        let response = exchange(&self.http, raw)
            .await
            .map_err(|error| (error, None))?;
        // EXPOSE: parsed into values that are wiped.
        let bytes = response.body.expose();
        if (200..300).contains(&response.status) {
            if bytes.is_empty() {
                return Ok(None);
            }
            let answer = Answer::read(bytes);
            return answer
                .map(Some)
                .map_err(|error| (CallError::Malformed(error.to_string()), None));
        }
        let answer = Answer::read(bytes).ok().filter(Answer::tells_something);
        let failure = serde_json::from_slice::<Failure>(bytes).unwrap_or_default();
        // A deleted version and a misplaced path have data or warnings to show.
        if response.status == 404 && failure.errors.is_empty() && answer.is_some() {
            return Ok(answer);
        }
        Err((refused_with(response, failure), answer))
    }

    /// Sends a request to one of the paths that answer without Vault's envelope.
    pub(crate) async fn bare<T: DeserializeOwned>(
        &self,
        raw: Raw<'_>,
    ) -> Result<T, CallError<Unreachable>> {
        bare(&self.http, raw).await
    }

    /// Sends a request to any path and prints its answer as it comes, until it ends; `doing` begins
    /// the sentence about a failure.
    pub(crate) async fn follow(&mut self, doing: &str, raw: Raw<'_>) -> Outcome {
        let request = raw.request().map_err(Error::local)?;
        let Self { http, io, .. } = self;
        let failed = |error: &dyn Display| Error::server(format!("Error {doing}: {error:#}"));
        let refusal = match http.open(&request).await.map_err(|error| failed(&error))? {
            Ok(parts) => {
                let followed = parts.hand_on(|part| io.pass(part)).await;
                return followed.map_err(|error| failed(&error));
            }
            Err(refusal) => refusal,
        };
        Err(Error::call(doing, &refused(refusal), &self.http.last()))
    }

    /// Prints the request that was to be shown, if one was; else a command ended as it did.
    pub(crate) fn conclude(&mut self, outcome: Outcome) -> Outcome {
        if self.http.preview.is_none() {
            return outcome;
        }
        match self.http.take_shown() {
            Some(shown) => Ok(self.io.say(&shown)?),
            None => outcome.and(Err(Error::local("this command sends no request"))),
        }
    }

    /// Says why the last call failed, in Vault's words.
    pub(crate) fn describe(&self, error: &CallError<Unreachable>) -> String {
        describe(error, &self.http.last())
    }

    /// Prints an answer: one field if asked for, or all of it in the format asked for.
    pub(crate) fn show(&mut self, answer: Answer, field: Option<&str>) -> Outcome {
        if let Some(name) = field {
            let missing = || Error::local(format!("Field {name:?} not present in secret"));
            return self.show_field(answer.field(name).ok_or_else(missing)?);
        }
        match self.format {
            Format::Table => {
                self.warn(&answer);
                let rows = answer.rows();
                if rows.is_empty() {
                    return Ok(());
                }
                Ok(self.io.print(&output::pairs(rows))?)
            }
            Format::Json | Format::Yaml => self.show_value(&answer.into_envelope()),
        }
    }

    /// Says that it is done. Readers of JSON or YAML see it by the exit code.
    pub(crate) fn success(&mut self, text: &str) -> Outcome {
        match self.format {
            Format::Table => Ok(self.io.print(&format!("Success! {text}\n"))?),
            Format::Json | Format::Yaml => Ok(()),
        }
    }

    /// Prints one value: as it is, so that it can be piped on, or in the format asked for.
    pub(crate) fn show_field(&mut self, value: &Json) -> Outcome {
        match self.format {
            Format::Table => {
                let end = if self.io.output_is_terminal { "\n" } else { "" };
                Ok(self.io.print(&format!("{}{end}", value.shown()))?)
            }
            Format::Json | Format::Yaml => self.show_value(value),
        }
    }

    /// Prints a value in the format asked for, which is none for people.
    pub(crate) fn show_value(&mut self, value: &Json) -> Outcome {
        let text = match self.format {
            Format::Yaml => json::yaml(value).map_err(|error| error.to_string()),
            Format::Json | Format::Table => {
                serde_json::to_string_pretty(value).map_err(|error| error.to_string())
            }
        };
        Ok(self.io.say(&text.map_err(Error::local)?)?)
    }

    /// Prints what an answer warns of.
    pub(crate) fn warn(&mut self, answer: &Answer) {
        let warnings = answer.warnings();
        if warnings.is_empty() {
            return;
        }
        let mut text =
            "WARNING! The following warnings were returned from the server:\n".to_owned();
        for warning in warnings {
            let lines = output::wrapped(&warning, 76).join("\n  ");
            text.push_str(&format!("\n  * {lines}\n"));
        }
        self.io.complain(&format!("{text}\n"));
    }
}

/// See [`Session::bare`].
pub(crate) async fn bare<T: DeserializeOwned>(
    http: &Http,
    raw: Raw<'_>,
) -> Result<T, CallError<Unreachable>> {
    let response = exchange(http, raw).await?;
    if (200..300).contains(&response.status) {
        // EXPOSE: parsed into a type that keeps its secrets wrapped.
        return serde_json::from_slice(response.body.expose())
            .map_err(|error| CallError::Malformed(error.to_string()));
    }
    Err(refused(response))
}

/// Sends a request to any path and returns whatever comes back.
async fn exchange(http: &Http, raw: Raw<'_>) -> Result<HttpResponse, CallError<Unreachable>> {
    let request = raw.request().map_err(CallError::Invalid)?;
    http.send(request).await.map_err(CallError::Transport)
}

/// Reads a refusal.
pub(crate) fn refused(response: HttpResponse) -> CallError<Unreachable> {
    // EXPOSE: a refusal holds no secret.
    let failure = serde_json::from_slice(response.body.expose()).unwrap_or_default();
    refused_with(response, failure)
}

fn refused_with(response: HttpResponse, failure: Failure) -> CallError<Unreachable> {
    CallError::Refused {
        status: response.status,
        request_id: response.request_id,
        failure,
    }
}

/// Writes parameters as a query, ready to send.
pub(crate) fn query(parameters: Option<&Json>) -> String {
    let entries = parameters.into_iter().flat_map(Json::entries);
    let pairs = entries.flat_map(|(name, value)| match value {
        Json::List(items) => items.iter().map(|item| (name, item.shown())).collect(),
        one => vec![(name, one.shown())],
    });
    let pairs =
        pairs.map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(&value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Writes a path as it stands in an address. A segment that would make it another path is refused.
fn target(path: &str) -> Result<String, String> {
    let (path, end) = path
        .strip_suffix('/')
        .map_or((path, ""), |path| (path, "/"));
    let mut target = "/v1".to_owned();
    for segment in path.split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err(format!(
                "the path {path:?} has an empty or relative segment"
            ));
        }
        target.push('/');
        target.push_str(&percent_encode(segment));
    }
    Ok(target + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reaches_the_server_as_it_was_written_or_not_at_all() {
        assert_eq!(target("a/b c?d#e%2f").unwrap(), "/v1/a/b%20c%3Fd%23e%252f");
        assert_eq!(target("a/").unwrap(), "/v1/a/");
        for bad in ["", "a//b", "../sys", "a/./b", "a/.."] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }
}
