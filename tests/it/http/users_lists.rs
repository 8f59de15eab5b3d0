//! Settings → Users: filters, order and pages of all three tabs, and their file (U-2).

use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::store;

use crate::support::web::Site;
use crate::support::world::base;
use crate::support::{World, on_both};

/// The rows of a file, the header left out.
fn lines(file: &str) -> Vec<Vec<String>> {
    let file = file.strip_prefix('\u{feff}').expect("the mark of UTF-8");
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

fn first_cells(file: &str) -> Vec<String> {
    lines(file).into_iter().map(|row| row[0].clone()).collect()
}

fn invite(w: &World, name: &str, role: Standard, teams: &[baton::domain::ids::TeamId]) -> baton::domain::ids::UserId {
    let can = w.can(w.olga);
    let new = baton::actions::invites::New {
        email: format!("{}@fernhill.example", name.to_lowercase().replace(' ', ".")),
        name: Name { full: name.to_owned(), display: name.to_owned() },
        roles: vec![w.role(role)],
        teams: teams.to_vec(),
        channels: vec![],
        send: true,
    };
    w.by(w.olga, |tx| baton::actions::invites::create(tx, &can, &base(), &new)).expect("an invite").user
}

on_both! {
    async fn a_file_has_what_the_list_shows(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        w.open_of(w.bob, 3);
        let page = olga.get("/settings/users?sort=-name&role=&q=e").await.expect(200);
        let address = page.attributes("#export", "href").remove(0);
        let file = olga.get(&address).await.expect(200);
        assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
        let disposition = file.header("content-disposition").expect("a name").to_owned();
        assert_eq!(disposition, "attachment; filename=\"users-active-2026-03-02.csv\"");
        assert_eq!(first_cells(&file.body), page.texts("tbody .person-name"));
        let bob = lines(&file.body).into_iter().find(|row| row[0] == "Bob Keller").expect("Bob");
        assert_eq!(bob[2..8], ["bob@fernhill.example", "Agent", "Support", "Chat, Email", "3", "0"]);
        let team = olga.get(&format!("/settings/users/export?status=active&team={}", w.returns)).await.expect(200);
        assert_eq!(first_cells(&team.body), ["Gus Garcia", "Sven Sorensen"]);
        assert!(olga.get("/settings/users/export?q=nobody-at-all").await.expect(200).body.ends_with("Joined\r\n"));
        for nothing in ["status=gone", "role=x", &format!("team={}", w.other.team), &format!("channel={}", w.other.channel)] {
            olga.get(&format!("/settings/users/export?{nothing}")).await.expect(404);
        }
        site.logged_in(&w, w.bob).await.get("/settings/users/export").await.expect(403);
    }

    async fn a_long_file_is_whole_and_no_cell_of_it_is_a_formula(w: World) {
        for number in 0..620 {
            w.newcomer(&format!("Person{number:04} Smith"), Standard::Agent, Status::Active);
        }
        let olga = w.olga;
        w.system_does(|tx| {
            let user = store::users::lock(tx, olga)?;
            let name = Name { full: "=1+1, \"Olga\" عُلا 🦀".to_owned(), display: "@olga".to_owned() };
            store::users::set_identity(tx, &user, &user.email, &name, false)?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        let site = Site::on(w.db.clone()).await;
        let file = site.logged_in(&w, w.olga).await.get("/settings/users/export").await.expect(200);
        let rows = lines(&file.body);
        assert_eq!(rows.len(), 627);
        assert_eq!(rows[0][..2], ["'=1+1, \"Olga\" عُلا 🦀", "'@olga"]);
        let mut emails: Vec<&String> = rows.iter().map(|row| &row[2]).collect();
        emails.sort_unstable();
        emails.dedup();
        assert_eq!(emails.len(), 627, "nobody is there twice");
    }

    async fn inactive_users_and_invites_have_filters_and_files_too(w: World) {
        invite(&w, "Nina North", Standard::Agent, &[w.support, w.returns]);
        w.later(chrono::TimeDelta::hours(1));
        invite(&w, "Abel Ash", Standard::Reader, &[]);
        w.deactivate(w.gus);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let names = async |path: &str| olga.get(path).await.expect(200).texts("tbody .person-name");
        let tab = "/settings/users/invites";
        assert_eq!(names(tab).await, ["Abel Ash", "Nina North"]);
        assert_eq!(names(&format!("{tab}?sort=-name")).await, ["Nina North", "Abel Ash"]);
        assert_eq!(names(&format!("{tab}?sort=expires")).await, ["Nina North", "Abel Ash"]);
        assert_eq!(names(&format!("{tab}?role={}", w.role(Standard::Reader))).await, ["Abel Ash"]);
        for team in [w.support, w.returns] {
            assert_eq!(names(&format!("{tab}?team={team}")).await, ["Nina North"]);
        }
        assert_eq!(names(&format!("{tab}?team=none")).await, ["Abel Ash"]);
        assert!(olga.get(&format!("{tab}?channel={}", w.chat)).await.expect(200).has(".empty"));
        olga.get(&format!("{tab}?team={}", w.other.team)).await.expect(404);
        let file = olga.get(&olga.get(tab).await.attributes("#export", "href")[0]).await.expect(200);
        let nina = lines(&file.body).into_iter().find(|row| row[0] == "Nina North").expect("Nina");
        assert_eq!(nina[3..10], ["Agent", "Returns, Support", "", "2026-03-02 10:00", "Olga Owens", "2026-03-02 10:00", "1"]);
        let page = olga.get(&format!("/settings/users/inactive?team={}", w.returns)).await.expect(200);
        let file = olga.get(&page.attributes("#export", "href")[0]).await.expect(200);
        assert_eq!(first_cells(&file.body), ["Gus Garcia"]);
        assert_eq!(names("/settings/users?seen=never&q=rita").await, ["Rita Reyes"]);
    }

    async fn invites_come_twenty_five_a_page(w: World) {
        for number in 0..27 {
            invite(&w, &format!("Guest{number:02} Smith"), Standard::Guest, &[]);
        }
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let first = olga.get("/settings/users/invites?sort=name").await.expect(200);
        assert_eq!(first.texts("tbody tr").len(), 25);
        let next = olga.get(&first.attributes("a[rel=next]", "href")[0]).await.expect(200);
        assert_eq!(next.texts("tbody .person-name"), ["Guest25 Smith", "Guest26 Smith"]);
    }

    async fn what_people_who_cannot_log_in_still_hold_stands_above_their_list(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        w.open_of(w.bob, 3);
        w.open_of(w.agnes, 1);
        assert!(!olga.get("/settings/users/inactive").await.expect(200).has("#held"));
        w.deactivate(w.bob);
        let can = w.can(w.olga);
        w.by(w.olga, |tx| baton::actions::users::deactivate(tx, &can, w.agnes, None, None)).expect("to leave");
        let page = olga.get("/settings/users/inactive").await.expect(200);
        assert_eq!(page.text("#held strong"), "4 conversations are still held by people who can’t log in");
        assert!(page.text("#held p").starts_with("Bob Keller holds 3 and Agnes Arndt holds 1."), "{}", page.text("#held p"));
        assert!(page.text(&format!("[id='user-{}']", w.agnes)).contains("by Olga Owens"));
        assert_eq!(page.text(".table-foot p"), "Showing 1–2 of 2. Roles and teams are kept, so nothing has to be set up again.");
        assert!(!olga.get("/settings/users").await.expect(200).has("#held"));
    }
}
