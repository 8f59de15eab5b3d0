//! What the tests stand on: a fresh database for each, and a small world of known people in it.

pub mod db;
pub mod draft;
pub mod other;
pub mod threads;
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
                actix_web::rt::System::new().block_on(story(world));
            }
            #[test]
            fn postgres() {
                let world = $crate::support::World::on_postgres();
                actix_web::rt::System::new().block_on(story(world));
            }
        }
        $crate::support::on_both! { $($rest)* }
    };
}
pub(crate) use on_both;
