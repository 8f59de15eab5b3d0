//! Inviting many at once, and doing something to many invites (I-1, I-4).

use std::collections::HashMap;

use chrono::TimeDelta;
use url::Url;

use super::invites::{Invited, inviter, link, refuse_known, refuse_sealed};
use crate::domain::access::{Actor, Can, users};
use crate::domain::audit::Event;
use crate::domain::ids::{ChannelId, RoleId, TeamId, UserId};
use crate::domain::invite_check::{Checked, Known, Person, Places, check};
use crate::domain::invite_list::List;
use crate::domain::roles::may_grant;
use crate::domain::users::UserRefusal;
use crate::failure::Failure;
use crate::mail::messages;
use crate::store::{self, Recorded, Rx, Tx};

/// Who is to be invited, and as what.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The list.
    pub list: List,
    /// The roles of those whose line names none.
    pub roles: Vec<RoleId>,
    /// The teams of those whose line names none.
    pub teams: Vec<TeamId>,
    /// The channels of everybody.
    pub channels: Vec<ChannelId>,
    /// Whether mails are sent; otherwise the links are to be copied.
    pub send: bool,
    /// Who is left out, by their places in the list.
    pub struck: Places,
}

/// What came of a list.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Everybody who was not struck is invited.
    Invited(Vec<Invited>),
    /// Nobody is: some lines are neither fine nor struck.
    Refused(Vec<Checked>),
}

/// Looks at every line without inviting anybody.
///
/// # Errors
/// A refusal of a role, [`Failure::NotFound`] for an id that is none here, or trouble with the database.
pub fn look(rx: &mut Rx, actor: &Actor, asked: &Asked) -> Result<Vec<Checked>, Failure> {
    let (roles, teams, channels) = (store::roles::list(rx)?, store::teams::list(rx)?, store::channels::list(rx)?);
    for id in &asked.roles {
        let role = roles.iter().find(|role| role.id == *id).ok_or(Failure::NotFound)?;
        if !may_grant(actor, role) {
            return Err(UserRefusal::RoleBeyondYou(role.name.clone()).into());
        }
    }
    let known = asked.teams.iter().all(|id| teams.iter().any(|team| team.id == *id))
        && asked.channels.iter().all(|id| channels.iter().any(|channel| channel.id == *id));
    if !known {
        return Err(Failure::NotFound);
    }
    let zone = store::workspaces::this(rx)?.time_zone;
    let keys: Vec<String> = asked.list.entries.iter().map(|entry| crate::domain::text::key(&entry.email)).collect();
    let mut taken: HashMap<String, String> = store::invites::list_known(rx, &keys)?
        .iter()
        .map(|user| (crate::domain::text::key(&user.email), refuse_known(user, zone).to_string()))
        .collect();
    // Whether they are restored or begin anew is decided one by one.
    for (email, at) in store::removal::list_sealed_among(rx, &keys)? {
        taken.insert(crate::domain::text::key(&email), refuse_sealed(email, at, zone).to_string());
    }
    let known = Known {
        roles: &roles,
        teams: &teams,
        may_give: &|role| may_grant(actor, role),
        taken: &taken,
        usual_roles: &asked.roles,
        usual_teams: &asked.teams,
        struck: &asked.struck,
    };
    Ok(check(&asked.list.entries, &known))
}

/// Invites everybody in a list, in one piece: if a line is neither fine nor struck – because somebody was quicker, for
/// example – nobody is invited and nothing is sent.
///
/// # Errors
/// [`Failure::NotFound`] for an id that is none here, a refusal if an address was taken at this instant, or trouble with
/// the database.
pub fn create_all(
    tx: &mut Tx,
    can: &Can<users::Invite>,
    base: &Url,
    asked: &Asked,
) -> Result<Recorded<Answer>, Failure> {
    let all = look(tx, &can.scope().actor, asked)?;
    let kept: Vec<&Checked> = all.iter().filter(|one| !asked.struck.has(one.place)).collect();
    let people: Vec<&Person> = kept.iter().filter_map(|one| one.answer.as_ref().ok()).collect();
    if people.is_empty() || people.len() < kept.len() {
        return tx.unchanged(Answer::Refused(all));
    }
    // The roles are locked, so that none of them allows more by the time it is given.
    let mut given: Vec<RoleId> = people.iter().flat_map(|one| one.roles.clone()).collect();
    given.sort_unstable();
    given.dedup();
    super::users::grantable(tx, &given)?;
    let ids: Vec<UserId> = people.iter().map(|_| tx.new_id()).collect();
    let rows: Vec<_> = ids.iter().zip(&people).map(|(id, one)| (*id, one.email.as_str(), &one.name)).collect();
    store::invites::insert_users(tx, &rows)?;
    let pairs = |of: &dyn Fn(&Person) -> Vec<RoleId>| -> Vec<(UserId, RoleId)> {
        ids.iter().zip(&people).flat_map(|(id, one)| of(one).into_iter().map(|role| (*id, role))).collect()
    };
    store::roles::insert_of_users(tx, &pairs(&|one| one.roles.clone()))?;
    let members: Vec<(TeamId, UserId)> =
        ids.iter().zip(&people).flat_map(|(id, one)| one.teams.iter().map(|team| (*team, *id))).collect();
    store::teams::insert_members(tx, &members)?;
    let mut channels = asked.channels.clone();
    channels.sort_unstable();
    channels.dedup();
    let members: Vec<(ChannelId, UserId)> =
        ids.iter().flat_map(|id| channels.iter().map(|channel| (*channel, *id))).collect();
    store::channels::insert_members(tx, &members)?;
    let invited = send_links(tx, base, asked.send, &ids, &people)?;
    let events = ids.iter().zip(&people);
    let events = events.map(|(user, one)| Event::UserInvited { user: *user, roles: one.roles.clone() }).collect();
    Ok(tx.record_all(events)?.with(Answer::Invited(invited)))
}

fn send_links(
    tx: &mut Tx,
    base: &Url,
    send: bool,
    ids: &[UserId],
    people: &[&Person],
) -> Result<Vec<Invited>, Failure> {
    let workspace = store::workspaces::this(tx)?;
    let secrets: Vec<_> = ids.iter().map(|_| tx.new_secret()).collect();
    let invited: Vec<Invited> = ids
        .iter()
        .zip(people)
        .zip(&secrets)
        .map(|((user, one), secret)| Invited {
            user: *user,
            email: one.email.clone(),
            name: one.name.clone(),
            link: link(base, secret),
        })
        .collect();
    let mails = if send {
        let (roles, inviter) = (store::roles::list(tx)?, inviter(tx, &workspace)?);
        let mails = invited.iter().zip(people).map(|(invited, one)| {
            let names = roles.iter().filter(|role| one.roles.contains(&role.id)).map(|role| role.name.as_str());
            messages::Invite {
                workspace: &workspace,
                inviter: &inviter,
                name: &one.name.display,
                email: &one.email,
                roles: &names.collect::<Vec<_>>().join(" and "),
                link: &invited.link,
            }
            .mail()
        });
        let mails = mails.collect::<Result<Vec<_>, _>>()?;
        tx.send_mails(mails)?.into_iter().map(Some).collect()
    } else {
        vec![None; ids.len()]
    };
    let rows: Vec<_> = ids.iter().zip(secrets).zip(mails).map(|((id, secret), mail)| (*id, secret, mail)).collect();
    store::invites::insert_many(tx, &rows, TimeDelta::days(i64::from(workspace.invite_days)))?;
    Ok(invited)
}

/// What is done to several invites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// New links by mail.
    Resend,
    /// The links die.
    Cancel,
}

/// What became of one of several invites.
#[derive(Clone, Debug)]
pub struct Done {
    /// Whose it is.
    pub user: UserId,
    /// The sentence, if nothing was done.
    pub refused: Option<String>,
}

/// Does the same to several invites. Each stands for itself: one that was accepted meanwhile keeps none of the others.
///
/// # Errors
/// [`Failure::NotFound`] for an id that was never anybody's here, or trouble with the database.
pub fn do_all(
    tx: &mut Tx,
    can: &Can<users::Invite>,
    base: &Url,
    verb: Verb,
    ids: &[UserId],
) -> Result<Recorded<Vec<Done>>, Failure> {
    // In the order in which people are locked everywhere.
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    store::invites::were_here(tx, &ids)?;
    let mut all = Vec::with_capacity(ids.len());
    for user in ids {
        let answer = match verb {
            Verb::Resend => super::invites::resend(tx, can, base, user).map(|_| ()),
            Verb::Cancel => super::invites::cancel(tx, can, user).map(|_| ()),
        };
        let refused = match answer {
            Ok(()) => None,
            Err(Failure::Refused(refusal)) => Some(refusal.to_string()),
            Err(Failure::NotFound) => Some("This invite was already cancelled.".to_owned()),
            Err(failure) => return Err(failure),
        };
        all.push(Done { user, refused });
    }
    // Each verb has recorded what it did.
    tx.unchanged(all)
}
