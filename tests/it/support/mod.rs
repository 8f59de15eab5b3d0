//! What the tests stand on: a fresh database for each, and a small world of known people in it.

pub mod db;
pub mod draft;
pub mod imap;
pub mod other;
mod service;
#[path = "../../e2e/support/smtp.rs"]
#[expect(dead_code, reason = "the tests in a browser use all of it")]
pub mod smtp;
pub mod threads;
pub mod traces;
pub mod web;
pub mod world;

pub use threads::{at_once, both_at_once};
pub use world::World;

/// Makes two tests of one body: `name::sqlite` and `name::postgres`, each with a world of its own.
///
/// ```ignore
/// on_both! {
///     fn bob_sees_what_is_his(w: World) { … }
///     async fn agnes_signs_in(w: World) { … }
/// }
/// ```
macro_rules! on_both {
    () => {};
    ($(#[$about:meta])* fn $name:ident($world:ident: World) $body:block $($rest:tt)*) => {
        $(#[$about])*
        mod $name {
            use super::*;
            fn story($world: $crate::support::World) $body
            #[test]
            fn sqlite() {
                story($crate::support::World::on_sqlite());
            }
            #[test]
            fn postgres() {
                story($crate::support::World::on_postgres());
            }
        }
        $crate::support::on_both! { $($rest)* }
    };
    ($(#[$about:meta])* async fn $name:ident($world:ident: World) $body:block $($rest:tt)*) => {
        $(#[$about])*
        mod $name {
            use super::*;
            async fn story($world: $crate::support::World) $body
            #[test]
            fn sqlite() {
                let world = $crate::support::World::on_sqlite();
                $crate::support::at_hand(story(world));
            }
            #[test]
            fn postgres() {
                let world = $crate::support::World::on_postgres();
                $crate::support::at_hand(story(world));
            }
        }
        $crate::support::on_both! { $($rest)* }
    };
}
pub(crate) use on_both;

/// Runs a story whose waiting is all done by blocking: nothing in it needs a runtime.
pub fn at_hand<T>(story: impl Future<Output = T>) -> T {
    let mut story = std::pin::pin!(story);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match story.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("a story waited for something that is not at hand"),
    }
}
