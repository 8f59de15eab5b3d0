//! Saving a list under a name, sharing it, changing and deleting it (C-1).

use crate::domain::audit::Event;
use crate::domain::ids::{TeamId, UserId, ViewId};
use crate::domain::saved_views::{Audience, MOST, Member, SavedView, ViewRefusal};
use crate::failure::Failure;
use crate::store::{self, Recorded, Rx, Tx};

/// The teams that somebody leads.
///
/// # Errors
/// Trouble with the database.
pub fn led_by(rx: &mut Rx, user: UserId) -> Result<Vec<TeamId>, Failure> {
    let members = store::teams::list_members(rx, None)?;
    Ok(members.into_iter().filter(|one| one.user == user && one.is_lead).map(|one| one.team).collect())
}

/// Who acts: whoever sees a list may save it, so nothing else is asked of them.
fn with_member<T>(tx: &mut Tx, decide: impl FnOnce(&mut Tx, &Member) -> Result<T, Failure>) -> Result<T, Failure> {
    let actor = tx.actor().clone();
    let crate::domain::access::Actor::Person(person) = &actor else { return Err(Failure::Bug("a view of nobody")) };
    let leads = led_by(tx, person.id)?;
    let member = Member { user: person.id, teams: &person.teams, leads: &leads, permissions: person.permissions };
    decide(tx, &member)
}

fn check_audience(tx: &mut Tx, member: &Member, audience: Audience) -> Result<(), Failure> {
    if let Some(team) = audience.team()
        && store::teams::find(tx, team)?.is_none()
    {
        return Err(Failure::NotFound);
    }
    if member.may_share_with(audience) { Ok(()) } else { Err(ViewRefusal::MayNotShare.into()) }
}

/// Saves a list.
///
/// # Errors
/// A [`ViewRefusal`], [`Failure::NotFound`] for a team that is none here, or trouble with the database.
pub fn create(tx: &mut Tx, name: &str, query: &str, audience: Audience) -> Result<Recorded<ViewId>, Failure> {
    let view = with_member(tx, |tx, member| {
        check_audience(tx, member, audience)?;
        if store::saved_views::count_of(tx, member.user)? >= i64::try_from(MOST).unwrap_or(i64::MAX) {
            return Err(ViewRefusal::TooMany.into());
        }
        store::saved_views::insert(tx, member.user, name, query, audience)
    })?;
    Ok(tx.record(Event::ViewSaved { view, audience: audience.kind(), team: audience.team() }).with(view))
}

/// Somebody else's own view is not there for others.
fn lock(tx: &mut Tx, member: &Member, id: ViewId) -> Result<SavedView, Failure> {
    let view = store::saved_views::lock(tx, id)?;
    if view.may_be_changed_by(member) {
        return Ok(view);
    }
    if view.is_shown_to(member.user, member.teams) { Err(ViewRefusal::NotYours.into()) } else { Err(Failure::NotFound) }
}

/// Gives a view another name, shows it to others, and if a query is given, makes it another list.
///
/// # Errors
/// As [`create`].
pub fn update(
    tx: &mut Tx,
    id: ViewId,
    name: &str,
    query: Option<&str>,
    audience: Audience,
) -> Result<Recorded<()>, Failure> {
    let (before, after) = with_member(tx, |tx, member| {
        let before = lock(tx, member, id)?;
        if audience != before.audience {
            check_audience(tx, member, audience)?;
        }
        let query = query.map_or_else(|| before.query.clone(), str::to_owned);
        let after = SavedView {
            id: before.id,
            name: name.to_owned(),
            query,
            audience,
            owner: before.owner,
            version: before.version,
        };
        if after != before {
            store::saved_views::set(tx, &after)?;
        }
        Ok((before, after))
    })?;
    if after == before {
        return tx.unchanged(());
    }
    Ok(tx.record(Event::ViewUpdated { view: id, audience: audience.kind(), team: audience.team() }))
}

/// Deletes a view.
///
/// # Errors
/// A [`ViewRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn delete(tx: &mut Tx, id: ViewId) -> Result<Recorded<()>, Failure> {
    with_member(tx, |tx, member| {
        lock(tx, member, id)?;
        store::saved_views::delete(tx, id)
    })?;
    Ok(tx.record(Event::ViewDeleted { view: id }))
}
