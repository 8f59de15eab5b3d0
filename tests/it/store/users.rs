//! The list of users: filters, orders and pages say the same on both databases (U-2).

use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;
use baton::store::users::{Filter, Sort};
use chrono::TimeDelta;

use crate::support::{World, on_both};

fn list(w: &World, statuses: &[Status], filter: &Filter, sort: (Sort, bool)) -> Vec<UserId> {
    let (users, total) = w.read(|rx| store::users::list(rx, statuses, filter, sort, (100, 0)));
    assert_eq!(users.len(), usize::try_from(total).expect("a number"));
    // Page by page it is the same list.
    let mut leafed = Vec::new();
    for offset in (0..total).step_by(2) {
        let (page, again) = w.read(|rx| store::users::list(rx, statuses, filter, sort, (2, offset)));
        assert_eq!(again, total);
        leafed.extend(page.into_iter().map(|user| user.id));
    }
    let ids: Vec<UserId> = users.into_iter().map(|user| user.id).collect();
    assert_eq!(leafed, ids);
    ids
}

fn active(w: &World, filter: &Filter) -> Vec<UserId> {
    list(w, &[Status::Active], filter, (Sort::Name, false))
}

on_both! {
    fn people_are_found_by_part_of_name_or_address(w: World) {
        let words = |words: &str| active(&w, &Filter { words: Some(words.to_owned()), ..Filter::default() });
        assert_eq!(words("KELL"), [w.bob]);
        assert_eq!(words("agnes@"), [w.agnes]);
        assert_eq!(words("fernhill").len(), 7);
        assert_eq!(words("ad"), [w.ada]);
        assert!(words("%").is_empty(), "wildcards are plain characters");
        assert!(words("_").is_empty());
        assert!(words("xena").is_empty());
    }

    fn people_are_narrowed_by_role_team_channel_and_status(w: World) {
        let role = |role| active(&w, &Filter { role: Some(w.roles[&role]), ..Filter::default() });
        assert_eq!(role(Standard::Agent), [w.agnes, w.bob]);
        assert_eq!(role(Standard::Owner), [w.olga]);
        let team = |team| active(&w, &Filter { team: Some(team), ..Filter::default() });
        assert_eq!(team(w.returns), [w.gus, w.sven]);
        let without = active(&w, &Filter { without_team: true, ..Filter::default() });
        assert_eq!(without, [w.ada, w.olga, w.rita]);
        let channel = |channel| active(&w, &Filter { channel: Some(channel), ..Filter::default() });
        assert_eq!(channel(w.chat), [w.bob]);
        assert_eq!(channel(w.email), [w.agnes, w.bob, w.olga]);
        let both = Filter { team: Some(w.support), channel: Some(w.chat), ..Filter::default() };
        assert_eq!(active(&w, &both), [w.bob]);
        for foreign in [
            Filter { role: Some(w.other.role), ..Filter::default() },
            Filter { team: Some(w.other.team), ..Filter::default() },
            Filter { channel: Some(w.other.channel), ..Filter::default() },
        ] {
            assert!(active(&w, &foreign).is_empty());
        }
        w.deactivate(w.bob);
        assert_eq!(list(&w, &[Status::Inactive], &Filter::default(), (Sort::Name, false)), [w.bob]);
        assert_eq!(role(Standard::Agent), [w.agnes]);
        w.newcomer("Nina Novak", Standard::Agent, Status::Invited);
        let counts = w.read(store::users::count_by_status);
        assert_eq!((counts[&Status::Active], counts[&Status::Inactive], counts[&Status::Invited]), (6, 1, 1));
    }

    fn people_are_narrowed_by_when_they_were_last_seen(w: World) {
        let see = |who| w.system_does(|tx| {
            store::users::set_seen(tx, who)?;
            Ok(tx.unrecorded((), "when somebody was last seen"))
        });
        see(w.bob);
        w.later(TimeDelta::days(40));
        see(w.agnes);
        let cut = w.now() - TimeDelta::days(30);
        assert_eq!(active(&w, &Filter { seen_since: Some(cut), ..Filter::default() }), [w.agnes]);
        let long_ago = active(&w, &Filter { not_seen_since: Some(cut), ..Filter::default() });
        assert!(!long_ago.contains(&w.agnes) && long_ago.contains(&w.bob), "and whoever was never seen");
        assert_eq!(long_ago.len(), 6);
        assert_eq!(active(&w, &Filter { seen_since: Some(w.now()), ..Filter::default() }), [w.agnes], "at or after");
        let by_seen = |descending| list(&w, &[Status::Active], &Filter::default(), (Sort::LastSeen, descending));
        assert_eq!(by_seen(false)[..2], [w.bob, w.agnes]);
        assert_eq!(by_seen(true)[..2], [w.agnes, w.bob]);
        assert_eq!(by_seen(true)[2..], by_seen(false)[2..], "whoever was never seen stands last, by name");
    }

    fn people_are_sorted_by_name_role_and_open_work(w: World) {
        let sorted = |sort, descending| list(&w, &[Status::Active], &Filter::default(), (sort, descending));
        let by_name = [w.ada, w.agnes, w.bob, w.gus, w.olga, w.rita, w.sven];
        assert_eq!(sorted(Sort::Name, false), by_name);
        assert_eq!(sorted(Sort::Name, true), by_name.into_iter().rev().collect::<Vec<_>>());
        assert_eq!(sorted(Sort::Role, false), [w.olga, w.ada, w.sven, w.agnes, w.bob, w.rita, w.gus]);
        assert_eq!(sorted(Sort::Role, true), [w.gus, w.rita, w.agnes, w.bob, w.sven, w.ada, w.olga]);
        w.open_of(w.gus, 3);
        w.open_of(w.bob, 5);
        w.conversation(&w.draft().assignee(w.rita).now(baton::domain::conversations::StatusChange::Close));
        assert_eq!(sorted(Sort::OpenWork, true), [w.bob, w.gus, w.ada, w.agnes, w.olga, w.rita, w.sven]);
        w.later(TimeDelta::days(1));
        w.deactivate(w.bob);
        w.later(TimeDelta::days(1));
        w.deactivate(w.agnes);
        let inactive = |descending| list(&w, &[Status::Inactive], &Filter::default(), (Sort::Since, descending));
        assert_eq!(inactive(true), [w.agnes, w.bob]);
        assert_eq!(inactive(false), [w.bob, w.agnes]);
    }

    fn only_who_can_log_in_and_reply_is_offered_work(w: World) {
        let offered = |w: &World| -> Vec<UserId> {
            w.read(store::users::list_assignable).into_iter().map(|brief| brief.id).collect()
        };
        assert_eq!(offered(&w), [w.ada, w.agnes, w.bob, w.gus, w.olga, w.sven], "Rita only reads");
        w.newcomer("Nina Novak", Standard::Agent, Status::Invited);
        w.deactivate(w.gus);
        assert_eq!(offered(&w), [w.ada, w.agnes, w.bob, w.olga, w.sven]);
        assert_eq!(w.read(store::users::list_active_owner_names), ["Olga Owens"]);
        assert!(w.read(|rx| store::users::is_active(rx, w.bob)));
        assert!(!w.read(|rx| store::users::is_active(rx, w.gus)));
    }

    fn a_stale_form_is_noticed(w: World) {
        let before = w.user(w.bob);
        w.system_does(|tx| {
            store::users::set_identity(tx, &before, &before.email, &before.name, true)?;
            Ok(tx.unrecorded((), "a test tries it"))
        });
        for turn in 0..3 {
            let late = w.db.write_now(&w.system(), |tx| {
                match turn {
                    0 => store::users::set_identity(tx, &before, &before.email, &before.name, false)?,
                    1 => store::users::set_status(tx, &before, Status::Inactive, None)?,
                    _ => store::users::set_touched(tx, &before)?,
                }
                Ok(tx.unrecorded((), "it must not come to this"))
            });
            assert!(matches!(late, Err(baton::failure::Failure::Stale)), "{late:?}");
        }
        assert_eq!((w.user(w.bob).version, w.user(w.bob).beta_access), (before.version + 1, true));
    }
}
