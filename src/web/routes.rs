//! Every route, once, with who may ask for it. The matrix test holds each of them to its line.

use actix_web::{HttpResponse, guard, web};

use super::error::WebError;
use super::{App, assets, pages};
use crate::domain::access::Key;

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever is logged in.
    LoggedIn,
    /// Whoever has the permission.
    Needs(Key),
    /// Whoever has one of these.
    NeedsOneOf(&'static [Key]),
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with `{id}` for ids.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
}

use Access::{LoggedIn, Needs, NeedsOneOf, Public};

/// What lets a person see conversations at all.
const SEE: Access = NeedsOneOf(&[Key::ConversationsViewAll, Key::ConversationsViewOwn]);

/// What lets a person write in a conversation.
const WRITE: Access = NeedsOneOf(&[Key::ConversationsReply, Key::NotesWrite]);

/// What opens a page of Settings.
const SETTINGS: Access = NeedsOneOf(&[
    Key::UsersView,
    Key::TeamsEditMembers,
    Key::RolesManage,
    Key::SettingsManage,
    Key::ChannelsManage,
    Key::AuditView,
]);

macro_rules! routes {
    ($($method:ident $path:literal $access:expr => $handler:path;)*) => {
        /// All routes behind the session.
        pub const TABLE: &[Line] = &[$(Line { method: routes!(@name $method), path: $path, access: $access },)*];

        /// Puts them into the application.
        pub fn configure(config: &mut web::ServiceConfig) {
            // One resource for each method, so that another one for the same path can stand beside it.
            $(config.service(web::resource($path).guard(routes!(@guard $method)).route(web::to($handler)));)*
        }
    };
    (@name get) => { "GET" };
    (@name post) => { "POST" };
    (@guard get) => { guard::Any(guard::Get()).or(guard::Head()) };
    (@guard post) => { guard::Post() };
}

routes! {
    get "/" Public => pages::login::home;
    get "/setup/{token}" Public => pages::setup::show;
    post "/setup/{token}" Public => pages::setup::create;
    get "/login" Public => pages::login::show;
    get "/login/{workspace}" Public => pages::login::show;
    post "/login" Public => pages::login::create;
    post "/logout" LoggedIn => pages::login::delete;
    get "/password/forgot" Public => pages::password::forgot;
    post "/password/forgot" Public => pages::password::send;
    get "/password/reset/{token}" Public => pages::password::show;
    post "/password/reset/{token}" Public => pages::password::update;
    get "/invites/{token}" Public => pages::accept::show;
    post "/invites/{token}" Public => pages::accept::create;
    post "/invites/{token}/renew" Public => pages::accept::renew;

    get "/settings" SETTINGS => pages::settings::index;
    get "/settings/users" Needs(Key::UsersView) => pages::settings_users::active;
    get "/settings/users/inactive" Needs(Key::UsersView) => pages::settings_users::inactive;
    get "/settings/users/invites" Needs(Key::UsersView) => pages::settings_users_invites::show;
    get "/settings/users/bulk/confirm" Needs(Key::UsersView) => pages::settings_users_bulk::confirm;
    post "/settings/users/bulk" Needs(Key::UsersView) => pages::settings_users_bulk::create;
    get "/settings/users/export" Needs(Key::UsersView) => pages::settings_users_export::download;
    get "/settings/users/invite" Needs(Key::UsersInvite) => pages::settings_invites::ask;
    get "/settings/users/invite/many" Needs(Key::UsersInvite) => pages::settings_invites_many::ask;
    post "/settings/users/invites" Needs(Key::UsersInvite) => pages::settings_invites::create;
    post "/settings/users/invites/many" Needs(Key::UsersInvite) => pages::settings_invites_many::create;
    post "/settings/users/invites/resend" Needs(Key::UsersInvite) => pages::settings_invites_list::resend;
    get "/settings/users/invites/cancel" Needs(Key::UsersInvite) => pages::settings_invites_list::ask_cancel;
    post "/settings/users/invites/cancel" Needs(Key::UsersInvite) => pages::settings_invites_list::cancel;
    get "/settings/users/invites/{id}" Needs(Key::UsersInvite) => pages::settings_invites::ask_edit;
    post "/settings/users/invites/{id}" Needs(Key::UsersInvite) => pages::settings_invites::update;
    post "/settings/users/invites/{id}/resend" Needs(Key::UsersInvite) => pages::settings_invites::resend;
    post "/settings/users/invites/{id}/link" Needs(Key::UsersInvite) => pages::settings_invites::link;
    get "/settings/users/invites/{id}/cancel" Needs(Key::UsersInvite) => pages::settings_invites::ask_cancel;
    post "/settings/users/invites/{id}/cancel" Needs(Key::UsersInvite) => pages::settings_invites::cancel;
    get "/settings/users/{id}" Needs(Key::UsersView) => pages::settings_user::show;
    post "/settings/users/{id}" Needs(Key::UsersEdit) => pages::settings_user_edit::update;
    get "/settings/users/{id}/why" Needs(Key::UsersView) => pages::settings_user_why::show;
    post "/settings/users/{id}/sessions/revoke" Needs(Key::UsersEdit) => pages::settings_user::revoke;
    get "/settings/users/{id}/deactivate" Needs(Key::UsersDeactivate) => pages::settings_user_status::ask_deactivate;
    post "/settings/users/{id}/deactivate" Needs(Key::UsersDeactivate) => pages::settings_user_status::deactivate;
    get "/settings/users/{id}/reactivate" Needs(Key::UsersDeactivate) => pages::settings_user_status::ask_reactivate;
    post "/settings/users/{id}/reactivate" Needs(Key::UsersDeactivate) => pages::settings_user_status::reactivate;
    get "/settings/users/{id}/remove" Needs(Key::UsersRemove) => pages::settings_user_removal::ask_remove;
    post "/settings/users/{id}/remove" Needs(Key::UsersRemove) => pages::settings_user_removal::remove;
    get "/settings/users/{id}/delete" Needs(Key::UsersDelete) => pages::settings_user_removal::ask_delete;
    post "/settings/users/{id}/delete" Needs(Key::UsersDelete) => pages::settings_user_removal::delete;
    get "/settings/users/{id}/absence" Needs(Key::UsersDeactivate) => pages::settings_user_absence::ask;
    post "/settings/users/{id}/owner" Needs(Key::UsersAssignRoles) => pages::settings_user_owner::create;
    post "/settings/users/{id}/absence" Needs(Key::UsersDeactivate) => pages::settings_user_absence::update;
    post "/settings/users/{id}/absence/withdraw" Needs(Key::UsersDeactivate) => pages::settings_user_absence::withdraw;
    get "/settings/teams" Needs(Key::TeamsEditMembers) => pages::settings_teams::index;
    post "/settings/teams" Needs(Key::TeamsManage) => pages::settings_teams::create;
    get "/settings/teams/new" Needs(Key::TeamsManage) => pages::settings_teams::ask_new;
    get "/settings/teams/{id}" Needs(Key::TeamsEditMembers) => pages::settings_teams::show;
    post "/settings/teams/{id}" Needs(Key::TeamsManage) => pages::settings_teams::update;
    post "/settings/teams/{id}/members" Needs(Key::TeamsEditMembers) => pages::settings_teams::members;
    get "/settings/teams/{id}/remove-inactive" Needs(Key::TeamsEditMembers) => pages::settings_team_members::ask_tidy;
    post "/settings/teams/{id}/remove-inactive" Needs(Key::TeamsEditMembers) => pages::settings_team_members::tidy;
    get "/settings/teams/{id}/remove" Needs(Key::TeamsEditMembers) => pages::settings_team_members::ask_remove;
    post "/settings/teams/{id}/remove" Needs(Key::TeamsEditMembers) => pages::settings_team_members::remove;
    get "/settings/teams/{id}/delete" Needs(Key::TeamsManage) => pages::settings_team_members::ask_delete;
    post "/settings/teams/{id}/delete" Needs(Key::TeamsManage) => pages::settings_team_members::delete;
    get "/settings/workspace" Needs(Key::SettingsManage) => pages::settings_workspace::show;
    post "/settings/workspace" Needs(Key::SettingsManage) => pages::settings_workspace::update;
    get "/settings/security" Needs(Key::SettingsManage) => pages::settings_security::show;
    post "/settings/security" Needs(Key::SettingsManage) => pages::settings_security::update;
    get "/settings/channels" Needs(Key::ChannelsManage) => pages::settings_channels::index;
    post "/settings/channels" Needs(Key::ChannelsManage) => pages::settings_channels::create;
    get "/settings/channels/new" Needs(Key::ChannelsManage) => pages::settings_channels::ask_new;
    get "/settings/channels/{id}" Needs(Key::ChannelsManage) => pages::settings_channel::show;
    post "/settings/channels/{id}" Needs(Key::ChannelsManage) => pages::settings_channel::update;
    get "/settings/channels/{id}/mail" Needs(Key::ChannelsManage) => pages::settings_channel_mail::show;
    post "/settings/channels/{id}/mail" Needs(Key::ChannelsManage) => pages::settings_channel_mail::update;
    post "/settings/channels/{id}/mail/test" Needs(Key::ChannelsManage) => pages::settings_channel_mail::test;
    post "/settings/channels/{id}/members" Needs(Key::ChannelsManage) => pages::settings_channel::members;
    post "/settings/channels/{id}/remove-inactive" Needs(Key::ChannelsManage) => pages::settings_channel::remove_inactive;
    post "/settings/channels/{id}/delete" Needs(Key::ChannelsManage) => pages::settings_channel::delete;
    get "/settings/users/{id}/channels/leave" Needs(Key::ChannelsManage) => pages::settings_channel::ask_leave_all;
    post "/settings/users/{id}/channels/leave" Needs(Key::ChannelsManage) => pages::settings_channel::leave_all;
    get "/settings/audit" Needs(Key::AuditView) => pages::settings_audit::index;
    post "/settings/audit/export" Needs(Key::AuditExport) => pages::settings_audit::export;
    get "/settings/roles" Needs(Key::RolesManage) => pages::settings_roles::index;
    post "/settings/roles" Needs(Key::RolesManage) => pages::settings_role::create;
    get "/settings/roles/new" Needs(Key::RolesManage) => pages::settings_role::ask_new;
    get "/settings/roles/{id}" Needs(Key::RolesManage) => pages::settings_role::show;
    post "/settings/roles/{id}" Needs(Key::RolesManage) => pages::settings_role::update;
    get "/settings/roles/{id}/delete" Needs(Key::RolesManage) => pages::settings_roles::ask_delete;
    post "/settings/roles/{id}/delete" Needs(Key::RolesManage) => pages::settings_roles::delete;
    get "/settings/outbox" Needs(Key::SettingsManage) => pages::settings_outbox::index;
    post "/settings/outbox/{id}/retry" Needs(Key::SettingsManage) => pages::settings_outbox::retry;
    get "/settings/outbox/quarantine/{id}/take-in" Needs(Key::SettingsManage) => pages::settings_outbox::ask_take;
    post "/settings/outbox/quarantine/{id}/take-in" Needs(Key::SettingsManage) => pages::settings_outbox::take;
    get "/settings/outbox/quarantine/{id}" Needs(Key::SettingsManage) => pages::settings_outbox::quarantined;

    get "/profile" LoggedIn => pages::own_profile::show;
    post "/profile" LoggedIn => pages::own_profile::update;
    get "/profile/teams/{id}/leave" LoggedIn => pages::own_profile::ask_leave;
    post "/profile/teams/{id}/leave" LoggedIn => pages::own_profile::leave;
    get "/profile/security" LoggedIn => pages::profile::security;
    post "/profile/security/password" LoggedIn => pages::profile::password;
    post "/profile/security/sessions" LoggedIn => pages::profile::end;
    get "/profile/delete" LoggedIn => pages::profile_delete::ask;
    post "/profile/delete" LoggedIn => pages::profile_delete::delete;

    get "/inbox" SEE => pages::inbox::index;
    get "/inbox/export" Needs(Key::ConversationsBulk) => pages::inbox::export::download;
    get "/events" LoggedIn => pages::events::stream;
    get "/inbox/views/new" SEE => pages::inbox_views::ask_new;
    post "/inbox/views" SEE => pages::inbox_views::create;
    get "/inbox/views/{id}" SEE => pages::inbox_views::ask;
    post "/inbox/views/{id}" SEE => pages::inbox_views::update;
    get "/inbox/views/{id}/delete" SEE => pages::inbox_views::ask_delete;
    post "/inbox/views/{id}/delete" SEE => pages::inbox_views::delete;
    get "/contacts" Needs(Key::ContactsView) => pages::contacts::index;
    get "/contacts/export" Needs(Key::ContactsView) => pages::contacts::export;
    get "/contacts/{id}" Needs(Key::ContactsView) => pages::contacts::show;
    post "/contacts/{id}" Needs(Key::ContactsEdit) => pages::contacts::update;
    get "/contacts/{id}/merge" Needs(Key::ContactsEdit) => pages::contacts::ask_merge;
    post "/contacts/{id}/merge" Needs(Key::ContactsEdit) => pages::contacts::merge;
    post "/contacts/merges/{id}/undo" Needs(Key::ContactsEdit) => pages::contacts::undo_merge;
    get "/conversations/{id}" SEE => pages::conversation::show;
    get "/conversations/{id}/presence" SEE => pages::events::present;
    post "/conversations/{id}/presence" SEE => pages::events::announce;
    post "/conversations/{id}/messages" Needs(Key::ConversationsReply) => pages::conversation::reply;
    post "/conversations/{id}/retry" Needs(Key::ConversationsReply) => pages::conversation::retry;
    post "/conversations/{id}/notes" Needs(Key::NotesWrite) => pages::conversation::note;
    get "/conversations/{id}/draft" SEE => pages::conversation::draft;
    post "/conversations/{id}/draft" WRITE => pages::conversation::save;
    post "/conversations/{id}/draft/take-over" Needs(Key::HandoversRun) => pages::conversation::take_over;
    post "/conversations/{id}/draft/discard" Needs(Key::HandoversRun) => pages::conversation::discard;
    post "/conversations/{id}/assign" Needs(Key::ConversationsAssign) => pages::conversation::assign;
    post "/conversations/{id}/status" Needs(Key::ConversationsChangeStatus) => pages::conversation::set_status;
    get "/conversations/{id}/merge" Needs(Key::ConversationsChangeStatus) => pages::conversation::ask_merge;
    post "/conversations/{id}/merge" Needs(Key::ConversationsChangeStatus) => pages::conversation::merge;
    post "/conversations/{id}/priority" Needs(Key::ConversationsTag) => pages::conversation::prioritise;
    post "/conversations/{id}/tags" Needs(Key::ConversationsTag) => pages::conversation::tag;
    get "/inbox/bulk/confirm" Needs(Key::ConversationsBulk) => pages::inbox_bulk::confirm;
    post "/inbox/bulk" Needs(Key::ConversationsBulk) => pages::inbox_bulk::create;
    get "/jobs/{id}" Needs(Key::ConversationsBulk) => pages::jobs::show;
    get "/jobs/{id}/progress" Needs(Key::ConversationsBulk) => pages::jobs::progress;
    post "/jobs/{id}/undo" Needs(Key::ConversationsBulk) => pages::jobs::undo;
    get "/attachments/{id}" SEE => pages::attachments::show;
}

/// Assets and health, which need no session and must not pay for one.
pub fn plain(config: &mut web::ServiceConfig) {
    config
        .route("/static/{version}/{name:.*}", web::get().to(assets::show))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz));
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().body("ok")
}

async fn readyz(app: web::Data<App>) -> HttpResponse {
    let db = app.db.clone();
    match crate::store::db::blocking(move || db.ping()).await {
        Ok(()) => HttpResponse::Ok().body("ready"),
        Err(_) => HttpResponse::ServiceUnavailable().body("the database cannot be reached"),
    }
}

/// Where no route leads.
///
/// # Errors
/// Always [`WebError::NotFound`].
pub async fn nowhere() -> Result<HttpResponse, WebError> {
    Err(WebError::NotFound)
}
