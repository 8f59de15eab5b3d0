//! Settings → Teams: list and editor (T-1, T-2).

use std::collections::{HashMap, HashSet};

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions;
use crate::actions::teams::Change;
use crate::domain::access::{Key, Sees, teams};
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::{TeamId, UserId};
use crate::domain::inbox::{Filter, Teams, View};
use crate::domain::teams::{Flag, Team};
use crate::domain::text::{counted, grouped, lines};
use crate::domain::users::{Status, parse_name};
use crate::failure::Failure;
use crate::store::teams::Member;
use crate::store::{self, Rx, counts};
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Query, Viewer};
use crate::web::forms::{Problems, ids};
use crate::web::reply::{Notice, Reply, dialog, done, page, page_with};
use crate::web::stale::team_changed;
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::person::PersonView;

/// The most letters that say what a team does.
const LONGEST: usize = 500;

/// What is typed about a team.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct TeamForm {
    /// The version that is edited.
    version: String,
    name: String,
    description: String,
}

impl TeamForm {
    fn of(team: &Team) -> Self {
        Self { version: team.version.to_string(), name: team.name.clone(), description: team.description.clone() }
    }
}

/// Who joins, leaves and leads.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MembersForm {
    add: Vec<String>,
    remove: Vec<String>,
    lead: Vec<String>,
    set_leads: String,
    /// Who led when the page was made.
    led: Vec<String>,
}

/// The search of the list.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct TeamsQuery {
    q: String,
    /// `name` or `open`; a leading dash turns it round.
    sort: String,
}

/// A column's heading that sorts.
struct SortLink {
    href: String,
    aria: Option<&'static str>,
    icon: &'static str,
}

impl SortLink {
    fn new(query: &TeamsQuery, name: &str) -> Self {
        let (key, down) = query.order();
        let lit = key == name;
        let dash = if lit && !down { "-" } else { "" };
        let q: String = url::form_urlencoded::byte_serialize(query.q.as_bytes()).collect();
        Self {
            href: format!("/settings/teams?q={q}&sort={dash}{name}"),
            aria: lit.then_some(if down { "descending" } else { "ascending" }),
            icon: match (lit, down) {
                (true, true) => "arrow-down",
                (true, false) => "arrow-up",
                (false, _) => "selector",
            },
        }
    }
}

impl TeamsQuery {
    fn order(&self) -> (&'static str, bool) {
        let (name, down) = self.sort.strip_prefix('-').map_or((self.sort.as_str(), false), |name| (name, true));
        (if name == "open" { "open" } else { "name" }, down)
    }
}

struct Row {
    id: String,
    name: String,
    description: String,
    active: usize,
    members: usize,
    faces: Vec<PersonView>,
    more: usize,
    leads: Vec<PersonView>,
    flag: Option<&'static str>,
    /// What those of it who cannot log in hold.
    stuck: Option<String>,
    open: i64,
    open_text: String,
    per_person: String,
}

#[derive(Template)]
#[template(path = "pages/settings_teams.html")]
struct TeamsPage {
    nav: SettingsNav,
    q: String,
    by_name: SortLink,
    by_open: SortLink,
    rows: Vec<Row>,
    foot: String,
    may_manage: bool,
    may_see_conversations: bool,
}

#[derive(Template)]
#[template(path = "partials/team_new.html")]
struct NewDialog {
    csrf: String,
    form: TeamForm,
    problems: Problems,
}

struct MemberRow {
    who: PersonView,
    email: String,
    is_lead: bool,
    open: String,
    holds: bool,
}

#[derive(Template)]
#[template(path = "pages/settings_team.html")]
struct TeamPage {
    nav: SettingsNav,
    csrf: String,
    id: String,
    name: String,
    summary: String,
    form: TeamForm,
    problems: Problems,
    members: Vec<MemberRow>,
    inactive: usize,
    inactive_text: String,
    still_held: Option<String>,
    flag: Option<Flag>,
    others: Vec<(String, String)>,
    may_manage: bool,
    may_edit: bool,
    may_see_conversations: bool,
    delete_hint: String,
}

/// The list.
///
/// # Errors
/// Trouble with the database.
pub async fn index(may: May<teams::EditMembers>, query: Query<TeamsQuery>) -> Reply {
    let viewer = may.viewer;
    let (all, members, held) = viewer
        .read(|rx| {
            let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
            Ok((store::teams::list(rx)?, store::teams::list_members(rx, None)?, held))
        })
        .await?;
    let open = held.by_team(ConversationStatus::Open);
    let key = crate::domain::text::key(&query.0.q);
    let mut rows: Vec<Row> = all
        .iter()
        .filter(|team| key.is_empty() || crate::domain::text::key(&team.name).contains(&key))
        .map(|team| row(team, &members, &open, stuck(team.id, &viewer.known.roster.inactive, &held)))
        .collect();
    let (order, down) = query.0.order();
    if order == "open" {
        rows.sort_by_key(|row| row.open);
    }
    if down {
        rows.reverse();
    }
    let total: i64 = rows.iter().map(|row| row.open).sum();
    let teams = counted(i64::try_from(rows.len()).unwrap_or(0), "team", "teams");
    let content = TeamsPage {
        nav: SettingsNav::new(&viewer, SettingsItem::Teams),
        by_name: SortLink::new(&query.0, "name"),
        by_open: SortLink::new(&query.0, "open"),
        q: query.0.q,
        foot: format!("{teams}, {}", counted(total, "open conversation", "open conversations")),
        rows,
        may_manage: viewer.known.person.permissions.has(Key::TeamsManage),
        may_see_conversations: viewer.known.person.permissions.has(Key::ConversationsViewAll),
    };
    page(&viewer, "Teams", Section::Settings, &content)
}

fn row(team: &Team, members: &[Member], open: &HashMap<TeamId, i64>, stuck: Option<(i64, usize)>) -> Row {
    let ours: Vec<&Member> = members.iter().filter(|one| one.team == team.id).collect();
    let active: Vec<&&Member> = ours.iter().filter(|one| one.status == Status::Active).collect();
    let leads: Vec<&&Member> = ours.iter().filter(|one| one.is_lead).collect();
    let view = |one: &Member| PersonView::new(one.user, &one.name, one.status);
    let held = open.get(&team.id).copied().unwrap_or(0);
    let heads = i64::try_from(active.len()).unwrap_or(0);
    Row {
        id: team.id.to_string(),
        name: team.name.clone(),
        description: team.description.clone(),
        active: active.len(),
        members: ours.len(),
        faces: active.iter().take(3).map(|one| view(one)).collect(),
        more: active.len().saturating_sub(3),
        flag: Flag::of(&ours.iter().map(|one| one.place()).collect::<Vec<_>>()).map(Flag::label),
        leads: leads.iter().map(|one| view(one)).collect(),
        stuck: stuck.map(|(held, people)| format!("{} held by {people} inactive", grouped(held))),
        open: held,
        open_text: grouped(held),
        per_person: held.checked_div(heads).map_or_else(|| "–".to_owned(), grouped),
    }
}

/// How much of a team so many people hold who cannot log in, if they hold anything: what the list that the number leads
/// to has in it.
fn stuck(team: TeamId, inactive: &HashSet<UserId>, counts: &counts::Counts) -> Option<(i64, usize)> {
    let filter = Filter { teams: Some(Teams::One(team)), ..View::NeedsHandover.filter(UserId::NIL, &[]) };
    let held = counts.matching_by_person(&filter, inactive);
    (!held.is_empty()).then(|| (held.values().sum(), held.len()))
}

/// The dialog for a new team.
///
/// # Errors
/// If the template fails, which is a bug.
pub async fn ask_new(may: May<teams::Manage>) -> Reply {
    let content = NewDialog { csrf: form_token(&may.viewer.req), form: TeamForm::default(), problems: Problems::new() };
    dialog(&may.viewer, StatusCode::OK, "New team", "sm", SettingsItem::Teams, &content)
}

fn parse(form: &TeamForm) -> (String, String, Problems) {
    let mut problems = Problems::new();
    let name = problems.take("name", parse_name(&form.name, "Enter a name"));
    let description = lines(&form.description);
    if description.chars().count() > LONGEST {
        problems.add("description", format!("Use at most {LONGEST} characters"));
    }
    (name, description, problems)
}

/// Makes a team.
///
/// # Errors
/// Trouble with the database.
pub async fn create(may: May<teams::Manage>, Form(form): Form<TeamForm>) -> Reply {
    let May { viewer, can } = may;
    let (name, description, mut problems) = parse(&form);
    if problems.is_empty() {
        let given = name.clone();
        match viewer.write(move |tx| actions::teams::create(tx, &can, &given, &description)).await {
            Ok(id) => {
                let notice = Notice::new(format!("{name} is there. Add its members."));
                return done(&viewer, &format!("/settings/teams/{id}"), notice);
            }
            Err(Failure::Refused(refusal)) => problems.add("name", refusal.to_string()),
            Err(failure) => return Err(failure.into()),
        }
    }
    let content = NewDialog { csrf: form_token(&viewer.req), form, problems };
    dialog(&viewer, StatusCode::UNPROCESSABLE_ENTITY, "New team", "sm", SettingsItem::Teams, &content)
}

/// The editor.
///
/// # Errors
/// [`WebError::NotFound`] for a team that is none here.
pub async fn show(may: May<teams::EditMembers>, id: Id<TeamId>) -> Reply {
    render(&may.viewer, id.0, None, StatusCode::OK).await
}

struct Loaded {
    team: Team,
    members: Vec<Member>,
    others: Vec<store::users::Brief>,
    open: HashMap<UserId, i64>,
    snoozed: HashMap<UserId, i64>,
    of_team: i64,
    stuck: Option<(i64, usize)>,
    holdings: (i64, Option<String>),
}

fn load(rx: &mut Rx, id: TeamId, inactive: &HashSet<UserId>) -> Result<Loaded, Failure> {
    let team = store::teams::find(rx, id)?.ok_or(Failure::NotFound)?;
    let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
    let members = store::teams::list_members(rx, Some(id))?;
    let others = store::users::list_by_status(rx, &[Status::Active])?;
    Ok(Loaded {
        others: others.into_iter().filter(|one| !members.iter().any(|member| member.user == one.id)).collect(),
        open: held.by_person_in(ConversationStatus::Open, id),
        snoozed: held.by_person_in(ConversationStatus::Snoozed, id),
        stuck: stuck(id, inactive, &held),
        of_team: held.by_team(ConversationStatus::Open).get(&id).copied().unwrap_or(0),
        holdings: store::teams::count_holdings(rx, id)?,
        team,
        members,
    })
}

async fn render(viewer: &Viewer, id: TeamId, typed: Option<(TeamForm, Problems)>, status: StatusCode) -> Reply {
    let roster = viewer.known.roster.clone();
    let loaded = viewer.read(move |rx| load(rx, id, &roster.inactive)).await?;
    let may = |key| viewer.known.person.permissions.has(key);
    let active = loaded.members.iter().filter(|one| one.status == Status::Active).count();
    let inactive = loaded.members.len() - active;
    let (form, problems) = typed.unwrap_or_else(|| (TeamForm::of(&loaded.team), Problems::new()));
    let title = loaded.team.name.clone();
    // Who cannot log in holds what is asleep, too; the others' will be theirs when it wakes.
    let held = |one: &Member| {
        let of = |numbers: &HashMap<UserId, i64>| numbers.get(&one.user).copied().unwrap_or(0);
        of(&loaded.open) + if one.status == Status::Active { 0 } else { of(&loaded.snoozed) }
    };
    let content = TeamPage {
        nav: SettingsNav::new(viewer, SettingsItem::Teams),
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        name: loaded.team.name,
        summary: summary(active, loaded.members.len(), loaded.of_team),
        still_held: loaded.stuck.map(|(held, _)| counted(held, "conversation", "conversations")),
        flag: Flag::of(&loaded.members.iter().map(Member::place).collect::<Vec<_>>()),
        members: loaded
            .members
            .iter()
            .map(|one| {
                let open = held(one);
                MemberRow {
                    who: PersonView::new(one.user, &one.name, one.status),
                    email: one.email.clone(),
                    is_lead: one.is_lead,
                    open: grouped(open),
                    holds: open > 0,
                }
            })
            .collect(),
        inactive,
        inactive_text: format!(
            "{inactive} of {} deactivated",
            counted(i64::try_from(loaded.members.len()).unwrap_or(0), "member is", "members are")
        ),
        others: loaded.others.into_iter().map(|one| (one.id.to_string(), one.name.full)).collect(),
        may_manage: may(Key::TeamsManage),
        may_edit: may(Key::TeamsEditMembers),
        may_see_conversations: may(Key::ConversationsViewAll),
        delete_hint: match loaded.holdings {
            (0, None) => "The team holds nothing. Its members stay.".to_owned(),
            (0, Some(channel)) => {
                format!("The channel {channel} sends its conversations here. You choose where they go instead.")
            }
            (held, _) => format!(
                "{} name this team. You choose the team that gets them.",
                counted(held, "conversation", "conversations")
            ),
        },
        form,
        problems,
    };
    page_with(viewer, status, &title, Section::Settings, &content)
}

/// "7 active of 9 · 512 open conversations, 73 per active person".
fn summary(active: usize, members: usize, open: i64) -> String {
    let each = match open.checked_div(i64::try_from(active).unwrap_or(0)) {
        Some(each) if each > 0 => format!(", {} per active person", grouped(each)),
        _ => String::new(),
    };
    format!("{active} active of {members} · {}{each}", counted(open, "open conversation", "open conversations"))
}

/// Renames a team.
///
/// # Errors
/// [`WebError::NotFound`] for a team that is none here.
pub async fn update(may: May<teams::Manage>, id: Id<TeamId>, Form(form): Form<TeamForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let (name, description, mut problems) = parse(&form);
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let version: Option<i64> = form.version.parse().ok();
    if version.is_none() {
        problems.add(
            "",
            "This form does not say which state of the team it changes. Open the team again, then repeat your change.",
        );
        status = StatusCode::CONFLICT;
    }
    if let (true, Some(version)) = (problems.is_empty(), version) {
        match viewer.write(move |tx| actions::teams::update(tx, &can, id, version, (&name, &description))).await {
            Ok(()) => return done(&viewer, &format!("/settings/teams/{id}"), Notice::new("The team is saved.")),
            Err(Failure::Refused(refusal)) => problems.add("name", refusal.to_string()),
            Err(Failure::Stale) => {
                problems.add("", team_changed(&viewer, id).await?);
                status = StatusCode::CONFLICT;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    render(&viewer, id, Some((form, problems)), status).await
}

/// Changes members and leads.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn members(may: May<teams::EditMembers>, id: Id<TeamId>, Form(form): Form<MembersForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let leads: Vec<UserId> = ids(&form.lead)?;
    let from_page = !form.set_leads.is_empty();
    let change = Change {
        add: ids(&form.add)?,
        remove: ids(&form.remove)?,
        leads: (from_page || !leads.is_empty()).then_some(leads),
        led: from_page.then(|| ids(&form.led)).transpose()?,
    };
    let changed = viewer.write(move |tx| actions::teams::change_members(tx, &can, id, &change)).await;
    after_change(&viewer, id, changed).await
}

async fn after_change(viewer: &Viewer, id: TeamId, changed: Result<usize, Failure>) -> Reply {
    match changed {
        Ok(0) => done(viewer, &format!("/settings/teams/{id}"), Notice::new("Nothing was to be changed.")),
        Ok(_) => done(viewer, &format!("/settings/teams/{id}"), Notice::new("The members are saved.")),
        Err(Failure::Refused(refusal)) => {
            again(viewer, id, &refusal.to_string(), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Failure::Stale) => again(viewer, id, &team_changed(viewer, id).await?, StatusCode::CONFLICT).await,
        Err(failure) => Err(failure.into()),
    }
}

/// The team as it is now, with what was said about a change of it.
pub(super) async fn again(viewer: &Viewer, id: TeamId, said: &str, status: StatusCode) -> Reply {
    let team = viewer.read(move |rx| store::teams::find(rx, id)).await?.ok_or(WebError::NotFound)?;
    let mut problems = Problems::new();
    problems.add("", said);
    render(viewer, id, Some((TeamForm::of(&team), problems)), status).await
}
