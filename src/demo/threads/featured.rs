//! The conversations that are drawn in the mock-ups.

/// A conversation that is drawn in the mock-ups of the inbox.
#[derive(Debug)]
pub struct Featured {
    /// The thread, for [`Library::named`](super::Library::named).
    pub template: &'static str,
    /// Full name of the customer.
    pub contact: &'static str,
    /// Address of the customer.
    pub email: &'static str,
    /// Telephone number of the customer.
    pub phone: &'static str,
    /// Name of the channel.
    pub channel: &'static str,
    /// Address of the user who has it; `None` if it is unassigned.
    pub assignee: Option<&'static str>,
    /// How long ago the customer wrote last, in minutes.
    pub minutes_ago: u32,
}

const fn featured(
    template: &'static str,
    contact: (&'static str, &'static str, &'static str),
    channel: &'static str,
    assignee: Option<&'static str>,
    minutes_ago: u32,
) -> Featured {
    let (contact, email, phone) = contact;
    Featured { template, contact, email, phone, channel, assignee, minutes_ago }
}

/// The inbox as it is drawn, newest first. [`Template::tell_as_drawn`](super::Template::tell_as_drawn) gives the drawn subjects.
#[rustfmt::skip] // one line a conversation is a table one can read
pub static FEATURED: [Featured; 13] = [
    featured("tent-pole-snapped", ("Marta Lindqvist", "marta.lindqvist@brevlada.example", "+46 70 174 06 12"), "Returns email", Some("elif.yildiz@fernhill.example"), 9),
    featured("refund-not-received", ("Gareth Price", "gareth.price@mail.example", "+44 7700 900461"), "WhatsApp", Some("bob.keller@fernhill.example"), 23),
    featured("fr-echange-taille", ("Amélie Girard", "amelie.girard@courrier.example", "+33 6 39 98 12 40"), "Returns email", Some("noor.van.dijk@fernhill.example"), 41),
    featured("wrong-size-boots", ("Jens Albrecht", "jens.albrecht@postfach.example", "+49 1522 8817386"), "Web chat", None, 50),
    featured("larger-pack-exchange", ("Rosa Jiménez", "rosa.jimenez@buzon.example", "+44 7700 900214"), "Phone", Some("elif.yildiz@fernhill.example"), 76),
    featured("return-label-blank", ("Tom Whitfield", "tom.whitfield@mail.example", "+44 7700 900377"), "Instagram", Some("daniel.osei@fernhill.example"), 92),
    featured("where-is-my-refund", ("Hélène Fabre", "helene.fabre@courrier.example", "+33 6 39 98 41 07"), "Returns email", Some("ruth.mbeki@fernhill.example"), 121),
    featured("stove-leaks-gas", ("Karl Brandt", "karl.brandt@postfach.example", "+49 30 23125 118"), "Support email", Some("samuel.adeyemi@fernhill.example"), 143),
    featured("gift-without-receipt", ("Nadia Benali", "nadia.benali@courrier.example", "+33 6 39 98 66 52"), "Web chat", Some("noor.van.dijk@fernhill.example"), 170),
    featured("replacement-same-fault", ("Oliver Stanton-Featherstonehaugh", "oliver.stanton@brightmail.example", "+44 7700 900509"), "Returns email", Some("bob.keller@fernhill.example"), 199),
    featured("pl-zwrot-kurtki", ("Ewa Kowalczyk", "ewa.kowalczyk@skrzynka.example", "+44 7700 900862"), "Returns WhatsApp", Some("alice.martin@fernhill.example"), 214),
    featured("paid-return-twice", ("Priit Tamm", "priit.tamm@nordpost.example", "+44 7700 900145"), "Returns email", Some("daniel.osei@fernhill.example"), 246),
    featured("awaiting-pickup", ("Sean Gallagher", "sean.gallagher@mail.example", "+44 7700 900690"), "WhatsApp", Some("samuel.adeyemi@fernhill.example"), 271),
];

#[cfg(test)]
mod tests {
    use super::super::{Cast, library};
    use super::*;
    use crate::demo::people::{CHANNELS, channel_members, everybody};
    use crate::demo::random::Rng;

    /// 22 November 2026, the day of the drawings.
    const CAST: Cast<'_> = Cast { contact: "Marta Lindqvist", agent: "Elif Yıldız", day: 20_779 };

    #[test]
    fn what_is_drawn_can_be_told() -> Result<(), String> {
        let library = library()?;
        for row in &FEATURED {
            assert!(library.named(row.template).is_some(), "{}", row.template);
            assert!(row.email.ends_with(".example"), "{}", row.email);
            assert!(row.phone.starts_with('+'), "{}", row.phone);
            assert!(CHANNELS.iter().any(|channel| channel.name == row.channel));
            if let Some(email) = row.assignee {
                assert!(everybody().any(|person| person.email == email), "{email}");
                let member = CHANNELS
                    .iter()
                    .filter(|channel| channel.name == row.channel)
                    .flat_map(channel_members)
                    .any(|person| person.email == email);
                assert!(member, "{email} cannot see {}", row.channel);
            }
        }
        let drawn = library.named("tent-pole-snapped").map(|template| {
            let story = template.tell_as_drawn(&mut Rng::new(1), &CAST);
            (story.subject, story.turns.into_iter().map(|turn| turn.text).next())
        });
        let Some((subject, Some(text))) = drawn else {
            return Err("The drawn thread is missing.".to_owned());
        };
        assert_eq!(subject, "Tent pole snapped on the first night");
        assert!(text.starts_with("Hello, I bought the "), "{text}");
        Ok(())
    }
}
