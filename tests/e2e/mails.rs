//! Every mail of the corpora, read in a browser: nothing of it runs, nothing is fetched from elsewhere, its files are only
//! ever downloaded (K-3). `tests/it/mail_in.rs` holds that none is lost.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::app::App;
use super::support::browser::Browser;

const CHANNEL: &str = "support@fernhill.example";

/// Whatever a mail's script would do first leaves a trace, and so does a request.
const TRACES: &str = "window.ran = []; \
    for (const name of ['alert', 'confirm', 'prompt', 'print', 'open', 'eval']) { \
      const before = window[name]; \
      window[name] = (...args) => { window.ran.push(`${name}(${args})`); return name === 'eval' ? before(...args) : null; }; \
    } \
    window.broken = []; \
    document.addEventListener('securitypolicyviolation', e => window.broken.push(`${e.violatedDirective} ${e.blockedURI}`));";

/// What was traced; then everything is pointed at, clicked and focused that a mail could have put into the page.
const PROVOKE: &str = "const messages = [...document.querySelectorAll('.msg')]; \
    for (const node of messages.flatMap(message => [...message.querySelectorAll('*')])) { \
      for (const kind of ['mouseover', 'pointerenter', 'focus', 'animationend', 'toggle', 'load', 'error', 'begin', 'wheel']) \
        node.dispatchEvent(new Event(kind)); \
      if (node.localName === 'details') node.open = true; \
    }";

const FOUND: &str = "const odd = []; \
    for (const node of document.querySelectorAll('.msg *')) { \
      if (['script', 'style', 'link', 'meta', 'base', 'iframe', 'object', 'embed', 'form', 'input', 'button', 'video', \
           'audio', 'source', 'svg', 'math', 'template', 'portal'].includes(node.localName) \
          && !(node.localName === 'svg' && node.classList.contains('icon'))) odd.push(`<${node.localName}>`); \
      for (const { name, value } of node.attributes) { \
        if (/^on|^style$|^srcdoc$|^formaction$/i.test(name)) odd.push(`${node.localName}[${name}]`); \
        if (/^(href|src|action|xlink:href)$/i.test(name) && /^\\s*(javascript|vbscript|data):/i.test(value)) \
          odd.push(`${node.localName}[${name}=${value}]`); \
      } \
    } \
    const away = performance.getEntriesByType('resource').map(entry => entry.name) \
      .filter(url => new URL(url).origin !== location.origin); \
    const linked = [...document.querySelectorAll('.msg a[href]:not(.attach)')].filter(a => a.origin !== location.origin); \
    const open = linked.filter(a => !/noopener/.test(a.rel)).map(a => a.outerHTML.slice(0, 120)); \
    return [...window.ran, ...window.broken, ...odd, ...away, ...open];";

/// How files are handed out: [address, status, disposition, sniffing, policy].
const FILES: &str = "const [css, done] = arguments; \
    Promise.all([...document.querySelectorAll(css)].map(async a => { \
      const answer = await fetch(a.href), said = name => answer.headers.get(name) ?? ''; \
      return [a.getAttribute('href'), answer.status, said('content-disposition'), said('x-content-type-options'), \
              said('content-security-policy'), said('content-type')]; \
    })).then(done, error => done(String(error)));";

#[test]
fn no_mail_does_anything_in_a_browser_but_be_read() {
    let app = App::demo().conversations(20).start();
    let (mut numbers, mut aside) = (Vec::new(), 0);
    for mail in corpora() {
        let said = app.ingest(CHANNEL, &mail);
        if let Some(number) = said.strip_prefix("Conversation ") {
            numbers.push((number.trim_end_matches('.').to_owned(), mail));
        } else if said.starts_with("Kept aside") {
            aside += 1;
        } else {
            assert_eq!(said, "Received before.", "{}", mail.display());
        }
    }
    assert!(numbers.len() > 60 && aside > 0, "{} conversations, {aside} aside", numbers.len());
    numbers.dedup_by(|one, other| one.0 == other.0);

    let reader = app.logged_in("Owner");
    let title = "Baton";
    reader.run_on_every_page(TRACES);
    let mut files = 0;
    // With the policy the browser would stop what got through; without it nothing may be there to be stopped.
    for bare in [false, true] {
        if bare {
            reader.ignore_policies();
        }
        for (number, mail) in &numbers {
            let name = mail.file_name().unwrap().to_string_lossy();
            reader.goto(&format!("/conversations/{number}"));
            assert_eq!(reader.status(), 200, "{name}");
            assert!(reader.count(".msg") > 0, "{name} shows no message");
            reader.run(PROVOKE, vec![]);
            let found = reader.run(FOUND, vec![]);
            assert_eq!(found, Value::Array(Vec::new()), "{name}, policy {}", if bare { "off" } else { "on" });
            assert!(reader.title().ends_with(title), "{name} changed the title to {}", reader.title());
            assert_eq!(reader.path(), format!("/conversations/{number}"), "{name} led away");
            if !bare {
                files += downloads(&reader, "a.attach", &name);
            }
        }
    }
    assert!(files > 10, "{files} files");

    reader.goto("/settings/outbox");
    assert_eq!(reader.run(FOUND, vec![]), Value::Array(Vec::new()));
    assert_eq!(downloads(&reader, "a[download]", "quarantine"), aside);
    // Lists show subjects and first words of all of them.
    for page in ["/inbox", "/inbox?q=alert", "/inbox?q=script"] {
        reader.goto(page);
        assert_eq!(reader.status(), 200, "{page}");
        assert_eq!(reader.run("return window.ran", vec![]), Value::Array(Vec::new()), "{page}");
    }
}

/// Every file on the page comes as a download that no browser runs. How many there were.
fn downloads(reader: &Browser, css: &str, name: &str) -> usize {
    let answers = reader.run_async(FILES, vec![Value::String(css.to_owned())]);
    let answers = answers.as_array().unwrap_or_else(|| panic!("{name}: {answers}"));
    for answer in answers {
        let part = |index: usize| answer.get(index).and_then(Value::as_str).unwrap_or_default();
        assert_eq!(answer.get(1).and_then(Value::as_u64), Some(200), "{name}: {answer}");
        assert!(part(2).starts_with("attachment;"), "{name}: {answer}");
        assert_eq!(part(3), "nosniff", "{name}: {answer}");
        assert!(part(4).contains("default-src 'none'"), "{name}: {answer}");
        assert!(!part(5).contains("html") && !part(5).contains("svg"), "{name}: {answer}");
    }
    answers.len()
}

fn corpora() -> Vec<PathBuf> {
    let mut mails = Vec::new();
    for folder in ["mail", "hostile"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        mails.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "eml")));
    }
    mails.sort();
    mails
}
