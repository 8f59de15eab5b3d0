//! Who works in the demo workspace, and where customers reach them.
//!
//! Names, roles, teams and numbers are those of the design's mock-ups, so that the running demo can
//! be laid beside the drawings. Where two drawings contradict each other, the team list wins.

/// The name of the demo workspace.
pub const WORKSPACE: &str = "Fernhill Outdoor";
/// The workspace's name in addresses.
pub const SLUG: &str = "fernhill";
/// The time zone of the workspace and of everybody in it.
pub const TIME_ZONE: &str = "Europe/Berlin";

/// The role somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May do everything.
    Owner,
    /// Manages users, teams, channels and rules.
    Admin,
    /// Moves work in bulk, sees reports.
    Supervisor,
    /// Answers conversations and calls.
    Agent,
}

impl Role {
    /// The name of the standard role in the workspace.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Supervisor => "Supervisor",
            Self::Agent => "Agent",
        }
    }
}

/// A user of the workspace.
#[derive(Debug)]
pub struct Person {
    /// Full name.
    pub name: &'static str,
    /// What teammates and customers see.
    pub display_name: &'static str,
    /// The address they log in with; unique.
    pub email: &'static str,
    /// The one role they hold.
    pub role: Role,
    /// Names of their teams, the first one being their main team.
    pub teams: &'static [&'static str],
}

/// An active user who is away for a while.
#[derive(Debug)]
pub struct Absence {
    /// Who is away.
    pub email: &'static str,
    /// What is told to teammates.
    pub reason: &'static str,
    /// For how many days they have been away.
    pub since_days: u16,
    /// In how many days they are back.
    pub back_in_days: u16,
}

/// An active user whose leave is planned: from next Monday on.
#[derive(Debug)]
pub struct PlannedLeave {
    /// Who leaves.
    pub email: &'static str,
    /// For how many weeks.
    pub weeks: u64,
    /// What was noted about it.
    pub note: &'static str,
    /// The team that takes over what is open.
    pub team: &'static str,
    /// The address of the user who planned it.
    pub by: &'static str,
}

/// A user who was deactivated.
#[derive(Debug)]
pub struct Former {
    /// Who they are; roles and teams are kept.
    pub person: Person,
    /// Why they were deactivated.
    pub reason: &'static str,
    /// How many days ago that was.
    pub days_ago: u16,
    /// The address of the user who did it.
    pub by: &'static str,
    /// In how many days they are expected back, if at all.
    pub back_in_days: Option<u16>,
    /// How many conversations they still hold.
    pub holds: u16,
}

/// An invite that nobody has accepted yet.
#[derive(Debug)]
pub struct Invite {
    /// Full name.
    pub name: &'static str,
    /// Where the invite was sent.
    pub email: &'static str,
    /// The role they will hold.
    pub role: Role,
    /// Names of the teams they will be in.
    pub teams: &'static [&'static str],
    /// The address of the user who invited them.
    pub by: &'static str,
    /// How many days ago the invite was sent.
    pub days_ago: u16,
    /// In how many days the link expires; less than 0 if it has expired.
    pub expires_in_days: i16,
}

/// A role of the workspace's own making.
#[derive(Debug)]
pub struct OwnRole {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// What it allows.
    pub allows: &'static [&'static str],
    /// The addresses of those who hold it besides their standard role.
    pub holders: &'static [&'static str],
}

/// A team.
#[derive(Debug)]
pub struct Team {
    /// Its name.
    pub name: &'static str,
    /// What the team does.
    pub purpose: &'static str,
    /// The address of its lead, who is one of its members. The lead of Technical is deactivated,
    /// so that the demo has a team without an active lead.
    pub lead: &'static str,
    /// Open conversations of the team in the drawings, which add up to 2,041.
    pub open: u16,
}

/// Where customers reach the workspace.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub name: &'static str,
    /// `email`, `web_chat`, `whatsapp`, `instagram` or `voice`.
    pub kind: &'static str,
    /// The address, number or account customers write to.
    pub address: &'static str,
    /// The team that gets new conversations.
    pub default_team: &'static str,
    /// Teams whose members, inactive ones included, are members of the channel.
    pub teams: &'static [&'static str],
    /// Addresses of users who are members beside those of the teams.
    pub people: &'static [&'static str],
}

/// All tags, in the order they are offered.
pub const TAGS: &[&str] = &[
    "account", "b2b", "billing", "bug", "callback", "delay", "exchange", "feedback", "gift", "order", "refund",
    "return", "safety", "shipping", "vip", "waiting", "warranty",
];

/// Roles that the workspace made for itself.
pub const OWN_ROLES: &[OwnRole] = &[OwnRole {
    name: "Weekend lead",
    purpose: "Keeps the weekend queue moving when no supervisor is in",
    allows: &["conversations.view_all", "conversations.bulk", "calls.reassign", "teams.edit_members", "handovers.run"],
    holders: &["yuki.nakamura@fernhill.example"],
}];

/// The seven teams.
pub const TEAMS: &[Team] = &[
    Team {
        name: "Billing",
        purpose: "Invoices, payments, vouchers and quotes",
        lead: "priya.raman@fernhill.example",
        open: 298,
    },
    Team {
        name: "German desk",
        purpose: "Everything customers write in German",
        lead: "ingrid.sorensen@fernhill.example",
        open: 187,
    },
    Team {
        name: "Returns",
        purpose: "Returns, exchanges and refunds from all shops",
        lead: "bob.keller@fernhill.example",
        open: 512,
    },
    Team {
        name: "Shipping",
        purpose: "Deliveries, carriers, customs and addresses",
        lead: "ingrid.sorensen@fernhill.example",
        open: 431,
    },
    Team {
        name: "Technical",
        purpose: "Repairs, warranty, care advice and the website",
        lead: "marcus.webb@fernhill.example",
        open: 488,
    },
    Team {
        name: "VIP",
        purpose: "Guides, clubs and long-standing customers",
        lead: "maya.cohen@fernhill.example",
        open: 74,
    },
    Team {
        name: "Weekend",
        purpose: "Chat and phone from Friday evening to Monday morning",
        lead: "yuki.nakamura@fernhill.example",
        open: 51,
    },
];

/// The channels. Alice Martin is the only member of “Returns WhatsApp”, so that deactivating her
/// asks for a successor.
pub const CHANNELS: &[Channel] = &[
    Channel {
        name: "Support email",
        kind: "email",
        address: "support@fernhill.example",
        default_team: "Technical",
        teams: &["Billing", "Returns", "Shipping", "Technical", "VIP"],
        people: &[
            "diego.fuentes@fernhill.example",
            "jasmine.clarke@fernhill.example",
            "oksana.melnyk@fernhill.example",
        ],
    },
    Channel {
        name: "Returns email",
        kind: "email",
        address: "returns@fernhill.example",
        default_team: "Returns",
        teams: &["Returns"],
        people: &[],
    },
    Channel {
        name: "German email",
        kind: "email",
        address: "hilfe@fernhill.example",
        default_team: "German desk",
        teams: &["German desk"],
        people: &[],
    },
    Channel {
        name: "Web chat",
        kind: "web_chat",
        address: "fernhill.example",
        default_team: "Weekend",
        teams: &["VIP", "Weekend"],
        people: &[
            "daniel.osei@fernhill.example",
            "diego.fuentes@fernhill.example",
            "elif.yildiz@fernhill.example",
            "jasmine.clarke@fernhill.example",
            "lin.xiaoyu@fernhill.example",
            "noor.van.dijk@fernhill.example",
            "oksana.melnyk@fernhill.example",
            "sofia.rossi@fernhill.example",
        ],
    },
    Channel {
        name: "WhatsApp",
        kind: "whatsapp",
        address: "+44 20 7946 0021",
        default_team: "Shipping",
        teams: &["Returns", "Shipping", "Weekend"],
        people: &[],
    },
    Channel {
        name: "Returns WhatsApp",
        kind: "whatsapp",
        address: "+44 20 7946 0018",
        default_team: "Returns",
        teams: &[],
        people: &["alice.martin@fernhill.example"],
    },
    Channel {
        name: "Instagram",
        kind: "instagram",
        address: "@fernhilloutdoor",
        default_team: "Technical",
        teams: &[],
        people: &["daniel.osei@fernhill.example", "lin.xiaoyu@fernhill.example", "sofia.rossi@fernhill.example"],
    },
    Channel {
        name: "Phone",
        kind: "voice",
        address: "+44 20 7946 0000",
        default_team: "Returns",
        teams: &["German desk", "Returns", "Shipping", "Weekend"],
        people: &["chidi.okafor@fernhill.example"],
    },
];

/// Keeps the list of people readable: one line each.
const fn person(
    name: &'static str,
    display_name: &'static str,
    email: &'static str,
    role: Role,
    teams: &'static [&'static str],
) -> Person {
    Person { name, display_name, email, role, teams }
}

/// The 44 active users.
#[rustfmt::skip] // one line a person is a table one can read
pub static ACTIVE: [Person; 44] = [
    person("Dana Weiss", "Dana", "dana.weiss@fernhill.example", Role::Owner, &[]),
    person("Priya Raman", "Priya", "priya.raman@fernhill.example", Role::Admin, &["Billing"]),
    person("Rachel Thornton", "Rachel", "rachel.thornton@fernhill.example", Role::Admin, &[]),
    person("Bob Keller", "Bob", "bob.keller@fernhill.example", Role::Supervisor, &["Returns"]),
    person("Ingrid Sørensen", "Ingrid", "ingrid.sorensen@fernhill.example", Role::Supervisor, &["Shipping", "German desk"]),
    person("Miguel Santos", "Miguel", "miguel.santos@fernhill.example", Role::Supervisor, &[]),
    person("Aisha Rahman", "Aisha", "aisha.rahman@fernhill.example", Role::Agent, &["Billing"]),
    person("Alice Martin", "Alice", "alice.martin@fernhill.example", Role::Agent, &["Returns", "Billing"]),
    person("Anders Nilsen", "Anders", "anders.nilsen@fernhill.example", Role::Agent, &["Technical"]),
    person("Beatrix Varga", "Beatrix", "beatrix.varga@fernhill.example", Role::Agent, &["Technical"]),
    person("Camille Laurent", "Camille", "camille.laurent@fernhill.example", Role::Agent, &["VIP"]),
    person("Carmen Delgado-Ibáñez", "Carmen", "carmen.delgado-ibanez@fernhill.example", Role::Agent, &["Shipping"]),
    person("Chidi Okafor", "Chidi", "chidi.okafor@fernhill.example", Role::Agent, &["Technical"]),
    person("Daniel Osei", "Daniel", "daniel.osei@fernhill.example", Role::Agent, &["Returns"]),
    person("Deniz Aksoy", "Deniz", "deniz.aksoy@fernhill.example", Role::Agent, &["Technical"]),
    person("Diego Fuentes", "Diego", "diego.fuentes@fernhill.example", Role::Agent, &[]),
    person("Eleni Papadaki", "Eleni", "eleni.papadaki@fernhill.example", Role::Agent, &["Technical"]),
    person("Elif Yıldız", "Elif", "elif.yildiz@fernhill.example", Role::Agent, &["Returns"]),
    person("Fatima Zahra El Amrani", "Fatima Zahra", "fatima.zahra.el.amrani@fernhill.example", Role::Agent, &["Billing", "VIP"]),
    person("Grace Kim", "Grace", "grace.kim@fernhill.example", Role::Agent, &["Returns", "Weekend"]),
    person("Hannah Fischer", "Hannah", "hannah.fischer@fernhill.example", Role::Agent, &["German desk"]),
    person("Hiroshi Tanaka", "Hiroshi", "hiroshi.tanaka@fernhill.example", Role::Agent, &["Technical"]),
    person("Jan Hoffmann", "Jan", "jan.hoffmann@fernhill.example", Role::Agent, &["German desk"]),
    person("Jasmine Clarke", "Jasmine", "jasmine.clarke@fernhill.example", Role::Agent, &[]),
    person("Jonas Bergström", "Jonas", "jonas.bergstrom@fernhill.example", Role::Agent, &["Shipping"]),
    person("Kwame Mensah", "Kwame", "kwame.mensah@fernhill.example", Role::Agent, &["Shipping"]),
    person("Liam O’Connor", "Liam", "liam.oconnor@fernhill.example", Role::Agent, &["Weekend"]),
    person("Lin Xiaoyu", "Xiaoyu", "lin.xiaoyu@fernhill.example", Role::Agent, &[]),
    person("Lucas Moreau", "Lucas", "lucas.moreau@fernhill.example", Role::Agent, &["Billing"]),
    person("Mateusz Wiśniewski", "Mateusz", "mateusz.wisniewski@fernhill.example", Role::Agent, &["Technical"]),
    person("Maya Cohen", "Maya", "maya.cohen@fernhill.example", Role::Agent, &["VIP"]),
    person("Mia Andersen", "Mia", "mia.andersen@fernhill.example", Role::Agent, &["Weekend"]),
    person("Noor van Dijk", "Noor", "noor.van.dijk@fernhill.example", Role::Agent, &["Returns"]),
    person("Oksana Melnyk", "Oksana", "oksana.melnyk@fernhill.example", Role::Agent, &[]),
    person("Pavel Novák", "Pavel", "pavel.novak@fernhill.example", Role::Agent, &["Technical"]),
    person("Ryan Fletcher", "Ryan", "ryan.fletcher@fernhill.example", Role::Agent, &["Technical"]),
    person("Samuel Adeyemi", "Samuel", "samuel.adeyemi@fernhill.example", Role::Agent, &["Returns", "Shipping"]),
    person("Sanjay Gupta", "Sanjay", "sanjay.gupta@fernhill.example", Role::Agent, &["Weekend"]),
    person("Sofia Rossi", "Sofia", "sofia.rossi@fernhill.example", Role::Agent, &["Billing"]),
    person("Thandiwe Nkosi", "Thandiwe", "thandiwe.nkosi@fernhill.example", Role::Agent, &["Weekend"]),
    person("Tomás Herrera", "Tomás", "tomas.herrera@fernhill.example", Role::Agent, &["Shipping"]),
    person("William Ashby", "William", "william.ashby@fernhill.example", Role::Agent, &["VIP"]),
    person("Yuki Nakamura", "Yuki", "yuki.nakamura@fernhill.example", Role::Agent, &["Weekend", "VIP"]),
    person("Zuzana Horáková", "Zuzana", "zuzana.horakova@fernhill.example", Role::Agent, &["Shipping"]),
];

/// Active users who are away.
pub const ABSENCES: &[Absence] =
    &[Absence { email: "grace.kim@fernhill.example", reason: "Holiday", since_days: 6, back_in_days: 8 }];

/// Leaves that are planned.
pub const PLANNED_LEAVES: &[PlannedLeave] = &[PlannedLeave {
    email: "jonas.bergstrom@fernhill.example",
    weeks: 3,
    note: "Second half of his parental leave. He wants to keep what is snoozed.",
    team: "Shipping",
    by: "priya.raman@fernhill.example",
}];

/// Addresses of active users who see features that are still being tested.
pub const BETA: &[&str] = &["alice.martin@fernhill.example"];

/// The 6 inactive users, latest first.
pub static INACTIVE: [Former; 6] = [
    Former {
        person: person("Ruth Mbeki", "Ruth", "ruth.mbeki@fernhill.example", Role::Agent, &["Returns"]),
        reason: "Left the company",
        days_ago: 3,
        by: "dana.weiss@fernhill.example",
        back_in_days: None,
        holds: 12,
    },
    Former {
        person: person("Oskar Lind", "Oskar", "oskar.lind@fernhill.example", Role::Agent, &["Shipping", "Returns"]),
        reason: "Left the company",
        days_ago: 10,
        by: "priya.raman@fernhill.example",
        back_in_days: None,
        holds: 4,
    },
    Former {
        person: person("Leila Haddad", "Leila", "leila.haddad@fernhill.example", Role::Agent, &["Billing"]),
        reason: "Parental leave",
        days_ago: 20,
        by: "dana.weiss@fernhill.example",
        back_in_days: Some(162),
        holds: 0,
    },
    Former {
        person: person("Marcus Webb", "Marcus", "marcus.webb@fernhill.example", Role::Supervisor, &["Technical"]),
        reason: "Moved to product team",
        days_ago: 53,
        by: "priya.raman@fernhill.example",
        back_in_days: None,
        holds: 0,
    },
    Former {
        person: person("Nina Petrova", "Nina", "nina.petrova@fernhill.example", Role::Agent, &["Weekend"]),
        reason: "Contract ended",
        days_ago: 100,
        by: "dana.weiss@fernhill.example",
        back_in_days: None,
        holds: 0,
    },
    Former {
        person: person("Theo Lambert", "Theo", "theo.lambert@fernhill.example", Role::Agent, &["VIP"]),
        reason: "Left the company",
        days_ago: 264,
        by: "priya.raman@fernhill.example",
        back_in_days: None,
        holds: 0,
    },
];

/// The 3 pending invites, newest first.
pub static INVITES: [Invite; 3] = [
    Invite {
        name: "Amara Nwosu",
        email: "amara.nwosu@fernhill.example",
        role: Role::Agent,
        teams: &["Returns"],
        by: "priya.raman@fernhill.example",
        days_ago: 0,
        expires_in_days: 7,
    },
    Invite {
        name: "João Ferreira",
        email: "j.ferreira@fernhill.example",
        role: Role::Agent,
        teams: &["Shipping", "Weekend"],
        by: "priya.raman@fernhill.example",
        days_ago: 4,
        expires_in_days: 3,
    },
    Invite {
        name: "Kofi Boateng",
        email: "kofi.boateng@fernhill.example",
        role: Role::Supervisor,
        teams: &["Technical"],
        by: "priya.raman@fernhill.example",
        days_ago: 12,
        expires_in_days: -5,
    },
];

/// Everybody who has an account: the active users, then the inactive ones.
pub fn everybody() -> impl Iterator<Item = &'static Person> {
    ACTIVE.iter().chain(INACTIVE.iter().map(|former| &former.person))
}

/// The members of a team, inactive ones last.
pub fn team_members(team: &str) -> impl Iterator<Item = &'static Person> {
    everybody().filter(move |person| person.teams.contains(&team))
}

/// The members of a channel, inactive ones last.
pub fn channel_members(channel: &Channel) -> impl Iterator<Item = &'static Person> {
    everybody().filter(move |person| {
        channel.people.contains(&person.email) || person.teams.iter().any(|team| channel.teams.contains(team))
    })
}

/// The channels all members of a team can answer on: what the demo gives the team then lies where
/// its members may see it.
pub fn channels_of_team(team: &str) -> impl Iterator<Item = &'static Channel> {
    CHANNELS.iter().filter(move |channel| channel.teams.contains(&team))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn active_in(team: &str) -> usize {
        team_members(team).filter(|member| ACTIVE.iter().any(|person| person.email == member.email)).count()
    }

    fn active_on(name: &str) -> usize {
        CHANNELS
            .iter()
            .filter(|channel| channel.name == name)
            .flat_map(channel_members)
            .filter(|member| ACTIVE.iter().any(|person| person.email == member.email))
            .count()
    }

    #[test]
    fn the_numbers_are_those_of_the_drawings() {
        let with = |role| ACTIVE.iter().filter(|person| person.role == role).count();
        assert_eq!(ACTIVE.len(), 44);
        assert_eq!(with(Role::Owner), 1);
        assert_eq!(with(Role::Admin), 2);
        assert_eq!(with(Role::Supervisor), 3);
        assert_eq!(with(Role::Agent), 38);
        assert_eq!(INACTIVE.len(), 6);
        assert_eq!(INVITES.len(), 3);
        assert_eq!(TEAMS.len(), 7);
        assert_eq!(TEAMS.iter().map(|team| u32::from(team.open)).sum::<u32>(), 2_041);

        // Leila Haddad keeps her team while she is on leave, as the list of inactive users shows.
        for (team, active, all) in [
            ("Billing", 6, 7),
            ("German desk", 3, 3),
            ("Returns", 7, 9),
            ("Shipping", 7, 8),
            ("Technical", 9, 10),
            ("VIP", 5, 6),
            ("Weekend", 6, 7),
        ] {
            assert_eq!(active_in(team), active, "{team}");
            assert_eq!(team_members(team).count(), all, "{team}");
        }
        for (channel, active) in [
            ("Support email", 34),
            ("German email", 3),
            ("Web chat", 18),
            ("Returns WhatsApp", 1),
            ("Instagram", 3),
            ("Phone", 21),
        ] {
            assert_eq!(active_on(channel), active, "{channel}");
        }
    }

    #[test]
    fn names_and_addresses_are_unique_and_real() {
        let invited = INVITES.iter().map(|invite| (invite.name, invite.email));
        let all: Vec<_> = everybody().map(|person| (person.name, person.email)).chain(invited).collect();
        let names: BTreeSet<_> = all.iter().map(|one| one.0).collect();
        let emails: BTreeSet<_> = all.iter().map(|one| one.1).collect();
        let shown: BTreeSet<_> = everybody().map(|person| person.display_name).collect();
        assert_eq!(names.len(), 53);
        assert_eq!(emails.len(), 53);
        assert_eq!(shown.len(), 50);
        for email in emails {
            assert!(email.is_ascii() && email.ends_with("@fernhill.example"), "{email}");
        }
        let tags: BTreeSet<_> = TAGS.iter().collect();
        assert_eq!(tags.len(), TAGS.len());
    }

    #[test]
    fn everything_named_exists() {
        let team = |name: &str| TEAMS.iter().any(|team| team.name == name);
        let user = |email: &str| everybody().any(|person| person.email == email);
        let active = |email: &str| ACTIVE.iter().any(|person| person.email == email);
        for person in everybody() {
            assert!(person.teams.iter().all(|name| team(name)), "{}", person.name);
        }
        for one in TEAMS {
            assert!(team_members(one.name).any(|member| member.email == one.lead), "{}", one.name);
            assert!(channels_of_team(one.name).next().is_some(), "{}", one.name);
        }
        for channel in CHANNELS {
            assert!(team(channel.default_team), "{}", channel.name);
            assert!(channel.teams.iter().all(|name| team(name)), "{}", channel.name);
            assert!(channel.people.iter().all(|email| user(email)), "{}", channel.name);
        }
        assert!(INACTIVE.iter().all(|former| active(former.by)));
        assert!(INVITES.iter().all(|invite| active(invite.by)));
        assert!(INVITES.iter().flat_map(|invite| invite.teams).all(|name| team(name)));
        assert!(ABSENCES.iter().all(|absence| active(absence.email)));
        assert!(BETA.iter().all(|email| active(email)));
        for own in OWN_ROLES {
            assert!(own.holders.iter().all(|email| active(email)), "{}", own.name);
            assert!(own.allows.iter().all(|key| crate::domain::access::Key::parse(key).is_some()), "{}", own.name);
        }
    }
}
