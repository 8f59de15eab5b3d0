//! The mails that Baton writes: one struct each, its text and HTML from templates.

use askama::Template;

use super::Mail;
use crate::domain::workspaces::Workspace;
use crate::failure::Failure;

fn render(template: &impl Template) -> Result<String, Failure> {
    template.render().map_err(|_| Failure::Bug("a mail cannot be rendered"))
}

#[derive(Template)]
#[template(path = "mail/invite.txt")]
struct InviteText<'a> {
    workspace: &'a str,
    inviter: &'a str,
    name: &'a str,
    roles: &'a str,
    link: &'a str,
    days: i32,
}

#[derive(Template)]
#[template(path = "mail/invite.html")]
struct InviteHtml<'a> {
    workspace: &'a str,
    inviter: &'a str,
    name: &'a str,
    roles: &'a str,
    link: &'a str,
    days: i32,
}

/// The invite into a workspace (I-3).
pub struct Invite<'a> {
    /// Into which workspace.
    pub workspace: &'a Workspace,
    /// Who invites.
    pub inviter: &'a str,
    /// To whom.
    pub name: &'a str,
    /// To which address.
    pub email: &'a str,
    /// As what: "Agent", "Agent and Supervisor".
    pub roles: &'a str,
    /// The one-time link.
    pub link: &'a str,
}

impl Invite<'_> {
    /// The mail.
    ///
    /// # Errors
    /// If a template fails, which is a bug.
    pub fn mail(&self) -> Result<Mail, Failure> {
        let (workspace, days) = (self.workspace.name.as_str(), self.workspace.invite_days);
        let Self { inviter, name, roles, link, .. } = *self;
        Ok(Mail {
            kind: "invite",
            to_name: name.to_owned(),
            to_address: self.email.to_owned(),
            from_name: self.workspace.sender_name.clone(),
            from_address: None,
            subject: format!("{inviter} invited you to {workspace}"),
            text: render(&InviteText { workspace, inviter, name, roles, link, days })?,
            html: render(&InviteHtml { workspace, inviter, name, roles, link, days })?,
            message_id: None,
            in_reply_to: None,
            references: Vec::new(),
            reply_to: None,
            channel: None,
        })
    }
}

#[derive(Template)]
#[template(path = "mail/password.txt")]
struct PasswordText<'a> {
    workspace: &'a str,
    name: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/password.html")]
struct PasswordHtml<'a> {
    workspace: &'a str,
    name: &'a str,
    link: &'a str,
}

/// The link for a forgotten password (S-5).
pub struct Password<'a> {
    /// In which workspace.
    pub workspace: &'a Workspace,
    /// To whom.
    pub name: &'a str,
    /// To which address.
    pub email: &'a str,
    /// The one-time link.
    pub link: &'a str,
}

impl Password<'_> {
    /// The mail.
    ///
    /// # Errors
    /// If a template fails, which is a bug.
    pub fn mail(&self) -> Result<Mail, Failure> {
        let workspace = self.workspace.name.as_str();
        let Self { name, link, .. } = *self;
        Ok(Mail {
            kind: "password",
            to_name: name.to_owned(),
            to_address: self.email.to_owned(),
            from_name: self.workspace.sender_name.clone(),
            from_address: None,
            subject: format!("Set a new password for {workspace}"),
            text: render(&PasswordText { workspace, name, link })?,
            html: render(&PasswordHtml { workspace, name, link })?,
            message_id: None,
            in_reply_to: None,
            references: Vec::new(),
            reply_to: None,
            channel: None,
        })
    }
}

#[derive(Template)]
#[template(path = "mail/renewal.txt")]
struct RenewalText<'a> {
    workspace: &'a str,
    email: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/renewal.html")]
struct RenewalHtml<'a> {
    workspace: &'a str,
    email: &'a str,
    link: &'a str,
}

/// Somebody whose invite expired asks for a new one (I-5).
pub struct Renewal<'a> {
    /// In which workspace.
    pub workspace: &'a Workspace,
    /// Who asks.
    pub email: &'a str,
    /// Who can send a new one: name and address.
    pub to: (&'a str, &'a str),
    /// The page of pending invites.
    pub link: &'a str,
}

impl Renewal<'_> {
    /// The mail.
    ///
    /// # Errors
    /// If a template fails, which is a bug.
    pub fn mail(&self) -> Result<Mail, Failure> {
        let workspace = self.workspace.name.as_str();
        let Self { email, link, .. } = *self;
        Ok(Mail {
            kind: "renewal",
            to_name: self.to.0.to_owned(),
            to_address: self.to.1.to_owned(),
            from_name: self.workspace.sender_name.clone(),
            from_address: None,
            subject: format!("{email} asks for a new invite"),
            text: render(&RenewalText { workspace, email, link })?,
            html: render(&RenewalHtml { workspace, email, link })?,
            message_id: None,
            in_reply_to: None,
            references: Vec::new(),
            reply_to: None,
            channel: None,
        })
    }
}

#[derive(Template)]
#[template(path = "mail/own_deletion.txt")]
struct OwnDeletionText<'a> {
    workspace: &'a str,
    name: &'a str,
    who: &'a str,
    teams: &'a str,
    link: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail/own_deletion.html")]
struct OwnDeletionHtml<'a> {
    workspace: &'a str,
    name: &'a str,
    who: &'a str,
    teams: &'a str,
    link: Option<&'a str>,
}

/// Somebody deleted their own account; told to whoever hands work over, without a name that is to be forgotten (U-15).
pub struct OwnDeletion<'a> {
    /// In which workspace.
    pub workspace: &'a Workspace,
    /// To whom: name and address.
    pub to: (&'a str, &'a str),
    /// What they are called now.
    pub who: &'a str,
    /// The teams that they were in.
    pub teams: &'a str,
    /// The job that leaves their work to nobody, if they held any.
    pub link: Option<&'a str>,
}

impl OwnDeletion<'_> {
    /// The mail.
    ///
    /// # Errors
    /// If a template fails, which is a bug.
    pub fn mail(&self) -> Result<Mail, Failure> {
        let workspace = self.workspace.name.as_str();
        let Self { to: (name, _), who, teams, link, .. } = *self;
        Ok(Mail {
            kind: "own_deletion",
            to_name: name.to_owned(),
            to_address: self.to.1.to_owned(),
            from_name: self.workspace.sender_name.clone(),
            from_address: None,
            subject: format!("Someone deleted their account in {workspace}"),
            text: render(&OwnDeletionText { workspace, name, who, teams, link })?,
            html: render(&OwnDeletionHtml { workspace, name, who, teams, link })?,
            message_id: None,
            in_reply_to: None,
            references: Vec::new(),
            reply_to: None,
            channel: None,
        })
    }
}

#[derive(Template)]
#[template(path = "mail/deletions.txt")]
struct DeletionsText<'a> {
    workspace: &'a str,
    name: &'a str,
    names: &'a [String],
    years: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/deletions.html")]
struct DeletionsHtml<'a> {
    workspace: &'a str,
    name: &'a str,
    names: &'a [String],
    years: &'a str,
    link: &'a str,
}

/// Whom retention deletes in a week; told to Owners (E-3).
pub struct Deletions<'a> {
    /// In which workspace.
    pub workspace: &'a Workspace,
    /// To whom: name and address.
    pub to: (&'a str, &'a str),
    /// Who will be deleted.
    pub names: &'a [String],
    /// How long they were kept.
    pub years: &'a str,
    /// The page of inactive users.
    pub link: &'a str,
}

impl Deletions<'_> {
    /// The mail.
    ///
    /// # Errors
    /// If a template fails, which is a bug.
    pub fn mail(&self) -> Result<Mail, Failure> {
        let workspace = self.workspace.name.as_str();
        let Self { to: (name, _), names, years, link, .. } = *self;
        Ok(Mail {
            kind: "deletions",
            to_name: name.to_owned(),
            to_address: self.to.1.to_owned(),
            from_name: self.workspace.sender_name.clone(),
            from_address: None,
            subject: format!("Former users of {workspace} will be deleted in a week"),
            text: render(&DeletionsText { workspace, name, names, years, link })?,
            html: render(&DeletionsHtml { workspace, name, names, years, link })?,
            message_id: None,
            in_reply_to: None,
            references: Vec::new(),
            reply_to: None,
            channel: None,
        })
    }
}

#[derive(Template)]
#[template(path = "mail/notice.txt")]
struct NoticeText<'a> {
    name: &'a str,
    paragraphs: &'a [String],
    link: (&'a str, &'a str),
}

#[derive(Template)]
#[template(path = "mail/notice.html")]
struct NoticeHtml<'a> {
    subject: &'a str,
    name: &'a str,
    paragraphs: &'a [String],
    link: (&'a str, &'a str),
}

/// Tells somebody what happened or is about to: some paragraphs and a link.
pub struct Notice<'a> {
    /// What it is for.
    pub kind: &'static str,
    /// In which workspace.
    pub workspace: &'a Workspace,
    /// To whom: name and address.
    pub to: (&'a str, &'a str),
    /// About what.
    pub subject: &'a str,
    /// What is said.
    pub paragraphs: &'a [String],
    /// The words of the link, and where it leads.
    pub link: (&'a str, &'a str),
}

impl Notice<'_> {
    /// The mail.
    ///
    /// # Errors
    /// If a template fails, which is a bug.
    pub fn mail(&self) -> Result<Mail, Failure> {
        let Self { paragraphs, link, subject, to: (name, address), .. } = *self;
        Ok(Mail {
            kind: self.kind,
            to_name: name.to_owned(),
            to_address: address.to_owned(),
            from_name: self.workspace.sender_name.clone(),
            from_address: None,
            subject: subject.to_owned(),
            text: render(&NoticeText { name, paragraphs, link })?,
            html: render(&NoticeHtml { subject, name, paragraphs, link })?,
            message_id: None,
            in_reply_to: None,
            references: Vec::new(),
            reply_to: None,
            channel: None,
        })
    }
}

#[derive(Template)]
#[template(path = "mail/reply.html")]
struct ReplyHtml<'a> {
    body: &'a str,
    signature: Vec<&'a str>,
    quoted: Option<&'a Quoted>,
}

/// The message that a reply answers, as it is repeated below.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// When it came and whose it is: "On 3 June 2026 at 10:00, Ann wrote:".
    pub introduction: String,
    /// What it says.
    pub text: String,
    /// The same as clean HTML.
    pub html: String,
}

/// A reply to a contact, before it is a mail.
#[derive(Clone, Copy, Debug)]
pub struct ReplyText<'a> {
    /// What was typed.
    pub source: &'a str,
    /// The same as clean HTML.
    pub html: &'a str,
    /// What stands below it.
    pub signature: &'a str,
    /// What it answers, if that is repeated.
    pub quoted: Option<&'a Quoted>,
}

impl ReplyText<'_> {
    /// The text part: what was typed, with the signature below it as mail programs know it (RFC 3676, 4.3).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.source.to_owned();
        if !self.signature.is_empty() {
            text.push_str("\n\n-- \n");
            text.push_str(self.signature);
        }
        if let Some(quoted) = self.quoted {
            text.push_str("\n\n");
            text.push_str(&quoted.introduction);
            for line in quoted.text.lines() {
                text.push_str("\n>");
                // What is quoted once more needs no space between the marks.
                text.push_str(if line.is_empty() || line.starts_with('>') { "" } else { " " });
                text.push_str(line);
            }
        }
        text
    }

    /// The HTML part.
    ///
    /// # Errors
    /// If the template fails, which is a bug.
    pub fn html(&self) -> Result<String, Failure> {
        render(&ReplyHtml { body: self.html, signature: self.signature.lines().collect(), quoted: self.quoted })
    }
}
