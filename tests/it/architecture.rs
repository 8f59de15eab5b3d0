//! The layers of docs/architecture.md, held by reading the source. What the compiler holds (proofs of permissions, the
//! trail of each change) is not repeated here.

use std::path::{Path, PathBuf};

/// A source file without its unit tests.
struct Source {
    /// From the root of the project, with slashes.
    path: String,
    lines: Vec<(usize, String)>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|one| one.expect("a file").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("vendor") {
                files(&path, ending, found);
            }
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
}

fn read(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root().join(folder), ending, &mut found);
    assert!(!found.is_empty(), "{folder} has no .{ending}");
    let name = |path: &Path| path.strip_prefix(root()).expect("a file of ours").to_string_lossy().replace('\\', "/");
    found.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("text"))).collect()
}

/// The program's own source: comments and unit tests left out.
fn sources() -> Vec<Source> {
    let strip = |(path, text): (String, String)| {
        let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").enumerate();
        let lines = lines
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number + 1, line.to_owned()))
            .collect();
        Source { path, lines }
    };
    read("src", "rs").into_iter().map(strip).collect()
}

/// Fails with all that was found and the reason why it must not be.
fn none(found: &[String], why: &str) {
    assert!(found.is_empty(), "{why}\n  {}\n", found.join("\n  "));
}

/// The modules that a line names from the root of the library: of `crate::store::x` and `crate::{app, demo as sample}`.
fn modules(line: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    line.match_indices("crate::")
        .flat_map(|(at, mark)| {
            let rest = &line[at + mark.len()..];
            match rest.strip_prefix('{') {
                Some(list) => list.split(['}', ',']).map(|one| word(one.trim_start())).collect(),
                None => vec![word(rest)],
            }
        })
        .filter(|module| !module.is_empty() && module.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

/// What each folder may use beside itself; see the table in docs/architecture.md. `failure` and `config` belong to all.
const LAYERS: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("store", &["domain", "failure", "config", "mail"]),
    ("mail", &["domain", "failure"]),
    ("actions", &["domain", "store", "mail", "failure"]),
    ("tasks", &["domain", "store", "actions", "mail", "failure", "files"]),
    ("web", &["domain", "store", "actions", "tasks", "mail", "failure", "files", "telemetry"]),
    ("demo", &["domain", "store", "actions", "failure"]),
];

#[test]
fn each_layer_uses_only_what_is_below_it() {
    let mut found = Vec::new();
    for source in sources() {
        let Some((layer, below)) = LAYERS.iter().find(|(layer, _)| source.path.starts_with(&format!("src/{layer}/")))
        else {
            continue;
        };
        for (number, line) in &source.lines {
            for module in modules(line).iter().filter(|module| *module != layer && !below.contains(&module.as_str())) {
                found.push(format!("{}:{number} uses {module}", source.path));
            }
        }
    }
    none(&found, "A layer uses one above it: move the rule down, or the use up (docs/architecture.md).");
}

#[test]
fn only_the_store_speaks_sql() {
    // `failure` tells trouble with the database from a "no", and nothing else.
    let may = |path: &str| path.starts_with("src/store/") || path == "src/failure.rs";
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| !may(&source.path)) {
        for (number, line) in &source.lines {
            if line.contains("diesel::") || line.contains("sql_query") || line.contains("use diesel") {
                found.push(format!("{}:{number} {}", source.path, line.trim()));
            }
        }
    }
    none(
        &found,
        "SQL stands in src/store alone, where every query is bound to a workspace and runs on both databases.",
    );
}

#[test]
fn rules_know_neither_web_nor_database_nor_time() {
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| source.path.starts_with("src/domain/")) {
        // The clock is where time comes in, so that everybody else can be given another one.
        let is_clock = source.path == "src/domain/clock.rs";
        for (number, line) in source.lines.iter().filter(|_| !is_clock) {
            for outside in ["actix", "askama", "tokio", "diesel", "std::fs", "std::env", "tracing", "Utc::now"] {
                if line.contains(outside) {
                    found.push(format!("{}:{number} {}", source.path, line.trim()));
                }
            }
        }
    }
    none(&found, "A rule of src/domain is pure: what it needs to know is given to it.");
}

#[test]
fn verbs_open_no_unit_of_work_themselves() {
    let may = ["src/web/pages/", "src/web/extract.rs", "src/tasks/", "src/cli/", "src/demo/", "src/store/db.rs"];
    // That a session was used is noted wherever a request comes from.
    let also = "src/web/identify.rs";
    let mut found = Vec::new();
    for source in sources() {
        if may.iter().any(|may| source.path.starts_with(may)) || source.path == also {
            continue;
        }
        for (number, line) in &source.lines {
            if line.contains(".write_now(") || line.contains("db.write(") || line.contains("viewer.write(") {
                found.push(format!("{}:{number} {}", source.path, line.trim()));
            }
        }
    }
    none(
        &found,
        "A unit of work is opened by a page, a task or a command, and the verb works inside of it: two would not be one.",
    );
}

/// Who may write without a verb, and why.
const WRITERS: [(&str, &str); 8] = [
    ("src/demo/", "the sample is written as history: as it would have been left, not as it came about"),
    ("src/tasks/", "claims of tasks and mails, and tidying up, are no changes of anybody"),
    ("src/web/identify.rs", "that a session was used is noted at most once a minute, and is no event"),
    ("src/web/session.rs", "what a session remembers between two requests is no change of the workspace"),
    ("src/web/pages/settings_outbox.rs", "queueing a mail again is one statement with its event"),
    ("src/web/pages/setup.rs", "the set-up link is used up by whoever makes the first workspace"),
    ("src/cli/serve.rs", "before the first set-up there is no workspace to act in"),
    ("src/app.rs", "the cookies’ key is made before there is a workspace"),
];

/// The path of a call of the store that writes, if a line has one: `store::users::set_status`.
fn writes(line: &str) -> Option<String> {
    const VERBS: [&str; 6] = ["insert_", "set_", "delete_", "lock_", "take_", "requeue"];
    VERBS.iter().find_map(|verb| {
        line.match_indices(&format!("::{verb}")).find_map(|(at, _)| {
            let path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            let begin = line[..at]
                .rfind(|c| !path(c))
                .map_or(0, |before| before + line[before..].chars().next().map_or(1, char::len_utf8));
            let end = line[at..].find(|c| !path(c)).map_or(line.len(), |end| at + end);
            let called = &line[begin..end];
            let is_call = line[end..].starts_with('(') || line[end..].starts_with(')');
            (is_call && called.starts_with(|c: char| c.is_ascii_lowercase()) && !called.contains("actions::"))
                .then(|| called.to_owned())
        })
    })
}

#[test]
fn changes_go_through_verbs() {
    let mut found = Vec::new();
    for source in sources() {
        let may = WRITERS.iter().any(|(may, _)| source.path.starts_with(may));
        if may
            || ["src/store/", "src/actions/", "src/domain/", "src/mail/"].iter().any(|own| source.path.starts_with(own))
        {
            continue;
        }
        for (number, line) in &source.lines {
            if let Some(call) = writes(line) {
                found.push(format!("{}:{number} {call}", source.path));
            }
        }
    }
    none(&found, "Only a verb of src/actions changes anything: it locks, decides, writes and records.");
    for (may, why) in WRITERS {
        let used = sources().iter().any(|source| {
            source.path.starts_with(may)
                && source.lines.iter().any(|(_, line)| {
                    writes(line).is_some() || line.contains("insert_setting") || line.contains("outbox::")
                })
        });
        assert!(used, "{may} no longer writes ({why}): take it off the list");
    }
}

/// Every reason for which something is written without an event. What people do to each other’s work is not among them.
const UNRECORDED: [&str; 18] = [
    "everybody was where they were to be",
    "everything was as it was to be",
    "the conversation had the tag already",
    "the conversation did not have the tag",
    "what somebody has read is theirs",
    "what somebody has typed and not sent is theirs",
    "it was woken already",
    "the same mail came at the same time",
    "it stands in its conversation already",
    "the message itself is the record",
    "the reply was queued again already",
    "the same form came at the same time",
    "each item's event was written with the item",
    "when somebody was last seen is kept with them",
    "a mail's state is its record",
    "that somebody is active again is seen from when they were last seen",
    "what the rule did is on record with each person",
    "the trail is written as it was left",
];

#[test]
fn what_leaves_no_trail_has_a_reason_that_is_known_here() {
    let mut found = Vec::new();
    let mut used = Vec::new();
    for source in sources() {
        let text: Vec<&str> = source.lines.iter().map(|(_, line)| line.as_str()).collect();
        for part in text.join(" ").split(".unrecorded(").skip(1) {
            let reason = part.split('"').nth(1).unwrap_or_default();
            match UNRECORDED.iter().find(|known| **known == reason) {
                Some(known) => used.push(*known),
                None if reason.starts_with("its trail is written") => {}
                None => found.push(format!("{}: {reason}", source.path)),
            }
        }
    }
    none(&found, "A change without an event (E-1): record one, or say here why none is needed.");
    let gone: Vec<String> =
        UNRECORDED.iter().filter(|known| !used.contains(known)).map(|gone| (*gone).to_owned()).collect();
    none(&gone, "Nothing gives this reason any more: take it off the list.");
}

#[test]
fn the_reader_of_lines_finds_what_it_is_for() {
    assert_eq!(modules("use crate::{app, demo as sample, telemetry};"), ["app", "demo", "telemetry"]);
    assert_eq!(modules("    let x: crate::domain::ids::JobId = crate::store::y();"), ["domain", "store"]);
    assert!(modules("use super::x; pub(crate) fn y()").is_empty());
    assert_eq!(
        writes("            store::sessions::set_seen(tx, session)?;").as_deref(),
        Some("store::sessions::set_seen")
    );
    assert_eq!(
        writes("db.anywhere_now(|ax| anywhere::insert_setup_link(ax, &secret))").as_deref(),
        Some("anywhere::insert_setup_link")
    );
    assert_eq!(writes("    actions::sessions::set_password(tx, user.id)"), None);
    assert_eq!(writes("    store::users::find(rx, id)?"), None);
}

#[test]
fn templates_escape_everything_but_what_is_markup_already() {
    // What a layout frames was rendered by a template; the HTML of a mail was sanitised when it was taken in.
    let may = |path: &str, expression: &str| {
        (path.starts_with("templates/layouts/") && expression == "content")
            || (path == "templates/partials/thread.html" && matches!(expression, "html" | "history"))
            || (path == "templates/mail/reply.html" && matches!(expression, "body" | "quoted.html"))
    };
    let mut found = Vec::new();
    for (path, text) in read("templates", "html") {
        for (number, line) in text.lines().enumerate() {
            let line = line.replace(" |", "|").replace("| ", "|");
            for (at, _) in line.match_indices("|safe") {
                let expression = line[..at].rsplit(['{', ' ', '(']).next().unwrap_or_default();
                if !may(&path, expression) {
                    found.push(format!("{path}:{} {expression}", number + 1));
                }
            }
            if line.contains("escape none") || line.contains("|escape(\"none\")") {
                found.push(format!("{path}:{} {}", number + 1, line.trim()));
            }
        }
    }
    none(
        &found,
        "What people typed is escaped; `safe` is for what is markup already, and each use of it stands in this test.",
    );
}

#[test]
fn templates_have_no_script_and_no_style_of_their_own() {
    let mut found = Vec::new();
    for (path, text) in read("templates", "html").into_iter().filter(|(path, _)| !path.starts_with("templates/mail")) {
        for (number, line) in text.lines().enumerate() {
            let inline = line.contains("<style") || line.contains(" style=\"") || line.contains("javascript:");
            let script = line.match_indices("<script").any(|(at, _)| !line[at..].contains("src="));
            let handler = [" onclick=", " onchange=", " onsubmit=", " oninput=", " onload=", " hx-on"]
                .iter()
                .any(|on| line.contains(on));
            if inline || script || handler {
                found.push(format!("{path}:{} {}", number + 1, line.trim().chars().take(120).collect::<String>()));
            }
        }
    }
    none(&found, "The policy of every page forbids script and style inside of it: they stand in static/.");
}

/// A file has one subject. One this long has two, mostly.
const LONG: usize = 500;

/// Files that are longer, with the reason. The list only gets shorter.
const LONGER: [(&str, &str); 7] = [
    ("src/demo/people.rs", "everybody of the sample, a line each"),
    ("src/store/schema.rs", "the schema is one table after the other"),
    ("src/store/db.rs", "the handles, the pool and the unit of work belong together"),
    ("src/store/bulk_jobs.rs", "jobs, their items and what is done to them"),
    ("src/store/users.rs", "users, their list and their locks"),
    ("src/store/import.rs", "rows of every kind, for the sample"),
    ("tests/e2e/support/browser.rs", "what a person can do with a browser"),
];
/// No reason is good enough for more.
const LONGEST: usize = 750;

#[test]
fn files_have_one_subject() {
    let mut long = Vec::new();
    for (path, text) in read("src", "rs").into_iter().chain(read("tests", "rs")) {
        let lines = text.lines().count();
        let known = LONGER.iter().any(|(longer, _)| *longer == path);
        if lines > if known { LONGEST } else { LONG } {
            long.push(format!("{path} has {lines} lines"));
        }
        if known && lines <= LONG {
            long.push(format!("{path} has {lines} lines: take it off the list of longer ones"));
        }
    }
    none(&long, "A file of more than 500 lines is split by subject.");
}
