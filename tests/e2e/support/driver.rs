//! The distribution's chromedriver, one for all tests, and the browsers it runs. A browser that a test has done with is
//! wiped and lent to the next one, because starting one takes over a second. All end with the test program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::{ParseError, Url};

use super::process::Process;

const FLAGS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--force-color-profile=srgb",
    "--lang=en-GB",
    "--window-size=1440,900",
];

const MISSING: &str = "The browser tests need Chromium and chromedriver: run bin/test, which installs them, \
    or install the packages chromium and chromium-driver.";

/// chromedriver is slow to start when the disk is cold.
const START: Duration = Duration::from_secs(60);
/// So many browsers wait for the next test at most.
const IDLE: usize = 3;

/// One browser: its process, cookies and window.
pub struct Session {
    runtime: Runtime,
    pub client: Client,
    script: bool,
    _profile: TempDir,
}

struct Driver {
    _process: Process,
    url: String,
    chromium: PathBuf,
    profiles: PathBuf,
    idle: Mutex<Vec<Session>>,
}

/// Never dropped; the watcher of the process ends it with us, and deletes the profiles.
static DRIVER: OnceLock<Driver> = OnceLock::new();

impl Driver {
    fn get() -> &'static Self {
        DRIVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let chromedriver = program(&[
            "chromedriver",
            "chromium.chromedriver",
            "/usr/lib/chromium/chromedriver",
            "/usr/lib/chromium-browser/chromedriver",
        ]);
        let chromium = program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]);
        let (Some(chromedriver), Some(chromium)) = (chromedriver, chromium) else { panic!("{MISSING}") };
        let profiles = tempfile::Builder::new().prefix("baton-e2e-").tempdir().unwrap().keep();
        let mut command = Command::new(chromedriver);
        // Whatever it leaves behind lies in our folder and goes with it.
        command.arg("--port=0").env("TMPDIR", &profiles).env("HOME", &profiles);
        let process = Process::start(&mut command, Some(&profiles)).unwrap();
        let port = |line: &str| line.strip_suffix('.')?.split_once("successfully on port ")?.1.parse::<u16>().ok();
        let Some(port) = process.wait_for_line(START, port) else {
            panic!("chromedriver did not start. It printed:\n{}", process.printed());
        };
        let url = format!("http://127.0.0.1:{port}");
        Self { _process: process, url, chromium, profiles, idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first of these programs that is installed.
fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

impl Session {
    /// A browser without cookies and history, with or without script.
    pub fn take(script: bool) -> Self {
        let driver = Driver::get();
        let mut idle = driver.idle();
        let found = idle.iter().position(|session| session.script == script).map(|index| idle.swap_remove(index));
        drop(idle);
        found.unwrap_or_else(|| Self::start(driver, script))
    }

    fn start(driver: &Driver, script: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let profile = tempfile::Builder::new().prefix("profile-").tempdir_in(&driver.profiles).unwrap();
        let capabilities = capabilities(&driver.chromium, profile.path(), script);
        let connected = runtime.block_on(async {
            ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&driver.url).await
        });
        match connected {
            Ok(client) => Self { runtime, client, script, _profile: profile },
            Err(error) => panic!("Chromium did not start: {error}"),
        }
    }

    /// Lends the browser to the next test, if it can be wiped.
    pub fn give_back(self, site: &Url) {
        let idle = Driver::get().idle().len();
        if idle < IDLE && self.wipe(site).is_ok() {
            Driver::get().idle().push(self);
        } else {
            self.close();
        }
    }

    fn wipe(&self, site: &Url) -> Result<(), CmdError> {
        let origin = site.origin().ascii_serialization();
        self.block_on(async |client| {
            let own = client.window().await?;
            for window in client.windows().await? {
                if window != own {
                    client.switch_to_window(window).await?;
                    client.close_window().await?;
                }
            }
            client.switch_to_window(own).await?;
            client.goto("about:blank").await
        })?;
        self.devtools("Network.clearBrowserCookies", &json!({}))?;
        self.devtools("Network.clearBrowserCache", &json!({}))?;
        self.devtools("Storage.clearDataForOrigin", &json!({ "origin": origin, "storageTypes": "all" }))?;
        self.console().map(|_| ())
    }

    /// Ends the browser.
    pub fn close(self) {
        let _ = self.runtime.block_on(self.client.clone().close());
    }

    /// Runs something that waits.
    pub fn block_on<T>(&self, work: impl AsyncFnOnce(&Client) -> T) -> T {
        self.runtime.block_on(work(&self.client))
    }

    /// A command of the DevTools protocol.
    pub fn devtools(&self, command: &str, params: &Value) -> Result<Value, CmdError> {
        let body = json!({ "cmd": command, "params": params });
        self.block_on(async |client| client.issue_cmd(Extension { path: "goog/cdp/execute", body }).await)
    }

    /// What the console says since this was last asked.
    pub fn console(&self) -> Result<Vec<Value>, CmdError> {
        let body = json!({ "type": "browser" });
        let entries = self.block_on(async |client| client.issue_cmd(Extension { path: "se/log", body }).await)?;
        Ok(entries.as_array().cloned().unwrap_or_default())
    }
}

fn capabilities(chromium: &Path, profile: &Path, script: bool) -> Capabilities {
    let mut args: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    args.push(format!("--user-data-dir={}", profile.display()));
    let prefs = if script { json!({}) } else { json!({ "profile.managed_default_content_settings.javascript": 2 }) };
    let all = json!({
        "goog:chromeOptions": { "binary": chromium, "args": args, "prefs": prefs },
        "goog:loggingPrefs": { "browser": "ALL" },
        "unhandledPromptBehavior": "accept",
    });
    all.as_object().cloned().unwrap_or_default()
}

/// A command of chromedriver that is not in the standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
