//! Inviting many at once: a list is pasted or uploaded, looked at line by line, and sent in one piece (I-1).

use actix_web::http::StatusCode;
use askama::Template;

use super::settings_invites::{Choices, Roles, choices};
use super::settings_invites_list::HERE;
use crate::actions::invite_lists::{Answer, Asked, create_all, look};
use crate::actions::invites::Invited;
use crate::domain::access::users;
use crate::domain::invite_check::{Checked, Places, print_places};
use crate::domain::invite_list::{self, List};
use crate::domain::secrets::hash;
use crate::domain::text::{counted, grouped};
use crate::failure::{Failure, Refusal};
use crate::web::error::WebError;
use crate::web::extract::{May, Viewer};
use crate::web::forms::{Problems, ids, is_on};
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::upload::Upload;
use crate::web::views::chrome::{SettingsItem, form_token};

/// How many lines with a problem are shown.
const SHOWN: usize = 300;

/// What is typed in the dialog.
#[derive(Default, Clone)]
struct ListForm {
    list: String,
    role: Vec<String>,
    team: Vec<String>,
    channel: Vec<String>,
    send: bool,
    strike: Vec<String>,
    strike_all: bool,
    bad: String,
    checked: String,
    go: bool,
}

impl ListForm {
    fn of(upload: &Upload) -> Self {
        Self {
            list: upload.one("list").replace("\r\n", "\n"),
            role: upload.all("role"),
            team: upload.all("team"),
            channel: upload.all("channel"),
            send: is_on(upload.one("send_invite")),
            strike: upload.all("strike"),
            strike_all: is_on(upload.one("strike_all")),
            bad: upload.one("bad").to_owned(),
            checked: upload.one("checked").to_owned(),
            go: upload.one("step") == "send",
        }
    }

    /// Who is left out, by their places in the list.
    fn struck(&self) -> Places {
        let mut places: Vec<u64> = self.strike.iter().filter_map(|place| place.parse().ok()).collect();
        places.sort_unstable();
        let picked = print_places(&places);
        Places::parse(&if self.strike_all { format!("{},{picked}", self.bad) } else { picked })
    }

    fn asked(&self, list: List) -> Result<Asked, WebError> {
        Ok(Asked {
            list,
            roles: ids(&self.role)?,
            teams: ids(&self.team)?,
            channels: ids(&self.channel)?,
            send: self.send,
            struck: self.struck(),
        })
    }
}

/// A row of the preview: several people who are fine stand together.
struct Row {
    lines: String,
    /// Who is struck with it, from 1.
    place: u64,
    who: String,
    problems: Vec<String>,
    struck: bool,
}

struct Preview {
    rows: Vec<Row>,
    more: usize,
    bad: String,
    bad_count: usize,
    bad_left: usize,
    unknown_columns: String,
    ready: String,
    to_fix: String,
    left_out: String,
    checked: String,
    send_words: String,
    can_send: bool,
}

#[derive(Template)]
#[template(path = "partials/invite_many.html")]
struct ManyDialog {
    csrf: String,
    form: ListForm,
    choices: Choices,
    preview: Option<Preview>,
    days: i32,
    smtp: bool,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "partials/invite_links.html")]
struct LinksDialog {
    count: String,
    links: String,
    days: i32,
}

/// The dialog.
///
/// # Errors
/// Trouble with the database.
pub async fn ask(may: May<users::Invite>) -> Reply {
    let form = ListForm { send: true, ..ListForm::default() };
    show(&may.viewer, form, None, Problems::new(), StatusCode::OK).await
}

async fn show(
    viewer: &Viewer,
    mut form: ListForm,
    preview: Option<Preview>,
    problems: Problems,
    status: StatusCode,
) -> Reply {
    let roles = Roles { usual: preview.is_none() && form.list.is_empty(), held: &[] };
    let choices = choices(viewer, &form.role, &form.team, &form.channel, roles).await?;
    // A text field swallows the first line break that it is given.
    form.list.insert(0, '\n');
    let content = ManyDialog {
        csrf: form_token(&viewer.req),
        form,
        choices,
        preview,
        days: viewer.known.workspace.invite_days,
        smtp: viewer.app.smtp,
        problems,
    };
    dialog(viewer, status, "Invite users", "lg", SettingsItem::Users, &content)
}

/// Looks at a list, or invites everybody in it. Nothing is sent until every line that is shown is fine or struck.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn create(may: May<users::Invite>, upload: Upload) -> Reply {
    let May { viewer, can } = may;
    let mut form = ListForm::of(&upload);
    let mut problems = Problems::new();
    if let Some(file) = upload.file() {
        match invite_list::decode(file) {
            Ok(text) => form.list = text.replace("\r\n", "\n"),
            Err(problem) => problems.add("file", problem.to_string()),
        }
        form.go = false;
    }
    let list = if problems.is_empty() {
        problems.take("list", invite_list::read(&form.list).map_err(|e| e.to_string()))
    } else {
        List::default()
    };
    if !problems.is_empty() {
        return show(&viewer, form, None, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let asked = form.asked(list)?;
    let digest = hash(&form.list);
    if form.go && digest == form.checked {
        let (base, wanted) = (viewer.app.public_url.clone(), asked.clone());
        match viewer.write(move |tx| create_all(tx, &can, &base, &wanted)).await {
            Ok(Answer::Invited(invited)) => return sent(&viewer, &invited, asked.send),
            Ok(Answer::Refused(all)) => {
                let preview = preview(&form, &asked, &all, digest);
                let sentence = if preview.bad_left > 0 {
                    format!("Mend or leave out {}. Nobody was invited yet.", preview.to_fix)
                } else {
                    "Every line is left out, so nobody was invited.".to_owned()
                };
                problems.add("list", sentence);
                return show(&viewer, form, Some(preview), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
            }
            // Somebody took an address at this instant: the list is looked at again.
            Err(Failure::Refused(Refusal::User(crate::domain::users::UserRefusal::EmailTaken(_)))) => {}
            Err(Failure::Refused(refusal)) => problems.add("roles", refusal.to_string()),
            Err(failure) => return Err(failure.into()),
        }
    }
    if form.go && problems.is_empty() {
        problems.add("list", "The list changed since it was checked. Look at it once more.");
    }
    let (actor, wanted) = (viewer.known.scope.actor.clone(), asked.clone());
    let all = match viewer.db().read(viewer.scope(), move |rx| look(rx, &actor, &wanted)).await {
        Ok(all) => all,
        Err(Failure::Refused(refusal)) => {
            let problems = if problems.is_empty() { Problems::of(&refusal) } else { problems };
            return show(&viewer, form, None, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        Err(failure) => return Err(failure.into()),
    };
    let preview = preview(&form, &asked, &all, digest);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    show(&viewer, form, Some(preview), problems, status).await
}

fn preview(form: &ListForm, asked: &Asked, all: &[Checked], checked: String) -> Preview {
    let mut rows: Vec<Row> = Vec::new();
    let mut run: Vec<&Checked> = Vec::new();
    let (mut ready, mut shown) = (0_usize, 0_usize);
    let mut bad: Vec<u64> = Vec::new();
    let mut bad_left = 0;
    let close = |run: &mut Vec<&Checked>, rows: &mut Vec<Row>| {
        if run.is_empty() {
            return;
        }
        let names: Vec<&str> =
            run.iter().take(4).filter_map(|one| one.answer.as_ref().ok()).map(|one| one.name.full.as_str()).collect();
        let more = run.len().saturating_sub(names.len());
        let more =
            if more > 0 { format!(" and {} more", grouped(i64::try_from(more).unwrap_or(0))) } else { String::new() };
        let lines: Vec<u64> = run.iter().map(|one| one.line).collect();
        let lines = match (lines.first(), lines.last()) {
            (Some(first), Some(last)) if first != last => format!("{first}–{last}"),
            (Some(first), _) => first.to_string(),
            _ => String::new(),
        };
        rows.push(Row {
            lines,
            place: 0,
            who: format!("{}{more}", names.join(", ")),
            problems: Vec::new(),
            struck: false,
        });
        run.clear();
    };
    for one in all {
        let struck = asked.struck.has(one.place);
        match &one.answer {
            Ok(_) if !struck => {
                ready += 1;
                run.push(one);
            }
            answer => {
                let problems = answer.as_ref().err().cloned().unwrap_or_default();
                if !problems.is_empty() {
                    bad.push(one.place);
                    bad_left += usize::from(!struck);
                }
                if shown < SHOWN {
                    close(&mut run, &mut rows);
                    rows.push(Row {
                        lines: one.line.to_string(),
                        place: one.place,
                        who: one.shown.clone(),
                        problems,
                        struck,
                    });
                }
                shown += 1;
            }
        }
    }
    close(&mut run, &mut rows);
    let count = |n: usize| i64::try_from(n).unwrap_or(0);
    Preview {
        rows,
        more: shown.saturating_sub(SHOWN),
        bad: print_places(&bad),
        bad_count: bad.len(),
        bad_left,
        unknown_columns: asked.list.unknown_columns.join(", "),
        ready: format!("{} ready", grouped(count(ready))),
        to_fix: counted(count(bad_left), "line", "lines"),
        left_out: grouped(count(all.len() - ready - bad_left)),
        checked,
        send_words: match (form.send, ready) {
            (true, _) => format!("Send {}", counted(count(ready), "invite", "invites")),
            (false, _) => format!("Make {}", counted(count(ready), "link", "links")),
        },
        can_send: ready > 0,
    }
}

fn sent(viewer: &Viewer, invited: &[Invited], mailed: bool) -> Reply {
    let count = counted(i64::try_from(invited.len()).unwrap_or(0), "person is", "people are");
    if mailed {
        viewer.app.wake.now();
        let mails = if viewer.app.smtp {
            "The mails are on their way."
        } else {
            "The mails stand in the outbox: no mail server is set."
        };
        return done(viewer, HERE, Notice::new(format!("{count} invited. {mails}")));
    }
    let links: String = invited.iter().map(|one| format!("{},{}\n", one.email, one.link)).collect();
    let content = LinksDialog { count, links, days: viewer.known.workspace.invite_days };
    dialog(viewer, StatusCode::OK, "Invite links", "lg", SettingsItem::Users, &content)
}
