//! What becomes of a leaving person's work.

use serde_json::{Value, json};

use super::assignment::Target;
use super::ids::UserId;

/// What becomes of a leaving person's conversations: `None` keeps them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Those that are open.
    pub open: Option<Target>,
    /// Those that are asleep.
    pub snoozed: Option<Target>,
}

impl Plan {
    /// Whether anything is moved.
    #[must_use]
    pub const fn moves(&self) -> bool {
        self.open.is_some() || self.snoozed.is_some()
    }

    /// Where things go, in the order of the kinds.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        [self.open, self.snoozed].into_iter().flatten()
    }

    /// Whether a person or a team gets something, and not only nobody.
    #[must_use]
    pub fn gives_to_somebody(&self) -> bool {
        self.targets().any(|target| target != Target::Nobody)
    }

    /// The people who get something.
    #[must_use]
    pub fn people(&self) -> Vec<UserId> {
        self.targets().filter_map(|target| if let Target::User(user) = target { Some(user) } else { None }).collect()
    }

    /// As it is carried until its day, in the words of the form.
    #[must_use]
    pub fn print(&self) -> String {
        json!({ "open": self.open.map(|to| to.print()), "snoozed": self.snoozed.map(|to| to.print()) }).to_string()
    }

    /// The plan that was printed so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Value = serde_json::from_str(text).ok()?;
        let kind = |name: &str| match parts.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(target)) => Target::parse(target).map(Some),
            Some(_) => None,
        };
        Some(Self { open: kind("open")?, snoozed: kind("snoozed")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TeamId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn targets() -> impl Strategy<Value = Option<Target>> {
        let id = any::<u128>().prop_map(Uuid::from_u128);
        proptest::option::of(prop_oneof![
            id.clone().prop_map(|id| Target::User(UserId(id))),
            id.prop_map(|id| Target::Team(TeamId(id))),
            Just(Target::Nobody),
        ])
    }

    proptest! {
        #[test]
        fn a_plan_is_carried_as_it_was_made(open in targets(), snoozed in targets()) {
            let plan = Plan { open, snoozed };
            prop_assert_eq!(Plan::parse(&plan.print()), Some(plan));
            prop_assert_eq!(plan.moves(), plan != Plan::default());
        }

        #[test]
        fn nothing_else_is_taken_for_a_plan(text in ".{0,60}") {
            if let Some(plan) = Plan::parse(&text) {
                prop_assert_eq!(plan, Plan::default());
            }
        }
    }
}
