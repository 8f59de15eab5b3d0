//! The frame around every page: rail, settings navigation, notices.

use actix_session::Session;
use actix_web::{HttpMessage as _, HttpRequest, web};

use super::person::PersonView;
use crate::domain::access::{Key, PermissionSet};
use crate::web::extract::Viewer;
use crate::web::identify::Identity;
use crate::web::reply::Notice;
use crate::web::session::NOTICE;
use crate::web::{App, csrf};

/// Which part of the rail is lit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// The inbox.
    Inbox,
    /// The customers.
    Contacts,
    /// Settings.
    Settings,
    /// One's own profile.
    Profile,
    /// None of them.
    None,
}

/// The frame.
#[derive(Clone, Debug)]
pub struct Chrome {
    /// The title of the browser's tab, without " · Baton".
    pub title: String,
    /// The workspace's name, if somebody is logged in.
    pub workspace: String,
    /// Who is logged in.
    pub me: Option<PersonView>,
    /// Which part of the rail is lit.
    pub inbox_lit: bool,
    /// Which part of the rail is lit.
    pub contacts_lit: bool,
    /// Whether they may see contacts.
    pub contacts: bool,
    /// Which part of the rail is lit.
    pub settings_lit: bool,
    /// Where Settings begin for this person; `None` if they have none.
    pub settings: Option<&'static str>,
    /// Whether they have an inbox.
    pub inbox: bool,
    /// `light` or `dark`, if it was chosen.
    pub theme: Option<&'static str>,
    /// Whether single letters are shortcuts.
    pub shortcuts: bool,
    /// The token of forms in the frame.
    pub csrf: String,
    /// What is to be said.
    pub notices: Vec<Notice>,
}

/// The token of a request's forms.
#[must_use]
pub fn form_token(req: &HttpRequest) -> String {
    let secret = req.extensions().get::<Identity>().map(|identity| identity.csrf.clone());
    let random = req.app_data::<web::Data<App>>().map(|app| app.db.random());
    match (secret, random) {
        (Some(secret), Some(random)) => csrf::token(&secret, &random),
        _ => String::new(),
    }
}

/// Where Settings begin for somebody with these permissions, if they have any.
#[must_use]
pub fn settings(permissions: PermissionSet) -> Option<&'static str> {
    [
        (Key::UsersView, "/settings/users"),
        (Key::TeamsEditMembers, "/settings/teams"),
        (Key::RolesManage, "/settings/roles"),
        (Key::SettingsManage, "/settings/workspace"),
        (Key::ChannelsManage, "/settings/channels"),
        (Key::AuditView, "/settings/audit"),
    ]
    .into_iter()
    .find(|(key, _)| permissions.has(*key))
    .map(|(_, address)| address)
}

impl Chrome {
    /// The frame of a request's page.
    #[must_use]
    pub fn new(req: &HttpRequest, title: &str, section: Section) -> Self {
        let known = req.extensions().get::<Identity>().and_then(|identity| identity.known.clone());
        let theme = req.cookie("theme").and_then(|cookie| match cookie.value() {
            "light" => Some("light"),
            "dark" => Some("dark"),
            _ => None,
        });
        let may = |key| known.as_ref().is_some_and(|known| known.person.permissions.has(key));
        Self {
            title: title.to_owned(),
            workspace: known.as_ref().map(|known| known.workspace.name.clone()).unwrap_or_default(),
            inbox_lit: section == Section::Inbox,
            contacts_lit: section == Section::Contacts,
            contacts: may(Key::ContactsView),
            settings_lit: section == Section::Settings,
            settings: known.as_ref().and_then(|known| settings(known.person.permissions)),
            inbox: may(Key::ConversationsViewAll) || may(Key::ConversationsViewOwn),
            theme,
            shortcuts: known.as_ref().is_none_or(|known| known.shortcuts),
            csrf: form_token(req),
            notices: Vec::new(),
            me: known.as_ref().map(|known| PersonView::active(known.person.id, &known.person.name)),
        }
    }

    /// A frame for nobody.
    #[must_use]
    pub fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            workspace: String::new(),
            me: None,
            inbox_lit: false,
            contacts_lit: false,
            contacts: false,
            settings_lit: false,
            settings: None,
            inbox: false,
            theme: None,
            shortcuts: true,
            csrf: String::new(),
            notices: Vec::new(),
        }
    }

    /// Takes the notice that the last request left.
    pub fn take_notice(&mut self, session: &Session) {
        // Taking out what is not there would count as a change, and be written.
        if !session.contains_key(NOTICE) {
            return;
        }
        if let Some(Ok(text)) = session.remove_as::<Notice>(NOTICE) {
            self.notices.push(text);
        }
    }
}

/// A page of Settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingsItem {
    /// The workspace itself.
    Workspace,
    /// Log-ins, and people who stop coming.
    Security,
    /// People.
    Users,
    /// Teams.
    Teams,
    /// Where conversations come from.
    Channels,
    /// What was recorded.
    Audit,
    /// Roles.
    Roles,
    /// Mails.
    Outbox,
}

/// A link of the settings navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// The words.
    pub label: &'static str,
    /// The icon.
    pub icon: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Whether this is the page.
    pub current: bool,
}

/// The navigation beside pages of Settings.
#[derive(Clone, Debug)]
pub struct SettingsNav {
    /// The workspace's name.
    pub workspace: String,
    /// The page that is shown.
    pub here: &'static str,
    /// Links before all headings.
    pub general: Vec<NavItem>,
    /// Links under "People".
    pub people: Vec<NavItem>,
    /// Links under "Work".
    pub work: Vec<NavItem>,
    /// Links under "Record".
    pub record: Vec<NavItem>,
}

impl SettingsNav {
    /// The links that a person may follow.
    #[must_use]
    pub fn new(viewer: &Viewer, current: SettingsItem) -> Self {
        let may = |key| viewer.known.person.permissions.has(key);
        let item = |label, icon, href, which| NavItem { label, icon, href, current: which == current };
        let mut general = Vec::new();
        if may(Key::SettingsManage) {
            general.push(item("Workspace", "building", "/settings/workspace", SettingsItem::Workspace));
            general.push(item("Security", "lock", "/settings/security", SettingsItem::Security));
        }
        let mut people = Vec::new();
        if may(Key::UsersView) {
            people.push(item("Users", "user", "/settings/users", SettingsItem::Users));
        }
        if may(Key::TeamsEditMembers) || may(Key::TeamsManage) {
            people.push(item("Teams", "users-group", "/settings/teams", SettingsItem::Teams));
        }
        if may(Key::RolesManage) {
            people.push(item("Roles", "shield-lock", "/settings/roles", SettingsItem::Roles));
        }
        let mut work = Vec::new();
        if may(Key::ChannelsManage) {
            work.push(item("Channels", "plug-connected", "/settings/channels", SettingsItem::Channels));
        }
        let mut record = Vec::new();
        if may(Key::AuditView) {
            record.push(item("Audit log", "history", "/settings/audit", SettingsItem::Audit));
        }
        if may(Key::SettingsManage) {
            record.push(item("Outbox", "send", "/settings/outbox", SettingsItem::Outbox));
        }
        let here = match current {
            SettingsItem::Workspace => "Workspace",
            SettingsItem::Security => "Security",
            SettingsItem::Users => "Users",
            SettingsItem::Teams => "Teams",
            SettingsItem::Channels => "Channels",
            SettingsItem::Audit => "Audit log",
            SettingsItem::Roles => "Roles",
            SettingsItem::Outbox => "Outbox",
        };
        Self { workspace: viewer.known.workspace.name.clone(), here, general, people, work, record }
    }
}
