//! What is said in LMTP (RFC 2033): the state of one connection, pure. Commands are parsed by `smtp-proto`; who may be written to,
//! and what becomes of a mail, is decided by whoever holds the connection.

use std::borrow::Cow;

use smtp_proto::{Error, MailFrom, Request};

use super::incoming::MAX_MESSAGE_BYTES;

/// Recipients of one mail. Whoever sends to more is told to come back with the rest.
const MAX_RECIPIENTS: usize = 100;
/// Commands in one connection that make no sense; who says more is not talking LMTP.
const MAX_MISTAKES: usize = 20;

/// What a mail brings beside itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<R> {
    /// Who sent it; empty for reports about other mails.
    pub sender: String,
    /// To whom, as it was written, and what that is here.
    pub recipients: Vec<(String, R)>,
}

/// What is to be done after a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Say this.
    Say(String),
    /// Say this and hang up.
    HangUp(String),
    /// Find out who this address is here, and answer with [`Session::recipient`].
    Find(String),
    /// Say [`GO_AHEAD`], take the mail, and answer for each recipient of [`Session::take`].
    Take,
}

/// What is said before a mail comes.
pub const GO_AHEAD: &str = "354 2.0.0 Send the mail and end it with a line of one dot";
/// A mail is kept.
pub const KEPT: &str = "250 2.0.0 Kept";
/// A mail cannot be kept now.
pub const LATER: &str = "451 4.3.0 The mail could not be kept. Try again later";
/// A mail is too large.
pub const TOO_LARGE: &str = "552 5.3.4 The mail is too large";
/// Somebody said nothing for too long.
pub const TOO_SLOW: &str = "421 4.4.2 Nothing was said for too long";
/// The program is being stopped.
pub const STOPPING: &str = "421 4.3.2 Baton is being stopped. Try again later";
/// There are too many connections.
pub const TOO_MANY: &str = "421 4.7.0 There are too many connections. Try again later";

/// Who an address is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who<R> {
    /// Somebody who gets mail.
    Known(R),
    /// Nobody.
    Unknown,
    /// Several have the address, and nothing says which is meant.
    Several,
    /// It could not be found out.
    Trouble,
}

/// One connection.
#[derive(Debug)]
pub struct Session<R> {
    greeted: bool,
    envelope: Option<Envelope<R>>,
    mistakes: usize,
}

impl<R> Default for Session<R> {
    fn default() -> Self {
        Self { greeted: false, envelope: None, mistakes: 0 }
    }
}

fn say<R: AsRef<str>>(line: R) -> Step {
    Step::Say(line.as_ref().to_owned())
}

impl<R> Session<R> {
    /// What is said first.
    #[must_use]
    pub const fn greeting() -> &'static str {
        "220 Baton LMTP"
    }

    /// What follows from a command.
    pub fn command(&mut self, command: Request<Cow<'_, str>>) -> Step {
        match command {
            Request::Lhlo { .. } => {
                self.greeted = true;
                self.envelope = None;
                Step::Say(format!(
                    "250-Baton\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {MAX_MESSAGE_BYTES}"
                ))
            }
            Request::Helo { .. } | Request::Ehlo { .. } => self.mistake("500 5.5.1 This is LMTP: say LHLO"),
            Request::Mail { from } => self.mail(from),
            Request::Rcpt { to } => match &self.envelope {
                None => self.mistake("503 5.5.1 Say MAIL first"),
                Some(envelope) if envelope.recipients.len() >= MAX_RECIPIENTS => {
                    say("452 4.5.3 Too many recipients; send to the rest in another mail")
                }
                Some(_) => Step::Find(to.address.into_owned()),
            },
            Request::Data => match &self.envelope {
                None => self.mistake("503 5.5.1 Say MAIL first"),
                Some(envelope) if envelope.recipients.is_empty() => self.mistake("503 5.5.1 No recipient was accepted"),
                Some(_) => Step::Take,
            },
            Request::Rset => {
                self.envelope = None;
                say("250 2.0.0 Forgotten")
            }
            Request::Noop { .. } => say("250 2.0.0 Fine"),
            Request::Vrfy { .. } => say("252 2.5.0 Send a mail to find out"),
            Request::Quit => Step::HangUp("221 2.0.0 Bye".to_owned()),
            _ => self.mistake("502 5.5.1 This command is not understood here"),
        }
    }

    fn mail(&mut self, from: MailFrom<Cow<'_, str>>) -> Step {
        if !self.greeted {
            return self.mistake("503 5.5.1 Say LHLO first");
        }
        if self.envelope.is_some() {
            return self.mistake("503 5.5.1 There is a mail already: send it, or say RSET");
        }
        if from.size > MAX_MESSAGE_BYTES {
            return say(TOO_LARGE);
        }
        self.envelope = Some(Envelope { sender: from.address.into_owned(), recipients: Vec::new() });
        say("250 2.1.0 Go on")
    }

    /// What follows when it is known who an address is.
    pub fn recipient(&mut self, address: String, who: Who<R>) -> Step {
        match (who, &mut self.envelope) {
            (Who::Known(known), Some(envelope)) => {
                envelope.recipients.push((address, known));
                say("250 2.1.5 Go on")
            }
            (Who::Unknown, _) => say("550 5.1.1 Nobody has this address here"),
            (Who::Several, _) => say("550 5.1.4 Several have this address here"),
            (Who::Trouble | Who::Known(_), _) => {
                say("451 4.3.0 It could not be found out who this is. Try again later")
            }
        }
    }

    /// The envelope of the mail that has come.
    pub fn take(&mut self) -> Option<Envelope<R>> {
        self.envelope.take()
    }

    /// What follows from something that is no command.
    pub fn nonsense(&mut self, error: &Error) -> Step {
        match error {
            Error::InvalidSenderAddress => self.mistake("501 5.1.7 This is no address of a sender"),
            Error::InvalidRecipientAddress => self.mistake("501 5.1.3 This is no address of a recipient"),
            Error::SyntaxError { .. } | Error::InvalidParameter { .. } => {
                self.mistake("501 5.5.4 This command is not written so")
            }
            Error::UnsupportedParameter { .. } => self.mistake("555 5.5.4 This parameter is not understood here"),
            Error::ResponseTooLong => Step::HangUp("500 5.5.6 This line is too long".to_owned()),
            _ => self.mistake("500 5.5.1 This is no command"),
        }
    }

    fn mistake(&mut self, said: &str) -> Step {
        self.mistakes += 1;
        if self.mistakes > MAX_MISTAKES {
            return Step::HangUp("421 4.7.0 Too many mistakes".to_owned());
        }
        say(said)
    }
}

/// The lines that whoever delivers a mail for good puts before it: who sent it (RFC 5321, 4.4), and to whom it came here.
#[must_use]
pub fn with_envelope<'a>(sender: &str, recipients: impl Iterator<Item = &'a str>, mail: &[u8]) -> Vec<u8> {
    // An address with a line end in it would be a header of its own.
    let clean = |address: &str| address.replace(|c: char| c.is_control() || matches!(c, '<' | '>'), "");
    let mut whole = format!("Return-Path: <{}>\r\n", clean(sender)).into_bytes();
    for recipient in recipients {
        whole.extend_from_slice(format!("Delivered-To: {}\r\n", clean(recipient)).as_bytes());
    }
    whole.extend_from_slice(mail);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says a line to a connection; answers with the code, or what is to be done.
    fn said(session: &mut Session<u8>, line: &str) -> String {
        let bytes = format!("{line}\r\n").into_bytes();
        let step = match Request::parse(&mut bytes.iter()) {
            Ok(command) => session.command(command),
            Err(error) => session.nonsense(&error),
        };
        match step {
            Step::Say(words) => words.chars().take(9).collect(),
            Step::HangUp(words) => format!("hang up {}", words.chars().take(3).collect::<String>()),
            Step::Find(address) => format!("find {address}"),
            Step::Take => "take".to_owned(),
        }
    }

    #[test]
    fn a_mail_is_taken_for_those_who_are_known() {
        let mut session = Session::default();
        assert_eq!(said(&mut session, "LHLO mx.company.example"), "250-Baton");
        assert_eq!(said(&mut session, "MAIL FROM:<ann@x.org> SIZE=100 BODY=8BITMIME"), "250 2.1.0");
        assert_eq!(said(&mut session, "RCPT TO:<support@company.example>"), "find support@company.example");
        assert_eq!(session.recipient("support@company.example".to_owned(), Who::Known(1)), say("250 2.1.5 Go on"));
        for (who, code) in [(Who::Unknown, "550 5.1.1"), (Who::Several, "550 5.1.4"), (Who::Trouble, "451 4.3.0")] {
            let Step::Say(words) = session.recipient("x@company.example".to_owned(), who) else { panic!() };
            assert!(words.starts_with(code), "{words}");
        }
        assert_eq!(said(&mut session, "DATA"), "take");
        let envelope = session.take().unwrap();
        assert_eq!((envelope.sender.as_str(), envelope.recipients.len()), ("ann@x.org", 1));
        assert_eq!(said(&mut session, "DATA"), "503 5.5.1", "that was that");
        assert_eq!(said(&mut session, "MAIL FROM:<>"), "250 2.1.0", "a report has no sender");
        assert_eq!(said(&mut session, "QUIT"), "hang up 221");
    }

    #[test]
    fn commands_out_of_order_and_nonsense_are_refused_and_end_at_last() {
        let mut session = Session::default();
        assert_eq!(said(&mut session, "MAIL FROM:<ann@x.org>"), "503 5.5.1");
        assert_eq!(said(&mut session, "EHLO mx.company.example"), "500 5.5.1");
        assert_eq!(said(&mut session, "LHLO mx.company.example"), "250-Baton");
        assert_eq!(said(&mut session, "RCPT TO:<support@company.example>"), "503 5.5.1");
        assert_eq!(said(&mut session, "DATA"), "503 5.5.1");
        assert_eq!(said(&mut session, "MAIL FROM:<ann@x.org> SIZE=99999999"), "552 5.3.4");
        assert_eq!(said(&mut session, "MAIL FROM:<ann@x.org>"), "250 2.1.0");
        assert_eq!(said(&mut session, "DATA"), "503 5.5.1", "nobody to send to");
        assert_eq!(said(&mut session, "MAIL FROM:<bob@x.org>"), "503 5.5.1");
        assert_eq!(said(&mut session, "RSET"), "250 2.0.0");
        assert_eq!(said(&mut session, "MAIL FROM:<bob@x.org>"), "250 2.1.0");
        assert_eq!(said(&mut session, "STARTTLS"), "502 5.5.1");
        assert_eq!(said(&mut session, "RCPT TO:<no address"), "501 5.1.3");
        let codes: Vec<String> = (0..20).map(|_| said(&mut session, "GET / HTTP/1.1")).collect();
        assert_eq!(codes.first().map(String::as_str), Some("500 5.5.1"));
        assert_eq!(codes.last().map(String::as_str), Some("hang up 421"));
    }

    #[test]
    fn recipients_are_counted() {
        let mut session = Session::default();
        said(&mut session, "LHLO x");
        said(&mut session, "MAIL FROM:<ann@x.org>");
        for n in 0..MAX_RECIPIENTS {
            session.recipient(format!("{n}@x.org"), Who::Known(0));
        }
        assert_eq!(said(&mut session, "RCPT TO:<one-more@x.org>"), "452 4.5.3");
        assert_eq!(said(&mut session, "DATA"), "take");
    }

    #[test]
    fn an_envelope_makes_no_header_of_its_own() {
        let whole = with_envelope("a\r\nX: y@x", ["b@x"].into_iter(), b"Subject: hello\r\n");
        assert_eq!(whole, b"Return-Path: <aX: y@x>\r\nDelivered-To: b@x\r\nSubject: hello\r\n");
    }
}
