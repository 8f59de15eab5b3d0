//! No axe violation on any page, in any dialog, with any menu open; light and dark, wide, narrow and narrower; and nothing is
//! wider than the window. The pages are those of the route table: a new one is walked as soon as something links to it.

use std::collections::BTreeSet;
use std::path::Path;

use baton::web::routes::TABLE;
use chrono::TimeDelta;
use serde_json::Value;

use super::support::app::App;
use super::support::browser::{Browser, DESKTOP, PHONE, SMALL_PHONE, Scheme, lines};
use super::support::sample;
use super::support::smtp::Smtp;

/// Answers that are no pages: files (and what is exported), and pieces that a page asks for.
const NO_PAGES: [&str; 9] = [
    "/",
    "/settings",
    "/attachments/{id}",
    "/settings/outbox/quarantine/{id}",
    // Nothing of the sample is kept aside that could be read.
    "/settings/outbox/quarantine/{id}/take-in",
    "/jobs/{id}/progress",
    "/events",
    "/conversations/{id}/presence",
    "/conversations/{id}/draft",
];
/// Lists whose only entry leads to what others do not lead to: somebody who comes back to the dialog of dates, a team with
/// somebody who cannot log in to the dialog that takes them off. And somebody whose leave is planned.
const ONLY: [&str; 4] = [
    "/settings/users/inactive?q=leila.haddad",
    "/settings/teams?q=returns",
    "/settings/users?q=jonas.bergstrom",
    "/settings/channels?q=support%20email",
];
/// Where the walk starts, besides the addresses without an id.
const SEEDS: [&str; 3] =
    ["/inbox/bulk/confirm?target=none&conversation=7&conversation=8", "/conversations/7", "/nowhere"];
/// More of what pages can show.
const STATES: [&str; 19] = [
    "/contacts?q=nobody-is-called-so",
    "/contacts?sort=newest",
    "/settings/users/inactive?state=removed",
    "/inbox?view=snoozed",
    "/inbox?view=unassigned&select=matching",
    "/inbox?assignee=inactive&priority=high",
    "/inbox?view=needs_handover",
    "/inbox?q=nothing-has-these-words",
    "/settings/users?q=nobody",
    "/settings/users?sort=-open_work",
    "/settings/users/inactive?q=ruth",
    "/settings/teams?q=nothing",
    "/settings/channels?q=nothing",
    "/settings/audit?when=days&actor=system",
    "/settings/audit?q=nothing-has-this-name",
    "/settings/security?preview=on&inactivity_days=30",
    "/settings/users?select=page",
    "/settings/users/bulk/confirm?action=deactivate&scope=matching&status=active",
    "/settings/users/bulk/confirm?action=role&scope=matching&status=active",
];
type Opened = (&'static str, &'static str, &'static [&'static str], &'static str);

/// Stands for a conversation that is open.
const OPEN: &str = "an open conversation";
/// What opens on a page, by clicks one after the other: name, page, what to click, what is there then.
const OPENED: [Opened; 34] = [
    ("account menu", "/inbox", &["[popovertarget=me-menu]"], "#me-menu:popover-open"),
    ("keys", "/inbox", &["[data-show-dialog=keys]"], "#keys[open]"),
    ("filters", "/inbox", &["[popovertarget=filter-pop]"], "#filter-pop:popover-open"),
    ("sorts", "/inbox", &["[popovertarget=sort-menu]"], "#sort-menu:popover-open"),
    ("selection", "/inbox", &["input[data-all]"], ".bulkbar:not([hidden])"),
    ("bulk picker", "/inbox", &["input[data-all]", "[popovertarget=bulk-assign]"], "#bulk-assign:popover-open"),
    ("bulk confirmation", "/inbox", &["input[data-all]", ".bulkbar [value=none]"], "dialog[open]"),
    ("picker", OPEN, &["[popovertarget=assign]"], "#assign:popover-open"),
    ("snooze", OPEN, &["[popovertarget=snooze]"], "#snooze:popover-open"),
    ("contact", OPEN, &["[popovertarget=contact]"], "#contact:popover-open"),
    ("merge contacts", "/contacts", &["tbody a.person-name", "header a[href$='/merge']"], "dialog[open] #merge-q"),
    ("merge conversations", OPEN, &["[popovertarget=contact]", "#contact a[href$='/merge']"], "dialog[open]"),
    ("priority", OPEN, &["[popovertarget=priority]"], "#priority:popover-open"),
    ("tag", OPEN, &["[popovertarget=add-tag]"], "#add-tag:popover-open"),
    ("user menu", "/settings/users", &["tbody [popovertarget]"], ".menu:popover-open"),
    ("invite", "/settings/users", &["header a[href='/settings/users/invite']"], "dialog[open] #email"),
    (
        "refused invite",
        "/settings/users",
        &["header a[href='/settings/users/invite']", "dialog [type=submit]"],
        ".error-summary",
    ),
    (
        "deactivate",
        "/settings/users?q=alice.martin",
        &["tbody [popovertarget]", "[role=menuitem][href$='/deactivate']"],
        "dialog[open]",
    ),
    (
        "remove",
        "/settings/users?q=alice.martin",
        &["tbody [popovertarget]", "[role=menuitem][href$='/remove']"],
        "dialog[open]",
    ),
    (
        "delete",
        "/settings/users?q=alice.martin",
        &["tbody [popovertarget]", "[role=menuitem][href$='/delete']"],
        "dialog[open]",
    ),
    (
        "delete for good",
        "/settings/users/inactive?state=removed",
        &["tbody [popovertarget]", "[role=menuitem][href$='/delete']"],
        "dialog[open]",
    ),
    (
        "only Owner",
        "/settings/users?q=dana.weiss",
        &["tbody [popovertarget]", "[role=menuitem][href$='/deactivate']"],
        "dialog[open]",
    ),
    (
        "cancel invite",
        "/settings/users/invites",
        &["tbody [popovertarget]", "[role=menuitem][href$='/cancel']"],
        "dialog[open]",
    ),
    ("new channel", "/settings/channels", &["a[href='/settings/channels/new']"], "dialog[open] #name"),
    (
        "off all channels",
        "/settings/users?q=alice.martin",
        &["tbody .person-name", "a[href$='/channels/leave']"],
        "dialog[open]",
    ),
    ("several users", "/settings/users", &["input[data-all]", ".bulkbar [value=deactivate]"], "dialog[open] select"),
    ("why not", "/settings/users/inactive", &["tbody .person-name", "a[href$='/why']"], "dialog[open] #permission"),
    ("invites selected", "/settings/users/invites", &["input[data-all]"], ".bulkbar"),
    (
        "list of invites",
        "/settings/users/invites",
        &["header a[href='/settings/users/invite']", "dialog .segmented a:not([aria-current])", "dialog [name=step]"],
        "dialog .error-summary",
    ),
    ("leave team", "/settings/teams", &["tbody a.person-name", "td a[href*='/remove?user=']"], "dialog[open]"),
    (
        "remove inactive",
        "/settings/teams?q=returns",
        &["tbody a.person-name", "a[href$='/remove-inactive']"],
        "dialog[open] .leavers",
    ),
    (
        "add members",
        "/settings/teams",
        &["tbody a.person-name", ".add-members summary"],
        ".add-members[open] [data-find]",
    ),
    ("delete team", "/settings/teams", &["tbody [popovertarget]", "[role=menuitem][href$='/delete']"], "dialog[open]"),
    ("new team", "/settings/teams", &["a[href='/settings/teams/new']"], "dialog[open] #name"),
];
/// What only narrow windows have.
const NARROW: [Opened; 3] = [
    ("views", "/inbox", &[".views-toggle"], "#views:popover-open"),
    ("settings", "/settings/users", &[".settings-toggle"], "#settings-nav:popover-open"),
    ("phone picker", OPEN, &["[popovertarget=assign]"], "#assign:popover-open"),
];

/// The addresses on this site that the page names.
const LINKS: &str = "const found = new Set(); \
    for (const node of document.querySelectorAll('[href], [action], [hx-get]')) \
      for (const name of ['href', 'action', 'hx-get']) { \
        const value = node.getAttribute(name); \
        if (value?.startsWith('/')) found.add(value); \
      } \
    return [...found];";

/// What is wider than the window, if anything is.
const WIDE: &str = "const over = document.documentElement.scrollWidth - innerWidth; \
    if (over <= 0) return ''; \
    const wide = [...document.querySelectorAll('body *')].filter(n => n.getBoundingClientRect().right > innerWidth + 1); \
    return `${over} px too wide: ${wide.slice(-1)[0]?.outerHTML.slice(0, 120) ?? 'something'}`;";

/// Lists that fit into any window. (What compares roles, or ways to go, has more columns than a phone.)
const FIT: [&str; 7] = [
    "/settings/users",
    "/settings/users/inactive",
    "/settings/users/inactive?state=removed",
    "/settings/users/invites",
    "/settings/teams",
    "/settings/channels",
    "/settings/audit",
];
/// How much wider than its place the widest table is.
const OVER: &str =
    "return Math.max(0, ...[...document.querySelectorAll('.table-wrap')].map(n => n.scrollWidth - n.clientWidth));";

/// The bar of what is selected lies over the rows until the page is at its end.
const TO_THE_BAR: &str =
    "if (document.querySelector('.bulkbar')?.checkVisibility()) scrollTo(0, document.documentElement.scrollHeight);";

#[test]
fn no_page_has_a_violation() {
    let smtp = Smtp::start();
    let app = App::demo().conversations(60).env("BATON_SMTP_URL", smtp.url()).start();
    let mut walk = Walk::default();

    let owner = app.logged_in("Owner");
    // Something to look at: a bulk change, an invite and a link for a new password in the mail.
    owner.goto("/inbox/bulk/confirm?target=none&conversation=7&conversation=8");
    owner.click("main form[action='/inbox/bulk'] [type=submit]");
    owner.wait_for("#toasts a[href^='/jobs/']");
    walk.remember(&owner);
    owner.goto("/settings/users/invite");
    owner.fill("#email", "amara@fernhill.example");
    owner.fill("#full_name", "Amara Nwosu");
    owner.submit("form:has(#email)");
    owner.wait_for_text("is invited");
    let unreadable = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/hostile/blank.eml");
    assert!(app.ingest("support@fernhill.example", &unreadable).starts_with("Kept aside"));
    let invite = path_of(&smtp.wait_for_mail_to("amara@fernhill.example").link("/invites/"));

    let anybody = app.browser("anybody");
    anybody.goto("/password/forgot");
    anybody.fill("#email", &app.account("Agent").email);
    anybody.submit("form.gate-card");
    walk.look(&anybody, "password mail sent");
    let reset = path_of(&smtp.wait_for_mail_to(&app.account("Agent").email).link("/password/reset/"));
    for page in
        ["/login", "/password/forgot", &invite, &reset, "/invites/nothing", "/password/reset/nothing", "/nowhere"]
    {
        walk.page(&anybody, page);
    }
    anybody.goto("/login");
    anybody.fill("#email", "nobody@fernhill.example");
    anybody.fill("#password", "wrong");
    anybody.submit("form.gate-card");
    anybody.wait_for(".error-summary");
    walk.look(&anybody, "refused log-in");
    walk.invites(&app, &owner, &invite);
    let empty = App::serve().start();
    let first = empty.browser("first");
    walk.page(&first, "/");
    walk.page(&first, "/setup/nothing");
    let setup = path_of(&empty.setup_link());
    walk.page(&first, &setup);
    first.submit("form.gate-card");
    first.wait_for(".error-summary");
    walk.look(&first, "refused set-up");

    let agent = app.logged_in("Agent");
    walk.page(&agent, "/inbox");
    walk.page(&agent, "/profile");
    let leave = agent.attr("a[href$='/leave']", "href").expect("an Agent is in a team");
    walk.page(&agent, &leave);
    walk.page(&agent, "/settings/users");
    assert_eq!(agent.status(), 403, "an Agent sees no users");

    for list in ONLY {
        walk.page(&owner, list);
        let entry = owner.attr("tbody th a[href^='/settings/']", "href").expect("an entry of the list");
        walk.page(&owner, &entry);
    }
    // A list that is saved as a view leads to its dialogs.
    owner.goto("/inbox");
    let saved = owner.attr("#views a[href*='saved=']", "href").expect("a saved view");
    walk.page(&owner, &saved);
    walk.table(&owner);
    for address in STATES {
        walk.page(&owner, address);
    }
    walk.fits(&owner);
    owner.resize(DESKTOP);
    owner.goto("/inbox");
    let open = owner.attr("[data-item] a", "href").unwrap();
    let page_of = |page: &str| if page == OPEN { open.clone() } else { page.to_owned() };
    for (name, page, clicks, there) in OPENED {
        walk.opened(&owner, name, &page_of(page), clicks, there, &[DESKTOP, PHONE, SMALL_PHONE]);
    }
    for (name, page, clicks, there) in NARROW {
        walk.opened(&owner, name, &page_of(page), clicks, there, &[PHONE, SMALL_PHONE]);
    }
    assert!(walk.found.is_empty(), "{} violations:\n{}", walk.found.len(), lines(&walk.found));
}

/// What was walked, and what was found on the way.
#[derive(Default)]
struct Walk {
    links: BTreeSet<String>,
    found: Vec<String>,
}

impl Walk {
    /// Every page of the route table.
    fn table(&mut self, browser: &Browser) {
        let public = ["/login", "/setup/", "/password/", "/invites/"];
        let mut left: Vec<&str> = TABLE
            .iter()
            .filter(|line| line.method == "GET" && !NO_PAGES.contains(&line.path) && !line.path.contains("export"))
            .map(|line| line.path)
            .filter(|path| !public.iter().any(|start| path.starts_with(start)))
            .collect();
        self.links.extend(SEEDS.map(str::to_owned));
        loop {
            let next = left.iter().position(|path| self.address(path).is_some());
            let Some(next) = next else { break };
            let address = self.address(left.remove(next)).unwrap_or_default();
            self.page(browser, &address);
        }
        assert!(left.is_empty(), "no page leads to {left:?}");
        self.page(browser, "/nowhere");
    }

    /// An address for a line of the table: itself if there is no id in it, otherwise one that a page named.
    fn address(&self, path: &str) -> Option<String> {
        let fits = |link: &&String| {
            let link = link.split(['?', '#']).next().unwrap_or_default();
            let (link, path): (Vec<_>, Vec<_>) = (link.split('/').collect(), path.split('/').collect());
            let id = |part: &str| part.contains('-') || part.chars().all(|c| c.is_ascii_digit());
            let same = |(one, other): (&&str, &&str)| if other.starts_with('{') { id(one) } else { one == other };
            link.len() == path.len() && link.iter().zip(&path).all(same)
        };
        let found = self.links.iter().find(fits).cloned();
        found.or_else(|| (!path.contains('{')).then(|| path.to_owned()))
    }

    /// An invite in a browser where somebody is logged in, and links that are dead for each reason but that nobody knows them.
    fn invites(&mut self, app: &App, owner: &Browser, first: &str) {
        self.page(owner, first);
        assert!(owner.text("h1").contains("logged in already"));
        let db = sample::beside(&app.demo_database());
        let live = sample::invite_link(&db, "amara@fernhill.example", TimeDelta::days(7));
        let expired = sample::invite_link(&db, "kofi.boateng@fernhill.example", TimeDelta::days(-1));
        let late = app.browser("late");
        self.page(&late, first);
        assert!(late.text("h1").contains("newer invite"));
        self.page(&late, &expired);
        assert!(late.text("h1").contains("has expired"));
        late.submit("form[action$='/renew']");
        late.wait_for_text("passed it on");
        self.look(&late, "asked for a new invite");
        let amara = app.browser("amara");
        amara.goto(&live);
        amara.submit("form.gate-card");
        amara.wait_for(".error-summary");
        self.look(&amara, "refused to accept");
        amara.fill("#password", "tundra violin harbour");
        amara.fill("#password_confirmation", "tundra violin harbour");
        amara.submit("form.gate-card");
        amara.wait_for_path("/inbox");
        self.page(&late, &live);
        assert!(late.text("h1").contains("already used"));
    }

    /// That lists fit into narrow windows without scrolling sideways.
    fn fits(&mut self, browser: &Browser) {
        for address in FIT {
            for size in [PHONE, SMALL_PHONE] {
                browser.resize(size);
                browser.goto(address);
                let over = browser.run(OVER, vec![]).as_i64().unwrap_or_default();
                if over > 0 {
                    self.found.push(format!("{address} ({} px): the table is {over} px too wide", size.0));
                }
            }
        }
    }

    fn page(&mut self, browser: &Browser, address: &str) {
        browser.resize(DESKTOP);
        browser.goto(address);
        let status = browser.status();
        assert!((200..500).contains(&status), "{address} answered {status}");
        self.remember(browser);
        self.look(browser, address);
    }

    /// The addresses that the page names are there to be walked.
    fn remember(&mut self, browser: &Browser) {
        let links = browser.run(LINKS, vec![]);
        let links = links.as_array().into_iter().flatten().filter_map(Value::as_str);
        self.links.extend(links.map(str::to_owned));
    }

    /// The page as it is now, in every size and scheme.
    fn look(&mut self, browser: &Browser, name: &str) {
        self.look_at(browser, name, &[DESKTOP, PHONE, SMALL_PHONE]);
    }

    fn look_at(&mut self, browser: &Browser, name: &str, sizes: &[(u32, u32)]) {
        browser.hold_still();
        for size in sizes {
            browser.resize(*size);
            browser.run(TO_THE_BAR, vec![]);
            for scheme in [Scheme::Light, Scheme::Dark] {
                browser.prefer(scheme);
                let place = format!("{name} ({} px, {scheme:?})", size.0);
                self.found.extend(browser.violations().iter().map(|violation| format!("{place}: {violation}")));
            }
            let wide = browser.run(WIDE, vec![]);
            if let Some(wide) = wide.as_str().filter(|wide| !wide.is_empty()) {
                self.found.push(format!("{name} ({} px): {wide}", size.0));
            }
        }
        browser.prefer(Scheme::Light);
    }

    fn opened(
        &mut self,
        browser: &Browser,
        name: &str,
        page: &str,
        clicks: &[&str],
        there: &str,
        sizes: &[(u32, u32)],
    ) {
        browser.resize(sizes.first().copied().unwrap_or(DESKTOP));
        browser.goto(page);
        for css in clicks {
            browser.click(css);
        }
        browser.wait_for(there);
        self.look_at(browser, &format!("{page}, {name}"), sizes);
    }
}

/// The address without the host.
fn path_of(link: &str) -> String {
    let path = link.splitn(4, '/').nth(3).unwrap_or_default();
    format!("/{path}")
}
