//! The rule for people who stop coming: set it, and do what it says (G-1 … G-4).

use chrono::{DateTime, Utc};
use url::Url;

use crate::domain::absences::{next_midnight, words};
use crate::domain::access::{Can, Cause, administration};
use crate::domain::audit::Event;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::inactivity::{GRACE, Rule, Verdict, may_concern};
use crate::domain::text::counted;
use crate::domain::users::Reason;
use crate::domain::workspaces::{Workspace, WorkspaceRefusal};
use crate::failure::Failure;
use crate::mail::messages::Notice;
use crate::store::inactivity::Candidate;
use crate::store::{self, Recorded, Rx, Tx};

/// Whom a rule hits at this instant, and when each would be deactivated. The daily run asks the same question.
///
/// # Errors
/// Trouble with the database.
pub fn preview(rx: &mut Rx, rule: &Rule) -> Result<Vec<(Candidate, DateTime<Utc>)>, Failure> {
    let (now, roles) = (rx.now(), store::roles::list(rx)?);
    let mut hit = Vec::new();
    for one in store::inactivity::list_candidates(rx, rule.since(now))? {
        if rule.judge(&one.standing, &roles, now).hits() {
            let ends_at = Rule::ends_at(&one.standing, now);
            hit.push((one, ends_at));
        }
    }
    Ok(hit)
}

/// With whom there is something to be done now, as it looks without a lock.
///
/// # Errors
/// Trouble with the database.
pub fn list_due(rx: &mut Rx) -> Result<Vec<UserId>, Failure> {
    let Some(rule) = store::inactivity::find(rx)?.rule() else { return Ok(Vec::new()) };
    let (now, roles) = (rx.now(), store::roles::list(rx)?);
    let idle = store::inactivity::list_candidates(rx, rule.since(now))?;
    let due = idle.iter().filter(|one| rule.judge(&one.standing, &roles, now).is_due());
    Ok(due.map(|one| one.id).collect())
}

/// What is to be set.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version of the settings that was edited.
    pub version: i64,
    /// After how many days; `None` is never.
    pub days: Option<i32>,
    /// Whom it is about.
    pub roles: Vec<RoleId>,
    /// How many people the preview showed, which is how many will be warned.
    pub expected: Option<usize>,
}

/// Sets the rule (G-1). It is looked at at once; whoever it hits gets a warning first.
///
/// # Errors
/// A [`WorkspaceRefusal`], [`Failure::NotFound`] for roles that are none here, [`Failure::Stale`], or trouble with the
/// database.
pub fn set_rule(tx: &mut Tx, _: &Can<administration::Settings>, change: &Change) -> Result<Recorded<usize>, Failure> {
    let workspace = store::workspaces::lock(tx)?;
    if workspace.version != change.version {
        return Err(Failure::Stale);
    }
    let all = store::roles::list(tx)?;
    for id in &change.roles {
        let role = all.iter().find(|role| role.id == *id).ok_or(Failure::NotFound)?;
        if !may_concern(role) {
            return Err(WorkspaceRefusal::RoleExempt(role.name.clone()).into());
        }
    }
    if change.days.is_some() && change.roles.is_empty() {
        return Err(WorkspaceRefusal::NoRole.into());
    }
    let kept = store::inactivity::find(tx)?;
    if (kept.days, &kept.roles) == (change.days, &change.roles) {
        return tx.unchanged(0);
    }
    let hit = match change.days {
        Some(days) => preview(tx, &Rule { days, roles: change.roles.clone() })?.len(),
        None => 0,
    };
    if hit > 0 && change.expected != Some(hit) {
        let people = counted(i64::try_from(hit).unwrap_or(i64::MAX), "person", "people");
        return Err(WorkspaceRefusal::HitsOthers(people).into());
    }
    let next_at = change.days.map(|_| tx.now());
    store::inactivity::set(tx, change.days, &change.roles, next_at)?;
    if change.days.is_none() {
        store::inactivity::delete_warnings(tx)?;
    }
    Ok(tx.record(Event::WorkspaceUpdated { fields: vec!["inactivity_rule"] }).with(hit))
}

/// Does what the rule says about one person; says what that was. Done again at once, it does nothing more.
///
/// # Errors
/// Trouble with the database.
pub fn apply(tx: &mut Tx, base: &Url, id: UserId) -> Result<Recorded<Verdict>, Failure> {
    // The rule stays as it is until the end; the Owners are locked before people, as everywhere.
    let workspace = store::workspaces::lock(tx)?;
    store::users::lock_active_owners(tx)?;
    let Some(rule) = store::inactivity::find(tx)?.rule() else { return tx.unchanged(Verdict::Leave) };
    let Some(one) = store::inactivity::lock_candidate(tx, id)? else { return tx.unchanged(Verdict::Leave) };
    let (now, roles) = (tx.now(), store::roles::list(tx)?);
    let verdict = rule.judge(&one.standing, &roles, now);
    match verdict {
        Verdict::Leave | Verdict::Wait => tx.unchanged(verdict),
        Verdict::Forget => {
            store::inactivity::set_warned(tx, id, None)?;
            Ok(tx.unrecorded(verdict, "that somebody is active again is seen from when they were last seen"))
        }
        Verdict::Warn => {
            store::inactivity::set_warned(tx, id, Some(now))?;
            warn(tx, base, &workspace, &rule, &one)?;
            Ok(tx.record(Event::UserInactivityWarned { user: id }).with(verdict))
        }
        Verdict::Deactivate => {
            let can = Can::for_system(workspace.id, Cause::Automatic);
            let reason = Some(Reason::Inactivity);
            let done = super::users::deactivate(tx, &can, id, reason, None)?;
            tell_of_end(tx, base, &workspace, &rule, &one)?;
            Ok(done.with(verdict))
        }
    }
}

/// Notes that the rule that was due since `since` was looked at, until the next day of the workspace; says whether that was
/// still to be noted. A rule that was changed meanwhile is looked at anew.
///
/// # Errors
/// Trouble with the database.
pub fn finish(tx: &mut Tx, since: DateTime<Utc>) -> Result<Recorded<bool>, Failure> {
    let workspace = store::workspaces::this(tx)?;
    let next_at = next_midnight(tx.now(), workspace.time_zone);
    let first = store::inactivity::set_next(tx, since, next_at)?;
    Ok(tx.unrecorded(first, "what the rule did is on record with each person"))
}

fn days(rule: &Rule) -> String {
    counted(i64::from(rule.days), "day", "days")
}

fn warn(tx: &mut Tx, base: &Url, workspace: &Workspace, rule: &Rule, one: &Candidate) -> Result<(), Failure> {
    let until = words(tx.now() + GRACE, workspace.time_zone);
    let subject = format!("Log in to keep your access to {}", workspace.name);
    let paragraphs = [
        format!("you haven’t used {} for {}.", workspace.name, days(rule)),
        format!("To keep your access, log in before {until}. Otherwise your account is deactivated then."),
        format!("Questions? Ask {}.", workspace.support_contact),
    ];
    send(tx, base, (workspace, one), &subject, &paragraphs)
}

fn tell_of_end(tx: &mut Tx, base: &Url, workspace: &Workspace, rule: &Rule, one: &Candidate) -> Result<(), Failure> {
    let subject = format!("Your access to {} is paused", workspace.name);
    let paragraphs = [
        format!(
            "your account in {} is deactivated, because you haven’t used it for {} and didn’t log in after our warning.",
            workspace.name,
            days(rule)
        ),
        format!("Everything of yours is still there. To be reactivated, ask {}.", workspace.support_contact),
    ];
    send(tx, base, (workspace, one), &subject, &paragraphs)
}

fn send(
    tx: &mut Tx,
    base: &Url,
    (workspace, one): (&Workspace, &Candidate),
    subject: &str,
    paragraphs: &[String],
) -> Result<(), Failure> {
    let page = format!("{base}login/{}", workspace.slug);
    let to = (one.name.display.as_str(), one.email.as_str());
    let notice = Notice { kind: "inactivity", workspace, to, subject, paragraphs, link: ("Log in", &page) };
    tx.send_mail(notice.mail()?)?;
    Ok(())
}
