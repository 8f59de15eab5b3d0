//! Who takes over what somebody holds who leaves: the choices that the dialogs of leaving offer (H-2).

use crate::domain::access::{Key, Sees};
use crate::domain::assignment::Target;
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::UserId;
use crate::domain::text::grouped;
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::{self, Rx, counts};
use crate::web::extract::Viewer;

/// An entry of a select.
pub struct TargetChoice {
    /// What is posted.
    pub value: String,
    /// What is read.
    pub label: String,
}

/// One kind of work, and where it goes.
pub struct PlanRow {
    /// The field.
    pub name: &'static str,
    /// What it is.
    pub kind: &'static str,
    /// How much of it.
    pub count: String,
    /// What is chosen.
    pub picked: String,
}

/// The plan of somebody who leaves for good: everything goes somewhere.
pub struct PlanView {
    /// The kinds that they hold something of.
    pub rows: Vec<PlanRow>,
    /// People who can take over.
    pub people: Vec<TargetChoice>,
    /// Teams that can.
    pub teams: Vec<TargetChoice>,
    /// How much in all.
    pub total: i64,
    /// The same, as people write it.
    pub total_text: String,
    /// Whether the viewer may choose anything but "nobody".
    pub may_plan: bool,
}

/// What the choices are made of.
pub struct Loaded {
    held: counts::Counts,
    people: Vec<store::users::Brief>,
    teams: Vec<crate::domain::teams::Team>,
    members: Vec<store::teams::Member>,
}

/// Reads it.
///
/// # Errors
/// Trouble with the database.
pub fn load(rx: &mut Rx) -> Result<Loaded, Failure> {
    Ok(Loaded {
        held: counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?,
        people: store::users::list_assignable(rx)?,
        teams: store::teams::list(rx)?,
        members: store::teams::list_members(rx, None)?,
    })
}

impl PlanView {
    /// The plan for a user, with what was chosen for open and for snoozed conversations.
    #[must_use]
    pub fn new(viewer: &Viewer, id: UserId, loaded: &Loaded, open: &str, snoozed: &str) -> Self {
        let of = |status| loaded.held.by_person(status).get(&id).copied().unwrap_or(0);
        let kinds = [
            ("plan_open", "Open conversations", of(ConversationStatus::Open), open),
            ("plan_snoozed", "Snoozed conversations", of(ConversationStatus::Snoozed), snoozed),
        ];
        let total = kinds.iter().map(|kind| kind.2).sum();
        let load = loaded.held.by_person(ConversationStatus::Open);
        Self {
            rows: kinds
                .into_iter()
                .filter(|(_, _, count, _)| *count > 0)
                .map(|(name, kind, count, picked)| PlanRow {
                    name,
                    kind,
                    count: grouped(count),
                    picked: picked.to_owned(),
                })
                .collect(),
            people: loaded
                .people
                .iter()
                .filter(|one| one.id != id)
                .map(|one| TargetChoice {
                    value: Target::User(one.id).print(),
                    label: format!("{} · {} open", one.name.full, grouped(load.get(&one.id).copied().unwrap_or(0))),
                })
                .collect(),
            teams: loaded
                .teams
                .iter()
                .map(|team| {
                    let active = |one: &&store::teams::Member| {
                        one.team == team.id && one.status == Status::Active && one.user != id
                    };
                    let count = loaded.members.iter().filter(active).count();
                    TargetChoice {
                        value: Target::Team(team.id).print(),
                        label: format!("{} · {count} active", team.name),
                    }
                })
                .collect(),
            total,
            total_text: grouped(total),
            may_plan: viewer.known.person.permissions.has(Key::HandoversRun),
        }
    }
}

/// A choice of the plan of somebody who leaves for good; a missing one leaves it to nobody (U-12).
///
/// # Errors
/// A sentence for the field.
pub fn target(text: &str) -> Result<Option<Target>, &'static str> {
    match text {
        "" => Ok(Some(Target::Nobody)),
        "keep" => Err("Nothing can stay with somebody who is gone. Choose at least “Unassign”"),
        other => Target::parse(other).map(Some).ok_or("Choose who takes these over"),
    }
}
