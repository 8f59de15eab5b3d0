//! Tables about contacts, beside `schema`.

use super::types::{Guid, Instant};

diesel::table! {
    use diesel::sql_types::*;
    use super::Guid;

    contact_addresses (workspace_id, email_key) {
        workspace_id -> Guid,
        email_key -> Text,
        contact_id -> Guid,
        email -> Text,
        position -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    contact_merges (id) {
        id -> Guid,
        workspace_id -> Guid,
        kept_id -> Guid,
        merged_id -> Guid,
        merged_at -> Instant,
        undone_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Guid;

    contact_merge_addresses (merge_id, email_key) {
        merge_id -> Guid,
        email_key -> Text,
        workspace_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Guid;

    contact_merge_conversations (merge_id, conversation_id) {
        merge_id -> Guid,
        conversation_id -> BigInt,
        workspace_id -> Guid,
    }
}
