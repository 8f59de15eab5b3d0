//! The sample workspace that `baton demo` shows.

pub mod contacts;
mod desk;
mod draft;
mod fill;
mod gone;
mod kept;
mod left;
pub mod people;
pub mod random;
mod staff;
pub mod threads;

use std::fmt::Write as _;

pub use draft::Size;

use crate::domain::passwords;
use crate::failure::Failure;
use crate::store::Db;

/// How many conversations are open unless asked for otherwise.
pub const OPEN_CONVERSATIONS: usize = desk::DRAWN_OPEN;
/// The password of everybody in the demo workspace.
pub const PASSWORD: &str = "fernhill-demo-2026";

/// Somebody to log in as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// As what.
    pub role: &'static str,
    /// The address.
    pub email: String,
    /// The password.
    pub password: &'static str,
}

/// Who is worth trying: one of each role that works differently.
const TRY: [(people::Role, &str); 3] = [
    (people::Role::Owner, "dana.weiss@fernhill.example"),
    (people::Role::Supervisor, "bob.keller@fernhill.example"),
    (people::Role::Agent, "alice.martin@fernhill.example"),
];

/// Fills an empty database with the workspace "Fernhill Outdoor": people, teams, channels, and so many open
/// conversations, with snoozed, closed and archived ones in proportion (see [`Size::with_open`]). Everything but ids,
/// and times, which lie before the clock's "now", follows from the seed.
///
/// Written in many units of work; of a database where it failed half-way, nothing can be used.
///
/// # Errors
/// If there is a workspace of that name already, or trouble with the database.
pub fn fill(db: &Db, seed: u64, open_conversations: usize) -> Result<Vec<Login>, Failure> {
    let hash = passwords::hash(PASSWORD).map_err(|_| Failure::Bug("the demo's password cannot be hashed"))?;
    let viewers = TRY.map(|(_, email)| email);
    fill::fill(db, seed, Size::with_open(open_conversations), &hash, &viewers)?;
    Ok(TRY
        .iter()
        .map(|(role, email)| Login { role: role.name(), email: (*email).to_owned(), password: PASSWORD })
        .collect())
}

/// The log-ins as a small table, a line each, for the terminal.
#[must_use]
pub fn print_logins(logins: &[Login]) -> String {
    let width = |of: fn(&Login) -> &str| logins.iter().map(|login| of(login).chars().count()).max().unwrap_or(0);
    let (role, email) = (width(|login| login.role), width(|login| &login.email));
    let mut text = String::from("Log in as:\n");
    for login in logins {
        let _ = writeln!(text, "  {:role$}  {:email$}  {}", login.role, login.email, login.password);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::config::DatabaseUrl;
    use crate::domain::access::Sees;
    use crate::domain::clock::{ManualClock, SystemEntropy};
    use crate::domain::conversations::{MessageKind, Status};
    use crate::domain::ids::{ConversationId, UserId, WorkspaceId};
    use crate::domain::inbox::{Assignee, Cursor, Filter, Sort, Statuses};
    use crate::domain::users::{Reason, Status as UserStatus};
    use crate::store::inbox::Listed;
    use crate::store::{self, Rx};

    /// A Sunday noon in Berlin, the day of the drawings.
    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_779) + TimeDelta::hours(11)
    }

    fn open(url: &DatabaseUrl) -> Db {
        let db = Db::open(url, Arc::new(ManualClock::at(now())), Arc::new(SystemEntropy)).unwrap();
        store::migrations::run(&db).unwrap();
        db
    }

    fn filled(folder: &tempfile::TempDir, seed: u64, conversations: usize) -> (Db, WorkspaceId) {
        let db = open(&DatabaseUrl::Sqlite(folder.path().join(format!("{seed}.db"))));
        let logins = fill(&db, seed, conversations).unwrap();
        assert_eq!(logins.iter().map(|login| login.role).collect::<Vec<_>>(), ["Owner", "Supervisor", "Agent"]);
        let found = db.look_anywhere_now(|ax| store::anywhere::find_workspace(ax, people::SLUG)).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.time_zone), (people::WORKSPACE, chrono_tz::Europe::Berlin));
        (db, found.id)
    }

    fn all(rx: &mut Rx, status: Status) -> Vec<Listed> {
        let filter = Filter::of(Statuses::Only(status));
        let (mut rows, mut after): (Vec<Listed>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let page = store::inbox::list(rx, &filter, &Sees::All, Sort::Newest, after.as_ref(), 200).unwrap();
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return rows;
            }
        }
    }

    fn everything(rx: &mut Rx) -> Vec<Listed> {
        Status::ALL.into_iter().flat_map(|status| all(rx, status)).collect()
    }

    #[test]
    fn the_people_are_those_of_the_drawings() {
        let folder = tempfile::tempdir().unwrap();
        let (db, workspace) = filled(&folder, 1, 40);
        db.read_now(workspace, |rx| {
            let counted = store::users::count_by_status(rx)?;
            assert_eq!(counted.get(&UserStatus::Active), Some(&44));
            assert_eq!(counted.get(&UserStatus::Inactive), Some(&6));
            assert_eq!(counted.get(&UserStatus::Invited), Some(&3));
            assert_eq!(counted.get(&UserStatus::Removed), Some(&2));
            assert_eq!(counted.get(&UserStatus::Deleted), Some(&1));
            assert_eq!(store::invites::list(rx, None)?.len(), 3);
            assert_eq!(store::channels::list(rx)?.len(), people::CHANNELS.len());

            let teams = store::teams::list(rx)?;
            assert_eq!(teams.len(), 7);
            for team in &teams {
                let members = store::teams::list_members(rx, Some(team.id))?;
                assert_eq!(members.iter().filter(|member| member.is_lead).count(), 1, "{}", team.name);
                assert_eq!(members.len(), people::team_members(&team.name).count(), "{}", team.name);
            }

            let owner = store::users::find_by_email(rx, "dana.weiss@fernhill.example")?.unwrap();
            assert!(owner.is_owner);
            assert!(passwords::verify(PASSWORD, store::users::find_password(rx, owner.id)?.as_deref()));
            let ruth = store::users::find_by_email(rx, "ruth.mbeki@fernhill.example")?.unwrap();
            assert_eq!((ruth.status, ruth.reason), (UserStatus::Inactive, Some(Reason::Left)));
            let trail = store::audit::list_about_user(rx, ruth.id, 50)?;
            let latest = trail.first().unwrap();
            assert_eq!((latest.name.as_str(), latest.actor), ("user.deactivated", Some(owner.id)));
            assert_eq!(latest.at, ruth.status_changed_at);
            assert!(trail.iter().any(|event| event.name == "user.created" && event.at == ruth.created_at));
            assert!(!store::logins::list_of_user(rx, ruth.id, 50)?.is_empty());
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn the_past_is_in_an_unbroken_chain() {
        let folder = tempfile::tempdir().unwrap();
        let (db, workspace) = filled(&folder, 4, 60);
        let checked = crate::tasks::audit::verify(&db, workspace, None, |finding| panic!("{finding}")).unwrap();
        assert_eq!(checked.seal.seq, db.read_now(workspace, store::audit::count).unwrap());
        assert_eq!(checked.findings, 0);
    }

    #[test]
    fn the_numbers_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let (db, workspace) = filled(&folder, 2, OPEN_CONVERSATIONS);
        db.read_now(workspace, |rx| {
            let size = Size::with_open(OPEN_CONVERSATIONS);
            assert_eq!((size.open, size.snoozed, size.closed, size.archived), (2_000, 300, 667, 40));
            let counts = store::counts::find(rx, &Status::ALL, &Sees::All)?;
            let users = store::users::list_by_status(rx, &[UserStatus::Active, UserStatus::Inactive])?;
            let known: HashSet<UserId> = users.iter().map(|user| user.id).collect();
            let members = users.iter().map(|user| user.id).collect::<Vec<_>>();
            let channels = store::channels::list_of_users(rx, &members)?;
            for (status, expected) in [
                (Status::Open, size.open),
                (Status::Snoozed, size.snoozed),
                (Status::Closed, size.closed),
                (Status::Archived, size.archived),
            ] {
                let rows = all(rx, status);
                assert_eq!(rows.len(), expected, "{status:?}");
                assert_eq!(counts.of_status(status), i64::try_from(expected).unwrap(), "{status:?}");
                let mut held: HashMap<UserId, i64> = HashMap::new();
                for row in &rows {
                    if let Some(user) = row.conversation.assignee {
                        assert!(known.contains(&user), "{:?} is held by nobody that there is", row.conversation.number);
                        assert!(channels[&user].contains(&row.conversation.channel));
                        *held.entry(user).or_default() += 1;
                    }
                }
                assert_eq!(counts.by_person(status), held, "{status:?}");
            }

            let mut holds = |email: &str, status| {
                let user = store::users::find_by_email(rx, email).unwrap().unwrap().id;
                counts.by_person(status).get(&user).copied().unwrap_or(0)
            };
            assert_eq!(holds("alice.martin@fernhill.example", Status::Open), 38);
            assert_eq!(holds("alice.martin@fernhill.example", Status::Snoozed), 11);
            assert_eq!(holds("ruth.mbeki@fernhill.example", Status::Open), 12);
            assert_eq!(holds("oskar.lind@fernhill.example", Status::Open), 4);
            assert_eq!(holds("leila.haddad@fernhill.example", Status::Open), 0);
            let inactive: HashSet<UserId> =
                store::users::list_by_status(rx, &[UserStatus::Inactive])?.iter().map(|user| user.id).collect();
            let nobody = Filter { assignee: Some(Assignee::Nobody), ..Filter::of(Statuses::Only(Status::Open)) };
            let unassigned = counts.matching(&nobody, &inactive);
            assert_eq!(unassigned, store::inbox::count(rx, &nobody, &Sees::All)?);
            assert!((70..130).contains(&unassigned), "{unassigned} are unassigned");

            // The list begins as it is drawn.
            let newest: Vec<Listed> = all(rx, Status::Open).into_iter().take(threads::FEATURED.len()).collect();
            for (row, drawn) in newest.iter().zip(&threads::FEATURED) {
                let ago = TimeDelta::minutes(drawn.minutes_ago.into());
                assert_eq!(row.conversation.last_activity_at, now() - ago, "{}", row.conversation.subject);
            }
            assert_eq!(newest.first().unwrap().conversation.subject, "Tent pole snapped on the first night");
            Ok(())
        })
        .unwrap();
        // The next number is the first one that is free.
        let scope = crate::domain::access::Scope::system(workspace, None);
        let next = db
            .write_now(&scope, |tx| {
                let next = store::workspaces::take_numbers(tx, 1)?;
                Ok(tx.unrecorded(next, "a test"))
            })
            .unwrap();
        assert_eq!(next.0, i64::try_from(Size::with_open(OPEN_CONVERSATIONS).total()).unwrap() + 1);
    }

    #[test]
    fn every_conversation_is_believable() {
        let folder = tempfile::tempdir().unwrap();
        let (db, workspace) = filled(&folder, 3, 400);
        db.read_now(workspace, |rx| {
            let rows = everything(rx);
            let mut numbers: Vec<i64> = rows.iter().map(|row| row.conversation.number.0).collect();
            numbers.sort_unstable();
            assert!(numbers.iter().copied().eq(1..=i64::try_from(rows.len()).unwrap()));
            let users = store::users::list(
                rx,
                &[UserStatus::Active, UserStatus::Inactive, UserStatus::Removed, UserStatus::Deleted],
                &store::users::Filter::default(),
                (store::users::Sort::Name, false),
                (100, 0),
            )?
            .0;
            let users: HashMap<UserId, _> = users.into_iter().map(|user| (user.id, user)).collect();
            let there = |user: UserId, at: DateTime<Utc>| {
                let user = &users[&user];
                user.created_at <= at && (user.status == UserStatus::Active || at <= user.status_changed_at)
            };
            let (mut waiting, mut notes, mut recorded) = (0, 0, 0);
            for row in &rows {
                let one = &row.conversation;
                let said = store::messages::list(rx, one.id, 100)?;
                let spoken: Vec<_> = said.iter().filter(|message| message.kind != MessageKind::Note).collect();
                let (first, last) = (said.first().unwrap(), spoken.last().unwrap());
                assert_eq!((first.kind, first.at), (MessageKind::Incoming, one.created_at), "{:?}", one.number);
                assert_eq!(last.at, one.last_activity_at, "{:?}", one.number);
                assert_eq!(row.preview, crate::domain::text::preview(&last.body));
                assert_eq!(last.kind == MessageKind::Incoming, one.waiting_since.is_some(), "{:?}", one.number);
                assert!(said.is_sorted_by_key(|message| message.at) && said.iter().all(|message| message.at <= now()));
                for message in &said {
                    assert_eq!(message.kind == MessageKind::Incoming, message.author.is_none());
                    assert!(message.author.is_none_or(|author| there(author, message.at)), "{:?}", one.number);
                }
                assert_eq!(one.status == Status::Snoozed, one.snoozed_until.is_some());
                assert!(one.snoozed_until.is_none_or(|at| at > now() && at < now() + TimeDelta::days(10)));
                waiting += usize::from(one.status == Status::Open && one.waiting_since.is_some());
                notes += said.len() - spoken.len();

                let trail = store::audit::list_of_conversation(rx, one.id, 50)?;
                assert_eq!(trail.first().unwrap().name, "conversation.created");
                assert!(trail.is_sorted_by_key(|event| event.at), "{:?}", one.number);
                for event in &trail {
                    assert!(event.at <= now() && event.actor.is_none_or(|actor| there(actor, event.at)), "{event:?}");
                    if event.name == "conversation.assigned" {
                        assert_eq!(event.to, (one.assignee, one.team));
                        recorded += 1;
                    }
                }
            }
            assert!((180..330).contains(&waiting), "{waiting} of 400 wait");
            assert!(notes > 20, "{notes} notes");
            assert!(recorded > 300, "{recorded} assignments");
            let latest = store::audit::list_latest(rx, 10_000)?;
            assert!(latest.iter().rev().is_sorted_by_key(|event| event.at));

            // Alice has read some of hers, but not all.
            let alice = store::users::find_by_email(rx, "alice.martin@fernhill.example")?.unwrap().id;
            let hers: Vec<_> = rows.iter().filter(|row| row.conversation.assignee == Some(alice)).collect();
            let ids: Vec<ConversationId> = hers.iter().map(|row| row.conversation.id).collect();
            let reads = store::conversations::list_reads(rx, alice, &ids)?;
            assert!(!reads.is_empty() && reads.len() < ids.len(), "{} of {}", reads.len(), ids.len());
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn the_same_seed_fills_the_same() {
        let told = |seed| {
            let folder = tempfile::tempdir().unwrap();
            let (db, workspace) = filled(&folder, seed, 60);
            let rows = db.read_now(workspace, |rx| {
                let names: HashMap<UserId, String> = store::users::list_by_status(rx, &[UserStatus::Active])?
                    .into_iter()
                    .map(|user| (user.id, user.name.full))
                    .collect();
                let mut rows: Vec<_> = everything(rx)
                    .into_iter()
                    .map(|row| {
                        let one = row.conversation;
                        let holder = one.assignee.and_then(|user| names.get(&user).cloned());
                        (one.number, one.subject, row.preview, holder, one.last_activity_at)
                    })
                    .collect();
                rows.sort_unstable();
                Ok(rows)
            });
            rows.unwrap()
        };
        assert_eq!(told(4), told(4));
        assert_ne!(told(4), told(5));
    }

    #[test]
    fn small_ones_and_second_ones() {
        let folder = tempfile::tempdir().unwrap();
        for (seed, conversations) in [(10, 0), (11, 1), (12, 7)] {
            let (db, workspace) = filled(&folder, seed, conversations);
            let open = db.read_now(workspace, |rx| Ok(all(rx, Status::Open).len())).unwrap();
            assert_eq!(open, conversations);
            // The name in addresses is taken now.
            assert!(matches!(fill(&db, seed, conversations), Err(Failure::Refused(_))));
        }
    }

    #[test]
    fn log_ins_are_a_table() {
        let login = |role, email: &str| Login { role, email: email.to_owned(), password: PASSWORD };
        let text = print_logins(&[login("Owner", "dana@f.example"), login("Agent", "alice.martin@f.example")]);
        assert_eq!(
            text,
            "Log in as:\n  Owner  dana@f.example          fernhill-demo-2026\n  Agent  alice.martin@f.example  fernhill-demo-2026\n"
        );
        assert_eq!(passwords::check(PASSWORD, &[]), Ok(()));
    }
}
