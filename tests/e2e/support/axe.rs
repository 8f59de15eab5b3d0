//! axe-core on the page that a browser shows.

use std::fmt;

use serde_json::{Value, json};

use super::browser::{Browser, lines};

/// The library, as published (see its LICENSE beside it).
const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");

const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// The page is loaded already, so axe has no style sheets to fetch.
const RUN: &str = "const [tags, done] = arguments; \
    axe.run(document, { runOnly: tags, resultTypes: ['violations'], preload: false }) \
       .then(found => done(found.violations), error => done(String(error)));";

/// Something on a page that a person could stumble over.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule of axe, such as `color-contrast`.
    pub rule: String,
    /// What the rule asks for.
    pub help: String,
    /// Where, and what is wrong there.
    pub places: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.help)?;
        self.places.iter().try_for_each(|place| write!(f, "\n      {place}"))
    }
}

impl Browser {
    /// What axe finds on the page as it is now.
    #[track_caller]
    pub fn violations(&self) -> Vec<Violation> {
        if self.run("return typeof axe", vec![]) != "object" {
            self.run(AXE, vec![]);
        }
        let found = self.run_async(RUN, vec![json!(TAGS)]);
        match found.as_array() {
            Some(found) => found.iter().map(violation).collect(),
            None => panic!("axe did not run at {}: {found}", self.path()),
        }
    }

    /// Fails if axe finds anything on the page as it is now.
    #[track_caller]
    pub fn assert_clean(&self, page: &str) {
        let found = self.violations();
        assert!(found.is_empty(), "{page} ({}) has violations:\n{}", self.path(), lines(&found));
    }
}

fn violation(found: &Value) -> Violation {
    let nodes = found.get("nodes").and_then(Value::as_array);
    Violation {
        rule: text(found, "id"),
        help: text(found, "help"),
        places: nodes.into_iter().flatten().map(place).collect(),
    }
}

fn place(node: &Value) -> String {
    let target = node.get("target").and_then(Value::as_array);
    let target: Vec<String> =
        target.into_iter().flatten().map(|part| part.as_str().unwrap_or("…").to_owned()).collect();
    let summary = text(node, "failureSummary");
    let summary: Vec<&str> = summary.lines().skip(1).map(str::trim).collect();
    format!("{}: {}", target.join(" "), summary.join("; "))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
