//! Removing and deleting a user (U-10 … U-12).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions;
use crate::actions::removal::Request;
use crate::actions::users::Plan;
use crate::domain::access::{Can, Key, handovers, users};
use crate::domain::ids::UserId;
use crate::domain::removal::{Deletion, DeletionReason, years_in_words};
use crate::domain::text::{counted, grouped};
use crate::domain::users::{Status, User, UserRefusal};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::web::extract::{Form, Id, May, Viewer};
use crate::web::forms::{Problems, is_on};
use crate::web::pages::job_words::{Handed, handed, with_link};
use crate::web::pages::settings_user_owner::NewOwner;
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::person::PersonView;
use crate::web::views::plan::{self, PlanView};

/// What is chosen when somebody is removed.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct RemoveForm {
    plan_open: String,
    plan_snoozed: String,
}

/// What is chosen and typed when somebody is deleted.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct DeleteForm {
    confirm_email: String,
    deactivate: String,
    retention_reason: String,
    plan_open: String,
    plan_snoozed: String,
}

#[derive(Template)]
#[template(path = "partials/remove.html")]
struct RemoveDialog {
    csrf: String,
    workspace: String,
    who: PersonView,
    sessions: Option<String>,
    plan: PlanView,
    kept: Vec<String>,
    /// The channels that nobody else can answer (K-2).
    unserved: Vec<String>,
    offer_deactivate: bool,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "partials/delete.html")]
struct DeleteDialog {
    csrf: String,
    who: PersonView,
    intro: String,
    plan: PlanView,
    held: String,
    kept: Vec<String>,
    /// The channels that nobody else can answer (K-2).
    unserved: Vec<String>,
    kept_for: Option<String>,
    reasons: Vec<(&'static str, &'static str, bool)>,
    used: bool,
    deactivate: bool,
    sealed_email: bool,
    no_email: bool,
    hint: String,
    typed: String,
    offer_deactivate: bool,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "partials/cannot_go.html")]
struct RefusedDialog {
    sentence: String,
    back: String,
}

/// What both dialogs are made of.
struct Loaded {
    user: User,
    owners: usize,
    sealed: bool,
    retention_years: Option<i32>,
    written: (i64, i64),
    sessions: i64,
    unserved: Vec<String>,
    plan: plan::Loaded,
    now: chrono::DateTime<chrono::Utc>,
}

async fn load(viewer: &Viewer, id: UserId) -> Result<Loaded, crate::web::error::WebError> {
    viewer
        .read(move |rx| {
            Ok(Loaded {
                user: store::users::find(rx, id)?.ok_or(Failure::NotFound)?,
                owners: store::users::count_active_owners(rx)?,
                sealed: store::removal::find_sealed(rx, id)?.is_some(),
                retention_years: store::retention::find(rx)?.years,
                written: store::removal::count_written(rx, id)?,
                sessions: store::sessions::count_of_user(rx, id)?,
                unserved: store::channels::list_served_alone(rx, id)?.into_iter().map(|(_, name)| name).collect(),
                plan: plan::load(rx)?,
                now: rx.now(),
            })
        })
        .await
}

impl Loaded {
    fn who(&self) -> PersonView {
        PersonView::new(self.user.id, &self.user.name, self.user.status)
    }

    /// What stays, in numbers.
    fn kept(&self) -> Vec<String> {
        let (replies, notes) = self.written;
        vec![
            counted(replies, "message to customers", "messages to customers"),
            counted(notes, "internal note", "internal notes"),
            "Everything else they did, and report totals".to_owned(),
        ]
    }

    async fn refused(self, viewer: &Viewer, title: &str, way: &'static str, refusal: &UserRefusal) -> Reply {
        if matches!(refusal, UserRefusal::OnlyOwner(_)) {
            let id = self.user.id;
            return NewOwner::show(viewer, id, way, StatusCode::CONFLICT, String::new(), Problems::new()).await;
        }
        let who = PersonView::new(self.user.id, &self.user.name, self.user.status);
        let back = if who.gone { "/settings/users/inactive".to_owned() } else { format!("/settings/users/{}", who.id) };
        let content = RefusedDialog { sentence: refusal.to_string(), back };
        dialog(viewer, StatusCode::CONFLICT, title, "", SettingsItem::Users, &content)
    }
}

/// The dialog that asks before somebody is removed, or the refusal with the way out.
///
/// # Errors
/// 404 for a user who is none here.
pub async fn ask_remove(may: May<users::Remove>, id: Id<UserId>) -> Reply {
    show_remove(&may.viewer, id.0, &RemoveForm::default(), Problems::new(), StatusCode::OK).await
}

async fn show_remove(viewer: &Viewer, id: UserId, form: &RemoveForm, problems: Problems, status: StatusCode) -> Reply {
    let loaded = load(viewer, id).await?;
    let title = format!("Remove {}?", loaded.user.name.full);
    if let Err(refusal) = loaded.user.may_be_removed_by(&viewer.known.scope.actor, loaded.owners) {
        return loaded.refused(viewer, &title, "remove", &refusal).await;
    }
    let content = RemoveDialog {
        csrf: form_token(&viewer.req),
        workspace: viewer.known.workspace.name.clone(),
        who: loaded.who(),
        sessions: (loaded.sessions > 0).then(|| counted(loaded.sessions, "session", "sessions")),
        plan: PlanView::new(viewer, id, &loaded.plan, &form.plan_open, &form.plan_snoozed),
        kept: loaded.kept(),
        unserved: loaded.unserved.clone(),
        offer_deactivate: offers_deactivation(viewer, &loaded),
        problems,
    };
    dialog(viewer, status, &title, "lg", SettingsItem::Users, &content)
}

fn offers_deactivation(viewer: &Viewer, loaded: &Loaded) -> bool {
    viewer.known.person.permissions.has(Key::UsersDeactivate)
        && loaded.user.may_be_deactivated_by(&viewer.known.scope.actor, loaded.owners).is_ok()
}

fn plan_of(problems: &mut Problems, open: &str, snoozed: &str) -> Plan {
    Plan {
        open: problems.take("plan_open", plan::target(open)),
        snoozed: problems.take("plan_snoozed", plan::target(snoozed)),
    }
}

/// Removes a user; who they were is sealed.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn remove(may: May<users::Remove>, id: Id<UserId>, Form(form): Form<RemoveForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let mut problems = Problems::new();
    let plan = plan_of(&mut problems, &form.plan_open, &form.plan_snoozed);
    if !problems.is_empty() {
        return show_remove(&viewer, id, &form, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let hand: Option<Can<handovers::Run>> = if plan.gives_to_somebody() { Some(viewer.must()?) } else { None };
    let removed =
        viewer.write(move |tx| actions::removal::remove(tx, &can, id, hand.as_ref().map(|hand| (plan, hand)))).await;
    let gone = match removed {
        Ok(gone) => gone,
        Err(Failure::Refused(Refusal::User(_))) => {
            return show_remove(&viewer, id, &form, Problems::new(), StatusCode::CONFLICT).await;
        }
        Err(Failure::Refused(refusal)) => {
            return show_remove(&viewer, id, &form, Problems::of(&refusal), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        Err(failure) => return Err(failure.into()),
    };
    viewer.app.wake.now();
    let text = format!("{} is removed. Invite the same email again to bring them back.", gone.user.name.full);
    let notice = with_link(&viewer, Notice::new(text), gone.job, "What became of their work");
    done(&viewer, list_after(&gone.user), notice)
}

/// The list that somebody was in.
const fn list_after(user: &User) -> &'static str {
    match user.status {
        Status::Active | Status::Invited => "/settings/users",
        Status::Inactive => "/settings/users/inactive",
        Status::Removed | Status::Deleted => "/settings/users/inactive?state=removed",
    }
}

/// The dialog that asks before somebody is deleted, or the refusal with the way out.
///
/// # Errors
/// 404 for a user who is none here.
pub async fn ask_delete(may: May<users::Delete>, id: Id<UserId>) -> Reply {
    show_delete(&may.viewer, id.0, &DeleteForm::default(), Problems::new(), StatusCode::OK).await
}

async fn show_delete(viewer: &Viewer, id: UserId, form: &DeleteForm, problems: Problems, status: StatusCode) -> Reply {
    let loaded = load(viewer, id).await?;
    let user = &loaded.user;
    let title = if user.status.is_gone() {
        "Delete this removed user?".to_owned()
    } else {
        format!("Delete {}’s account?", user.name.full)
    };
    // Whatever can be mended in the dialog itself is no reason to refuse it.
    let deletion = Deletion {
        deactivate: true,
        reason: Some(DeletionReason::Erasure),
        retention_years: loaded.retention_years,
        now: loaded.now,
    };
    if let Err(refusal) = user.may_be_deleted_by(&viewer.known.scope.actor, loaded.owners, &deletion) {
        return loaded.refused(viewer, &title, "delete", &refusal).await;
    }
    let years = user.kept_until(&deletion).and(loaded.retention_years).map(years_in_words);
    let used = user.status == Status::Active && user.last_seen_at.is_some();
    let intro = match user.status {
        Status::Inactive => format!(
            "This can’t be undone. {} is already deactivated and can’t log in, which is enough for most departures.",
            user.name.display
        ),
        Status::Removed => "This can’t be undone: inviting the same email later won’t bring anything back.".to_owned(),
        _ if used => "This can’t be undone. Deactivating is enough for most departures.".to_owned(),
        _ => "This can’t be undone. Nobody has logged in with this account yet.".to_owned(),
    };
    let plan = PlanView::new(viewer, id, &loaded.plan, &form.plan_open, &form.plan_snoozed);
    let content = DeleteDialog {
        csrf: form_token(&viewer.req),
        who: loaded.who(),
        intro,
        held: counted(plan.total, "conversation", "conversations"),
        kept: loaded.kept(),
        unserved: loaded.unserved.clone(),
        kept_for: years,
        reasons: DeletionReason::ALL
            .iter()
            .map(|one| (one.as_str(), one.label(), one.as_str() == form.retention_reason))
            .collect(),
        used,
        deactivate: is_on(&form.deactivate),
        sealed_email: user.status == Status::Removed && loaded.sealed,
        no_email: user.status == Status::Removed && !loaded.sealed,
        hint: if user.email.is_empty() { user.name.full.clone() } else { user.email.clone() },
        typed: form.confirm_email.clone(),
        offer_deactivate: offers_deactivation(viewer, &loaded),
        plan,
        problems,
    };
    dialog(viewer, status, &title, "", SettingsItem::Users, &content)
}

/// Deletes a user for good.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn delete(may: May<users::Delete>, id: Id<UserId>, Form(form): Form<DeleteForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let mut problems = Problems::new();
    let plan = plan_of(&mut problems, &form.plan_open, &form.plan_snoozed);
    if !problems.is_empty() {
        return show_delete(&viewer, id, &form, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let hand: Option<Can<handovers::Run>> = if plan.gives_to_somebody() { Some(viewer.must()?) } else { None };
    let request = Request {
        confirm: form.confirm_email.clone(),
        deactivate: is_on(&form.deactivate),
        reason: DeletionReason::parse(&form.retention_reason),
    };
    let deleted = viewer
        .write(move |tx| actions::removal::delete(tx, &can, id, hand.as_ref().map(|hand| (plan, hand)), &request))
        .await;
    let gone = match deleted {
        Ok(gone) => gone,
        Err(Failure::Refused(refusal)) => {
            let field = match &refusal {
                Refusal::User(UserRefusal::WrongEmail) => "confirm_email",
                Refusal::User(UserRefusal::DeactivateFirst(_)) => "deactivate",
                Refusal::User(UserRefusal::KeptWithoutReason(_)) => "retention_reason",
                Refusal::User(_) => {
                    return show_delete(&viewer, id, &form, Problems::new(), StatusCode::CONFLICT).await;
                }
                _ => "",
            };
            let mut problems = Problems::new();
            problems.add(field, refusal.to_string());
            return show_delete(&viewer, id, &form, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        Err(failure) => return Err(failure.into()),
    };
    viewer.app.wake.now();
    viewer.db().scrub().await?;
    // The notice is kept in the session until it is shown, so it must not name anybody either.
    let notice = Notice::new(format!("The account is deleted. What it did stays, signed “{}”.", gone.name));
    let notice = with_link(&viewer, notice, gone.job, "What became of the work");
    done(&viewer, list_after(&gone.user), notice)
}

/// What is written of somebody who is gone, where their page was.
#[derive(Template)]
#[template(path = "pages/settings_user_gone.html")]
pub(super) struct GonePage {
    nav: crate::web::views::chrome::SettingsNav,
    who: PersonView,
    removed: bool,
    sealed: bool,
    status_line: String,
    held: i64,
    held_text: String,
    may_see_conversations: bool,
    may_delete: bool,
    may_invite: bool,
    written: Vec<(&'static str, String)>,
    csrf: String,
    handed: Vec<Handed>,
}

impl GonePage {
    /// The page of a removed or deleted user.
    ///
    /// # Errors
    /// Trouble with the database.
    pub(super) async fn load(viewer: &Viewer, id: UserId) -> Result<Self, crate::web::error::WebError> {
        let loaded = load(viewer, id).await?;
        let may = |key| viewer.known.person.permissions.has(key);
        let times = crate::web::views::time::Times::new(loaded.now, viewer.known.zone);
        let plan = PlanView::new(viewer, id, &loaded.plan, "", "");
        let (replies, notes) = loaded.written;
        Ok(Self {
            nav: crate::web::views::chrome::SettingsNav::new(viewer, SettingsItem::Users),
            who: loaded.who(),
            removed: loaded.user.status == Status::Removed,
            sealed: loaded.sealed,
            status_line: format!("since {}", times.day(loaded.user.status_changed_at).text),
            held: plan.total,
            held_text: counted(plan.total, "conversation", "conversations"),
            may_see_conversations: may(Key::ConversationsViewAll),
            may_delete: may(Key::UsersDelete) && loaded.user.status == Status::Removed,
            may_invite: may(Key::UsersInvite),
            csrf: form_token(&viewer.req),
            handed: if may(Key::ConversationsBulk) {
                viewer
                    .read({
                        let actor = viewer.scope().actor.clone();
                        move |rx| handed(rx, &actor, id, &times)
                    })
                    .await?
            } else {
                Vec::new()
            },
            written: vec![("Messages to customers", grouped(replies)), ("Internal notes", grouped(notes))],
        })
    }
}
