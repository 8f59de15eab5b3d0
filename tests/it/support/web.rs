//! Browsers: the real application in-process, with a cookie jar for each person.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use actix_web::http::{Method, StatusCode};
use actix_web::test::init_service;
use baton::domain::clock::{SystemClock, SystemEntropy};
use baton::domain::ids::{RoleId, UserId};
use baton::domain::proxies::TrustedProxies;
use baton::domain::roles::Standard;
use baton::domain::users::User;
use baton::files::Files;
use baton::store::{self, Db};
use baton::tasks::Wake;
use baton::web::App;
use scraper::{Html, Selector};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::World;
use super::db::Fresh;
use super::service::{Noticed, Sent, call, next_part, watched};
use super::world::{PASSWORD, base};

/// How plain forms are sent.
const PLAIN: &str = "application/x-www-form-urlencoded";

enum Ask {
    Page(Sent, mpsc::Sender<(Page, Vec<(String, String)>)>),
    Follow(Sent, mpsc::Sender<String>),
    Listen,
    RunDue(mpsc::Sender<usize>),
    WakeDue(mpsc::Sender<usize>),
    DatesDue(mpsc::Sender<usize>),
}

/// One instance of the application, on a thread of its own: tests talk to the database too, and PostgreSQL's connection
/// must not be used where asynchronous tasks run.
#[derive(Clone)]
pub struct Site {
    ask: UnboundedSender<Ask>,
    files: Arc<tempfile::TempDir>,
    _noticed: Arc<Noticed>,
}

impl Site {
    /// An instance on a database.
    pub async fn on(db: Db) -> Self {
        let files = Arc::new(tempfile::tempdir().expect("a folder"));
        let (ask, mut asked) = unbounded_channel();
        let key = baton::app::cookie_key(&db).expect("a key");
        let state = App {
            db: db.clone(),
            public_url: Arc::new(base()),
            public_url_is_set: true,
            trusted_proxies: Arc::new(TrustedProxies::parse("192.0.2.0/28").expect("networks")),
            files: Arc::new(Files::new(files.path())),
            vault: baton::domain::vault::Vault::new("the key of a test"),
            smtp: false,
            wake: Wake::default(),
            hashing: baton::app::hashing(),
        };
        let noticed = Arc::new(Noticed::default());
        let list = Arc::clone(&noticed.0);
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let service = init_service(baton::app::build(state, key, false)).await;
                while let Some(ask) = asked.recv().await {
                    match ask {
                        Ask::Page(sent, back) => drop(back.send(watched(&service, &db, &list, sent).await)),
                        Ask::Follow(sent, said) => {
                            let mut body = call(&service, sent).await.into_body();
                            actix_web::rt::spawn(async move {
                                while let Some(part) = next_part(&mut body).await {
                                    if said.send(String::from_utf8_lossy(&part).into_owned()).is_err() {
                                        break;
                                    }
                                }
                            });
                        }
                        Ask::Listen => {
                            let db = db.clone();
                            actix_web::rt::spawn(async move { db.listen().await });
                        }
                        Ask::RunDue(back) => drop(back.send(baton::tasks::run_due(&db).await.expect("a task"))),
                        Ask::DatesDue(back) => {
                            let base = Arc::new(base());
                            let dates = baton::tasks::absences_due(&db, &base).await.expect("a timer");
                            let rules = baton::tasks::inactivity_due(&db, &base).await.expect("a rule");
                            let _ = back.send(dates + rules);
                        }
                        Ask::WakeDue(back) => drop(back.send(baton::tasks::wake_due(&db).await.expect("a timer"))),
                    }
                }
            });
        });
        Self { ask, files, _noticed: noticed }
    }

    /// Hears from now on what other instances change.
    pub fn listen(&self) {
        self.ask.send(Ask::Listen).expect("a site");
    }

    /// Does one due task, as the background work would; says whether there was one.
    pub fn run_due(&self) -> usize {
        let (back, done) = mpsc::channel();
        self.ask.send(Ask::RunDue(back)).expect("a site");
        done.recv().expect("an answer")
    }

    /// Wakes what is due, as the background work would; says how many there were.
    pub fn wake_due(&self) -> usize {
        let (back, done) = mpsc::channel();
        self.ask.send(Ask::WakeDue(back)).expect("a site");
        done.recv().expect("an answer")
    }

    /// Deactivates and reactivates whose day has come, and does what the rule for people who stop coming says.
    pub fn dates_due(&self) -> usize {
        let (back, done) = mpsc::channel();
        self.ask.send(Ask::DatesDue(back)).expect("a site");
        done.recv().expect("an answer")
    }

    /// Where its files are.
    pub fn files(&self) -> Files {
        Files::new(self.files.path())
    }

    /// A browser that nobody is logged in with.
    pub fn browser(&self) -> Browser {
        Browser {
            site: self.clone(),
            cookies: RefCell::default(),
            token: RefCell::default(),
            htmx: Cell::new(false),
            address: "203.0.113.7".to_owned(),
            added: Vec::new(),
        }
    }

    /// A browser that somebody has logged in with.
    pub async fn logged_in(&self, world: &World, who: UserId) -> Browser {
        let browser = self.browser();
        let user = world.user(who);
        let page = browser.log_in(&user.email, PASSWORD, "fernhill").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        browser
    }
}

/// A person's browser.
pub struct Browser {
    site: Site,
    cookies: RefCell<BTreeMap<String, String>>,
    token: RefCell<Option<String>>,
    htmx: Cell<bool>,
    /// Where it is.
    pub address: String,
    /// Headers that something on the way adds.
    added: Vec<(&'static str, String)>,
}

/// An answer.
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

impl Browser {
    /// From now on, asks as htmx does.
    pub fn htmx(self) -> Self {
        self.htmx.set(true);
        self
    }

    /// Connects from another address.
    pub fn connecting_from(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    /// With a header that something on the way adds.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.added.push((name, value.to_owned()));
        self
    }

    /// The same cookies on another instance.
    pub fn at(&self, site: &Site) -> Self {
        Self {
            site: site.clone(),
            cookies: self.cookies.clone(),
            token: self.token.clone(),
            htmx: Cell::new(self.htmx.get()),
            address: self.address.clone(),
            added: self.added.clone(),
        }
    }

    fn send(&self, method: Method, uri: &str, body: Option<String>) -> Page {
        self.send_as(method, uri, PLAIN, body.map(String::into_bytes))
    }

    fn sent(&self, method: Method, uri: &str, kind: &'static str, body: Option<Vec<u8>>) -> Sent {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = vec![("user-agent".to_owned(), "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0".to_owned())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        if !cookies.is_empty() {
            headers.push(("cookie".to_owned(), cookies.join("; ")));
        }
        if self.htmx.get() {
            headers.push(("hx-request".to_owned(), "true".to_owned()));
        }
        headers.extend(self.added.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Sent { method, uri: uri.to_owned(), headers, address: self.address.clone(), body }
    }

    /// Follows a stream.
    pub fn follow(&self, uri: &str) -> mpsc::Receiver<String> {
        let (said, parts) = mpsc::channel();
        let sent = self.sent(Method::GET, uri, PLAIN, None);
        self.site.ask.send(Ask::Follow(sent, said)).expect("a site");
        parts
    }

    fn send_as(&self, method: Method, uri: &str, kind: &'static str, body: Option<Vec<u8>>) -> Page {
        let sent = self.sent(method, uri, kind, body);
        let (back, answer) = mpsc::channel();
        self.site.ask.send(Ask::Page(sent, back)).expect("a site");
        let (page, cookies) = answer.recv().expect("an answer");
        for (name, value) in cookies {
            if value.is_empty() {
                self.cookies.borrow_mut().remove(&name);
            } else {
                self.cookies.borrow_mut().insert(name, value);
            }
        }
        if let Some(token) = page.token() {
            *self.token.borrow_mut() = Some(token);
        }
        page
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, None)
    }

    /// Asks with any method and without token.
    pub async fn ask(&self, method: Method, path: &str) -> Page {
        self.send(method, path, None)
    }

    /// Posts a form with the token of the last page that had one.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let known = self.token.borrow().clone();
        let token = match known {
            Some(token) => token,
            None => self.fresh_token().await,
        };
        let mut all = vec![("csrf_token", token.as_str())];
        all.extend_from_slice(fields);
        self.post_plain(path, &all).await
    }

    /// Posts a form just as given.
    pub async fn post_plain(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = serde_html_form::to_string(fields).expect("a form");
        self.send(Method::POST, path, Some(body))
    }

    /// Posts a form with a file.
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)], name: &str, file: &[u8]) -> Page {
        let known = self.token.borrow().clone();
        let token = match known {
            Some(token) => token,
            None => self.fresh_token().await,
        };
        let mut body = Vec::new();
        for (field, value) in [("csrf_token", token.as_str())].iter().chain(fields) {
            let part = format!("--edge\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        self.send_as(Method::POST, path, "multipart/form-data; boundary=edge", Some(body))
    }

    async fn fresh_token(&self) -> String {
        let was = self.htmx.replace(false);
        for path in ["/profile/security", "/login"] {
            let page = self.get(path).await;
            if let Some(token) = page.token() {
                self.htmx.set(was);
                return token;
            }
        }
        panic!("no page has a form");
    }

    /// Logs in; tokens of forms are new afterwards.
    pub async fn log_in(&self, email: &str, password: &str, workspace: &str) -> Page {
        self.get("/login").await;
        let page = self
            .post("/login", &[("email", email), ("password", password), ("workspace", workspace), ("next", "")])
            .await;
        *self.token.borrow_mut() = None;
        page
    }
}

impl Page {
    fn token(&self) -> Option<String> {
        let html = Html::parse_document(&self.body);
        let field = Selector::parse("input[name=csrf_token]").expect("a selector");
        html.select(&field).find_map(|input| input.value().attr("value")).map(str::to_owned)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Where it sends the browser.
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// The texts of all elements that a selector finds, white space folded.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).expect("a selector");
        html.select(&selector)
            .map(|one| one.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// The text of the first element that a selector finds.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).into_iter().next().unwrap_or_default()
    }

    /// An attribute of all elements that a selector finds.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let html = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).expect("a selector");
        html.select(&selector).filter_map(|one| one.value().attr(name)).map(str::to_owned).collect()
    }

    /// Whether a selector finds anything.
    pub fn has(&self, selector: &str) -> bool {
        !self.texts(selector).is_empty()
    }

    /// The page, if it was answered with this status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{} {:?}", self.body, self.headers);
        self
    }
}

impl World {
    /// A standard role of Fernhill.
    pub fn role(&self, standard: Standard) -> RoleId {
        self.roles[&standard]
    }

    /// The path of the latest queued mail's link that begins so.
    pub fn last_link(&self, begins: &str) -> String {
        let texts = self.database.lines("SELECT text_body AS line FROM outbox ORDER BY created_at DESC, id DESC");
        let mark = format!("https://baton.example/{begins}");
        let text = texts.iter().find(|text| text.contains(&mark)).expect("a mail with such a link");
        let link = text.split_whitespace().find(|word| word.starts_with(&mark)).expect("the link");
        link.trim_start_matches("https://baton.example").to_owned()
    }

    /// The user of an address, if there is one.
    pub fn try_find_user(&self, email: &str) -> Option<User> {
        self.read(|rx| store::users::find_by_email(rx, email))
    }

    /// The user of an address.
    pub fn find_user(&self, email: &str) -> User {
        self.try_find_user(email).expect("a user")
    }
}

/// A migrated database without any workspace.
pub fn open_empty(fresh: &Fresh) -> Db {
    let db = Db::open(fresh.url(), Arc::new(SystemClock::default()), Arc::new(SystemEntropy)).expect("a database");
    store::migrations::run(&db).expect("migrations");
    db
}
