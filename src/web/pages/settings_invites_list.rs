//! What is done to several pending invites at once (I-4).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_users_query::{UsersQuery, tab};
use crate::actions::invite_lists::{Done, Verb, do_all};
use crate::domain::access::users;
use crate::domain::ids::UserId;
use crate::domain::text::{counted, grouped};
use crate::domain::users::Status;
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Form, May, Query, Viewer};
use crate::web::forms::ids;
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::person::People;

/// Where the tab is.
pub(super) const HERE: &str = "/settings/users/invites";

/// How many invites one transaction changes: short enough that nobody waits for it.
const CHUNK: usize = 100;

/// The most invites that are changed at once: whoever asked waits for it.
const LIMIT: usize = 1_000;

/// Whether all that match are picked.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PickQuery {
    select: String,
}

/// What is picked when the list is shown.
pub(super) struct Picked {
    /// Whether everything that matches is.
    pub all: bool,
    /// How much matches.
    pub total: String,
    /// Where everything that matches is picked, if that is more than this page and not more than can be changed.
    pub more: Option<String>,
    /// Why it cannot be picked, if it is more.
    pub too_many: Option<String>,
    /// Where nothing is.
    pub none: String,
    /// What narrows the list, as fields of a form.
    pub fields: Vec<(&'static str, String)>,
}

impl Picked {
    pub fn new(pick: &PickQuery, query: &UsersQuery, total: i64, page: i64) -> Self {
        let fits = usize::try_from(total).is_ok_and(|total| total <= LIMIT);
        let all = pick.select == "all" && total > 0 && fits;
        let here = format!("{HERE}?{}", query.print());
        let fields = query.fields();
        Self {
            all,
            total: grouped(total),
            more: (total > page && !all && fits).then(|| format!("{here}&select=all")),
            too_many: (!fits).then(too_many),
            none: here,
            fields: fields
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        }
    }
}

/// What is said about more invites than can be changed at once.
fn too_many() -> String {
    let limit = grouped(i64::try_from(LIMIT).unwrap_or(0));
    format!("At most {limit} invites can be changed at once. Narrow the list by a search or a filter.")
}

/// Which invites are meant: these, or all that match.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct ManyForm {
    invite: Vec<String>,
    scope: String,
    q: String,
    role: String,
    team: String,
    channel: String,
}

async fn picked(viewer: &Viewer, form: &ManyForm) -> Result<Vec<UserId>, WebError> {
    if form.scope != "matching" {
        let ids: Vec<UserId> = ids(&form.invite)?;
        let picked = ids.clone();
        viewer.read(move |rx| store::invites::were_here(rx, &picked)).await?;
        return Ok(ids);
    }
    let query = UsersQuery {
        q: form.q.clone(),
        role: form.role.clone(),
        team: form.team.clone(),
        channel: form.channel.clone(),
        ..UsersQuery::default()
    };
    viewer
        .read(move |rx| {
            let filter = query.known_filter(rx)?;
            store::users::list_ids(rx, &[Status::Invited], &filter, tab(Status::Invited).1)
        })
        .await
}

#[derive(Template)]
#[template(path = "partials/invites_cancel.html")]
struct CancelDialog {
    csrf: String,
    ids: Vec<String>,
    count: String,
    too_many: Option<String>,
}

struct Refused {
    name: String,
    why: String,
}

#[derive(Template)]
#[template(path = "partials/invites_done.html")]
struct DoneDialog {
    heading: String,
    text: String,
    refused: Vec<Refused>,
    more: usize,
}

/// Asks before several invites are cancelled.
///
/// # Errors
/// 404 for what is none here.
pub async fn ask_cancel(may: May<users::Invite>, query: Query<ManyForm>) -> Reply {
    let (viewer, form) = (may.viewer, query.0);
    let ids = picked(&viewer, &form).await?;
    let count = counted(i64::try_from(ids.len()).unwrap_or(0), "invite", "invites");
    let too_many = (ids.len() > LIMIT).then(too_many);
    // The ids themselves, so that what is confirmed is what was counted, whoever is invited meanwhile.
    let ids = if too_many.is_some() { Vec::new() } else { ids.iter().map(ToString::to_string).collect() };
    let content = CancelDialog { csrf: form_token(&viewer.req), ids, count, too_many };
    dialog(&viewer, StatusCode::OK, "Cancel invites", "sm", SettingsItem::Users, &content)
}

/// Sends new links to several.
///
/// # Errors
/// 404 for what is none here.
pub async fn resend(may: May<users::Invite>, Form(form): Form<ManyForm>) -> Reply {
    do_many(may, form, Verb::Resend).await
}

/// Cancels several.
///
/// # Errors
/// 404 for what is none here.
pub async fn cancel(may: May<users::Invite>, Form(form): Form<ManyForm>) -> Reply {
    do_many(may, form, Verb::Cancel).await
}

async fn do_many(may: May<users::Invite>, form: ManyForm, verb: Verb) -> Reply {
    let viewer = may.viewer;
    let ids = picked(&viewer, &form).await?;
    if ids.len() > LIMIT {
        return done(&viewer, HERE, Notice::new(format!("{} Nothing was changed.", too_many())));
    }
    let mut all: Vec<Done> = Vec::with_capacity(ids.len());
    // Each part is done or not; what a part did stays done if a later one fails.
    for part in ids.chunks(CHUNK) {
        let (can, base, part) = (viewer.must()?, viewer.app.public_url.clone(), part.to_vec());
        all.extend(viewer.write(move |tx| do_all(tx, &can, &base, verb, &part)).await?);
    }
    viewer.app.wake.now();
    let refused: Vec<&Done> = all.iter().filter(|one| one.refused.is_some()).collect();
    let fine = counted(i64::try_from(all.len() - refused.len()).unwrap_or(0), "invite", "invites");
    let text = match verb {
        Verb::Resend => format!("{fine} sent again. The old links no longer work."),
        Verb::Cancel => format!("{fine} cancelled. The links no longer work."),
    };
    if refused.is_empty() {
        let text = if all.is_empty() { "Select at least one invite first.".to_owned() } else { text };
        return done(&viewer, HERE, Notice::new(text));
    }
    let who: Vec<UserId> = refused.iter().map(|one| one.user).collect();
    let people = viewer.read(move |rx| Ok(People::new(&store::users::list_briefs(rx, &who)?))).await?;
    let shown: Vec<Refused> = refused
        .iter()
        .take(100)
        .map(|one| Refused { name: people.get(one.user).name, why: one.refused.clone().unwrap_or_default() })
        .collect();
    let left = counted(i64::try_from(refused.len()).unwrap_or(0), "invite was", "invites were");
    let content = DoneDialog {
        heading: if verb == Verb::Resend { "Invites sent again".to_owned() } else { "Invites cancelled".to_owned() },
        text: format!("{text} {left} left as they are:"),
        more: refused.len() - shown.len(),
        refused: shown,
    };
    dialog(&viewer, StatusCode::OK, "Invites", "", SettingsItem::Users, &content)
}
