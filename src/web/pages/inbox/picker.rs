//! Whom conversations can be given to: people by their load, teams, nobody (C-7). Never somebody who cannot log in.

use std::collections::HashMap;

use crate::domain::assignment::Target;
use crate::domain::bulk_change::Change;
use crate::domain::ids::UserId;
use crate::domain::teams::Team;
use crate::domain::text::grouped;
use crate::store::users::Brief;
use crate::web::views::person::PersonView;

/// Somebody who can be picked.
#[derive(Clone, Debug)]
pub(in crate::web::pages) struct Choice {
    /// What the form posts.
    pub value: String,
    /// Who.
    pub person: PersonView,
    /// Their load.
    pub note: String,
    /// Whether they hold it now.
    pub current: bool,
}

/// A team that can be picked.
#[derive(Clone, Debug)]
pub(in crate::web::pages) struct TeamChoice {
    /// What the form posts.
    pub value: String,
    /// Its name.
    pub name: String,
    /// Whether it holds it now.
    pub current: bool,
    /// What the form posts to spread work over its people.
    pub spread: String,
}

/// What can be picked.
#[derive(Clone, Debug)]
pub(in crate::web::pages) struct Picker {
    /// The id of its element; others begin with it.
    pub id: &'static str,
    /// The form that its buttons belong to.
    pub form: &'static str,
    /// Whether it opens above its button.
    pub up: bool,
    /// People, least busy first.
    pub people: Vec<Choice>,
    /// Teams, by name.
    pub teams: Vec<TeamChoice>,
    /// Whether it can be left to nobody.
    pub nobody: bool,
    /// Whether work can be spread over the people of a team.
    pub spread: bool,
}

impl Picker {
    /// Everybody who can get conversations, and all teams. `current` is whoever holds the conversation now.
    pub(in crate::web::pages) fn new(
        id: &'static str,
        form: &'static str,
        assignable: &[Brief],
        teams: &[Team],
        load: &HashMap<UserId, i64>,
        (me, current): (UserId, Option<Target>),
    ) -> Self {
        let mut people: Vec<(i64, Choice)> = assignable
            .iter()
            .map(|one| {
                let open = load.get(&one.id).copied().unwrap_or(0);
                let you = if one.id == me { " · you" } else { "" };
                let choice = Choice {
                    value: Target::User(one.id).print(),
                    person: PersonView::from_brief(one),
                    note: format!("{} open{you}", grouped(open)),
                    current: current == Some(Target::User(one.id)),
                };
                (open, choice)
            })
            .collect();
        people.sort_by_key(|(open, _)| *open);
        let teams = teams.iter().map(|team| TeamChoice {
            value: Target::Team(team.id).print(),
            name: team.name.clone(),
            current: current == Some(Target::Team(team.id)),
            spread: Change::Spread(team.id).print(),
        });
        Self {
            id,
            form,
            up: false,
            people: people.into_iter().map(|(_, choice)| choice).collect(),
            teams: teams.collect(),
            nobody: current.is_some_and(|target| target != Target::Nobody),
            spread: false,
        }
    }
}
