//! The forms of a conversation.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{Typed, show_with};
use crate::actions;
use crate::actions::composing::Message;
use crate::actions::conversations::Text;
use crate::actions::drafts::Writing;
use crate::domain::access::{Sees, conversations as may, notes};
use crate::domain::assignment::Target;
use crate::domain::conversations::{Conversation, ConversationRefusal, Priority, Status, StatusChange, parse_body};
use crate::domain::drafts::{Seen, composer_name};
use crate::domain::ids::{ConversationNumber, MessageId, TagId, TeamId, UserId};
use crate::domain::inbox::Address;
use crate::domain::snooze;
use crate::domain::text::{one_line, shorten};
use crate::failure::{Failure, Refusal};
use crate::store::db::blocking;
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Viewer};
use crate::web::reply::{Notice, Reply, done};
use crate::web::views::time::Times;

/// The longest name of a tag.
const TAG_CHARS: usize = 40;

/// A message or note.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MessageForm {
    body: String,
    /// `note` makes a note of what would be a reply.
    kind: String,
    then: String,
    /// The version of the draft that the page shows, and the page's own name.
    draft: String,
    composer: String,
    back: String,
    next: String,
}

impl MessageForm {
    fn seen(&self) -> Option<Seen> {
        Seen::parse(&self.draft, &self.composer)
    }
}

/// Whom it is given to.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AssignForm {
    target: String,
    back: String,
    next: String,
}

/// Where it stands.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct StatusForm {
    status: String,
    snooze_until: String,
    back: String,
    next: String,
}

/// How urgent it is.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PriorityForm {
    priority: String,
    back: String,
}

/// A reply to be sent once more.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RetryForm {
    message: String,
    back: String,
}

/// How it is marked.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct TagForm {
    add: String,
    remove: String,
    back: String,
}

/// A page of the inbox to go back to; anything else would let strangers send people away from here.
pub(in crate::web::pages) fn safe_back(back: &str) -> Option<&str> {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let number = path.strip_prefix("/conversations/");
    let numbered = number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let clean = query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let ours = path == "/inbox" || numbered;
    (clean && ours).then_some(back)
}

/// The list that a page to go back to shows.
pub(in crate::web::pages) fn list_of(back: &str) -> Address {
    let query = safe_back(back).and_then(|back| back.split_once('?')).map_or("", |(_, query)| query);
    serde_html_form::from_str(query).unwrap_or_default()
}

/// The conversation's page, unless the form says which.
pub(super) fn back_to(number: ConversationNumber, back: &str) -> String {
    safe_back(back).map_or_else(|| format!("/conversations/{number}"), str::to_owned)
}

/// What comes after a conversation that is settled.
fn on_to(next: &str, back: &str) -> String {
    let list = || super::super::inbox::words::href(&list_of(back));
    safe_back(next).map_or_else(list, str::to_owned)
}

/// A refused form: the page again with what was typed, 422. Everything else that failed stays what it is.
pub(super) async fn refused(
    viewer: &Viewer,
    number: ConversationNumber,
    back: &str,
    failure: Failure,
    draft: impl FnOnce(String) -> Typed,
) -> Reply {
    match failure {
        Failure::Refused(
            refusal @ (Refusal::Conversation(_) | Refusal::Draft(_) | Refusal::User(_) | Refusal::Bulk(_)),
        ) => {
            let draft = draft(refusal.to_string());
            show_with(viewer, StatusCode::UNPROCESSABLE_ENTITY, number, list_of(back), draft).await
        }
        other => Err(other.into()),
    }
}

pub(super) fn alert(sentence: String) -> Typed {
    Typed { alert: Some(sentence), ..Typed::default() }
}

/// Answers the contact – or writes a note, if the form says so.
///
/// # Errors
/// [`WebError::NotFound`], [`WebError::Forbidden`], or trouble with the database.
pub async fn reply(may: May<may::Reply>, number: Id<ConversationNumber>, Form(form): Form<MessageForm>) -> Reply {
    let May { viewer, can } = may;
    if form.kind == "note" {
        let can = viewer.must::<notes::Write>()?;
        return send(viewer, Writing::Note(can), number.0, form).await;
    }
    send(viewer, Writing::Reply(can), number.0, form).await
}

/// Writes a note.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn note(may: May<notes::Write>, number: Id<ConversationNumber>, Form(form): Form<MessageForm>) -> Reply {
    send(may.viewer, Writing::Note(may.can), number.0, form).await
}

async fn send(viewer: Viewer, writing: Writing, number: ConversationNumber, form: MessageForm) -> Reply {
    let closes = form.then == "close";
    let close = if closes { Some(viewer.must::<may::ChangeStatus>()?) } else { None };
    let note = matches!(writing, Writing::Note(_));
    let sent = match parse_body(&form.body) {
        Err(refusal) => Err(refusal.into()),
        Ok(body) => {
            let text = blocking(move || Ok(Text::of(&body))).await.map_err(WebError::Failure)?;
            let message = Message { text, composer: composer_name(&form.composer), seen: form.seen() };
            viewer.write(move |tx| actions::composing::send(tx, &writing, close.as_ref(), number, &message)).await
        }
    };
    match sent {
        Ok(()) => {
            viewer.app.wake.now();
            let text = match (note, closes) {
                (false, false) => "Sent",
                (false, true) => "Sent and closed",
                (true, false) => "Note added",
                (true, true) => "Note added, conversation closed",
            };
            let address = if closes { on_to(&form.next, &form.back) } else { back_to(number, &form.back) };
            done(&viewer, &address, Notice::new(text))
        }
        Err(failure) => {
            let draft = |said| Typed { body: form.body, note, problem: Some(said), ..Typed::default() };
            refused(&viewer, number, &form.back, failure, draft).await
        }
    }
}

/// Gives the conversation to somebody else.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn assign(may: May<may::Assign>, number: Id<ConversationNumber>, Form(form): Form<AssignForm>) -> Reply {
    let May { viewer, can } = may;
    let number = number.0;
    let Some(target) = Target::parse(&form.target) else {
        return refused(&viewer, number, &form.back, crate::domain::bulk::BulkRefusal::NoTarget.into(), alert).await;
    };
    match viewer.write(move |tx| actions::conversations::assign(tx, &can, number, target)).await {
        Ok(before) => {
            let name = viewer.read(move |rx| name_of(rx, target)).await?;
            let kept = still_sees(&viewer.sees(), &before, target);
            let address = if kept { back_to(number, &form.back) } else { on_to(&form.next, &form.back) };
            done(&viewer, &address, Notice::new(name))
        }
        Err(failure) => refused(&viewer, number, &form.back, failure, alert).await,
    }
}

/// Whether whoever gave a conversation away may still look at it.
fn still_sees(sees: &Sees, before: &Conversation, target: Target) -> bool {
    let (user, team): (Option<UserId>, Option<TeamId>) = target.holder(before.team);
    sees.covers(user, team, before.channel)
}

fn name_of(rx: &mut Rx, target: Target) -> Result<String, Failure> {
    Ok(match target {
        Target::User(user) => {
            let name = store::users::find(rx, user)?.map_or_else(String::new, |user| user.name.full);
            format!("Assigned to {name}")
        }
        Target::Team(team) => {
            let name = store::teams::find(rx, team)?.map_or_else(String::new, |team| team.name);
            format!("Moved to {name}")
        }
        Target::Nobody => "Left unassigned".to_owned(),
    })
}

/// Closes, reopens, snoozes or archives.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn set_status(
    may: May<may::ChangeStatus>,
    number: Id<ConversationNumber>,
    Form(form): Form<StatusForm>,
) -> Reply {
    let May { viewer, can } = may;
    let (number, zone, now) = (number.0, viewer.known.zone, viewer.db().now());
    let change = match Status::parse(&form.status) {
        Some(Status::Open) => Some(StatusChange::Open),
        Some(Status::Closed) => Some(StatusChange::Close),
        Some(Status::Archived) => Some(StatusChange::Archive),
        Some(Status::Snoozed) => snooze::parse(&form.snooze_until, now, zone).map(StatusChange::Snooze),
        None => None,
    };
    let Some(change) = change else {
        return refused(&viewer, number, &form.back, ConversationRefusal::SnoozeInThePast.into(), alert).await;
    };
    match viewer.write(move |tx| actions::conversations::change_status(tx, &can, number, change)).await {
        Ok(_) => {
            let said = match change {
                StatusChange::Open => "Opened again".to_owned(),
                StatusChange::Close => "Closed".to_owned(),
                StatusChange::Archive => "Archived".to_owned(),
                StatusChange::Snooze(until) => {
                    format!("Snoozed until {}", Times::new(now, zone).full(until).inside().text)
                }
            };
            let stays = change == StatusChange::Open;
            let address = if stays { back_to(number, &form.back) } else { on_to(&form.next, &form.back) };
            done(&viewer, &address, Notice::new(said))
        }
        Err(failure) => refused(&viewer, number, &form.back, failure, alert).await,
    }
}

/// Changes how urgent it is.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn prioritise(may: May<may::Tag>, number: Id<ConversationNumber>, Form(form): Form<PriorityForm>) -> Reply {
    let May { viewer, can } = may;
    let number = number.0;
    let to = Priority::parse(&form.priority).ok_or(WebError::BadForm("Choose one of the priorities."))?;
    match viewer.write(move |tx| actions::conversations::set_priority(tx, &can, number, to)).await {
        Ok(_) => done(&viewer, &back_to(number, &form.back), Notice::default()),
        Err(failure) => refused(&viewer, number, &form.back, failure, alert).await,
    }
}

/// Sends a reply once more that did not arrive.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn retry(may: May<may::Reply>, number: Id<ConversationNumber>, Form(form): Form<RetryForm>) -> Reply {
    let May { viewer, can } = may;
    let number = number.0;
    let message: i64 = form.message.parse().map_err(|_| WebError::NotFound)?;
    match viewer.write(move |tx| actions::conversations::retry(tx, &can, number, MessageId(message))).await {
        Ok(queued) => {
            viewer.app.wake.now();
            let said = if queued { "The reply is queued again" } else { "The reply is on its way already" };
            done(&viewer, &back_to(number, &form.back), Notice::new(said))
        }
        Err(failure) => refused(&viewer, number, &form.back, failure, alert).await,
    }
}

/// Adds or removes a tag.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn tag(may: May<may::Tag>, number: Id<ConversationNumber>, Form(form): Form<TagForm>) -> Reply {
    let May { viewer, can } = may;
    let number = number.0;
    let name = shorten(&one_line(&form.add), TAG_CHARS);
    let changed = if let Some(tag) = removed(&form.remove)? {
        viewer.write(move |tx| actions::conversations::remove_tag(tx, &can, number, tag)).await
    } else if name.is_empty() {
        let draft = alert("Type the name of a tag first.".to_owned());
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, number, list_of(&form.back), draft).await;
    } else {
        viewer.write(move |tx| actions::conversations::add_tag(tx, &can, number, &name)).await
    };
    match changed {
        Ok(_) => done(&viewer, &back_to(number, &form.back), Notice::default()),
        Err(failure) => refused(&viewer, number, &form.back, failure, alert).await,
    }
}

fn removed(id: &str) -> Result<Option<TagId>, WebError> {
    if id.is_empty() { Ok(None) } else { id.parse().map(Some).map_err(|_| WebError::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_inbox_are_gone_back_to() {
        for good in ["/inbox", "/inbox?view=mine", "/conversations/12", "/conversations/12?q=a%20b"] {
            assert_eq!(safe_back(good), Some(good));
        }
        let bad = [
            "",
            "/",
            "/login",
            "//inbox",
            "/inboxes",
            "/inbox/bulk",
            "/inbox\\",
            "/inbox1",
            "/conversations/1x",
            "/inbox?a\nb",
            "/conversations/",
            "/conversations//evil.example",
            "https://evil.example/inbox",
        ];
        for bad in bad {
            assert_eq!(safe_back(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_list_is_kept() {
        assert_eq!(list_of("/conversations/12?view=mine&q=tent").query(), "view=mine&q=tent");
        assert_eq!(list_of("/evil?view=mine"), Address::default());
        assert_eq!(on_to("", "/conversations/12?view=mine"), "/inbox?view=mine");
        assert_eq!(on_to("/conversations/13?view=mine", ""), "/conversations/13?view=mine");
        assert_eq!(on_to("https://evil.example", "/conversations/1"), "/inbox");
    }
}
