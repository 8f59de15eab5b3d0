//! What people keep for each other: saved views, what is known about a contact, how a channel signs.

use crate::domain::access::{Scope, Sees};
use crate::domain::audit::Event;
use crate::domain::conversations::{ChannelKind, Status};
use crate::domain::ids::ConversationNumber;
use crate::domain::inbox::Address;
use crate::domain::mail_servers::ChannelMail;
use crate::domain::saved_views::Audience;
use crate::failure::Failure;
use crate::store::channel_mail::{Settings, Start};
use crate::store::contacts::Contact;
use crate::store::{self, Db, Tx};

/// The conversation whose contact something is known about.
const SHOWN: ConversationNumber = ConversationNumber(7);

pub(super) fn insert(db: &Db, scope: &Scope) -> Result<(), Failure> {
    db.write_now(scope, |tx| {
        let mut events = save_views(tx)?;
        events.extend(know_a_contact(tx)?);
        events.extend(sign(tx)?);
        tx.record_all(events)
    })
}

fn save_views(tx: &mut Tx) -> Result<Vec<Event>, Failure> {
    let Some(owner) = store::users::list_active_owners(tx)?.into_iter().next() else { return Ok(Vec::new()) };
    let returns = store::teams::list(tx)?.into_iter().find(|team| team.name == "Returns").map(|team| team.id);
    let tag = store::tags::list(tx)?.into_iter().find(|(_, name)| name == "return").map(|(id, _)| id.to_string());
    let open = || Address { status: Status::Open.as_str().to_owned(), ..Address::default() };
    let mut views = vec![
        ("Waiting longest", Audience::Everybody, Address { sort: "waiting".to_owned(), ..open() }),
        (
            "Urgent and mine",
            Audience::Own,
            Address { assignee: "me".to_owned(), priority: "urgent".to_owned(), ..open() },
        ),
    ];
    views.extend(tag.map(|tag| ("Holiday returns", Audience::Everybody, Address { tag, ..open() })));
    views.extend(returns.map(|team| {
        let address = Address { team: team.to_string(), assignee: "none".to_owned(), ..open() };
        ("Returns nobody took", Audience::Team(team), address)
    }));
    let mut events = Vec::new();
    for (name, audience, address) in views {
        let view = store::saved_views::insert(tx, owner.id, name, &address.query(), audience)?;
        events.push(Event::ViewSaved { view, audience: audience.kind(), team: audience.team() });
    }
    Ok(events)
}

fn know_a_contact(tx: &mut Tx) -> Result<Option<Event>, Failure> {
    let Some(one) = store::conversations::find(tx, SHOWN, &Sees::All)? else { return Ok(None) };
    let Some(contact) = store::contacts::find(tx, one.contact)? else { return Ok(None) };
    let (id, work) = (contact.id, format!("orders+{}@customer.example", contact.id.0.simple()));
    store::contacts::set_addresses(tx, id, &[contact.email.clone(), work])?;
    let note =
        "Runs a climbing school and orders for the whole group. Prefers to be called in the afternoon.".to_owned();
    store::contacts::set(tx, &Contact { note, ..contact })?;
    Ok(Some(Event::ContactUpdated { contact: id, fields: vec!["addresses", "note"] }))
}

fn sign(tx: &mut Tx) -> Result<Option<Event>, Failure> {
    let by_mail = |one: &crate::domain::channels::Channel| one.kind == ChannelKind::Email;
    let Some(channel) = store::channels::list(tx)?.into_iter().find(by_mail) else { return Ok(None) };
    let before = store::channel_mail::find_or_insert(tx, channel.id)?;
    let mail = ChannelMail {
        from_name: "{agent} at {workspace}".to_owned(),
        signature: "Kind regards\n{agent}\n{workspace}, Monday to Friday from 8 to 18".to_owned(),
        ..before.mail.clone()
    };
    store::channel_mail::set(tx, channel.id, &Settings { mail, ..before }, Start::Unchanged)?;
    Ok(Some(Event::ChannelUpdated { channel: channel.id, fields: vec!["sender", "signature"] }))
}
