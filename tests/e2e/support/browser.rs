//! A person in front of a browser. Whatever is asked for is waited for, five seconds at most; what does not come fails
//! the test at the line that asked, with the page's address and words. Elements are found by CSS selector, and only
//! those that can be seen count, unless it says otherwise.
//!
//! Dropping it fails the test if the console had errors or the Content-Security-Policy was broken; a test that failed
//! already leaves a screenshot instead.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use super::driver::Session;

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(40);

/// So many presses of Tab lead to the end of any page.
const FAR: usize = 160;
/// Where the focus is: whether it has arrived, what it is on, why it cannot be seen there. Parts of a date or time, and the button
/// that opens its calendar, are inside of the browser's own control, which rings them itself.
const FOCUS: &str = "const n = document.activeElement, css = arguments[0]; \
    const what = n.outerHTML.slice(0, 100), there = n.matches(css) && n.checkVisibility(); \
    if (n === document.body || n.matches('[tabindex=\"-1\"]')) return { there, what, unseen: '' }; \
    const styles = [getComputedStyle(n), getComputedStyle(n, '::after'), getComputedStyle(n.closest('.composer, label') ?? n)]; \
    const ring = s => (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1) || s.boxShadow !== 'none'; \
    const box = n.getBoundingClientRect(); \
    const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth; \
    const own = n.matches('input[type=date], input[type=time]'); \
    const unseen = !own && !styles.some(ring) ? 'nothing surrounds it' : !inside ? 'it is outside of the window' : ''; \
    return { there: there && unseen === '', what, unseen };";

/// Sizes of the window, in CSS pixels.
pub const DESKTOP: (u32, u32) = (1440, 900);
pub const PHONE: (u32, u32) = (390, 844);
pub const SMALL_PHONE: (u32, u32) = (360, 740);

/// Light or dark, as the person's system asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

/// How to open a browser. Made by [`Browser::named`].
pub struct Opening {
    name: String,
    size: (u32, u32),
    scheme: Scheme,
    script: bool,
}

/// A person in front of a browser: cookies of their own, one window.
pub struct Browser {
    name: String,
    site: Url,
    /// `None` only while it is dropped.
    session: Option<Session>,
    console: RefCell<Vec<Entry>>,
    tolerated: RefCell<Vec<String>>,
    /// It was changed for good, so it is of no use to the next test.
    spent: Cell<bool>,
}

/// A line of the browser's console.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `SEVERE`, `WARNING`, `INFO`.
    pub level: String,
    /// `javascript`, `network`, `security`, `console-api` …
    pub source: String,
    pub message: String,
}

/// Why something is not there yet.
struct NotYet(String);

impl Opening {
    /// A window of another size.
    pub fn size(mut self, size: (u32, u32)) -> Self {
        self.size = size;
        self
    }

    /// A dark system.
    pub fn dark(mut self) -> Self {
        self.scheme = Scheme::Dark;
        self
    }

    /// A browser with JavaScript switched off.
    pub fn without_script(mut self) -> Self {
        self.script = false;
        self
    }

    /// Opens it, on an empty page. Addresses without a host belong to `site`.
    #[track_caller]
    pub fn open(self, site: &str) -> Browser {
        let browser = Browser {
            name: self.name,
            site: Url::parse(site).unwrap(),
            session: Some(Session::take(self.script)),
            console: RefCell::default(),
            tolerated: RefCell::default(),
            spent: Cell::default(),
        };
        browser.resize(self.size);
        browser.prefer(self.scheme);
        browser
    }
}

impl Browser {
    /// A new person; the name stands in messages and names of screenshots.
    pub fn named(name: &str) -> Opening {
        Opening { name: name.to_owned(), size: DESKTOP, scheme: Scheme::Light, script: true }
    }

    // Going places

    /// Opens an address: a path, or a whole address.
    #[track_caller]
    pub fn goto(&self, address: &str) {
        let url = self.site.join(address).unwrap();
        self.must(&format!("open {address}"), self.session().block_on(async |client| client.goto(url.as_str()).await));
    }

    /// Reads the page again.
    #[track_caller]
    pub fn reload(&self) {
        self.must("reload", self.session().block_on(async |client| client.refresh().await));
    }

    /// The browser's back button.
    #[track_caller]
    pub fn back(&self) {
        self.must("go back", self.session().block_on(async |client| client.back().await));
    }

    /// Where the browser is: path and query.
    #[track_caller]
    pub fn path(&self) -> String {
        let url = self.must("read the address", self.session().block_on(async |client| client.current_url().await));
        path_of(&url)
    }

    /// Waits for an address: path and query, or the path alone.
    #[track_caller]
    pub fn wait_for_path(&self, expected: &str) {
        self.eventually(&format!("be at {expected}"), async |client| {
            let path = path_of(&client.current_url().await?);
            let alone = path.split('?').next() == Some(expected);
            if alone || path == expected { Ok(()) } else { Err(NotYet(format!("it is at {path}"))) }
        });
    }

    /// Fills in the log-in page and waits until it is left.
    #[track_caller]
    pub fn log_in(&self, email: &str, password: &str) {
        self.goto("/login");
        self.fill("input[name=email]", email);
        self.fill("input[name=password]", password);
        self.submit("form:has(input[name=password])");
        self.eventually("be logged in", async |client| {
            let path = path_of(&client.current_url().await?);
            if path.starts_with("/login") { Err(NotYet("it is still at the log-in page".to_owned())) } else { Ok(()) }
        });
    }

    // Reading

    /// Waits until an element is there and can be seen.
    #[track_caller]
    pub fn wait_for(&self, css: &str) {
        self.eventually(&format!("see {css}"), async |client| shown(client, css).await.map(|_| ()));
    }

    /// Waits until no such element can be seen.
    #[track_caller]
    pub fn wait_until_gone(&self, css: &str) {
        self.eventually(&format!("no longer see {css}"), async |client| match shown(client, css).await {
            Ok(_) => Err(NotYet("it is still there".to_owned())),
            Err(_) => Ok(()),
        });
    }

    /// Waits until these words stand on the page.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str) {
        self.wait_for_text_in("body", text);
    }

    /// Waits until these words stand in an element.
    #[track_caller]
    pub fn wait_for_text_in(&self, css: &str, text: &str) {
        self.eventually(&format!("read “{text}” in {css}"), async |client| {
            let texts = texts(client, css).await?;
            let found = texts.iter().any(|one| one.contains(text));
            if found { Ok(()) } else { Err(NotYet(format!("there is only {texts:?}"))) }
        });
    }

    /// The words of the first such element, with single spaces.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        self.eventually(&format!("read {css}"), async |client| Ok(plain(&shown(client, css).await?.text().await?)))
    }

    /// The words of each such element as it is now, without waiting.
    #[track_caller]
    pub fn texts(&self, css: &str) -> Vec<String> {
        self.eventually(&format!("read every {css}"), async |client| texts(client, css).await)
    }

    /// How many such elements can be seen now, without waiting.
    #[track_caller]
    pub fn count(&self, css: &str) -> usize {
        self.texts(css).len()
    }

    /// An attribute of the first such element, seen or not.
    #[track_caller]
    pub fn attr(&self, css: &str, name: &str) -> Option<String> {
        self.eventually(&format!("find {css}"), async |client| {
            Ok(client.find(Locator::Css(css)).await?.attr(name).await?)
        })
    }

    /// What stands in a field.
    #[track_caller]
    pub fn value(&self, css: &str) -> String {
        self.eventually(&format!("find {css}"), async |client| {
            Ok(client.find(Locator::Css(css)).await?.prop("value").await?.unwrap_or_default())
        })
    }

    /// With what status the server answered this page; 0 if it did not come from a server.
    #[track_caller]
    pub fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0";
        self.run(script, vec![]).as_u64().unwrap_or_default()
    }

    /// The title of the page.
    #[track_caller]
    pub fn title(&self) -> String {
        self.must("read the title", self.session().block_on(async |client| client.title().await))
    }

    /// The markup of the page as it is now.
    #[track_caller]
    pub fn source(&self) -> String {
        self.must("read the page", self.session().block_on(async |client| client.source().await))
    }

    /// Whether the element that has the focus is such a one.
    #[track_caller]
    pub fn wait_for_focus(&self, css: &str) {
        self.eventually(&format!("have the focus on {css}"), async |client| {
            let active = client.active_element().await?;
            let among = client.find_all(Locator::Css(css)).await?;
            if among.iter().any(|one| one.element_id() == active.element_id()) {
                return Ok(());
            }
            let html = active.html(false).await?;
            Err(NotYet(format!("it is on {}", html.chars().take(200).collect::<String>())))
        });
    }

    // Doing

    /// Clicks the first such element.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.eventually(&format!("click {css}"), async |client| Ok(shown(client, css).await?.click().await?));
    }

    /// Clicks the first such element with these words in it or as its accessible name.
    #[track_caller]
    pub fn click_named(&self, css: &str, name: &str) {
        self.eventually(&format!("click the {css} “{name}”"), async |client| {
            for element in client.find_all(Locator::Css(css)).await? {
                if element.is_displayed().await? && is_named(&element, name).await? {
                    return Ok(element.click().await?);
                }
            }
            Err(NotYet("there is none".to_owned()))
        });
    }

    /// Clicks a button, or a link that looks like one, by its words.
    #[track_caller]
    pub fn press_button(&self, name: &str) {
        self.click_named("button, input[type=submit], a.btn, summary, [role=button], [role=menuitem]", name);
    }

    /// Clicks a link by its words.
    #[track_caller]
    pub fn follow(&self, name: &str) {
        self.click_named("a[href]", name);
    }

    /// Writes into a field, in place of what stands there. Dates and times as HTML writes them (`2026-11-24T09:00`).
    #[track_caller]
    pub fn fill(&self, css: &str, value: &str) {
        self.eventually(&format!("write into {css}"), async |client| {
            let field = shown(client, css).await?;
            let kind = field.attr("type").await?.unwrap_or_default();
            if matches!(kind.as_str(), "date" | "time" | "datetime-local" | "month" | "week" | "color" | "range") {
                return set_value(client, &field, value).await;
            }
            field.clear().await?;
            Ok(field.send_keys(value).await?)
        });
    }

    /// Chooses an option of a `<select>` by its value.
    #[track_caller]
    pub fn select(&self, css: &str, value: &str) {
        self.eventually(&format!("choose {value} in {css}"), async |client| {
            Ok(shown(client, css).await?.select_by_value(value).await?)
        });
    }

    /// Chooses the first option of a `<select>` with these words in it.
    #[track_caller]
    pub fn choose(&self, css: &str, words: &str) {
        self.eventually(&format!("choose “{words}” in {css}"), async |client| {
            let field = shown(client, css).await?;
            for option in field.find_all(Locator::Css("option")).await? {
                if plain(&option.text().await?).contains(words) {
                    return Ok(option.click().await?);
                }
            }
            Err(NotYet("there is no such option".to_owned()))
        });
    }

    /// Ticks a box, or takes the tick away. Also for boxes that are drawn by their label.
    #[track_caller]
    pub fn tick(&self, css: &str, on: bool) {
        self.eventually(&format!("tick {css}"), async |client| {
            let field = client.find(Locator::Css(css)).await?;
            if field.is_selected().await? == on {
                return Ok(());
            }
            if field.is_displayed().await? {
                field.click().await?;
            } else {
                let id = field.attr("id").await?.unwrap_or_default();
                let label = format!("label[for=\"{id}\"], label:has(#{id})");
                shown(client, &label).await?.click().await?;
            }
            Err(NotYet("it did not change".to_owned()))
        });
    }

    /// Sends a form by its button.
    #[track_caller]
    pub fn submit(&self, form: &str) {
        self.click(&format!("{form} :is(button[type=submit], button:not([type]), input[type=submit])"));
    }

    /// Presses a key, or several at once: `j`, `Escape`, `Control+Enter`, `Shift+Tab`.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        let codes: Vec<char> = keys.split('+').map(key).collect();
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in &codes {
            actions = actions.then(KeyAction::Down { value: *value });
        }
        for value in codes.iter().rev() {
            actions = actions.then(KeyAction::Up { value: *value });
        }
        self.must(
            &format!("press {keys}"),
            self.session().block_on(async |client| client.perform_actions(actions).await),
        );
    }

    /// Types into whatever has the focus.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        let typed = self.session().block_on(async |client| client.active_element().await?.send_keys(text).await);
        self.must(&format!("type {text}"), typed);
    }

    /// Presses Tab until such an element has the focus, and looks each time whether the focus can be seen.
    #[track_caller]
    pub fn tab_to(&self, css: &str) {
        let mut way = Vec::new();
        for _ in 0..FAR {
            let look = || self.run(FOCUS, vec![json!(css)]);
            let part = |at: &Value, name: &str| at.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut at = look();
            // What slides in has a moment for it.
            for _ in 0..10 {
                if part(&at, "unseen").is_empty() {
                    break;
                }
                self.session().block_on(async |_| sleep(PAUSE).await);
                at = look();
            }
            if at.get("there").and_then(Value::as_bool).unwrap_or_default() {
                return;
            }
            if !part(&at, "unseen").is_empty() {
                self.fail(&format!("see the focus at {}", part(&at, "what")), &part(&at, "unseen"));
            }
            way.push(part(&at, "what"));
            self.press("Tab");
        }
        self.fail(&format!("reach {css} by Tab"), &format!("the way went over {way:#?}"));
    }

    /// Runs a script in the page, whatever its Content-Security-Policy says; `return` gives a value back.
    #[track_caller]
    pub fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.must("run a script", self.session().block_on(async |client| client.execute(script, args).await))
    }

    /// Like [`Self::run`], for scripts that end by calling their last argument.
    #[track_caller]
    pub fn run_async(&self, script: &str, args: Vec<Value>) -> Value {
        self.must("run a script", self.session().block_on(async |client| client.execute_async(script, args).await))
    }

    /// Runs a script at the beginning of every page from now on, before any of its own.
    #[track_caller]
    pub fn run_on_every_page(&self, script: &str) {
        self.spent.set(true);
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// From now on pages may do what their Content-Security-Policy forbids.
    #[track_caller]
    pub fn ignore_policies(&self) {
        self.spent.set(true);
        self.devtools("Page.setBypassCSP", &json!({ "enabled": true }));
    }

    /// Waits for anything else.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !is_so(self) {
            if std::time::Instant::now() > deadline {
                self.fail(what, "it is not so");
            }
            self.session().block_on(async |_| sleep(PAUSE).await);
        }
    }

    // The look

    /// Gives the page this size. Below 600 pixels it is a phone: touch, and no room for scroll bars.
    #[track_caller]
    pub fn resize(&self, (width, height): (u32, u32)) {
        let phone = width < 600;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        self.devtools("Emulation.setTouchEmulationEnabled", &json!({ "enabled": phone }));
    }

    /// Lets the system ask for light or dark pages. It always asks for reduced motion, so that nothing is caught half-way.
    #[track_caller]
    pub fn prefer(&self, scheme: Scheme) {
        let scheme = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "media": "", "features": features }));
    }

    /// Lets colours of this page change at once, so that none is measured half-way.
    #[track_caller]
    pub fn hold_still(&self) {
        let script = "const sheet = new CSSStyleSheet(); \
            sheet.replaceSync('*, ::before, ::after { transition-property: none !important }'); \
            document.adoptedStyleSheets = [sheet];";
        self.run(script, vec![]);
    }

    /// Sets the app's own cookie for the theme: `light` or `dark`. Counts from the next page.
    #[track_caller]
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.devtools("Network.setCookie", &json!({ "name": name, "value": value, "url": self.site.as_str() }));
    }

    /// Writes `target/screens/NAME.png`.
    #[track_caller]
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let png = self.must("take a screenshot", self.session().block_on(async |client| client.screenshot().await));
        let file = screens().join(format!("{name}.png"));
        std::fs::create_dir_all(screens()).and_then(|()| std::fs::write(&file, png)).unwrap();
        file
    }

    // The console

    /// All the console said so far.
    #[track_caller]
    pub fn console(&self) -> Vec<Entry> {
        let new = self.must("read the console", self.session().console());
        self.console.borrow_mut().extend(new.iter().map(Entry::read));
        self.console.borrow().clone()
    }

    /// What should not have been in the console.
    #[track_caller]
    pub fn console_errors(&self) -> Vec<Entry> {
        let tolerated = self.tolerated.borrow().clone();
        let bad =
            |entry: &Entry| entry.is_error() && !tolerated.iter().any(|part| entry.message.contains(part.as_str()));
        self.console().into_iter().filter(bad).collect()
    }

    /// Errors with these words are part of the journey.
    pub fn tolerate(&self, part: &str) {
        self.tolerated.borrow_mut().push(part.to_owned());
    }

    // Inside

    fn session(&self) -> &Session {
        self.session.as_ref().unwrap()
    }

    #[track_caller]
    fn devtools(&self, command: &str, params: &Value) {
        self.must(command, self.session().devtools(command, params));
    }

    #[track_caller]
    fn eventually<T>(&self, what: &str, mut attempt: impl AsyncFnMut(&Client) -> Result<T, NotYet>) -> T {
        let outcome = self.session().block_on(async |client| {
            let deadline = Instant::now() + PATIENCE;
            loop {
                match attempt(client).await {
                    Ok(found) => return Ok(found),
                    Err(reason) if Instant::now() >= deadline => return Err(reason),
                    Err(_) => sleep(PAUSE).await,
                }
            }
        });
        outcome.unwrap_or_else(|NotYet(reason)| self.fail(what, &reason))
    }

    #[track_caller]
    fn must<T>(&self, what: &str, outcome: Result<T, CmdError>) -> T {
        outcome.unwrap_or_else(|error| self.fail(what, &error.to_string()))
    }

    #[track_caller]
    fn fail(&self, what: &str, reason: &str) -> ! {
        let (url, words) = self.session().block_on(async |client| {
            let url = client.current_url().await.map_or_else(|error| error.to_string(), |url| url.to_string());
            let words = texts(client, "body").await.map_or_else(|NotYet(error)| error, |texts| texts.join(" "));
            (url, words.chars().take(600).collect::<String>())
        });
        panic!("{} could not {what}: {reason}\n  at:   {url}\n  page: {words}", self.name);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Some(session) = self.session.take() else { return };
            keep_evidence(&session, &self.name);
            session.close();
            return;
        }
        let errors = self.console_errors();
        if let Some(session) = self.session.take() {
            if self.spent.get() {
                session.close();
            } else {
                session.give_back(&self.site);
            }
        }
        assert!(errors.is_empty(), "{} has errors in the console:\n{}", self.name, lines(&errors));
    }
}

impl Entry {
    fn read(entry: &Value) -> Self {
        let part = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { level: part("level"), source: part("source"), message: part("message") }
    }

    /// Errors of scripts, of the Content-Security-Policy, of the server (5xx), and assets that are not there. Other 4xx
    /// are answers, which journeys look at themselves.
    fn is_error(&self) -> bool {
        if self.source == "network" && self.message.contains("with a status of 4") {
            return is_asset(self.message.split_whitespace().next().unwrap_or_default());
        }
        self.level == "SEVERE" || self.source == "security" || self.message.contains("Content Security Policy")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.level, self.source, self.message)
    }
}

impl From<CmdError> for NotYet {
    fn from(error: CmdError) -> Self {
        Self(match error {
            CmdError::Standard(error) => error.message.lines().next().unwrap_or_default().to_owned(),
            other => other.to_string(),
        })
    }
}

fn is_asset(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = |ending: &str| path.ends_with(ending);
    path.contains("/static/") || [".css", ".js", ".svg", ".png", ".ico", ".woff2"].into_iter().any(ending)
}

async fn shown(client: &Client, css: &str) -> Result<Element, NotYet> {
    let found = client.find_all(Locator::Css(css)).await?;
    let hidden = found.len();
    for element in found {
        if element.is_displayed().await? {
            return Ok(element);
        }
    }
    Err(NotYet(if hidden == 0 { "there is none".to_owned() } else { format!("{hidden} are there, all hidden") }))
}

async fn texts(client: &Client, css: &str) -> Result<Vec<String>, NotYet> {
    let mut texts = Vec::new();
    for element in client.find_all(Locator::Css(css)).await? {
        if element.is_displayed().await? {
            texts.push(plain(&element.text().await?));
        }
    }
    Ok(texts)
}

async fn is_named(element: &Element, name: &str) -> Result<bool, CmdError> {
    if plain(&element.text().await?).contains(name) {
        return Ok(true);
    }
    for attribute in ["aria-label", "title", "value"] {
        if element.attr(attribute).await?.is_some_and(|value| value.contains(name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Fields with a form of their own (dates) are typed in the order of the person's language, so they are set by script.
async fn set_value(client: &Client, field: &Element, value: &str) -> Result<(), NotYet> {
    let script = "const [field, value] = arguments; field.value = value; \
        for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));";
    let field = serde_json::to_value(field).map_err(|error| NotYet(error.to_string()))?;
    client.execute(script, vec![field, json!(value)]).await?;
    Ok(())
}

fn key(name: &str) -> char {
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return letter;
    }
    let key = match name {
        "Alt" => Key::Alt,
        "Backspace" => Key::Backspace,
        "Control" => Key::Control,
        "Delete" => Key::Delete,
        "Down" => Key::Down,
        "End" => Key::End,
        "Enter" => Key::Enter,
        "Escape" => Key::Escape,
        "Home" => Key::Home,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "Shift" => Key::Shift,
        "Space" => Key::Space,
        "Tab" => Key::Tab,
        "Up" => Key::Up,
        _ => panic!("there is no key {name}"),
    };
    key.into()
}

fn path_of(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One entry a line.
pub fn lines<T: fmt::Display>(entries: &[T]) -> String {
    entries.iter().map(|entry| format!("  {entry}")).collect::<Vec<_>>().join("\n")
}

fn screens() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screens")
}

/// A screenshot, the markup and the console of a test that failed. Says where, and nothing if that fails too.
fn keep_evidence(session: &Session, name: &str) {
    let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
    let stem = screens().join(format!("failed-{test}-{name}"));
    let _ = std::fs::create_dir_all(screens());
    let (png, source) = session.block_on(async |client| (client.screenshot().await, client.source().await));
    if let Ok(png) = png {
        let _ = std::fs::write(stem.with_extension("png"), png);
    }
    if let Ok(source) = source {
        let _ = std::fs::write(stem.with_extension("html"), source);
    }
    let console: Vec<Entry> = session.console().unwrap_or_default().iter().map(Entry::read).collect();
    eprintln!("{name} saw this last: {}.png, .html\n{}", stem.display(), lines(&console));
}
