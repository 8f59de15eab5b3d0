//! The whole life of users, held against a model: random sequences of what can happen to them in two workspaces, on both
//! databases. After each step the model and the database must say the same of everybody.
//!
//! `BATON_MODEL_CASES` says how many sequences are tried on each database: then they are drawn anew each time. Unless it is
//! set it is the same few, so that nobody's change is held up by what another one broke. `BATON_MODEL_SEED` repeats a run: a
//! failure prints its seed, and the shortest sequence that was found for it.

mod check;
mod drive;
mod due;
mod place;
mod rules;
mod scene;
mod steps;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baton::domain::clock::{Entropy as _, SystemEntropy};
use baton::store::Db;
use baton::tasks;
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::support::World;
use crate::support::db::Kind;
use crate::support::world::base;
use place::Place;
use rules::{Attempt, Verdict};
use steps::Step;

/// So many sequences in an ordinary run.
const CASES: u32 = 10;

#[expect(clippy::disallowed_methods, reason = "settings of this test alone; config is for the program")]
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn every_sequence_goes_as_the_model_says(kind: Kind) {
    let drawn = u64::from_le_bytes(SystemEntropy.secret()[..8].try_into().expect("eight bytes"));
    let cases: Option<u32> = setting("BATON_MODEL_CASES");
    let seed: u64 = setting("BATON_MODEL_SEED").unwrap_or(if cases.is_some() { drawn } else { 1 });
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig {
        cases: cases.unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    println!("BATON_MODEL_SEED={seed}");
    let runtime = actix_web::rt::System::new();
    let tally = RefCell::new(BTreeMap::new());
    let done = runner.run(&steps::sequences(), |steps| story(kind, &steps, &runtime, &tally));
    for (what, times) in tally.into_inner() {
        println!("{times:6} {what}");
    }
    match done {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => {
            let steps: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
            panic!("BATON_MODEL_SEED={seed}: {why}\n{}", steps.join("\n"));
        }
        Err(TestError::Abort(why)) => panic!("BATON_MODEL_SEED={seed}: {why}"),
    }
}

/// How often what came of what.
type Tally = RefCell<BTreeMap<String, u32>>;

fn story(
    kind: Kind,
    steps: &[Step],
    runtime: &actix_web::rt::SystemRunner,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let w = World::on(kind);
    let second = w.instance_b();
    let mut places = scene::both(&w, runtime);
    for place in &mut places {
        check::check(&w.db, place, &[])?;
    }
    for (number, step) in steps.iter().enumerate() {
        let at = |failure| match failure {
            TestCaseError::Fail(why) => TestCaseError::fail(format!("step {} ({step:?}): {why}", number + 1)),
            other => other,
        };
        let what = take(&w, &second, &mut places, step, runtime).map_err(at)?;
        *tally.borrow_mut().entry(what).or_insert(0) += 1;
    }
    for place in &places {
        let mut findings = Vec::new();
        tasks::audit::verify(&w.db, place.workspace, None, |finding| findings.push(finding.to_string()))?;
        prop_assert!(findings.is_empty(), "the trail was tampered with: {findings:?}");
    }
    Ok(())
}

fn take(
    w: &World,
    second: &Db,
    places: &mut [Place; 2],
    step: &Step,
    runtime: &actix_web::rt::SystemRunner,
) -> Result<String, TestCaseError> {
    let (what, concerned, noted) = match step {
        Step::Passes { hours, on_the_other_instance } => {
            w.later(TimeDelta::hours(i64::try_from(*hours).unwrap_or(1)));
            let expected = due::pass(places, w.now());
            let (first, then) = if *on_the_other_instance { (second, &w.db) } else { (&w.db, second) };
            let url = Arc::new(base());
            runtime.block_on(tasks::absences_due(first, &url))?;
            prop_assert_eq!(runtime.block_on(tasks::absences_due(then, &url))?, 0, "what was due is done twice");
            let departed = expected.iter().flatten().map(|(name, _)| *name).collect::<BTreeSet<_>>();
            (format!("time passes {departed:?}"), None, expected)
        }
        Step::Tries { in_the_other, by, deed } => {
            let here = usize::from(*in_the_other);
            let mut noted = [Vec::new(), Vec::new()];
            let (place, other) = (&places[here], &places[1 - here]);
            let actors = place.actors();
            let ask = Attempt {
                now: w.now(),
                actor: actors[by % actors.len()],
                deed,
                who: rules::target(deed, place, other),
            };
            let expected = rules::judge(place, &ask);
            let answer = drive::ask(&w.db, place, other, &ask)?;
            prop_assert_eq!(answer.verdict, expected, "{:?} asks for it about {:?}", ask.actor, ask.who);
            if expected == Verdict::Done {
                noted[here] = rules::apply(&mut places[here], &ask, answer.made);
            }
            let name = format!("{deed:?}");
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            (format!("{name} {expected:?}"), Some(here), noted)
        }
    };
    for (which, (place, noted)) in places.iter_mut().zip(&noted).enumerate() {
        if concerned.is_none_or(|concerned| concerned == which) {
            check::check(&w.db, place, noted)?;
        } else {
            check::check_unchanged(&w.db, place, noted)?;
        }
    }
    Ok(what)
}

mod people_live_as_the_model_says {
    use super::{Kind, every_sequence_goes_as_the_model_says};

    #[test]
    fn sqlite() {
        every_sequence_goes_as_the_model_says(Kind::Sqlite);
    }

    #[test]
    fn postgres() {
        every_sequence_goes_as_the_model_says(Kind::Postgres);
    }
}
