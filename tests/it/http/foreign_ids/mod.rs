//! Another workspace's ids in fields of forms and in addresses: nothing happens in either workspace, and the answer is
//! the one for an id that was never there (W-3). The paths are the business of `access`.

mod plain;
mod table;

use std::path::Path;

use baton::web::routes::TABLE;

use crate::support::traces::everything;
use crate::support::web::{Page, Site};
use crate::support::{World, on_both};
use plain::{PLAIN, WITHOUT};
use table::{Asked, addresses, forms, scene};

/// What a page says, without what differs from one answer to the next.
fn said(page: &Page) -> (u16, String) {
    (page.status.as_u16(), page.text("body"))
}

on_both! {
    async fn another_workspaces_ids_in_forms_do_nothing(w: World) {
        let site = Site::on(w.db.clone()).await;
        let s = scene(&w);
        let olga = site.logged_in(&w, w.olga).await;
        let mut before = everything(&w);
        let mut wrong = Vec::new();
        for one in forms(&w, &s) {
            let (theirs, never) = one.of.strange(&w);
            let (foreign, unknown) = (one.post(&olga, &theirs).await, one.post(&olga, &never).await);
            let what = format!("POST {} {:?} with {} {:?}", one.path, one.rest, one.field, one.of);
            if !matches!(foreign.status.as_u16(), 404 | 409 | 422) {
                wrong.push(format!("{what}: {}", foreign.status));
            } else if said(&foreign) != said(&unknown) {
                let (one, two) = (said(&foreign), said(&unknown));
                let at = one.1.chars().zip(two.1.chars()).take_while(|(one, two)| one == two).count();
                let rest = |text: &str| text.chars().skip(at).take(200).collect::<String>();
                wrong.push(format!("{what}: {} {:?} is not {} {:?}", one.0, rest(&one.1), two.0, rest(&two.1)));
            }
            let after = everything(&w);
            if after != before {
                let new: Vec<_> = after.iter().filter(|row| !before.contains(row)).collect();
                wrong.push(format!("{what} changed something: {new:?}"));
                before = after;
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    async fn another_workspaces_ids_in_addresses_are_not_there(w: World) {
        let site = Site::on(w.db.clone()).await;
        let s = scene(&w);
        let olga = site.logged_in(&w, w.olga).await;
        let before = everything(&w);
        let mut wrong = Vec::new();
        for one in addresses(&w, &s) {
            let (theirs, never) = one.of.strange(&w);
            let (foreign, unknown) = (one.get(&olga, &theirs).await, one.get(&olga, &never).await);
            let what = format!("GET {} {:?} with {} {:?}", one.path, one.rest, one.field, one.of);
            if foreign.status.as_u16() != 404 {
                wrong.push(format!("{what}: {}", foreign.status));
            } else if said(&foreign) != said(&unknown) {
                let (one, two) = (said(&foreign), said(&unknown));
                let at = one.1.chars().zip(two.1.chars()).take_while(|(one, two)| one == two).count();
                let rest = |text: &str| text.chars().skip(at).take(200).collect::<String>();
                wrong.push(format!("{what}: {} {:?} is not {} {:?}", one.0, rest(&one.1), two.0, rest(&two.1)));
            }
            if !one.ours.is_empty() {
                let page = one.get(&olga, &one.ours).await;
                if page.status.as_u16() != 200 {
                    wrong.push(format!("{what}, our own: {}", page.status));
                }
            }
        }
        assert_eq!(everything(&w), before);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn every_form_and_every_field_is_in_the_list(w: World) {
        let s = scene(&w);
        let (forms, addresses) = (forms(&w, &s), addresses(&w, &s));
        for line in TABLE.iter().filter(|line| line.method == "POST") {
            let named = forms.iter().any(|one| one.line == line.path);
            let without = WITHOUT.contains(&line.path);
            assert!(named != without, "{}: say which of its fields are ids, or that none is", line.path);
        }
        for field in fields() {
            let named = forms.iter().chain(&addresses).any(|one| one.field == field);
            assert!(named != PLAIN.contains(&field.as_str()), "{field}: say what it names, or that it names nothing");
        }
    }
}

/// The names of all fields that the pages read from forms and addresses, as the source has them.
fn fields() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src/web/pages")];
    let mut files = vec![root.join("src/domain/inbox.rs"), root.join("src/domain/audit_filter.rs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        let in_domain = file.components().any(|part| part.as_os_str() == "domain");
        let mut reading = false;
        let mut derived = false;
        for line in text.lines() {
            let trimmed = line.trim();
            if line.starts_with("#[derive(") {
                derived = line.contains("Deserialize");
            } else if derived && line.contains("struct ") && line.ends_with('{') {
                reading = !in_domain || line.contains("struct Address");
                derived = false;
            } else if line == "}" {
                reading = false;
            } else if reading && !trimmed.starts_with("//") && !trimmed.starts_with('#') {
                let name = trimmed.trim_start_matches("pub(super) ").trim_start_matches("pub ");
                found.extend(name.split_once(':').map(|(name, _)| name.to_owned()));
            }
            for call in ["upload.one(\"", "upload.all(\""] {
                found.extend(
                    line.split(call).skip(1).filter_map(|rest| rest.split_once('"')).map(|one| one.0.to_owned()),
                );
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    assert!(found.len() > 60, "{found:?}");
    found
}

// Otherwise a form could be refused for another reason than the id. What the forms are is the same on both databases.
#[test]
fn the_same_forms_are_fine_with_our_own_ids() {
    crate::support::at_hand(async {
        let mut wrong = Vec::new();
        for form in 1.. {
            let w = World::on_sqlite();
            let site = Site::on(w.db.clone()).await;
            let s = scene(&w);
            let olga = site.logged_in(&w, w.olga).await;
            let mut fields: Vec<Asked> = forms(&w, &s);
            if !fields.iter().any(|one| one.form == form) {
                break;
            }
            fields.retain(|one| one.form == form && !one.ours.is_empty());
            let Some(first) = fields.first() else { continue };
            let mut names = vec![first.field];
            let mut all = Asked { rest: first.rest.clone(), ..fields.swap_remove(0) };
            for one in fields {
                if !names.contains(&one.field) {
                    names.push(one.field);
                    all.rest.push((one.field, one.ours));
                }
            }
            let page = all.post(&olga, &all.ours).await;
            if !matches!(page.status.as_u16(), 200 | 303) {
                wrong.push(format!("{} {:?} with {}: {:?}", all.path, all.rest, all.field, said(&page)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}
