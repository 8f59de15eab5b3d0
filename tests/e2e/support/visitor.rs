//! Somebody who talks to the program in plain HTTP, without a browser: cookies and the token of forms, nothing else.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use scraper::{Html, Selector};
use tokio::runtime::Runtime;

use super::app::App;

/// One person.
pub struct Visitor {
    runtime: Runtime,
    client: Client<HttpConnector, String>,
    url: String,
    cookies: Mutex<BTreeMap<String, String>>,
    token: Mutex<Option<String>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub body: String,
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{} {}", self.location, self.body);
        self
    }

    /// Whether it sends the visitor to the log-in page.
    pub fn asks_to_log_in(&self) -> bool {
        self.status == StatusCode::SEE_OTHER && self.location.starts_with("/login")
    }

    /// The texts of all elements that a selector finds, white space folded.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.body);
        html.select(&Selector::parse(selector).unwrap())
            .map(|one| one.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }
}

impl Visitor {
    /// Somebody whom the program does not know.
    pub fn of(app: &App) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A connection that is kept would outlive the program when it is killed.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { runtime, client, url: app.url().to_owned(), cookies: Mutex::default(), token: Mutex::default() }
    }

    /// Somebody who has logged in.
    #[track_caller]
    pub fn logged_in(app: &App, email: &str, password: &str) -> Self {
        let visitor = Self::of(app);
        let answer = visitor.log_in(email, password).expect(303);
        assert!(!answer.asks_to_log_in(), "{answer:?}");
        visitor
    }

    /// The same browser in front of another instance.
    pub fn at(&self, app: &App) -> Self {
        let visitor = Self::of(app);
        visitor.cookies.lock().unwrap().clone_from(&self.cookies.lock().unwrap());
        visitor
    }

    /// Logs in.
    pub fn log_in(&self, email: &str, password: &str) -> Answer {
        let answer = self.post("/login", &[("email", email), ("password", password)]);
        // The forms of a logged-in person have another secret.
        *self.token.lock().unwrap() = None;
        answer
    }

    /// Opens a page.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).unwrap()
    }

    /// Posts a form.
    #[track_caller]
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.try_post(path, fields).unwrap()
    }

    /// Posts a form to a program that may die meanwhile.
    ///
    /// # Errors
    /// If no answer came.
    pub fn try_post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, String> {
        let known = self.token.lock().unwrap().clone();
        let token = match known {
            Some(token) => token,
            None => {
                let page = ["/profile/security", "/login"].iter().find_map(|page| {
                    let page = self.ask(Method::GET, page, None).ok()?;
                    token_of(&page.body)
                });
                page.ok_or("no page has a form")?
            }
        };
        let mut all = vec![("csrf_token", token.as_str())];
        all.extend_from_slice(fields);
        self.ask(Method::POST, path, Some(serde_html_form::to_string(all).unwrap()))
    }

    fn ask(&self, method: Method, path: &str, form: Option<String>) -> Result<Answer, String> {
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(form.unwrap_or_default()).unwrap();
        let (head, body) = self.runtime.block_on(async {
            let answer = self.client.request(request).await.map_err(|error| error.to_string())?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok::<_, String>((head, String::from_utf8_lossy(&body).into_owned()))
        })?;
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, value) = text.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            if value.is_empty() {
                self.cookies.lock().unwrap().remove(name);
            } else {
                self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(token) = token_of(&body) {
            *self.token.lock().unwrap() = Some(token);
        }
        let location = head.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap()).to_owned();
        Ok(Answer { status: head.status, location, body })
    }
}

fn token_of(body: &str) -> Option<String> {
    let html = Html::parse_document(body);
    let field = Selector::parse("input[name=csrf_token]").unwrap();
    html.select(&field).find_map(|input| input.value().attr("value")).map(str::to_owned)
}
