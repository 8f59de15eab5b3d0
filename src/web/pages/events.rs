//! The stream of an open page (C-14): that lists, the open conversation, who is at it, or a bulk job changed. Nothing else is
//! said; the page asks again for what it shows, where it is checked who may see it. So what a person may not see cannot be
//! told to them, and a stream keeps neither a thread nor a connection to the database.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Bytes;
use askama::Template;
use serde::Deserialize;
use tokio::time::Instant;

use crate::domain::access::{Actor, Key, Person, Scope, Sees};
use crate::domain::ids::{ConversationId, ConversationNumber, UserId, WorkspaceId};
use crate::domain::live::Doing;
use crate::domain::logins::session_lives;
use crate::failure::Failure;
use crate::store::db::blocking;
use crate::store::live::{Flags, Subscription};
use crate::store::{self, Db, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, Query, Seeing, Viewer};
use crate::web::reply::Reply;

/// A page is told at most so often; what changes meanwhile is told together.
const PAUSE: Duration = Duration::from_millis(500);
/// A sign of life, for proxies that close what is silent.
const BEAT: Duration = Duration::from_secs(20);
/// It is looked at least so often whether the person is still logged in.
const CHECK: Duration = Duration::from_secs(30);
/// The browser tries again after so many milliseconds.
const RETRY: &str = "retry: 3000\n\n";

/// What the page has open.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Open {
    conversation: String,
}

/// The stream.
///
/// # Errors
/// Trouble with the database.
pub async fn stream(viewer: Viewer, Query(open): Query<Open>) -> Reply {
    let mut answer = HttpResponse::Ok();
    // A proxy that gathers or packs what it passes on would keep it from the page.
    answer
        .content_type("text/event-stream; charset=utf-8")
        .insert_header(("cache-control", "no-store, no-transform"))
        .insert_header(("x-accel-buffering", "no"));
    if viewer.req.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let sees = viewer.sees();
    let conversation = match open.conversation.parse::<ConversationNumber>() {
        // One that they may not see is as if there were none.
        Ok(number) => viewer.read(move |rx| store::conversations::find(rx, number, &sees)).await?.map(|one| one.id),
        Err(_) => None,
    };
    let (workspace, person) = (viewer.scope().workspace, viewer.known.person.clone());
    let Some(subscription) = viewer.db().live().subscribe(workspace, person.id, conversation) else {
        return Ok(HttpResponse::TooManyRequests().insert_header(("retry-after", "10")).finish());
    };
    let stream = Stream::new(viewer.db().clone(), workspace, person, subscription);
    Ok(answer.streaming(futures_util::stream::unfold(stream, Stream::next)))
}

struct Stream {
    db: Db,
    workspace: WorkspaceId,
    person: Arc<Person>,
    subscription: Subscription,
    /// The conversation, as long as they may see it.
    conversation: Option<ConversationId>,
    pending: Flags,
    begun: bool,
    ended: bool,
    /// Not before this is anything told.
    free: Instant,
    beat: Instant,
    check: Instant,
}

type Told = Option<(Result<Bytes, Infallible>, Stream)>;

impl Stream {
    fn new(db: Db, workspace: WorkspaceId, person: Arc<Person>, subscription: Subscription) -> Self {
        let now = Instant::now();
        let mut stream = Self {
            conversation: subscription.conversation(),
            pending: Flags::NONE,
            begun: false,
            ended: false,
            free: now,
            beat: now + BEAT,
            check: now + CHECK,
            db,
            workspace,
            person,
            subscription,
        };
        stream.is_here();
        if let Some(at) = stream.conversation {
            let others = stream.db.live().list_present(workspace, at, stream.person.id, stream.db.now());
            if !others.is_empty() {
                stream.pending = Flags::PRESENCE;
            }
        }
        stream
    }

    /// Whoever has a conversation open is seen there by others.
    fn is_here(&self) {
        if let Some(at) = self.conversation {
            self.db.tell_presence(self.workspace, at, self.person.id, Doing::Viewing);
        }
    }

    async fn next(mut self) -> Told {
        if self.ended {
            return None;
        }
        if !self.begun {
            self.begun = true;
            return self.tell(RETRY.to_owned());
        }
        loop {
            self.wait().await;
            let now = Instant::now();
            if self.pending.has(Flags::CLOSED) {
                return None;
            }
            if self.pending.has(Flags::RETIRED) {
                self.ended = true;
                return self.tell(event("retired"));
            }
            if self.pending.has(Flags::STANDING) || now >= self.check {
                match self.look().await {
                    Ok(true) => {}
                    Ok(false) => {
                        self.ended = true;
                        return self.tell(event("gone"));
                    }
                    Err(failure) => {
                        // Who cannot be checked is told nothing; the page comes again.
                        tracing::warn!(error = %failure, "a stream was closed");
                        return None;
                    }
                }
            }
            if !self.pending.is_empty() && now >= self.free {
                match self.words().await {
                    Ok(words) if words.is_empty() => {}
                    Ok(words) => {
                        self.free = now + PAUSE;
                        return self.tell(words);
                    }
                    Err(_) => return None,
                }
            }
            if now >= self.beat {
                return self.tell(": still here\n\n".to_owned());
            }
        }
    }

    fn tell(mut self, words: String) -> Told {
        self.beat = Instant::now() + BEAT;
        Some((Ok(Bytes::from(words)), self))
    }

    /// Waits for a change or for the next thing to do.
    async fn wait(&mut self) {
        let mut until = self.beat.min(self.check);
        if !self.pending.is_empty() {
            until = until.min(self.free);
        }
        tokio::select! {
            flags = self.subscription.changed() => self.pending = self.pending.with(flags),
            () = tokio::time::sleep_until(until) => {}
        }
    }

    /// Looks whether the person is still logged in, and what they may do now.
    async fn look(&mut self) -> Result<bool, Failure> {
        self.check = Instant::now() + CHECK;
        self.pending = self.pending.without(Flags::STANDING);
        let (db, workspace, before) = (self.db.clone(), self.workspace, self.person.clone());
        let found = blocking(move || find_person(&db, workspace, &before)).await?;
        let Some(person) = found else { return Ok(false) };
        let was = sees(&self.person);
        self.person = person;
        if was != sees(&self.person) {
            self.pending = self.pending.with(Flags::INBOX).with(Flags::CONVERSATION);
        }
        self.is_here();
        Ok(true)
    }

    /// What is to be told of what is pending, to this person.
    async fn words(&mut self) -> Result<String, Failure> {
        let pending = std::mem::take(&mut self.pending);
        let mut words = String::new();
        if pending.has(Flags::INBOX) && sees(&self.person) != Sees::Nothing {
            words.push_str(&event("inbox"));
        }
        if let Some(at) = self.conversation {
            if pending.has(Flags::CONVERSATION) {
                // That it is theirs no longer is the last that they hear of it.
                words.push_str(&event("conversation"));
                let (sees, scope) = (sees(&self.person), Scope::system(self.workspace, None));
                let find = move |rx: &mut Rx| store::inbox::list_matching_among(rx, None, &sees, &[at]);
                if self.db.read(&scope, find).await?.is_empty() {
                    self.db.tell_presence(self.workspace, at, self.person.id, Doing::Away);
                    self.conversation = None;
                }
            }
            if pending.has(Flags::PRESENCE) && self.conversation.is_some() {
                words.push_str(&event("presence"));
            }
        }
        if pending.has(Flags::JOB) && self.person.permissions.has(Key::ConversationsBulk) {
            words.push_str(&event("job"));
        }
        Ok(words)
    }
}

/// A stream's event needs data, or browsers leave it out.
fn event(name: &str) -> String {
    format!("event: {name}\ndata: changed\n\n")
}

fn sees(person: &Arc<Person>) -> Sees {
    Sees::of(&Actor::Person(person.clone()))
}

/// The person with what they may do now; `None` if the session has ended.
fn find_person(db: &Db, workspace: WorkspaceId, before: &Person) -> Result<Option<Arc<Person>>, Failure> {
    let (user, session, now) = (before.id, before.session, db.now());
    let times = db.read_now(workspace, |rx| store::sessions::find_times(rx, user, session))?;
    if !times.is_some_and(|(created, seen)| session_lives(created, seen, now)) {
        return Ok(None);
    }
    let standing = store::roster::find_surroundings(db, workspace, user)?.standing;
    Ok(Some(Arc::new(Person {
        is_owner: standing.is_owner,
        permissions: standing.permissions,
        teams: standing.teams.clone(),
        channels: standing.channels.clone(),
        only_guest: standing.only_guest,
        ..before.clone()
    })))
}

/// What somebody says that they do.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct DoingForm {
    doing: String,
}

/// Somebody writes, or stops writing.
///
/// # Errors
/// [`WebError::NotFound`] if there is no such conversation that they may see, or trouble with the database.
pub async fn announce(Seeing(viewer): Seeing, number: Id<ConversationNumber>, Form(form): Form<DoingForm>) -> Reply {
    let at = find(&viewer, number.0).await?;
    let doing = Doing::parse(&form.doing).ok_or(WebError::BadForm("The form could not be read."))?;
    let may = &viewer.known.person.permissions;
    let writes = may.has(Key::ConversationsReply) || may.has(Key::NotesWrite);
    let doing = if doing == Doing::Writing && !writes { Doing::Viewing } else { doing };
    viewer.db().tell_presence(viewer.scope().workspace, at, viewer.known.person.id, doing);
    Ok(HttpResponse::NoContent().finish())
}

async fn find(viewer: &Viewer, number: ConversationNumber) -> Result<ConversationId, WebError> {
    let sees = viewer.sees();
    let found = viewer.read(move |rx| store::conversations::find(rx, number, &sees)).await?;
    Ok(found.ok_or(WebError::NotFound)?.id)
}

#[derive(Template)]
#[template(path = "partials/presence.html")]
struct PresencePart {
    writing: Option<String>,
    viewing: Option<String>,
}

/// Who else is at a conversation.
///
/// # Errors
/// As [`announce`].
pub async fn present(Seeing(viewer): Seeing, number: Id<ConversationNumber>) -> Reply {
    let at = find(&viewer, number.0).await?;
    let (workspace, me) = (viewer.scope().workspace, viewer.known.person.id);
    let here = viewer.db().live().list_present(workspace, at, me, viewer.db().now());
    let names = |writes: bool| -> Vec<&str> {
        let of = here.iter().filter(|(_, is)| *is == writes).map(|(user, _)| *user);
        of.filter_map(|user: UserId| Some(viewer.known.roster.by_id.get(&user)?.name.full.as_str())).collect()
    };
    let part = PresencePart {
        writing: sentence(&names(true), "is replying", "are replying"),
        viewing: sentence(&names(false), "is here too", "are here too"),
    };
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(part.render()?))
}

/// "Bob Keller is replying", "Bob Keller and Alice Martin are replying", "Bob Keller and 2 others are replying".
fn sentence(names: &[&str], one: &str, more: &str) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("{name} {one}")),
        [first, second] => Some(format!("{first} and {second} {more}")),
        [first, others @ ..] => Some(format!("{first} and {} others {more}", others.len())),
    }
}
