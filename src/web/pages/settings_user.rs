//! A user's page: identity, roles, teams, channels, work held, sessions, history, danger zone (U-5).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::job_words::{Handed, handed};
use super::settings_user_removal::GonePage;
use crate::actions;
use crate::domain::access::{Actor, Key, Sees, users};
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::{RoleId, SessionId, UserId};
use crate::domain::removal::{Deletion, DeletionReason};
use crate::domain::roles::{Role, may_grant};
use crate::domain::text::{counted, grouped};
use crate::domain::users::{Offer, Status, User};
use crate::failure::Failure;
use crate::store::{self, Rx, counts};
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Viewer};
use crate::web::forms::Problems;
use crate::web::pages::settings_user_absence::{Planned, planned};
use crate::web::reply::{Notice, Reply, done, page_with};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::person::{People, PersonView};
use crate::web::views::time::{TimeView, Times};
use crate::web::views::user_events::{Names, words};

/// What is edited on the page.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct UserForm {
    pub(super) version: i64,
    pub(super) full_name: String,
    pub(super) display_name: String,
    pub(super) email: String,
    pub(super) role: Vec<String>,
    pub(super) team: Vec<String>,
    pub(super) channel: Vec<String>,
    pub(super) beta_access: String,
    /// Whether who edits themselves knows that they give up managing roles.
    pub(super) confirm: String,
    /// Whether that is asked.
    #[serde(skip)]
    pub(super) warn: bool,
    /// Whether it is known that a channel is left without anybody who can answer.
    pub(super) leaves_channels: String,
    /// The channel that this is asked for.
    #[serde(skip)]
    pub(super) unserved: Option<String>,
}

/// Which session is to end; none means all.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RevokeForm {
    session: String,
}

/// A box to tick.
pub(super) struct Tick {
    pub id: String,
    pub label: String,
    pub hint: String,
    pub on: bool,
    pub locked: bool,
}

struct SessionRow {
    id: String,
    device: String,
    phone: bool,
    address: String,
    seen: TimeView,
}

struct AttemptRow {
    at: TimeView,
    address: String,
    device: String,
    succeeded: bool,
}

struct ChangeRow {
    words: String,
    by: Option<String>,
    at: TimeView,
}

struct Held {
    label: &'static str,
    count: String,
    href: String,
}

#[derive(Template)]
#[template(path = "pages/settings_user.html")]
struct UserPage {
    nav: SettingsNav,
    csrf: String,
    who: PersonView,
    inactive: bool,
    invited: bool,
    summary: String,
    status_line: String,
    note: String,
    planned: Option<Planned>,
    may_change_dates: bool,
    form: UserForm,
    problems: Problems,
    roles: Vec<Tick>,
    teams: Vec<Tick>,
    channels: Vec<Tick>,
    may_edit: bool,
    may_edit_roles: bool,
    may_edit_teams: bool,
    may_edit_channels: bool,
    may_see_conversations: bool,
    may_see_audit: bool,
    sessions: Vec<SessionRow>,
    sessions_text: String,
    attempts: Vec<AttemptRow>,
    held: Vec<Held>,
    held_total: String,
    holds_any: bool,
    changes: Vec<ChangeRow>,
    handed: Vec<Handed>,
    change: Offer,
    danger: Danger,
}

/// The three ways out, side by side (U-13).
struct Danger {
    deactivate: Offer,
    remove: Offer,
    delete: Offer,
}

impl Danger {
    fn any(&self) -> bool {
        [&self.deactivate, &self.remove, &self.delete].into_iter().any(|offer| *offer != Offer::Hidden)
    }
}

struct Loaded {
    user: User,
    roles: Vec<Role>,
    held_roles: Vec<RoleId>,
    teams: Vec<(String, String, bool)>,
    channels: Vec<(String, String, bool)>,
    sessions: Vec<store::sessions::Session>,
    attempts: Vec<store::logins::Attempt>,
    open: i64,
    snoozed: i64,
    changes: Vec<ChangeRow>,
    handed: Vec<Handed>,
    planned: Option<Planned>,
    owners: usize,
    /// How they would be deleted, if nothing speaks against it that the dialog can mend.
    deletion: Deletion,
    now: chrono::DateTime<chrono::Utc>,
}

fn load(rx: &mut Rx, actor: &Actor, id: UserId, zone: chrono_tz::Tz) -> Result<Loaded, Failure> {
    let user = store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
    let roles = store::roles::list(rx)?;
    let held_roles = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
    let (teams, in_teams) =
        (store::teams::list(rx)?, store::teams::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default());
    let (channels, in_channels) =
        (store::channels::list(rx)?, store::channels::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default());
    let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
    let of = |status| held.by_person(status).get(&id).copied().unwrap_or(0);
    let (open, snoozed) = (of(ConversationStatus::Open), of(ConversationStatus::Snoozed));
    let events = store::audit::list_about_user(rx, id, 12)?;
    let actors: Vec<UserId> = events
        .iter()
        .filter_map(|event| event.actor)
        .chain(user.absence.set_by)
        .chain(user.absence.plan.people())
        .collect();
    let people = People::new(&store::users::list_briefs(rx, &actors)?);
    let times = Times::new(rx.now(), zone);
    let names = Names {
        role: &|id| roles.iter().find(|role| role.id == id).map(|role| role.name.clone()),
        team: &|id| teams.iter().find(|team| team.id == id).map(|team| team.name.clone()),
        channel: &|id| channels.iter().find(|channel| channel.id == id).map(|channel| channel.name.clone()),
    };
    let changes = events
        .iter()
        .map(|event| ChangeRow {
            words: words(event, &names),
            by: event.actor.filter(|actor| *actor != id).map(|actor| people.get(actor).name),
            at: times.short(event.at),
        })
        .collect();
    let handed = handed(rx, actor, id, &times)?;
    let planned = planned(
        &user,
        zone,
        |id| Some(people.get(id).name),
        |id| teams.iter().find(|team| team.id == id).map(|team| team.name.clone()),
    );
    Ok(Loaded {
        sessions: store::sessions::list_of_user(rx, id)?,
        attempts: store::logins::list_of_user(rx, id, 10)?,
        teams: teams.iter().map(|one| (one.id.to_string(), one.name.clone(), in_teams.contains(&one.id))).collect(),
        channels: channels
            .iter()
            .map(|one| (one.id.to_string(), one.name.clone(), in_channels.contains(&one.id)))
            .collect(),
        owners: store::users::count_active_owners(rx)?,
        deletion: Deletion {
            deactivate: true,
            reason: Some(DeletionReason::Erasure),
            retention_years: store::retention::find(rx)?.years,
            now: rx.now(),
        },
        now: rx.now(),
        user,
        roles,
        held_roles,
        open,
        snoozed,
        changes,
        handed,
        planned,
    })
}

/// A user's page.
///
/// # Errors
/// [`WebError::NotFound`] for a user who is none here.
pub async fn show(may: May<users::View>, id: Id<UserId>) -> Reply {
    render(&may.viewer, id.0, None, StatusCode::OK).await
}

pub(super) async fn render(
    viewer: &Viewer,
    id: UserId,
    typed: Option<(UserForm, Problems)>,
    status: StatusCode,
) -> Reply {
    let zone = viewer.known.zone;
    let actor = viewer.scope().actor.clone();
    let loaded = viewer.read(move |rx| load(rx, &actor, id, zone)).await?;
    let title = loaded.user.name.full.clone();
    if loaded.user.status.is_gone() {
        let content = GonePage::load(viewer, id).await?;
        return page_with(viewer, status, &title, Section::Settings, &content);
    }
    let content = view(viewer, loaded, typed);
    page_with(viewer, status, &title, Section::Settings, &content)
}

fn view(viewer: &Viewer, loaded: Loaded, typed: Option<(UserForm, Problems)>) -> UserPage {
    let may = |key| viewer.known.person.permissions.has(key);
    let actor = &viewer.known.scope.actor;
    let user = &loaded.user;
    // Until they accept, their invite is changed, which knows what becomes of the link.
    let editable = user.may_be_changed_by(actor).is_ok() && user.status != Status::Invited;
    let inactive = user.status == Status::Inactive;
    let rule =
        if inactive { user.may_be_reactivated_by(actor) } else { user.may_be_deactivated_by(actor, loaded.owners) };
    let (form, problems) = typed.unwrap_or_else(|| (as_form(&loaded), Problems::new()));
    let times = Times::new(loaded.now, viewer.known.zone);
    let total = loaded.open + loaded.snoozed;
    let link = |status: &str| format!("/inbox?assignee={}&status={status}", user.id);
    UserPage {
        nav: SettingsNav::new(viewer, SettingsItem::Users),
        csrf: form_token(&viewer.req),
        who: PersonView::new(user.id, &user.name, user.status),
        inactive,
        invited: user.status == Status::Invited,
        summary: summary(&loaded, &times),
        status_line: status_line(user, &times),
        note: user.absence.note.clone().unwrap_or_default(),
        may_change_dates: editable && may(Key::UsersDeactivate),
        roles: role_ticks(&loaded, actor, &form, editable && may(Key::UsersAssignRoles)),
        teams: ticks(&loaded.teams, &form.team),
        channels: ticks(&loaded.channels, &form.channel),
        may_edit: editable && may(Key::UsersEdit),
        may_edit_roles: editable && may(Key::UsersEdit) && may(Key::UsersAssignRoles),
        may_edit_teams: editable && may(Key::UsersEdit) && may(Key::TeamsEditMembers),
        may_edit_channels: editable && may(Key::UsersEdit) && may(Key::ChannelsManage),
        may_see_conversations: may(Key::ConversationsViewAll),
        may_see_audit: may(Key::AuditView),
        sessions_text: counted(i64::try_from(loaded.sessions.len()).unwrap_or(0), "session", "sessions"),
        sessions: loaded
            .sessions
            .iter()
            .map(|one| SessionRow {
                id: one.id.to_string(),
                device: browser(&one.device),
                phone: one.device.contains("Mobile"),
                address: one.address.clone(),
                seen: times.ago(one.last_seen_at),
            })
            .collect(),
        attempts: loaded
            .attempts
            .iter()
            .map(|one| AttemptRow {
                at: times.full(one.at),
                address: one.address.clone(),
                device: browser(&one.device),
                succeeded: one.succeeded,
            })
            .collect(),
        held: vec![
            Held { label: "Open conversations", count: grouped(loaded.open), href: link("open") },
            Held { label: "Snoozed conversations", count: grouped(loaded.snoozed), href: link("snoozed") },
        ],
        held_total: counted(total, "item", "items"),
        holds_any: total > 0,
        change: Offer::from_rule(may(Key::UsersDeactivate), rule.clone()),
        danger: Danger {
            deactivate: if inactive { Offer::Hidden } else { Offer::from_rule(may(Key::UsersDeactivate), rule) },
            remove: Offer::from_rule(may(Key::UsersRemove), user.may_be_removed_by(actor, loaded.owners)),
            delete: Offer::from_rule(
                may(Key::UsersDelete),
                user.may_be_deleted_by(actor, loaded.owners, &loaded.deletion),
            ),
        },
        changes: loaded.changes,
        // Only who may look at jobs is led to them.
        handed: if may(Key::ConversationsBulk) { loaded.handed } else { Vec::new() },
        planned: loaded.planned,
        form,
        problems,
    }
}

fn as_form(loaded: &Loaded) -> UserForm {
    let on = |list: &[(String, String, bool)]| list.iter().filter(|one| one.2).map(|one| one.0.clone()).collect();
    UserForm {
        version: loaded.user.version,
        full_name: loaded.user.name.full.clone(),
        display_name: loaded.user.name.display.clone(),
        email: loaded.user.email.clone(),
        role: loaded.held_roles.iter().map(ToString::to_string).collect(),
        team: on(&loaded.teams),
        channel: on(&loaded.channels),
        beta_access: if loaded.user.beta_access { "on".to_owned() } else { String::new() },
        confirm: String::new(),
        warn: false,
        leaves_channels: String::new(),
        unserved: None,
    }
}

fn summary(loaded: &Loaded, times: &Times) -> String {
    let roles: Vec<&str> = loaded
        .roles
        .iter()
        .filter(|role| loaded.held_roles.contains(&role.id))
        .map(|role| role.name.as_str())
        .collect();
    let teams: Vec<&str> = loaded.teams.iter().filter(|one| one.2).map(|one| one.1.as_str()).collect();
    let mut text = roles.join(" and ");
    if !teams.is_empty() {
        text = format!("{text} in {}", teams.join(", "));
    }
    let joined = times.day(loaded.user.created_at).text;
    let seen = loaded
        .user
        .last_seen_at
        .map_or_else(|| "never logged in".to_owned(), |at| format!("last seen {}", times.ago(at).text));
    format!("{text} · joined {joined} · {seen}")
}

fn status_line(user: &User, times: &Times) -> String {
    let since = times.day(user.status_changed_at).text;
    match (user.status, user.reason) {
        (Status::Inactive, Some(reason)) => format!("since {since} · {}", reason.label()),
        (Status::Inactive, None) => format!("since {since}"),
        _ => String::new(),
    }
}

/// Boxes of roles; those that the editor may not give are shown but locked.
fn role_ticks(loaded: &Loaded, actor: &crate::domain::access::Actor, form: &UserForm, open: bool) -> Vec<Tick> {
    loaded
        .roles
        .iter()
        .map(|role| {
            let id = role.id.to_string();
            Tick {
                on: form.role.contains(&id),
                locked: !open || !may_grant(actor, role),
                id,
                label: role.name.clone(),
                hint: role.description.clone(),
            }
        })
        .collect()
}

fn ticks(all: &[(String, String, bool)], picked: &[String]) -> Vec<Tick> {
    all.iter()
        .map(|(id, label, _)| Tick {
            id: id.clone(),
            label: label.clone(),
            hint: String::new(),
            on: picked.contains(id),
            locked: false,
        })
        .collect()
}

/// "Firefox on Linux", from what the browser calls itself.
#[must_use]
pub(super) fn browser(agent: &str) -> String {
    let name =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map_or("A browser", |(_, name)| *name);
    let system = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]
    .iter()
    .find(|(mark, _)| agent.contains(mark))
    .map(|(_, name)| *name);
    system.map_or_else(|| name.to_owned(), |system| format!("{name} on {system}"))
}

/// Ends one session of a user, or all (S-4).
///
/// # Errors
/// [`WebError::NotFound`] for a user who is none here.
pub async fn revoke(may: May<users::Edit>, id: Id<UserId>, Form(form): Form<RevokeForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let session: Option<SessionId> = match form.session.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| WebError::NotFound)?),
    };
    let count = viewer.write(move |tx| actions::users::end_sessions(tx, &can, id, session)).await?;
    let ended = counted(i64::try_from(count).unwrap_or(0), "session", "sessions");
    done(&viewer, &format!("/settings/users/{id}"), Notice::new(format!("Logged out of {ended}.")))
}
