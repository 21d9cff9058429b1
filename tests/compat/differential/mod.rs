//! One list of calls, two servers: a real `bao server -dev` and ours. Status, shape, stable values
//! and error texts must be the same.
//!
//! Where we part from the peer on purpose, `differences.json` says so with a reason; an entry that
//! covers nothing is itself a failure, so the table cannot outlive what it excuses.
//! `KEYWARD_AREA=kv2` runs one area alone; `KEYWARD_DUMP=FILE` writes the peer's replies there, one
//! JSON line a call.

mod call;
mod compare;
mod normalise;

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::Write,
    path::Path,
};

use serde_json::{Value, json};

use self::{
    call::{Call, Names},
    compare::{Difference, OnPurpose, compare},
    normalise::normalise,
};
use crate::support::{Answer, Client, Target};

/// Where the lists and the table lie; they are read when the test runs.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/compat/differential");
/// Reply headers that are compared for every call.
const HEADERS: &[&str] = &["allow", "cache-control", "content-type"];

#[tokio::test]
async fn keyward_answers_as_the_peer_does() {
    let table = OnPurpose::table(&read(&Path::new(HERE).join("differences.json")));
    let found = run(&Target::peer(), &Target::keyward()).await;
    let (meant, unmeant): (Vec<_>, Vec<_>) = found
        .iter()
        .partition(|it| table.iter().any(|entry| entry.covers(it)));
    let unused: Vec<_> = table
        .iter()
        .filter(|entry| !meant.iter().any(|difference| entry.covers(difference)))
        .filter(|_| env::var_os("KEYWARD_AREA").is_none())
        .collect();
    for difference in &unmeant {
        println!("{difference}");
    }
    for entry in &unused {
        println!("differences.json excuses what does not differ: {entry}");
    }
    assert!(
        unmeant.is_empty() && unused.is_empty(),
        "{} differences, {} unused excuses",
        unmeant.len(),
        unused.len()
    );
}

/// Proves the rules that normalise: what differs between two peers would differ by chance.
#[tokio::test]
async fn two_peers_answer_alike() {
    let found = run(&Target::peer(), &Target::peer()).await;
    for difference in &found {
        println!("{difference}");
    }
    assert!(found.is_empty(), "{} differences", found.len());
}

/// Sends every call to both servers.
async fn run(peer: &Target, ours: &Target) -> Vec<Difference> {
    let only = env::var("KEYWARD_AREA").ok();
    let mut dump = env::var_os("KEYWARD_DUMP").map(|path| File::create(path).unwrap());
    let mut found = Vec::new();
    for (area, text) in areas() {
        if only.as_ref().is_some_and(|only| *only != area) {
            continue;
        }
        let mut peer = Side::new(peer);
        let mut ours = Side::new(ours);
        let calls = Call::list(&area, &text);
        println!("{area}: {} calls", calls.len());
        for call in calls {
            let (sent, answer) = peer.ask(&call).await;
            if let Some(dump) = &mut dump {
                writeln!(dump, "{}", record(&area, &sent, &answer)).unwrap();
            }
            let missed = peer.learn(&call, &answer);
            assert!(
                missed.is_none(),
                "{area}: {}: no {missed:?} in {}",
                call.call,
                answer.text
            );
            let left = peer.comparable(&call, &answer);
            let (_, answer) = ours.ask(&call).await;
            ours.learn(&call, &answer);
            let right = ours.comparable(&call, &answer);
            let name = format!("{area}: {}", call.call);
            compare(&name, "", Some(&left), Some(&right), &mut found);
        }
    }
    found
}

/// The areas, by the name of their file: their lists' text.
fn areas() -> BTreeMap<String, String> {
    let folder = Path::new(HERE).join("calls");
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            (
                file.file_stem().unwrap().to_string_lossy().into_owned(),
                read(&file),
            )
        })
        .collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// One of the two servers and the names its replies have given.
struct Side {
    client: Client,
    names: Names,
}

impl Side {
    fn new(target: &Target) -> Self {
        let names = BTreeMap::from([("root".to_owned(), target.token.clone())]);
        Self {
            client: Client::new(target),
            names,
        }
    }

    async fn ask(&self, call: &Call) -> (Call, Answer) {
        let call = call.with(&self.names);
        let (method, path) = call.method_and_path();
        let headers: Vec<_> = call
            .headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let client = self.client.with_token(&call.token);
        let answer = client.send(method, path, &headers, call.payload()).await;
        (call, answer)
    }

    /// Takes the values that the call names out of its reply; returns a place that holds none.
    fn learn<'a>(&mut self, call: &'a Call, answer: &Answer) -> Option<&'a str> {
        let mut missed = None;
        for (name, pointer) in &call.capture {
            let value = match answer.json.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => {
                    missed = Some(pointer.as_str());
                    // A later call would have nothing to put in: it shall go on and fail by itself.
                    "missing".to_owned()
                }
            };
            self.names.insert(name.clone(), value);
        }
        missed
    }

    fn comparable(&self, call: &Call, answer: &Answer) -> Value {
        let shown = HEADERS
            .iter()
            .copied()
            .chain(call.show.iter().map(String::as_str));
        let headers: Value = shown
            .filter_map(|name| {
                let value = answer.headers.get(name)?.to_str().ok()?;
                Some((name.to_owned(), Value::from(value)))
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        let body = match &answer.json {
            Value::Null if answer.text.trim() != "null" => Value::from(answer.text.as_str()),
            json => normalise(json.clone(), &self.names, call),
        };
        json!({ "status": answer.status, "header": headers, "body": body })
    }
}

/// What went out and what came back, as a line for those who want to look.
fn record(area: &str, call: &Call, answer: &Answer) -> Value {
    let (method, path) = call.method_and_path();
    let headers: BTreeMap<_, _> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let reply = if answer.json.is_null() {
        Value::from(&*answer.text)
    } else {
        answer.json.clone()
    };
    json!({
        "area": area, "call": call.call, "method": method, "path": path,
        "request_headers": call.headers, "token": call.token, "request": call.payload(),
        "status": answer.status, "headers": headers, "reply": reply,
    })
}
