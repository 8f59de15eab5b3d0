//! Tests of the harness itself, on a site that is served from here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lettre::message::MultiPart;
use lettre::{Message, SmtpTransport, Transport as _};

use super::support::app::{App, Recipe};
use super::support::browser::{Browser, PHONE, Scheme};
use super::support::smtp::{Smtp, Step};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const HOME: &str = r#"<!doctype html><html lang="en"><head><title>Harness</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script></head><body><main><h1>Harness</h1>
<p id="script">Without script</p><p id="size"></p><p id="last-key"></p><p hidden id="unseen">Unseen</p>
<form method="post" action="/greet"><p><label for="name">Name</label> <input id="name" name="name"></p>
<p><label for="day">Day</label> <input id="day" name="day" type="datetime-local"></p>
<p><label for="colour">Colour</label> <select id="colour" name="colour"><option value="r">Red</option>
<option value="g">Green</option></select></p>
<p><input type="checkbox" id="loud" name="loud"> <label for="loud">Loud</label></p>
<p><button type="button" aria-label="Show more" id="more">+</button> <button>Greet</button></p></form>
<p><a href="/other?page=2">Elsewhere</a></p></main></body></html>"#;

const SCRIPT: &str = r"document.getElementById('script').textContent = 'With script';
document.getElementById('size').textContent = innerWidth + ' × ' + innerHeight;
document.addEventListener('keydown', e => document.getElementById('last-key').textContent = (e.ctrlKey ? 'Control ' : '') + e.key);
document.getElementById('more').addEventListener('click', () => setTimeout(() => {
  const p = document.createElement('p'); p.id = 'late'; p.textContent = 'It came  late'; document.querySelector('main').append(p);
}, 300));";

const STYLE: &str = "body { color: #111; background: #fff } a { color: #0033cc }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111 } a { color: #99bbff } }
button, input, select { min-height: 24px; min-width: 24px }";

#[test]
fn a_person_reads_writes_and_clicks() {
    let dana = Browser::named("dana").open(&site());
    dana.goto("/");
    assert_eq!((dana.status(), dana.title().as_str()), (200, "Harness"));
    assert_eq!(dana.text("#script"), "With script");
    assert_eq!(dana.count("#unseen"), 0);
    assert_eq!(dana.attr("#unseen", "id").as_deref(), Some("unseen"));

    dana.press_button("Show more");
    dana.wait_for_text("It came late");
    dana.wait_for("#late");
    dana.reload();
    dana.wait_until_gone("#late");

    dana.press("Control+b");
    dana.wait_for_text_in("#last-key", "Control b");
    dana.click("#name");
    dana.wait_for_focus("#name");

    dana.fill("#name", "Dana Weiß");
    dana.fill("#day", "2026-11-24T09:00");
    dana.select("#colour", "g");
    dana.tick("#loud", true);
    assert_eq!(dana.value("#name"), "Dana Weiß");
    dana.submit("form");
    dana.wait_for_path("/greet");
    dana.wait_for_text("name=Dana+Wei%C3%9F&day=2026-11-24T09%3A00&colour=g&loud=on");

    dana.back();
    dana.follow("Elsewhere");
    dana.wait_for_path("/other");
    assert_eq!(dana.path(), "/other?page=2");
    assert_eq!(dana.texts("h1"), ["Elsewhere"]);
    assert!(dana.source().contains("<h1>Elsewhere</h1>"));
}

#[test]
fn two_people_have_cookies_of_their_own() {
    let site = site();
    let (dana, alice) = (Browser::named("dana").open(&site), Browser::named("alice").open(&site));
    dana.set_cookie("theme", "dark");
    for person in [&dana, &alice] {
        person.goto("/cookies");
    }
    assert_eq!(dana.text("h1"), "theme=dark");
    assert_eq!(alice.text("h1"), "none");
    drop(dana);
    let later = Browser::named("later").open(&site);
    later.goto("/cookies");
    assert_eq!(later.text("h1"), "none");
}

#[test]
fn without_script_forms_still_work() {
    let dana = Browser::named("dana").without_script().open(&site());
    dana.goto("/");
    assert_eq!(dana.text("#script"), "Without script");
    dana.fill("#name", "Dana");
    dana.fill("#day", "2026-11-24T09:00");
    dana.tick("#loud", true);
    dana.press_button("Greet");
    dana.wait_for_text("name=Dana&day=2026-11-24T09%3A00&colour=r&loud=on");
}

#[test]
fn the_window_is_as_big_and_as_dark_as_asked() {
    let dana = Browser::named("dana").open(&site());
    dana.goto("/");
    dana.wait_for_text_in("#size", "1440 × 900");
    let background = || dana.run("return getComputedStyle(document.body).backgroundColor", vec![]);
    assert_eq!(background(), "rgb(255, 255, 255)");
    dana.prefer(Scheme::Dark);
    assert_eq!(background(), "rgb(17, 17, 17)");
    dana.resize(PHONE);
    dana.reload();
    dana.wait_for_text_in("#size", "390 × 844");
    assert_eq!(dana.run("return matchMedia('(pointer: coarse)').matches", vec![]), true);

    let png = std::fs::read(dana.screenshot("harness")).unwrap();
    let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((size(16), size(20)), PHONE);

    let small = Browser::named("small").size((360, 740)).dark().open(&site());
    small.goto("/");
    small.wait_for_text_in("#size", "360 × 740");
}

#[test]
fn axe_finds_what_is_wrong_in_spite_of_the_policy() {
    let dana = Browser::named("dana").open(&site());
    dana.goto("/");
    dana.assert_clean("Home");
    dana.prefer(Scheme::Dark);
    dana.assert_clean("Home, dark");
    dana.goto("/bad");
    let found = dana.violations();
    let rules: Vec<&str> = found.iter().map(|violation| violation.rule.as_str()).collect();
    assert!(rules.contains(&"image-alt") && rules.contains(&"html-has-lang"), "{rules:?}");
    assert!(found.iter().any(|violation| violation.to_string().contains("img")), "{found:?}");
}

#[test]
fn the_console_is_watched() {
    let site = site();
    for (path, word) in [("/inline", "Content Security Policy"), ("/throws", "Uncaught"), ("/no-style", "404")] {
        let dana = Browser::named("dana").open(&site);
        dana.goto(path);
        dana.wait_until("see the error", |dana| !dana.console_errors().is_empty());
        let errors = dana.console_errors();
        assert!(errors.iter().any(|entry| entry.message.contains(word)), "{errors:?}");
        assert!(catch_unwind(AssertUnwindSafe(|| drop(dana))).is_err(), "{path} went unnoticed");
    }
    let dana = Browser::named("dana").open(&site);
    dana.goto("/nowhere");
    assert_eq!(dana.status(), 404);
    dana.tolerate("Uncaught");
    dana.goto("/throws");
}

#[test]
fn the_program_s_address_links_and_log_ins_are_read() {
    let script = "echo \"mail by ${BATON_SMTP_URL:-nobody}\" >&2; echo \"Listening on http://$BATON_LISTEN\"; echo 'Owner      dana.weiss@fernhill.example  a-b-c'; \
        echo 'Set-up link: http://127.0.0.1:1/setup/t0ken'; exec sleep 600";
    let program = |script: &str| Recipe::of("sh").arg("-c").arg(script);
    let mut app = program(script).env("BATON_SMTP_URL", "smtp://x").start();
    assert_eq!(app.url(), "http://127.0.0.1:0");
    assert_eq!(app.setup_link(), "http://127.0.0.1:1/setup/t0ken");
    let owner = app.account("owner");
    assert_eq!((owner.email.as_str(), owner.password.as_str()), ("dana.weiss@fernhill.example", "a-b-c"));
    assert!(!app.data_dir().exists());
    app.crash_and_restart();
    assert_eq!(app.url(), "http://127.0.0.1:0");
    assert!(!app.stop().success());
    assert!(app.logs().contains("mail by smtp://x"));

    let failed = catch_unwind(|| program("echo The address is taken.; exit 1").start());
    let words = failed.err().and_then(|words| words.downcast::<String>().ok()).unwrap();
    assert!(words.contains("The address is taken."), "{words}");
}

#[test]
fn the_program_is_killed_with_all_it_started() {
    let app = Recipe::of("sh").arg("-c").arg("sleep 600 & echo \"child $!\"; echo Listening on http://x; wait").start();
    let child = app.logs().lines().find_map(|line| line.strip_prefix("child ").map(str::to_owned)).unwrap();
    let runs = || std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(runs());
    drop(app);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while runs() {
        assert!(std::time::Instant::now() < deadline, "{child} still runs");
        std::thread::yield_now();
    }
}

#[test]
fn mails_are_kept_or_refused() {
    let smtp = Smtp::start();
    let transport = SmtpTransport::from_url(&smtp.url()).unwrap().build();
    let mail = |to: &str| {
        Message::builder()
            .from("Baton <baton@fernhill.example>".parse().unwrap())
            .to(to.parse().unwrap())
            .subject("Grüße")
            .multipart(MultiPart::alternative_plain_html(
                "Hello\n.dot\n\nhttps://baton.example/invites/t0ken.\n".to_owned(),
                "<p>Hello</p>".to_owned(),
            ))
            .unwrap()
    };
    smtp.refuse(Step::Recipient, 451, 1);
    assert!(transport.send(&mail("alice@fernhill.example")).unwrap_err().is_transient());
    smtp.refuse(Step::Data, 550, 1);
    assert!(transport.send(&mail("alice@fernhill.example")).unwrap_err().is_permanent());
    smtp.refuse(Step::Connect, 421, 1);
    assert!(SmtpTransport::from_url(&smtp.url()).unwrap().build().send(&mail("alice@fernhill.example")).is_err());
    smtp.wait_for_refusals(3);
    assert_eq!((smtp.refused(), smtp.mails().len()), (3, 0));

    transport.send(&mail("alice@fernhill.example")).unwrap();
    transport.send(&mail("bob@fernhill.example")).unwrap();
    assert_eq!(smtp.wait_for_mails(2).len(), 2);
    let mail = smtp.wait_for_mail_to("Alice@fernhill.example");
    assert_eq!((mail.from.as_str(), mail.subject().as_str()), ("baton@fernhill.example", "Grüße"));
    assert!(mail.text().contains("\n.dot\n"), "{}", mail.text());
    assert_eq!(mail.html().trim(), "<p>Hello</p>");
    assert_eq!(mail.header("To").as_deref(), Some("alice@fernhill.example"));
    assert_eq!(mail.link("/invites/"), "https://baton.example/invites/t0ken");
}

#[test]
fn the_real_program_is_set_up_stopped_and_survives_a_crash() {
    let mut app = App::serve().start();
    let link = app.setup_link();
    assert!(link.starts_with(&format!("{}/setup/", app.url())), "{link}");
    let dana = app.browser("dana");
    dana.goto(&link);
    assert!(dana.count("form") > 0);
    app.crash_and_restart();
    dana.goto("/login");
    dana.wait_for_text("baton setup-link");
    assert!(app.data_dir().exists());
    drop(dana);
    assert!(app.stop().success(), "{}", app.logs());
}

#[test]
fn the_demo_s_owner_logs_in() {
    let app = App::demo().conversations(50).start();
    let dana = app.logged_in("Owner");
    dana.wait_for("main");
}

/// Serves the site on a free port, until the tests end.
fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(&stream));
        }
    });
    url
}

fn answer(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let (mut length, mut cookies) = (0, "none".to_owned());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some((name, value)) if name.eq_ignore_ascii_case("cookie") => cookies = value.to_owned(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let page = |body: &str| {
        (
            "200 OK",
            "text/html; charset=utf-8",
            format!("<!doctype html><html lang=en><title>x</title><link rel=icon href=/icon.svg>{body}"),
        )
    };
    let path = first.split(' ').nth(1)?.split('?').next()?.to_owned();
    let (status, kind, body) = match path.as_str() {
        "/" => ("200 OK", "text/html; charset=utf-8", HOME.to_owned()),
        "/page.js" => ("200 OK", "text/javascript", SCRIPT.to_owned()),
        "/throw.js" => ("200 OK", "text/javascript", "throw new Error('on purpose')".to_owned()),
        "/page.css" => ("200 OK", "text/css", STYLE.to_owned()),
        "/icon.svg" | "/favicon.ico" => {
            ("200 OK", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>".to_owned())
        }
        "/greet" => page(&format!("<p>{}</p>", String::from_utf8_lossy(&body))),
        "/other" => page("<h1>Elsewhere</h1>"),
        "/cookies" => page(&format!("<h1>{cookies}</h1>")),
        "/bad" => ("200 OK", "text/html", "<!doctype html><html><title>x</title><img src=/icon.svg>".to_owned()),
        "/inline" => page("<script>1</script>"),
        "/throws" => page("<script src=/throw.js></script>"),
        "/no-style" => page("<link rel=stylesheet href=/none.css>"),
        _ => ("404 Not Found", "text/html", "<!doctype html><title>x</title>Nothing here".to_owned()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(format!("{head}Content-Security-Policy: {CSP}\r\nConnection: close\r\n\r\n{body}").as_bytes()).ok()
}
