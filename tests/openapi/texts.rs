//! What the document of the API says in words: of everything, and in no words of Rust.

use serde_json::Value;

use super::House;

/// What a text for users of the API has no use for.
const WORDS: &[&str] = &[
    "Deserialize",
    "None",
    "Option",
    "Serialize",
    "crate",
    "enum",
    "serde",
    "struct",
];

/// How rustdoc writes links and paths.
const MARKS: &[&str] = &["[`", "`]", "](", "::"];

/// What a document lacks, or says wrongly.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn look_at(&mut self, place: &str, value: &Value) {
        match value {
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    self.look_at(&format!("{place}/{number}"), item);
                }
            }
            Value::Object(members) => {
                if members.contains_key("operationId") {
                    self.operation(place, value);
                }
                if members.contains_key("in") {
                    let place = format!("{place} ({})", value["name"]);
                    self.text(&place, &value["description"]);
                }
                if let Some(Value::Object(properties)) = members.get("properties") {
                    for (name, property) in properties {
                        self.text(&format!("{place} ({name})"), &property["description"]);
                    }
                }
                for (name, member) in members {
                    self.look_at(&format!("{place}/{name}"), member);
                }
            }
            _ => {}
        }
    }

    fn operation(&mut self, place: &str, operation: &Value) {
        self.text(place, &operation["summary"]);
        self.text(place, &operation["description"]);
        let summary = operation["summary"].as_str().unwrap_or_default();
        let id = operation["operationId"].as_str().unwrap_or_default();
        // Made of the name of the request, for want of a text.
        let is_made_up = id.ends_with(&summary.to_lowercase().replace(' ', "-"));
        if is_made_up || summary.starts_with('`') || summary.ends_with('.') {
            self.0.push(format!("{place}: {summary}"));
        }
    }

    fn text(&mut self, place: &str, text: &Value) {
        let text = text.as_str().unwrap_or_default();
        let mut words = text.split(|it: char| !it.is_alphanumeric());
        let is_rust = words.any(|word| WORDS.contains(&word))
            || MARKS.iter().any(|mark| text.contains(mark))
            || text.split('`').skip(1).step_by(2).any(is_type);
        if text.is_empty() || is_rust {
            self.0.push(format!("{place}: {text}"));
        }
    }
}

/// Tells whether a code span is the name of a type: two words, each with its capital.
fn is_type(code: &str) -> bool {
    let capitals = code.matches(char::is_uppercase).count();
    let all = code.chars().all(char::is_alphabetic);
    all && capitals > 1
        && code.starts_with(char::is_uppercase)
        && code.ends_with(char::is_lowercase)
}

#[tokio::test]
async fn every_operation_and_every_value_is_explained_and_not_in_rust() {
    let house = House::start().await;
    for query in ["", "?generic_mount_paths=true"] {
        let path = format!("sys/internal/specs/openapi{query}");
        let document = house.root.get(&path).await.expect(200);
        let mut faults = Faults::default();
        for part in ["/paths", "/components"] {
            faults.look_at(part, document.at(part));
        }
        assert!(faults.0.is_empty(), "{:#?}", faults.0);
    }
}
