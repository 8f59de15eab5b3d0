//! Somebody who is logged in and asks for pages, with several connections at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baton::demo;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use scraper::{Html, Selector};
use tokio::task::JoinHandle;

type Http = Client<HttpConnector, Full<bytes::Bytes>>;

fn client() -> Http {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// How long each of many requests took.
pub struct Load {
    took: Vec<Duration>,
    long: Duration,
}

impl Load {
    fn of(mut took: Vec<Duration>, long: Duration) -> Self {
        took.sort_unstable();
        Self { took, long }
    }

    /// Requests answered each second.
    pub fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.long.as_secs_f64()
    }

    /// The time within which this share of them was answered.
    pub fn at(&self, share: f64) -> Duration {
        let last = self.took.len().saturating_sub(1);
        self.took.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }

    /// The time within which half of them were.
    pub fn median(&self) -> Duration {
        self.at(0.5)
    }
}

/// A logged-in person.
pub struct Browser {
    url: String,
    cookie: String,
    http: Http,
}

struct Answer {
    status: StatusCode,
    cookies: Vec<String>,
    body: String,
}

async fn send(http: &Http, request: Request<Full<bytes::Bytes>>) -> Answer {
    let answer = http.request(request).await.expect("an answer");
    let (head, body) = answer.into_parts();
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let cookies = head
        .headers
        .get_all(SET_COOKIE)
        .iter()
        .map(|value| text(value).split(';').next().unwrap_or_default().to_owned());
    Answer {
        status: head.status,
        cookies: cookies.collect(),
        body: String::from_utf8_lossy(&body.collect().await.expect("a body").to_bytes()).into_owned(),
    }
}

fn request(method: Method, url: &str, cookie: &str, form: Option<String>) -> Request<Full<bytes::Bytes>> {
    let request = Request::builder().method(method).uri(url).header(COOKIE, cookie);
    let request = match &form {
        Some(_) => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded"),
        None => request,
    };
    request.body(Full::from(form.unwrap_or_default())).expect("a request")
}

/// Whether the program at this address says that it is ready.
pub async fn is_ready(url: &str) -> bool {
    let asked = request(Method::GET, &format!("{url}/readyz"), "", None);
    client().request(asked).await.is_ok_and(|answer| answer.status() == StatusCode::OK)
}

impl Browser {
    /// Logs the sample's Owner in.
    pub async fn logged_in(url: &str) -> Self {
        Self::logged_in_as(url, "dana.weiss@fernhill.example").await
    }

    /// Logs somebody of the sample in.
    pub async fn logged_in_as(url: &str, email: &str) -> Self {
        let http = client();
        let gate = format!("{url}/login");
        let page = send(&http, request(Method::GET, &gate, "", None)).await;
        let token = field(&page.body, "csrf_token");
        let form = [("csrf_token", token.as_str()), ("email", email), ("password", demo::PASSWORD)];
        let form = serde_html_form::to_string(form).expect("a form");
        let done = send(&http, request(Method::POST, &gate, &page.cookies.join("; "), Some(form))).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "the log-in was refused");
        Self { url: url.to_owned(), cookie: done.cookies.join("; "), http }
    }

    async fn page(&self, path: &str) -> String {
        let answer = send(&self.http, request(Method::GET, &format!("{}{path}", self.url), &self.cookie, None)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.body
    }

    /// The token of the person's forms.
    pub async fn token(&self) -> String {
        field(&self.page("/profile/security").await, "csrf_token")
    }

    /// Follows a stream, counting what it says.
    pub fn follow(&self, path: &str, told: &Arc<AtomicUsize>) -> JoinHandle<()> {
        let (url, cookie, http, told) = (format!("{}{path}", self.url), self.cookie.clone(), client(), told.clone());
        tokio::spawn(async move {
            let answer = http.request(request(Method::GET, &url, &cookie, None)).await.expect("a stream");
            assert_eq!(answer.status(), StatusCode::OK, "{url}");
            let mut body = answer.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                // A sign of life is nothing to be counted.
                let said = frame.data_ref().is_some_and(|data| !data.starts_with(b":"));
                told.fetch_add(usize::from(said), Ordering::Relaxed);
            }
        })
    }

    /// Follows "Next" so often; the address of the page that it leads to.
    pub async fn walk(&self, path: &str, pages: usize) -> String {
        let mut here = path.to_owned();
        for _ in 1..pages {
            let page = self.page(&here).await;
            let next = page
                .split("href=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .find(|href| href.contains("after="));
            here = next.expect("one more page").replace("&amp;", "&");
        }
        here
    }

    /// The hidden fields of the form that posts to `/inbox/bulk` on a page.
    pub async fn form(&self, path: &str) -> Vec<(String, String)> {
        let html = Html::parse_document(&self.page(path).await);
        let fields = Selector::parse("form[action='/inbox/bulk'] input[type=hidden]").expect("a selector");
        let fields = html.select(&fields).map(|one| one.value());
        fields.filter_map(|one| Some((one.attr("name")?.to_owned(), one.attr("value")?.to_owned()))).collect()
    }

    /// Posts a form; where it leads.
    pub async fn post(&self, path: &str, form: &[(String, String)]) {
        let form = serde_html_form::to_string(form).expect("a form");
        let url = format!("{}{path}", self.url);
        let answer = send(&self.http, request(Method::POST, &url, &self.cookie, Some(form))).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.body);
    }

    fn reader(&self, path: &str, stop: &Arc<AtomicBool>) -> JoinHandle<Vec<Duration>> {
        let (path, part) = path.split_once('#').map_or((path, false), |(path, _)| (path, true));
        let (url, cookie, http, stop) = (format!("{}{path}", self.url), self.cookie.clone(), client(), stop.clone());
        tokio::spawn(async move {
            let mut took = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let mut asked = request(Method::GET, &url, &cookie, None);
                if part {
                    asked.headers_mut().insert("hx-request", http::HeaderValue::from_static("true"));
                }
                let begun = Instant::now();
                let answer = http.request(asked).await.expect("an answer");
                let status = answer.status();
                answer.into_body().collect().await.expect("a body");
                took.push(begun.elapsed());
                assert_eq!(status, StatusCode::OK, "{url}");
            }
            took
        })
    }

    /// Asks for a page over so many connections for so long; behind a `#`, as htmx asks.
    pub async fn load(&self, path: &str, connections: usize, long: Duration) -> Load {
        let readers = self.load_until(path, connections);
        tokio::time::sleep(long).await;
        readers.stop().await
    }

    /// The same until it is told to stop.
    pub fn load_until(&self, path: &str, connections: usize) -> Readers {
        let stop = Arc::new(AtomicBool::new(false));
        let readers = (0..connections).map(|_| self.reader(path, &stop)).collect();
        Readers { readers, stop, begun: Instant::now() }
    }
}

/// Requests under way.
pub struct Readers {
    readers: Vec<JoinHandle<Vec<Duration>>>,
    stop: Arc<AtomicBool>,
    begun: Instant,
}

impl Readers {
    /// Ends them.
    pub async fn stop(self) -> Load {
        let long = self.begun.elapsed();
        self.stop.store(true, Ordering::Relaxed);
        let mut took = Vec::new();
        for reader in self.readers {
            took.extend(reader.await.expect("a reader"));
        }
        Load::of(took, long)
    }
}

fn field(html: &str, name: &str) -> String {
    let selector = Selector::parse(&format!("input[name={name}]")).expect("a selector");
    let html = Html::parse_document(html);
    html.select(&selector).find_map(|one| one.value().attr("value")).map(str::to_owned).expect("the field")
}
