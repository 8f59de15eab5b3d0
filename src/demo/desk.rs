//! The conversations of the demo workspace: who wrote what when, and where each stands now. Nothing here knows rows.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;

use super::contacts::Names;
use super::draft::{Draft, Said, Size, priority, waiting_since};
use super::people::{Role, TEAMS, channels_of_team};
use super::random::Rng;
use super::staff::{Member, Place, Staff, at_work, awake};
use super::threads::{Cast, FEATURED, Featured, Library, Speaker, Template, Turn};
use crate::domain::conversations::{MessageKind, Status};

/// How many conversations are open in the drawings' workspace; quotas below are of these.
pub(super) const DRAWN_OPEN: usize = 2_000;

/// Who holds a certain number: address, open, snoozed. Nobody else's work is given to them.
const QUOTAS: [(&str, usize, usize); 3] = [
    ("alice.martin@fernhill.example", 38, 11),
    ("ruth.mbeki@fernhill.example", 12, 0),
    ("oskar.lind@fernhill.example", 4, 0),
];

/// The Owner is the first of all people.
const OWNER: usize = 0;

/// What a conversation is to become.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// As it is drawn.
    Featured(usize, &'static Featured),
    /// Held by this member.
    HeldBy(usize, Status),
    /// Held by whoever it falls to.
    Any(Status),
}

/// Makes conversations, each from nothing but its index: the same for the same seed and instant.
pub(super) struct Desk<'a> {
    staff: &'a Staff,
    library: &'static Library,
    names: &'static Names,
    seed: u64,
    now: DateTime<Utc>,
    fates: Vec<Fate>,
    reserved: Vec<usize>,
}

impl<'a> Desk<'a> {
    /// Decides what becomes of each conversation.
    pub(super) fn new(
        staff: &'a Staff,
        (library, names): (&'static Library, &'static Names),
        seed: u64,
        now: DateTime<Utc>,
        size: Size,
    ) -> Self {
        let (mut open, mut snoozed) = (Vec::with_capacity(size.total()), Vec::with_capacity(size.snoozed));
        open.extend(FEATURED.iter().enumerate().map(|(place, row)| Fate::Featured(place, row)).take(size.open));
        let mut reserved = Vec::new();
        for (email, holds, sleeping) in QUOTAS {
            let Some(member) = staff.find(email) else { continue };
            reserved.push(member);
            let scaled = |number: usize| (number * size.open).div_ceil(DRAWN_OPEN);
            let drawn = open
                .iter()
                .filter(|fate| matches!(fate, Fate::Featured(_, row) if row.assignee == Some(email)))
                .count();
            let more = scaled(holds).saturating_sub(drawn).min(size.open - open.len());
            open.extend(std::iter::repeat_n(Fate::HeldBy(member, Status::Open), more));
            let more = scaled(sleeping).min(size.snoozed - snoozed.len());
            snoozed.extend(std::iter::repeat_n(Fate::HeldBy(member, Status::Snoozed), more));
        }
        open.resize(size.open, Fate::Any(Status::Open));
        snoozed.resize(size.snoozed, Fate::Any(Status::Snoozed));
        let mut fates = open;
        fates.extend(snoozed);
        fates.extend(std::iter::repeat_n(Fate::Any(Status::Closed), size.closed));
        fates.extend(std::iter::repeat_n(Fate::Any(Status::Archived), size.archived));
        Self { staff, library, names, seed, now, fates, reserved }
    }

    /// The conversation of an index.
    pub(super) fn draft(&self, index: usize) -> Option<Draft> {
        let fate = *self.fates.get(index)?;
        let own = u64::try_from(index).unwrap_or(0).wrapping_add(1).wrapping_mul(0x2545_f491_4f6c_dd1d);
        let mut rng = Rng::new(Rng::new(self.seed ^ own).next_u64());
        let status = match fate {
            Fate::Featured(..) => Status::Open,
            Fate::HeldBy(_, status) | Fate::Any(status) => status,
        };
        let template = self.template(&mut rng, fate);
        let (place, last) = (self.place(&mut rng, fate, template)?, self.last(&mut rng, fate, status));
        let holder = self.holder(&mut rng, fate, status, (template.team(), place), last);
        let contact = match fate {
            Fate::Featured(_, row) => (row.contact.to_owned(), row.email.to_owned()),
            _ => {
                let contact = self.names.contact(&mut rng, template.language());
                (contact.name, contact.email)
            }
        };
        let member = holder.and_then(|holder| self.staff.members.get(holder));
        let cast = Cast {
            contact: &contact.0,
            agent: member.map_or("", |member| member.person.name),
            day: last.timestamp().div_euclid(86_400),
        };
        let story = match fate {
            Fate::Featured(..) => template.tell_as_drawn(&mut rng, &cast),
            _ => template.tell(&mut rng, &cast),
        };
        let team = self.team(&mut rng, fate, member, template.team());
        let turns = cut(&mut rng, fate, status, member.is_some(), story.turns);
        let said = self.said(&mut rng, fate, holder, (template.team(), place), last, turns);
        let mut draft = Draft {
            contact,
            place,
            subject: story.subject,
            status,
            priority: priority(&mut rng, &story.tags),
            holder,
            team,
            tags: story.tags,
            snoozed_until: None,
            assigned: None,
            settled: None,
            archived_at: None,
            read_at: None,
            created_at: said.first()?.at,
            last_activity_at: said.iter().rev().find(|one| one.kind != MessageKind::Note)?.at,
            waiting_since: waiting_since(&said),
            said,
        };
        self.settle(&mut rng, fate, &mut draft);
        Some(draft)
    }

    fn template(&self, rng: &mut Rng, fate: Fate) -> &'static Template {
        let found = match fate {
            Fate::Featured(_, row) => self.library.named(row.template),
            Fate::HeldBy(member, _) => self.staff.members.get(member).and_then(|member| {
                let teams = member.person.teams;
                let team = teams.first().filter(|_| rng.chance(75)).or_else(|| teams.last())?;
                Some(self.library.pick_for_team(rng, team))
            }),
            Fate::Any(_) => None,
        };
        found.unwrap_or_else(|| self.library.pick(rng))
    }

    /// The channel, by how people reach the team.
    fn place(&self, rng: &mut Rng, fate: Fate, template: &Template) -> Option<usize> {
        let named = |name: &str| self.staff.places.iter().position(|place| place.channel.name == name);
        let drawn = match fate {
            Fate::Featured(_, row) => named(row.channel),
            // The channel that only Alice answers on.
            Fate::HeldBy(..) if template.team() == "Returns" => {
                let alone = named("Returns WhatsApp")
                    .filter(|place| self.staff.places.get(*place).is_some_and(|place| self.is_member(fate, place)));
                alone.filter(|_| rng.chance(30))
            }
            Fate::Any(_) if matches!(template.team(), "Returns" | "Billing") && rng.chance(4) => named("Instagram"),
            _ => None,
        };
        let of_team: Vec<_> = channels_of_team(template.team()).collect();
        let weight = |kind: &str, name: &str| match kind {
            "email" if name == "Support email" => 6,
            "email" => 9,
            "web_chat" => 4,
            "whatsapp" => 3,
            _ => 1,
        };
        drawn
            .or_else(|| rng.weighted(&of_team, |one| weight(one.kind, one.name)).and_then(|one| named(one.name)))
            .or_else(|| named("Support email"))
    }

    fn is_member(&self, fate: Fate, place: &Place) -> bool {
        match fate {
            Fate::HeldBy(member, _) => self.staff.members.get(member).is_some_and(|member| place.has(member.person)),
            _ => false,
        }
    }

    /// When the last thing was said, about. What is not drawn is older than what is.
    fn last(&self, rng: &mut Rng, fate: Fate, status: Status) -> DateTime<Utc> {
        let minutes = match (fate, status) {
            (Fate::Featured(_, row), _) => return self.now - TimeDelta::minutes(row.minutes_ago.into()),
            (_, Status::Open) => match rng.below(100) {
                0..30 => rng.between(285, 1_440),
                30..65 => rng.between(1_440, 4_320),
                65..92 => rng.between(4_320, 14_400),
                _ => rng.between(14_400, 50_400),
            },
            (_, Status::Snoozed) => rng.between(285, 11_500),
            (_, Status::Closed) => {
                let days = rng.between(1, 60).min(rng.between(1, 60));
                days * 1_440 - rng.below(1_100)
            }
            (_, Status::Archived) => rng.between(90_000, 560_000),
        };
        self.now - TimeDelta::minutes(minutes.into()) - TimeDelta::seconds(rng.below(60).into())
    }

    /// Who holds it, if somebody does.
    fn holder(
        &self,
        rng: &mut Rng,
        fate: Fate,
        status: Status,
        (team, place): (&str, usize),
        last: DateTime<Utc>,
    ) -> Option<usize> {
        let without = match status {
            Status::Open => 13,
            Status::Snoozed => 8,
            Status::Closed | Status::Archived => 3,
        };
        match fate {
            Fate::Featured(_, row) => row.assignee.and_then(|email| self.staff.find(email)),
            Fate::HeldBy(member, _) => Some(member),
            Fate::Any(_) if rng.chance(without) => None,
            Fate::Any(_) => {
                let place = self.staff.places.get(place)?;
                let settled = matches!(status, Status::Closed | Status::Archived);
                let outside = place.channel.people.is_empty() || !(rng.chance(8) || place.channel.teams.is_empty());
                let fits = |one: &(usize, &Member)| {
                    let here = if outside {
                        one.1.person.teams.contains(&team)
                    } else {
                        place.channel.people.contains(&one.1.person.email)
                    };
                    let stayed = one.1.until.is_none_or(|until| settled && last + TimeDelta::days(4) < until);
                    here && stayed
                        && one.1.since <= last - TimeDelta::days(21)
                        && (settled || !self.reserved.contains(&one.0))
                        && one.1.person.role != Role::Owner
                };
                let candidates: Vec<_> = self.staff.members.iter().enumerate().filter(fits).collect();
                rng.weighted(&candidates, |one| one.1.pace).map(|one| one.0)
            }
        }
    }

    fn team(&self, rng: &mut Rng, fate: Fate, holder: Option<&Member>, team: &str) -> Option<&'static str> {
        let team = TEAMS.iter().find(|known| known.name == team).map(|known| known.name);
        match (fate, holder) {
            (Fate::Featured(..), None) => None,
            (_, Some(holder)) => team.filter(|team| holder.person.teams.contains(team) && rng.chance(92)),
            // Of what nobody holds, a third has not even a team.
            (Fate::Any(Status::Open), None) => team.filter(|_| rng.chance(62)),
            (_, None) => team,
        }
    }

    /// Gives every turn its author and its time, from the last one back.
    fn said(
        &self,
        rng: &mut Rng,
        fate: Fate,
        holder: Option<usize>,
        (team, place): (&str, usize),
        last: DateTime<Utc>,
        turns: Vec<Turn>,
    ) -> Vec<Said> {
        let until = holder.and_then(|holder| self.staff.members.get(holder)).and_then(|member| member.until);
        let mut latest = last;
        if let (Some(until), 0 | 1) = (until, turns.len()) {
            // Nobody gets anything after they have left.
            latest = latest.min(until - TimeDelta::minutes(rng.between(90, 4_000).into()));
        }
        let mut said = Vec::with_capacity(turns.len());
        let exact = matches!(fate, Fate::Featured(..));
        for turn in turns.into_iter().rev() {
            let newest = said.is_empty();
            let at = match turn.speaker {
                _ if newest && exact => latest,
                Speaker::Customer => awake(latest),
                Speaker::Agent | Speaker::Note => {
                    let bound = until.map_or(latest, |until| latest.min(until - TimeDelta::minutes(7)));
                    at_work(bound)
                }
            };
            let (kind, author) = match turn.speaker {
                Speaker::Customer => (MessageKind::Incoming, None),
                Speaker::Agent => (MessageKind::Reply, holder),
                Speaker::Note => (MessageKind::Note, self.colleague(rng, holder, (team, place), at)),
            };
            said.push(Said { kind, author, text: turn.text, at });
            let minutes = match turn.speaker {
                Speaker::Customer => rng.between(25, 1_500).min(rng.between(25, 1_500)),
                Speaker::Agent => rng.between(18, 900).min(rng.between(18, 900)),
                Speaker::Note => rng.between(3, 45),
            };
            latest = at - TimeDelta::minutes(minutes.into()) - TimeDelta::seconds(rng.below(60).into());
        }
        // Whoever has left got it before they left, also where only the contact has written since.
        if let (Some(until), Some(first)) = (until, said.last_mut()) {
            first.at = first.at.min(until - TimeDelta::minutes(rng.between(90, 600).into()));
        }
        said.reverse();
        said
    }

    /// Whoever writes a note: the holder, or somebody else who was at work there.
    fn colleague(
        &self,
        rng: &mut Rng,
        holder: Option<usize>,
        (team, place): (&str, usize),
        at: DateTime<Utc>,
    ) -> Option<usize> {
        if rng.chance(55) {
            return holder;
        }
        let place = self.staff.places.get(place)?;
        let others: Vec<_> = self
            .staff
            .members
            .iter()
            .enumerate()
            .filter(|(_, one)| one.works_at(at) && one.person.teams.contains(&team) && place.has(one.person))
            .map(|(index, _)| index)
            .collect();
        rng.pick(&others).copied().or(holder)
    }

    /// What was done with it, and who has looked at it.
    fn settle(&self, rng: &mut Rng, fate: Fate, draft: &mut Draft) {
        let holder = draft.holder.and_then(|holder| Some((holder, self.staff.members.get(holder)?)));
        let ended = draft.said.last().map_or(draft.last_activity_at, |one| one.at);
        // Nobody does anything after they have left, or later than now.
        let bound = holder.and_then(|(_, member)| member.until).unwrap_or(self.now).min(self.now);
        let soon = |rng: &mut Rng, at: DateTime<Utc>, minutes: u32| {
            (at + TimeDelta::minutes(rng.between(2, minutes).into())).min(bound - TimeDelta::seconds(20))
        };
        if let Some((holder, _)) = holder.filter(|_| rng.chance(75)) {
            let first_answer = draft.said.iter().find(|one| one.author.is_some()).map(|one| one.at);
            let at = match first_answer {
                Some(answer) => draft.created_at + (answer - draft.created_at) / 2,
                None => soon(rng, draft.created_at, 80),
            };
            let by = if rng.chance(50) { holder } else { self.lead_at(draft.team, at) };
            draft.assigned = Some((at.max(draft.created_at), by));
        }
        let acting = draft.holder.unwrap_or_else(|| self.lead_at(draft.team, ended));
        match draft.status {
            Status::Open => {}
            Status::Snoozed => {
                draft.settled = Some((soon(rng, ended, 30).max(ended), acting));
                draft.snoozed_until = Some(self.wake(rng));
            }
            Status::Closed => draft.settled = Some((soon(rng, ended, 240).max(ended), acting)),
            Status::Archived => {
                let closed = soon(rng, ended, 240).max(ended);
                draft.settled = Some((closed, acting));
                draft.archived_at = Some(closed + TimeDelta::days(rng.between(21, 45).into()));
            }
        }
        let unread = match (fate, draft.status) {
            (Fate::Featured(place, _), _) => matches!(place, 0 | 1 | 3 | 6),
            (_, Status::Open | Status::Snoozed) => rng.chance(40),
            (_, Status::Closed | Status::Archived) => rng.chance(5),
        };
        let answered = draft.said.last().is_some_and(|one| one.author.is_some());
        let later = self.now - draft.last_activity_at;
        let read_at = draft.last_activity_at + later / i32::try_from(rng.between(3, 20)).unwrap_or(3);
        draft.read_at = (answered || !unread).then_some(read_at);
    }

    /// The active lead of a team, or the Owner.
    fn lead_at(&self, team: Option<&str>, at: DateTime<Utc>) -> usize {
        let lead = TEAMS.iter().find(|known| Some(known.name) == team).and_then(|known| self.staff.find(known.lead));
        let there = lead.filter(|lead| self.staff.members.get(*lead).is_some_and(|member| member.works_at(at)));
        there.unwrap_or(OWNER)
    }

    /// When a snooze ends: mostly at a round hour of one of the next days.
    fn wake(&self, rng: &mut Rng) -> DateTime<Utc> {
        let soon = self.now + TimeDelta::minutes(rng.between(90, 420).into());
        let (days, hour) = (rng.between(1, 8).min(rng.between(1, 8)), rng.pick(&[9, 9, 9, 11, 14, 16]).copied());
        if rng.chance(8) {
            return soon;
        }
        let day = self.now.with_timezone(&Berlin).date_naive() + TimeDelta::days(days.into());
        let time = hour.and_then(|hour| NaiveTime::from_hms_opt(hour, 0, 0)).unwrap_or_default();
        day.and_time(time).and_local_timezone(Berlin).earliest().map_or(soon, |at| at.to_utc())
    }
}

/// The part of a thread that has happened so far.
fn cut(rng: &mut Rng, fate: Fate, status: Status, held: bool, turns: Vec<Turn>) -> Vec<Turn> {
    let first_answer = turns.iter().position(|turn| turn.speaker != Speaker::Customer).unwrap_or(turns.len());
    let ends_with = |wanted: Speaker| {
        let ends = turns.iter().enumerate().filter(move |(_, turn)| turn.speaker == wanted);
        ends.map(|(place, _)| place + 1).collect::<Vec<_>>()
    };
    let last_of = |wanted| ends_with(wanted).last().copied();
    let length = match (fate, status) {
        // The list of the drawings shows first messages; the thread that is drawn open has gone on, and whoever has
        // left must have got theirs before.
        (Fate::Featured(0 | 6, _), _) => last_of(Speaker::Customer),
        (Fate::Featured(..), _) => Some(first_answer),
        _ if !held => Some(first_answer),
        (_, Status::Open) => {
            let wanted = if rng.chance(62) { Speaker::Customer } else { Speaker::Agent };
            rng.pick(&ends_with(wanted)).copied()
        }
        (_, Status::Snoozed) => {
            let wanted = if rng.chance(25) { Speaker::Customer } else { Speaker::Agent };
            rng.pick(&ends_with(wanted)).copied()
        }
        (_, Status::Closed | Status::Archived) => last_of(Speaker::Agent),
    };
    let mut length = length.unwrap_or(first_answer);
    let note_follows = turns.get(length).is_some_and(|turn| turn.speaker == Speaker::Note);
    if held && note_follows && !matches!(fate, Fate::Featured(..)) && rng.chance(50) {
        length += 1;
    }
    let mut turns = turns;
    turns.truncate(length.max(1));
    turns
}
