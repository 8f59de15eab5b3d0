//! Two workspaces with some people in each, and the model of how they begin.

use std::collections::{BTreeMap, BTreeSet};

use baton::domain::access::{Can, Cause, Scope};
use baton::domain::assignment::Target;
use baton::domain::ids::{RoleId, UserId, WorkspaceId};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::store::{self, Rx};
use baton::{actions, tasks};
use chrono::TimeDelta;

use super::place::{Person, Place};
use crate::support::World;
use crate::support::world::{password_hash, roles};

/// Fernhill, and Xenon with more people than it has elsewhere, in another time zone.
pub fn both(w: &World, runtime: &actix_web::rt::SystemRunner) -> [Place; 2] {
    // Nobody holds a conversation: what becomes of those is told elsewhere.
    while runtime.block_on(tasks::run_due(&w.db)).expect("a task") > 0 {}
    let xenon = Scope::system(w.other.workspace, Some(Cause::Command));
    let can = Can::for_system(w.other.workspace, Cause::Command);
    w.db.write_now(&xenon, |tx| actions::conversations::assign(tx, &can, w.other.number, Target::Nobody))
        .expect("to put aside");
    w.db.write_now(&xenon, |tx| {
        let roles = roles(tx)?;
        let more = [("Yuri", Standard::Admin), ("Zoe", Standard::Supervisor), ("Walt", Standard::Agent)];
        for (name, role) in more {
            let (email, name) =
                (format!("{}@xenon.example", name.to_lowercase()), Name { full: name.into(), display: name.into() });
            let new = store::users::New {
                email: &email,
                name: &name,
                status: Status::Active,
                password_hash: Some(password_hash()),
            };
            let user = store::users::insert(tx, &new)?;
            store::roles::insert_of_user(tx, user, &[roles[&role]])?;
        }
        store::teams::insert(tx, "Returns", "")?;
        Ok(tx.unrecorded((), "a test sets the scene"))
    })
    .expect("more people");
    w.database.execute("UPDATE workspaces SET time_zone = 'America/New_York' WHERE slug = 'xenon'");
    [place_of(w, w.workspace, "fernhill"), place_of(w, w.other.workspace, "xenon")]
}

fn place_of(w: &World, workspace: WorkspaceId, slug: &str) -> Place {
    let read = |rx: &mut Rx| {
        let roles = roles(rx)?;
        let settings = store::workspaces::this(rx)?;
        let mut people = Vec::new();
        for brief in store::users::list_everybody(rx)? {
            people.push(person(rx, brief.id, &roles.iter().map(|(role, id)| (*id, *role)).collect())?);
        }
        people.sort_by_key(|one| one.id);
        let more = ["nina", "omar", "pia", "quinn"].map(|name| format!("{name}@{slug}.example"));
        Ok(Place {
            workspace,
            zone: settings.time_zone,
            addresses: people.iter().map(|one| one.email.clone()).chain(more).collect(),
            people,
            sealed: Vec::new(),
            roles,
            teams: store::teams::list(rx)?.iter().map(|team| team.id).collect(),
            channels: store::channels::list(rx)?.iter().map(|channel| channel.id).collect(),
            contact: settings.support_contact,
            events: store::audit::count(rx)?,
        })
    };
    let mut place = w.db.read_now(workspace, read).expect("a workspace");
    for one in place.people.iter_mut().filter(|one| one.status == Status::Invited) {
        one.link = Some((w.other.invite_token.clone(), w.now() + TimeDelta::days(7)));
    }
    place
}

fn person(rx: &mut Rx, id: UserId, roles: &BTreeMap<RoleId, Standard>) -> Result<Person, baton::failure::Failure> {
    let user = store::users::find(rx, id)?.expect("a user");
    let held = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
    let mut one = Person::invited(id, &user.email, (String::new(), rx.now()));
    one.link = None;
    one.status = user.status;
    one.seen = user.last_seen_at.is_some();
    one.password = user.status == Status::Active;
    one.roles = held.iter().map(|role| roles[role]).collect();
    one.teams = store::removal::list_memberships(rx, id)?.into_iter().collect();
    one.channels =
        store::channels::list_of_users(rx, &[id])?.remove(&id).into_iter().flatten().collect::<BTreeSet<_>>();
    one.sessions = store::sessions::count_of_user(rx, id)?;
    Ok(one)
}
