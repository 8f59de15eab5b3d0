//! What may be there only once: either database's error becomes the same refusal.

use baton::domain::conversations::ChannelKind;
use baton::domain::teams::TeamRefusal;
use baton::domain::users::{Name, Status, UserRefusal};
use baton::domain::workspaces::WorkspaceRefusal;
use baton::failure::{Failure, Refusal};
use baton::store::errors::{UniqueKey, unique_key};
use baton::store::{self, Tx};

use crate::support::{World, on_both};

fn says<T: std::fmt::Debug>(w: &World, mut f: impl FnMut(&mut Tx) -> Result<T, Failure>) -> Failure {
    let answer = w.db.write_now(&w.system(), |tx| {
        let value = f(tx)?;
        Ok(tx.unrecorded(value, "it must not come to this"))
    });
    answer.expect_err("a second one")
}

fn key(failure: Failure) -> UniqueKey {
    match failure {
        Failure::Database(error) => unique_key(&error).unwrap_or_else(|| panic!("no known key: {error:?}")),
        other => panic!("not the database's: {other:?}"),
    }
}

on_both! {
    fn an_address_is_one_persons(w: World) {
        let new = store::users::New {
            email: "BOB@fernhill.example",
            name: &Name { full: "Another Bob".to_owned(), display: "Bob".to_owned() },
            status: Status::Active,
            password_hash: None,
        };
        let taken = says(&w, |tx| store::users::insert(tx, &new));
        assert!(matches!(taken, Failure::Refused(Refusal::User(UserRefusal::EmailTaken(_)))), "{taken:?}");
        let bob = w.user(w.bob);
        let taken = says(&w, |tx| store::users::set_identity(tx, &bob, "agnes@fernhill.example", &bob.name, false));
        assert!(matches!(taken, Failure::Refused(Refusal::User(UserRefusal::EmailTaken(_)))), "{taken:?}");
    }

    fn a_team_has_a_name_of_its_own(w: World) {
        let taken = says(&w, |tx| store::teams::insert(tx, "  SUPPORT ", ""));
        assert!(matches!(taken, Failure::Refused(Refusal::Team(TeamRefusal::NameTaken(_)))), "{taken:?}");
        let taken = says(&w, |tx| {
            let returns = store::teams::lock(tx, w.returns)?;
            store::teams::set_name(tx, &returns, "Support", "")
        });
        assert!(matches!(taken, Failure::Refused(Refusal::Team(TeamRefusal::NameTaken(_)))), "{taken:?}");
    }

    fn a_workspace_has_an_address_of_its_own(w: World) {
        let scope = baton::domain::access::Scope::system(baton::domain::ids::WorkspaceId(uuid::Uuid::from_u128(77)), None);
        let taken = w.db.write_now(&scope, |tx| {
            store::workspaces::insert(tx, "fernhill", "Fernhill again", "Europe/Berlin", "olga@fernhill.example")?;
            Ok(tx.unrecorded((), "it must not come to this"))
        });
        assert!(
            matches!(taken, Err(Failure::Refused(Refusal::Workspace(WorkspaceRefusal::SlugTaken(_))))),
            "{taken:?}"
        );
    }

    fn a_channel_has_a_name_and_an_address_of_its_own(w: World) {
        let name = says(&w, |tx| store::channels::insert(tx, ChannelKind::Voice, "CHAT", "+49", None));
        assert_eq!(key(name), UniqueKey::ChannelName);
        let address = says(&w, |tx| store::channels::insert(tx, ChannelKind::WebChat, "Chat 2", "Chat", None));
        assert_eq!(key(address), UniqueKey::ChannelAddress);
        // The same address of another kind is another one.
        w.system_does(|tx| {
            let id = store::channels::insert(tx, ChannelKind::Telegram, "Telegram", "chat", None)?;
            Ok(tx.unrecorded(id, "a test sets the scene"))
        });
    }

    fn a_person_is_in_a_team_once(w: World) {
        let again = w.system_does(|tx| {
            let team = store::teams::insert_member(tx, w.support, w.bob)?;
            let channel = store::channels::insert_member(tx, w.email, w.bob)?;
            Ok(tx.unrecorded((team, channel), "a test tries it"))
        });
        assert_eq!(again, (false, false));
    }

    fn a_word_is_one_tag_however_it_is_written(w: World) {
        let (one, two, all) = w.system_does(|tx| {
            let one = store::tags::find_or_insert(tx, "Late")?;
            let two = store::tags::find_or_insert(tx, " LATE ")?;
            let all = store::tags::list(tx)?;
            Ok(tx.unrecorded((one, two, all), "a test tries it"))
        });
        assert_eq!((one, all), (two, vec![(one, "Late".to_owned())]));
    }

    fn the_first_of_two_settings_stays(w: World) {
        let first = w.anywhere(|ax| store::anywhere::find_or_insert_setting(ax, "key", "one"));
        let second = w.anywhere(|ax| store::anywhere::find_or_insert_setting(ax, "key", "two"));
        assert_eq!((first.as_str(), second.as_str()), ("one", "one"));
    }
}
