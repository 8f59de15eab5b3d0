//! The editor of a role, new or there already.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_roles::{Counts, Holders, all_of, holders};
use crate::actions;
use crate::actions::roles::Wanted;
use crate::domain::access::{Actor, Key, PermissionSet, administration};
use crate::domain::ids::{RoleId, UserId};
use crate::domain::roles::{DESCRIPTION, Role, RoleRefusal, locks_out, may_delete};
use crate::domain::text::{counted, one_line, shorten};
use crate::domain::users::parse_name;
use crate::failure::{Failure, Refusal};
use crate::store::audit::Recorded;
use crate::store::{self, Rx};
use crate::web::extract::{Form, Id, May, Query, Viewer};
use crate::web::forms::{Problems, is_on};
use crate::web::reply::{Notice, Reply, done, page_with};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::person::People;
use crate::web::views::role_events::words;
use crate::web::views::time::{TimeView, Times};

/// What is edited.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct RoleForm {
    version: i64,
    name: String,
    description: String,
    permission: Vec<String>,
    confirm: String,
}

/// Which role a new one begins as.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct NewQuery {
    copy: String,
}

/// A permission that can be ticked.
struct Tick {
    key: &'static str,
    label: &'static str,
    on: bool,
    locked: bool,
}

struct Boxes {
    name: &'static str,
    id: String,
    boxes: Vec<Tick>,
}

struct ChangeRow {
    words: String,
    by: Option<String>,
    at: TimeView,
}

#[derive(Template)]
#[template(path = "pages/settings_role.html")]
struct RolePage {
    nav: SettingsNav,
    csrf: String,
    /// Nothing if it is new.
    id: String,
    title: String,
    summary: String,
    standard: bool,
    owner: bool,
    mine: bool,
    form: RoleForm,
    problems: Problems,
    stale: bool,
    warn: bool,
    left_out: String,
    groups: Vec<Boxes>,
    some_locked: bool,
    holders: Vec<Holders>,
    delete_blocked: Option<String>,
    changes: Vec<ChangeRow>,
}

struct Loaded {
    /// The role that is edited or copied; none for one from scratch.
    role: Option<Role>,
    counts: Option<Counts>,
    /// The roles that the editor holds.
    held: Vec<Role>,
    events: Vec<Recorded>,
    people: People,
    now: chrono::DateTime<chrono::Utc>,
}

fn load(rx: &mut Rx, id: Option<RoleId>, me: UserId) -> Result<Loaded, Failure> {
    let roles = store::roles::list(rx)?;
    let role = match id {
        Some(id) => Some(roles.iter().find(|role| role.id == id).cloned().ok_or(Failure::NotFound)?),
        None => None,
    };
    let held = store::roles::list_of_users(rx, &[me])?.remove(&me).unwrap_or_default();
    let events = match id {
        Some(id) => store::audit::list_about_role(rx, id, 12)?,
        None => Vec::new(),
    };
    let actors: Vec<UserId> = events.iter().filter_map(|event| event.actor).collect();
    Ok(Loaded {
        counts: id
            .map(|id| store::roles::count_holders(rx).map(|mut counts| counts.remove(&id)))
            .transpose()?
            .flatten(),
        held: roles.into_iter().filter(|role| held.contains(&role.id)).collect(),
        people: People::new(&store::users::list_briefs(rx, &actors)?),
        events,
        role,
        now: rx.now(),
    })
}

/// How a page of a role is answered.
struct Answer {
    status: StatusCode,
    typed: Option<(RoleForm, Problems)>,
    warn: bool,
}

const PLAIN: Answer = Answer { status: StatusCode::OK, typed: None, warn: false };

fn refused(form: RoleForm, problems: Problems) -> Answer {
    Answer { status: StatusCode::UNPROCESSABLE_ENTITY, typed: Some((form, problems)), warn: false }
}

/// A role from scratch, or as a copy.
///
/// # Errors
/// 404 for a role to copy that is none here.
pub async fn ask_new(may: May<administration::Roles>, query: Query<NewQuery>) -> Reply {
    let viewer = may.viewer;
    let copy: Option<RoleId> = match query.0.copy.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Failure::NotFound)?),
    };
    let me = viewer.known.person.id;
    let loaded = viewer.read(move |rx| load(rx, copy, me)).await?;
    let mine = viewer.known.person.permissions;
    let (form, left_out) = match &loaded.role {
        Some(role) => (
            RoleForm {
                name: format!("Copy of {}", role.name),
                description: role.description.clone(),
                permission: role
                    .permissions
                    .iter()
                    .filter(|key| mine.has(*key))
                    .map(|key| key.as_str().to_owned())
                    .collect(),
                ..RoleForm::default()
            },
            role.permissions.minus(mine).iter().map(Key::meaning).collect::<Vec<_>>().join("; "),
        ),
        None => (RoleForm::default(), String::new()),
    };
    render_new(&viewer, form, Problems::new(), left_out, StatusCode::OK)
}

fn render_new(viewer: &Viewer, form: RoleForm, problems: Problems, left_out: String, status: StatusCode) -> Reply {
    let groups = boxes(&viewer.known.scope.actor, PermissionSet::NONE, &form, false);
    let content = RolePage {
        nav: SettingsNav::new(viewer, SettingsItem::Roles),
        csrf: form_token(&viewer.req),
        id: String::new(),
        title: "New role".to_owned(),
        summary: "Whoever holds it can do what you tick, besides what their other roles allow.".to_owned(),
        standard: false,
        owner: false,
        mine: false,
        stale: false,
        warn: false,
        left_out,
        some_locked: groups.iter().flat_map(|group| &group.boxes).any(|one| one.locked),
        groups,
        holders: Vec::new(),
        delete_blocked: None,
        changes: Vec::new(),
        form,
        problems,
    };
    page_with(viewer, status, "New role", Section::Settings, &content)
}

/// Boxes to tick; what the editor lacks is shown as it is, and locked.
fn boxes(actor: &Actor, before: PermissionSet, form: &RoleForm, fixed: bool) -> Vec<Boxes> {
    let mine = actor.permissions();
    Key::by_category()
        .into_iter()
        .map(|(name, keys)| Boxes {
            id: name.to_lowercase(),
            name,
            boxes: keys
                .iter()
                .map(|key| {
                    let locked = fixed || !mine.has(*key);
                    let on =
                        if locked { before.has(*key) } else { form.permission.iter().any(|one| one == key.as_str()) };
                    Tick { key: key.as_str(), label: key.meaning(), on, locked }
                })
                .collect(),
        })
        .collect()
}

/// The editor.
///
/// # Errors
/// 404 for a role that is none here.
pub async fn show(may: May<administration::Roles>, id: Id<RoleId>) -> Reply {
    render(&may.viewer, id.0, PLAIN).await
}

async fn render(viewer: &Viewer, id: RoleId, answer: Answer) -> Reply {
    let me = viewer.known.person.id;
    let loaded = viewer.read(move |rx| load(rx, Some(id), me)).await?;
    let Some(role) = loaded.role else { return Err(Failure::NotFound.into()) };
    let times = Times::new(loaded.now, viewer.known.workspace.time_zone);
    let actor = &viewer.known.scope.actor;
    let counts = loaded.counts.as_ref();
    let (form, mut problems) = answer.typed.unwrap_or_else(|| {
        let form = RoleForm {
            version: role.version,
            name: role.name.clone(),
            description: role.description.clone(),
            permission: role.permissions.iter().map(|key| key.as_str().to_owned()).collect(),
            confirm: String::new(),
        };
        (form, Problems::new())
    });
    let stale = answer.status == StatusCode::CONFLICT && problems.is_empty();
    if stale {
        let last = loaded.events.first();
        let by =
            last.and_then(|event| event.actor).map_or_else(|| "Someone".to_owned(), |by| loaded.people.get(by).name);
        let when = last.map(|event| format!(" ({})", times.full(event.at).text)).unwrap_or_default();
        problems.add("", format!("{by} changed this role meanwhile{when}. Open it again, then repeat your change."));
    }
    let held = all_of(counts);
    let groups = boxes(actor, role.permissions, &form, role.is_owner());
    let kind = if role.standard.is_some() { "Standard role" } else { "Role of your own" };
    let content = RolePage {
        nav: SettingsNav::new(viewer, SettingsItem::Roles),
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        title: role.name.clone(),
        summary: if held == 0 {
            format!("{kind} · held by nobody")
        } else {
            format!("{kind} · held by {}", counted(held, "user", "users"))
        },
        standard: role.standard.is_some(),
        owner: role.is_owner(),
        mine: loaded.held.iter().any(|one| one.id == id) && !role.is_owner() && !viewer.known.person.is_owner,
        stale,
        warn: answer.warn,
        left_out: String::new(),
        some_locked: !role.is_owner() && groups.iter().flat_map(|group| &group.boxes).any(|one| one.locked),
        groups,
        holders: holders(id, counts),
        delete_blocked: may_delete(actor, &role, held).err().map(|refusal| refusal.to_string()),
        changes: loaded
            .events
            .iter()
            .map(|event| ChangeRow {
                words: words(event),
                by: event.actor.map(|by| loaded.people.get(by).name),
                at: times.short(event.at),
            })
            .collect(),
        form,
        problems,
    };
    page_with(viewer, answer.status, &role.name, Section::Settings, &content)
}

/// What was typed, and what is wrong with it. What the editor lacks is not posted, and stays as it is.
fn parse(actor: &Actor, form: &RoleForm, before: PermissionSet) -> (Wanted, Problems) {
    let mut problems = Problems::new();
    let name = problems.take("name", parse_name(&form.name, "Enter a name"));
    let description = one_line(&form.description);
    if description.chars().count() > DESCRIPTION {
        problems.add("description", format!("Use at most {DESCRIPTION} characters"));
    }
    let kept = before.minus(actor.permissions());
    let mut permissions = kept;
    for text in &form.permission {
        match Key::parse(text) {
            Some(key) => permissions.insert(key),
            None => problems.add("permissions", format!("There is no permission called “{}”", shorten(text, 40))),
        }
    }
    if permissions.is_empty() && problems.at("permissions").is_none() {
        problems.add("permissions", RoleRefusal::NoPermission.to_string());
    }
    (Wanted { name, description, permissions }, problems)
}

fn field_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Role(RoleRefusal::NameTaken(_) | RoleRefusal::StandardName(_)) => "name",
        Refusal::Role(RoleRefusal::PermissionBeyondYou(_) | RoleRefusal::NoPermission) => "permissions",
        _ => "",
    }
}

/// Makes a role.
///
/// # Errors
/// Trouble with the database.
pub async fn create(may: May<administration::Roles>, Form(form): Form<RoleForm>) -> Reply {
    let May { viewer, can } = may;
    let (wanted, mut problems) = parse(&viewer.known.scope.actor, &form, PermissionSet::NONE);
    if problems.is_empty() {
        let given = wanted.clone();
        match viewer.write(move |tx| actions::roles::create(tx, &can, &given)).await {
            Ok(id) => {
                let notice = Notice::new(format!("The role {} is there. Nobody holds it yet.", wanted.name));
                return done(&viewer, &format!("/settings/roles/{id}"), notice.link("Users", "/settings/users"));
            }
            Err(Failure::Refused(refusal)) => problems.add(field_of(&refusal), refusal.to_string()),
            Err(failure) => return Err(failure.into()),
        }
    }
    render_new(&viewer, form, problems, String::new(), StatusCode::UNPROCESSABLE_ENTITY)
}

/// Changes a role. Who would no longer be able to manage roles is asked once more.
///
/// # Errors
/// 404 for a role that is none here.
pub async fn update(may: May<administration::Roles>, id: Id<RoleId>, Form(form): Form<RoleForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let me = viewer.known.person.id;
    let loaded = viewer.read(move |rx| load(rx, Some(id), me)).await?;
    let before = loaded.role.map(|role| role.permissions).unwrap_or_default();
    let (wanted, problems) = parse(&viewer.known.scope.actor, &form, before);
    if !problems.is_empty() {
        return render(&viewer, id, refused(form, problems)).await;
    }
    let held: Vec<&Role> = loaded.held.iter().collect();
    let locked_out = locks_out(&viewer.known.scope.actor, &held, id, wanted.permissions);
    if locked_out && !is_on(&form.confirm) {
        return render(&viewer, id, Answer { warn: true, ..refused(form, Problems::new()) }).await;
    }
    let (version, given) = (form.version, wanted.clone());
    match viewer.write(move |tx| actions::roles::update(tx, &can, id, version, &given)).await {
        Ok(()) => {
            let text = format!("The role {} is saved. It counts from everyone’s next click.", wanted.name);
            let address = if locked_out { "/".to_owned() } else { format!("/settings/roles/{id}") };
            done(&viewer, &address, Notice::new(text))
        }
        Err(Failure::Refused(refusal)) => {
            let mut problems = Problems::new();
            problems.add(field_of(&refusal), refusal.to_string());
            render(&viewer, id, refused(form, problems)).await
        }
        Err(Failure::Stale) => {
            let typed = Some((form, Problems::new()));
            render(&viewer, id, Answer { status: StatusCode::CONFLICT, typed, warn: false }).await
        }
        Err(failure) => Err(failure.into()),
    }
}
