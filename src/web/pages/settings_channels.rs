//! Settings → Channels: list, and the mail channels that are made there (K-1).

use std::collections::HashMap;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions;
use crate::domain::access::{Key, channels};
use crate::domain::assignment::Target;
use crate::domain::channels::{Channel, ChannelRefusal};
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, TeamId, UserId};
use crate::domain::text::{counted, grouped, key};
use crate::domain::users::{Status, parse_email, parse_name};
use crate::failure::{Failure, Refusal};
use crate::store::channels::Member;
use crate::store::{self, Rx};
use crate::web::extract::{Form, May, Query, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Notice, Reply, dialog, done, page};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::person::PersonView;

/// What is typed about a channel.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct ChannelForm {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) default: String,
}

impl ChannelForm {
    /// What was typed, or what is wrong with it. Only mail has an address of a known form.
    pub(super) fn parse(&self, kind: ChannelKind) -> (String, String, Target, Problems) {
        let mut problems = Problems::new();
        let name = problems.take("name", parse_name(&self.name, "Enter a name"));
        let address = match kind {
            ChannelKind::Email => problems.take("address", parse_email(&self.address)),
            _ => problems.take("address", parse_name(&self.address, "Enter its address")),
        };
        let default = if self.default.is_empty() { Some(Target::Nobody) } else { Target::parse(&self.default) };
        if default.is_none() {
            problems.add("default", "Choose somebody from the list");
        }
        (name, address, default.unwrap_or(Target::Nobody), problems)
    }
}

/// The field that a refusal is about.
pub(super) const fn field_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Channel(ChannelRefusal::NameTaken(_)) => "name",
        Refusal::Channel(ChannelRefusal::AddressTaken(_) | ChannelRefusal::AddressElsewhere(_)) => "address",
        Refusal::Channel(ChannelRefusal::DefaultNotMember(_)) | Refusal::Conversation(_) => "default",
        _ => "",
    }
}

/// The icon of a kind.
const fn icon(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "mail",
        ChannelKind::WhatsApp => "brand-whatsapp",
        ChannelKind::Instagram => "brand-instagram",
        ChannelKind::Voice => "phone",
        ChannelKind::WebChat | ChannelKind::Messenger | ChannelKind::Telegram => "message-circle",
    }
}

/// Whether a channel works, in a word, with the reason if it does not.
pub(super) struct State {
    pub word: &'static str,
    pub class: &'static str,
    pub reason: Option<String>,
}

/// What is known of how mail channels work.
pub(super) struct Working {
    /// Problems of replies, by the address that they were sent from.
    problems: HashMap<String, String>,
    /// Which have a server of their own, and whose mailbox cannot be read.
    mail: Vec<(ChannelId, bool, Option<String>)>,
    smtp: bool,
}

impl Working {
    pub(super) fn read(rx: &mut Rx, smtp: bool) -> Result<Self, Failure> {
        Ok(Self { problems: store::channels::list_problems(rx)?, mail: store::channel_mail::list_states(rx)?, smtp })
    }
}

impl State {
    pub(super) fn of(channel: &Channel, working: &Working) -> Self {
        if channel.kind != ChannelKind::Email {
            let reason = Some("Nothing is set up yet that brings messages of this kind.".to_owned());
            return Self { word: "Not connected", class: "outline", reason };
        }
        let own = working.mail.iter().find(|(id, ..)| *id == channel.id);
        let smtp = working.smtp || own.is_some_and(|(_, smtp, _)| *smtp);
        if let Some(problem) = own.and_then(|(.., problem)| problem.as_ref()) {
            let reason = Some(format!("Its mailbox can’t be read: {problem}"));
            return Self { word: "Error", class: "danger", reason };
        }
        match working.problems.get(&key(&channel.address)) {
            Some(problem) => {
                let reason = Some(format!("The last reply could not be sent: {problem}"));
                Self { word: "Error", class: "danger", reason }
            }
            None if !smtp => {
                let reason = Some("No mail server is set, so replies are kept in the outbox.".to_owned());
                Self { word: "Receives only", class: "warn", reason }
            }
            None => Self { word: "Connected", class: "good", reason: None },
        }
    }
}

/// An entry of a select.
pub(super) struct Choice {
    pub value: String,
    pub label: String,
    pub picked: bool,
}

pub(super) fn team_choices(teams: &[(TeamId, String)], picked: &str) -> Vec<Choice> {
    teams
        .iter()
        .map(|(id, name)| {
            let value = Target::Team(*id).print();
            Choice { picked: value == picked, value, label: name.clone() }
        })
        .collect()
}

/// The search of the list.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ChannelsQuery {
    q: String,
}

struct Row {
    id: String,
    icon: &'static str,
    kind: &'static str,
    name: String,
    address: String,
    active: usize,
    members: usize,
    faces: Vec<PersonView>,
    more: usize,
    default: Option<String>,
    default_person: Option<PersonView>,
    state: State,
    open: i64,
    open_text: String,
}

#[derive(Template)]
#[template(path = "pages/settings_channels.html")]
struct ChannelsPage {
    nav: SettingsNav,
    q: String,
    rows: Vec<Row>,
    foot: String,
    may_see_conversations: bool,
}

#[derive(Template)]
#[template(path = "partials/channel_new.html")]
struct NewDialog {
    csrf: String,
    form: ChannelForm,
    teams: Vec<Choice>,
    problems: Problems,
}

/// The list.
///
/// # Errors
/// Trouble with the database.
pub async fn index(may: May<channels::Manage>, query: Query<ChannelsQuery>) -> Reply {
    let viewer = may.viewer;
    let smtp = viewer.app.smtp;
    let (all, members, open, problems, teams) = viewer
        .read(move |rx| {
            Ok((
                store::channels::list(rx)?,
                store::channels::list_members(rx, None)?,
                store::channels::count_open(rx)?,
                Working::read(rx, smtp)?,
                store::teams::list(rx)?,
            ))
        })
        .await?;
    let words = key(&query.0.q);
    let team = |id: TeamId| teams.iter().find(|team| team.id == id).map(|team| team.name.clone());
    let rows: Vec<Row> = all
        .iter()
        .filter(|one| key(&one.name).contains(&words) || key(&one.address).contains(&words))
        .map(|channel| Row {
            default: channel.default_team.and_then(team),
            state: State::of(channel, &problems),
            ..row(channel, &members, &open)
        })
        .collect();
    let total: i64 = rows.iter().map(|row| row.open).sum();
    let count = counted(i64::try_from(rows.len()).unwrap_or(0), "channel", "channels");
    let content = ChannelsPage {
        nav: SettingsNav::new(&viewer, SettingsItem::Channels),
        q: query.0.q,
        foot: format!("{count}, {}", counted(total, "open conversation", "open conversations")),
        rows,
        may_see_conversations: viewer.known.person.permissions.has(Key::ConversationsViewAll),
    };
    page(&viewer, "Channels", Section::Settings, &content)
}

fn row(channel: &Channel, members: &[Member], open: &HashMap<ChannelId, i64>) -> Row {
    let view = |one: &Member| PersonView::new(one.user, &one.name, one.status);
    let ours: Vec<&Member> = members.iter().filter(|one| one.channel == channel.id).collect();
    let active: Vec<&&Member> = ours.iter().filter(|one| one.status == Status::Active).collect();
    let held = open.get(&channel.id).copied().unwrap_or(0);
    let by_default = |user: UserId| ours.iter().find(|one| one.user == user).map(|one| view(one));
    Row {
        id: channel.id.to_string(),
        icon: icon(channel.kind),
        kind: channel.kind.label(),
        name: channel.name.clone(),
        address: channel.address.clone(),
        active: active.len(),
        members: ours.len(),
        faces: active.iter().take(3).map(|one| view(one)).collect(),
        more: active.len().saturating_sub(3),
        default: None,
        default_person: channel.default_user.and_then(by_default),
        state: State { word: "", class: "", reason: None },
        open: held,
        open_text: grouped(held),
    }
}

async fn teams(viewer: &Viewer) -> Result<Vec<(TeamId, String)>, crate::web::error::WebError> {
    let all = viewer.read(store::teams::list).await?;
    Ok(all.into_iter().map(|team| (team.id, team.name)).collect())
}

/// The dialog for a new channel.
///
/// # Errors
/// Trouble with the database.
pub async fn ask_new(may: May<channels::Manage>) -> Reply {
    render_new(&may.viewer, StatusCode::OK, ChannelForm::default(), Problems::new()).await
}

async fn render_new(viewer: &Viewer, status: StatusCode, form: ChannelForm, problems: Problems) -> Reply {
    let teams = team_choices(&teams(viewer).await?, &form.default);
    let content = NewDialog { csrf: form_token(&viewer.req), form, teams, problems };
    dialog(viewer, status, "Add an email channel", "sm", SettingsItem::Channels, &content)
}

/// Makes a mail channel.
///
/// # Errors
/// [`crate::web::error::WebError::NotFound`] for a team that is none here.
pub async fn create(may: May<channels::Manage>, Form(form): Form<ChannelForm>) -> Reply {
    let May { viewer, can } = may;
    let (name, address, default, mut problems) = form.parse(ChannelKind::Email);
    if problems.is_empty() {
        let given = name.clone();
        match viewer.write(move |tx| actions::channels::create(tx, &can, &given, &address, default)).await {
            Ok(id) => {
                let notice = Notice::new(format!("{name} is there. Add who can answer in it."));
                return done(&viewer, &format!("/settings/channels/{id}"), notice);
            }
            Err(Failure::Refused(refusal)) => problems.add(field_of(&refusal), refusal.to_string()),
            Err(failure) => return Err(failure.into()),
        }
    }
    render_new(&viewer, StatusCode::UNPROCESSABLE_ENTITY, form, problems).await
}
