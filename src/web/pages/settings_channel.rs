//! A channel's page: name, address, default, members; and taking a user off all channels (K-1, K-2).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_channels::{ChannelForm, Choice, State, Working, field_of, team_choices};
use crate::actions;
use crate::actions::channels::{Change, Edit};
use crate::domain::access::{Key, channels};
use crate::domain::assignment::Target;
use crate::domain::channels::{Channel, ChannelRefusal, leaves_nobody};
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, TeamId, UserId};
use crate::domain::text::counted;
use crate::domain::users::Status;
use crate::failure::{Failure, Refusal};
use crate::store::channels::Member;
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, May, Viewer};
use crate::web::forms::{Problems, ids, is_on};
use crate::web::reply::{Notice, Reply, dialog, done, page_with};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::person::PersonView;

/// Who joins and leaves.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct MembersForm {
    add: Vec<String>,
    remove: Vec<String>,
    confirmed: String,
}

struct MemberRow {
    who: PersonView,
    email: String,
    by_default: bool,
}

#[derive(Template)]
#[template(path = "pages/settings_channel.html")]
struct ChannelPage {
    nav: SettingsNav,
    csrf: String,
    id: String,
    kind: &'static str,
    is_mail: bool,
    name: String,
    summary: String,
    state: State,
    form: ChannelForm,
    problems: Problems,
    nobody: bool,
    teams: Vec<Choice>,
    people: Vec<Choice>,
    members: Vec<MemberRow>,
    inactive: usize,
    inactive_text: String,
    others: Vec<(String, String)>,
    may_see_conversations: bool,
    delete_blocked: Option<String>,
    aside: Option<String>,
    unfetched: bool,
}

#[derive(Template)]
#[template(path = "partials/channel_last_member.html")]
struct LastMember {
    csrf: String,
    id: String,
    name: String,
    leaving: Vec<PersonView>,
    form: MembersForm,
}

#[derive(Template)]
#[template(path = "partials/channels_leave.html")]
struct LeaveDialog {
    csrf: String,
    who: PersonView,
    channels: Vec<(String, bool)>,
    alone: Vec<String>,
}

/// The page.
///
/// # Errors
/// [`WebError::NotFound`] for a channel that is none here.
pub async fn show(may: May<channels::Manage>, id: Id<ChannelId>) -> Reply {
    render(&may.viewer, id.0, None, StatusCode::OK).await
}

struct Loaded {
    channel: Channel,
    members: Vec<Member>,
    others: Vec<store::users::Brief>,
    teams: Vec<(TeamId, String)>,
    open: i64,
    held: i64,
    aside: i64,
    unfetched: bool,
    state: State,
}

fn load(rx: &mut Rx, id: ChannelId, smtp: bool) -> Result<Loaded, Failure> {
    let channel = store::channels::find(rx, id)?.ok_or(Failure::NotFound)?;
    let members = store::channels::list_members(rx, Some(id))?;
    let others = store::users::list_by_status(rx, &[Status::Active])?;
    Ok(Loaded {
        others: others.into_iter().filter(|one| !members.iter().any(|member| member.user == one.id)).collect(),
        teams: store::teams::list(rx)?.into_iter().map(|team| (team.id, team.name)).collect(),
        open: store::channels::count_open(rx)?.get(&id).copied().unwrap_or(0),
        held: store::channels::count_conversations(rx, id)?,
        aside: store::channels::count_quarantined(rx, id)?,
        unfetched: store::received_mails::has_problem(rx, id, crate::tasks::imap::UNFETCHABLE)?,
        state: State::of(&channel, &Working::read(rx, smtp)?),
        channel,
        members,
    })
}

fn default_of(channel: &Channel) -> String {
    match (channel.default_user, channel.default_team) {
        (Some(user), _) => Target::User(user).print(),
        (None, Some(team)) => Target::Team(team).print(),
        (None, None) => String::new(),
    }
}

async fn render(viewer: &Viewer, id: ChannelId, typed: Option<(ChannelForm, Problems)>, status: StatusCode) -> Reply {
    let smtp = viewer.app.smtp;
    let loaded = viewer.read(move |rx| load(rx, id, smtp)).await?;
    let channel = loaded.channel;
    let active = loaded.members.iter().filter(|one| one.status == Status::Active).count();
    let inactive = loaded.members.len() - active;
    let (form, problems) = typed.unwrap_or_else(|| {
        let form = ChannelForm {
            version: channel.version,
            name: channel.name.clone(),
            address: channel.address.clone(),
            default: default_of(&channel),
        };
        (form, Problems::new())
    });
    let title = channel.name.clone();
    // Whoever gets new conversations and was deactivated stays to be seen until somebody else is chosen.
    let people = loaded
        .members
        .iter()
        .filter(|one| one.status == Status::Active || channel.default_user == Some(one.user))
        .map(|one| {
            let value = Target::User(one.user).print();
            let gone = if one.status == Status::Active { "" } else { " (deactivated)" };
            Choice { picked: value == form.default, value, label: format!("{}{gone}", one.name.full) }
        })
        .collect();
    let content = ChannelPage {
        nav: SettingsNav::new(viewer, SettingsItem::Channels),
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        kind: channel.kind.label(),
        is_mail: channel.kind == ChannelKind::Email,
        aside: (loaded.aside > 0).then(|| counted(loaded.aside, "mail", "mails")),
        unfetched: loaded.unfetched,
        name: channel.name,
        summary: format!(
            "{active} active of {} · {}",
            loaded.members.len(),
            counted(loaded.open, "open conversation", "open conversations")
        ),
        state: loaded.state,
        nobody: active == 0,
        teams: team_choices(&loaded.teams, &form.default),
        people,
        members: loaded
            .members
            .iter()
            .map(|one| MemberRow {
                who: PersonView::new(one.user, &one.name, one.status),
                email: one.email.clone(),
                by_default: channel.default_user == Some(one.user),
            })
            .collect(),
        inactive,
        inactive_text: counted(i64::try_from(inactive).unwrap_or(0), "member can’t log in", "members can’t log in"),
        others: loaded.others.into_iter().map(|one| (one.id.to_string(), one.name.full)).collect(),
        may_see_conversations: viewer.known.person.permissions.has(Key::ConversationsViewAll),
        delete_blocked: (loaded.held > 0).then(|| counted(loaded.held, "conversation", "conversations")),
        form,
        problems,
    };
    page_with(viewer, status, &title, Section::Settings, &content)
}

/// Changes name, address and default.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here; 409 if somebody else was quicker.
pub async fn update(may: May<channels::Manage>, id: Id<ChannelId>, Form(form): Form<ChannelForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let channel = viewer.read(move |rx| store::channels::find(rx, id)).await?.ok_or(WebError::NotFound)?;
    let (name, address, default, mut problems) = form.parse(channel.kind);
    if problems.is_empty() {
        let edit = Edit { version: form.version, name, address, default };
        match viewer.write(move |tx| actions::channels::update(tx, &can, id, &edit)).await {
            Ok(()) => return done(&viewer, &format!("/settings/channels/{id}"), Notice::new("The channel is saved.")),
            Err(Failure::Refused(refusal)) => problems.add(field_of(&refusal), refusal.to_string()),
            Err(failure) => return Err(failure.into()),
        }
    }
    render(&viewer, id, Some((form, problems)), StatusCode::UNPROCESSABLE_ENTITY).await
}

/// Changes members. What would leave nobody who can answer is asked for once more.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn members(may: May<channels::Manage>, id: Id<ChannelId>, Form(form): Form<MembersForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let change = Change { add: ids(&form.add)?, remove: ids(&form.remove)?, confirmed: is_on(&form.confirmed) };
    let leaving = change.remove.clone();
    let changed = viewer.write(move |tx| actions::channels::change_members(tx, &can, id, &change)).await;
    if let Err(Failure::Refused(Refusal::Channel(ChannelRefusal::LastMember(name)))) = changed {
        return confirm_last(&viewer, id, name, &leaving, form).await;
    }
    after_change(&viewer, id, changed).await
}

async fn confirm_last(viewer: &Viewer, id: ChannelId, name: String, leaving: &[UserId], form: MembersForm) -> Reply {
    let leaving = leaving.to_vec();
    let people = viewer.read(move |rx| store::users::list_briefs(rx, &leaving)).await?;
    let content = LastMember {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        name,
        leaving: people.iter().map(PersonView::from_brief).collect(),
        form,
    };
    let title = "Leave the channel without members?";
    dialog(viewer, StatusCode::UNPROCESSABLE_ENTITY, title, "sm", SettingsItem::Channels, &content)
}

async fn after_change(viewer: &Viewer, id: ChannelId, changed: Result<usize, Failure>) -> Reply {
    let address = format!("/settings/channels/{id}");
    match changed {
        Ok(0) => done(viewer, &address, Notice::new("Nothing was to be changed.")),
        Ok(_) => done(viewer, &address, Notice::new("The members are saved.")),
        Err(Failure::Refused(refusal)) => {
            let channel = viewer.read(move |rx| store::channels::find(rx, id)).await?.ok_or(WebError::NotFound)?;
            let form = ChannelForm {
                version: channel.version,
                default: default_of(&channel),
                name: channel.name,
                address: channel.address,
            };
            render(viewer, id, Some((form, Problems::of(&refusal))), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Takes everybody who cannot log in out of the channel.
///
/// # Errors
/// [`WebError::NotFound`] for a channel that is none here.
pub async fn remove_inactive(may: May<channels::Manage>, id: Id<ChannelId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let changed = viewer.write(move |tx| actions::channels::remove_inactive(tx, &can, id)).await;
    after_change(&viewer, id, changed).await
}

/// Deletes a channel by which no conversation came in.
///
/// # Errors
/// [`WebError::NotFound`] for a channel that is none here; 409 if conversations came in by it.
pub async fn delete(may: May<channels::Manage>, id: Id<ChannelId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let name = viewer.write(move |tx| actions::channels::delete(tx, &can, id.0)).await?;
    done(&viewer, "/settings/channels", Notice::new(format!("The channel {name} is deleted.")))
}

/// Asks whether a user is to be taken off all channels, and says which would have nobody left.
///
/// # Errors
/// [`WebError::NotFound`] for a user who is none here.
pub async fn ask_leave_all(may: May<channels::Manage>, id: Id<UserId>) -> Reply {
    let viewer = may.viewer;
    let id = id.0;
    let (user, channels, members) = viewer
        .read(move |rx| {
            let user = store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
            Ok((user, store::channels::list(rx)?, store::channels::list_members(rx, None)?))
        })
        .await?;
    let theirs = |channel: &Channel| members.iter().any(|one| one.channel == channel.id && one.user == id);
    let active = |channel: &Channel, without: Option<UserId>| {
        let stays = |one: &&Member| one.channel == channel.id && one.status == Status::Active;
        members.iter().filter(stays).filter(|one| Some(one.user) != without).count()
    };
    let channels: Vec<(String, bool)> = channels
        .iter()
        .filter(|channel| theirs(channel))
        .map(|channel| (channel.name.clone(), leaves_nobody(active(channel, None), active(channel, Some(id)))))
        .collect();
    let content = LeaveDialog {
        csrf: form_token(&viewer.req),
        who: PersonView::new(user.id, &user.name, user.status),
        alone: channels.iter().filter(|(_, alone)| *alone).map(|(name, _)| name.clone()).collect(),
        channels,
    };
    dialog(&viewer, StatusCode::OK, "Take off all channels", "sm", SettingsItem::Users, &content)
}

/// Takes a user off all channels.
///
/// # Errors
/// [`WebError::NotFound`] for a user who is none here.
pub async fn leave_all(may: May<channels::Manage>, id: Id<UserId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let left = viewer.write(move |tx| actions::channels::leave_all(tx, &can, id)).await?;
    let notice = match left {
        0 => Notice::new("They were in no channel."),
        left => Notice::new(format!("Taken off {}.", counted(i64::try_from(left).unwrap_or(0), "channel", "channels"))),
    };
    let viewing = viewer.known.person.permissions.has(Key::UsersView);
    let back = if viewing { format!("/settings/users/{id}") } else { "/settings/channels".to_owned() };
    done(&viewer, &back, notice)
}
