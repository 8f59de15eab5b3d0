//! The tables, as both databases have them. Written from the migrations; `tests/it/migrations.rs` holds it to them.

pub use super::schema_contacts::{
    contact_addresses, contact_merge_addresses, contact_merge_conversations, contact_merges,
};
use super::types::{Guid, Instant};

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    installation (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    setup_links (token_hash) {
        token_hash -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    workspaces (id) {
        id -> Guid,
        slug -> Text,
        name -> Text,
        time_zone -> Text,
        sender_name -> Text,
        support_contact -> Text,
        invite_days -> Integer,
        undo_hours -> Integer,
        next_conversation -> BigInt,
        created_at -> Instant,
        version -> BigInt,
        retention_years -> Nullable<Integer>,
        retention_deletes -> Bool,
        inactivity_days -> Nullable<Integer>,
        inactivity_roles -> Text,
        inactivity_next_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    rosters (workspace_id) {
        workspace_id -> Guid,
        stamp -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    users (id) {
        id -> Guid,
        workspace_id -> Guid,
        email -> Text,
        email_key -> Text,
        full_name -> Text,
        display_name -> Text,
        name_key -> Text,
        password_hash -> Nullable<Text>,
        status -> Text,
        status_reason -> Nullable<Text>,
        status_changed_at -> Instant,
        beta_access -> Bool,
        time_zone -> Nullable<Text>,
        last_seen_at -> Nullable<Instant>,
        version -> BigInt,
        created_at -> Instant,
        status_note -> Nullable<Text>,
        deactivates_at -> Nullable<Instant>,
        deactivation_refused_at -> Nullable<Instant>,
        returns_at -> Nullable<Instant>,
        absence_plan -> Nullable<Text>,
        absence_set_by -> Nullable<Guid>,
        inactivity_warned_at -> Nullable<Instant>,
        deleted_number -> Nullable<BigInt>,
        former_since -> Nullable<Instant>,
        deletion_announced_at -> Nullable<Instant>,
        language -> Nullable<Text>,
        shortcuts -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    roles (id) {
        id -> Guid,
        workspace_id -> Guid,
        standard -> Nullable<Text>,
        name -> Text,
        name_key -> Text,
        description -> Text,
        position -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    role_permissions (role_id, permission) {
        workspace_id -> Guid,
        role_id -> Guid,
        permission -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    user_roles (user_id, role_id) {
        workspace_id -> Guid,
        user_id -> Guid,
        role_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    teams (id) {
        id -> Guid,
        workspace_id -> Guid,
        name -> Text,
        name_key -> Text,
        description -> Text,
        version -> BigInt,
        created_at -> Instant,
        closed_at -> Nullable<Instant>,
        closed_job -> Nullable<Guid>,
        closed_to -> Nullable<Guid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    team_members (team_id, user_id) {
        workspace_id -> Guid,
        team_id -> Guid,
        user_id -> Guid,
        is_lead -> Bool,
        joined_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    channels (id) {
        id -> Guid,
        workspace_id -> Guid,
        kind -> Text,
        name -> Text,
        name_key -> Text,
        address -> Text,
        address_key -> Text,
        default_team_id -> Nullable<Guid>,
        created_at -> Instant,
        default_user_id -> Nullable<Guid>,
        version -> BigInt,
        mail_key -> Nullable<Text>,
        former_team_id -> Nullable<Guid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    channel_members (channel_id, user_id) {
        workspace_id -> Guid,
        channel_id -> Guid,
        user_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    invites (user_id) {
        user_id -> Guid,
        workspace_id -> Guid,
        invited_by -> Nullable<Guid>,
        invited_at -> Instant,
        sent_at -> Nullable<Instant>,
        times_sent -> Integer,
        expires_at -> Instant,
        outbox_id -> Nullable<Guid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    invite_links (token_hash) {
        token_hash -> Text,
        workspace_id -> Guid,
        user_id -> Guid,
        state -> Text,
        created_at -> Instant,
        expires_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    password_links (token_hash) {
        token_hash -> Text,
        workspace_id -> Guid,
        user_id -> Guid,
        created_at -> Instant,
        expires_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    sessions (id) {
        id -> Guid,
        key_hash -> Text,
        workspace_id -> Guid,
        user_id -> Guid,
        state -> Text,
        address -> Text,
        device -> Text,
        created_at -> Instant,
        last_seen_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    login_attempts (id) {
        id -> BigInt,
        workspace_id -> Nullable<Guid>,
        user_id -> Nullable<Guid>,
        account_hash -> Text,
        address -> Text,
        device -> Text,
        succeeded -> Bool,
        at -> Instant,
        forgiven -> Bool,
        network -> Text,
    }
}

diesel::table! {
    use super::super::types::*;
    use diesel::sql_types::*;
    knocks (id) {
        id -> BigInt,
        key_hash -> Text,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    contacts (id) {
        id -> Guid,
        workspace_id -> Guid,
        name -> Text,
        email -> Text,
        email_key -> Text,
        created_at -> Instant,
        note -> Text,
        name_key -> Text,
        version -> BigInt,
        merged_into -> Nullable<Guid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    conversations (id) {
        id -> BigInt,
        workspace_id -> Guid,
        number -> BigInt,
        channel_id -> Guid,
        contact_id -> Guid,
        subject -> Text,
        preview -> Text,
        status -> Text,
        priority -> Integer,
        assignee_id -> Nullable<Guid>,
        team_id -> Nullable<Guid>,
        snoozed_until -> Nullable<Instant>,
        woken_at -> Nullable<Instant>,
        waiting_since -> Nullable<Instant>,
        last_activity_at -> Instant,
        closed_at -> Nullable<Instant>,
        continues -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> Instant,
        merged_into -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    messages (id) {
        id -> BigInt,
        workspace_id -> Guid,
        conversation_id -> BigInt,
        kind -> Text,
        author_id -> Nullable<Guid>,
        body -> Text,
        html -> Nullable<Text>,
        email_message_id -> Nullable<Text>,
        outbox_id -> Nullable<Guid>,
        created_at -> Instant,
        automatic -> Bool,
        composer -> Nullable<Text>,
        sender_name -> Nullable<Text>,
        sender_address -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    saved_views (id) {
        id -> Guid,
        workspace_id -> Guid,
        name -> Text,
        name_key -> Text,
        query -> Text,
        audience -> Text,
        team_id -> Nullable<Guid>,
        owner_id -> Guid,
        version -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    search_documents (conversation_id) {
        conversation_id -> BigInt,
        workspace_id -> Guid,
        words -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    attachments (id) {
        id -> Guid,
        workspace_id -> Guid,
        message_id -> BigInt,
        file_name -> Text,
        content_type -> Text,
        size -> BigInt,
        sha256 -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    received_mails (id) {
        id -> Guid,
        workspace_id -> Guid,
        channel_id -> Guid,
        sha256 -> Text,
        size -> BigInt,
        message_id -> Nullable<BigInt>,
        problem -> Nullable<Text>,
        received_at -> Instant,
        content_key -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    drafts (workspace_id, conversation_id, author_id) {
        workspace_id -> Guid,
        conversation_id -> BigInt,
        author_id -> Guid,
        is_note -> Bool,
        body -> Text,
        version -> BigInt,
        composer -> Text,
        begun_by -> Nullable<Guid>,
        updated_at -> Instant,
        turn -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    conversation_reads (user_id, conversation_id) {
        workspace_id -> Guid,
        user_id -> Guid,
        conversation_id -> BigInt,
        read_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    tags (id) {
        id -> Guid,
        workspace_id -> Guid,
        name -> Text,
        name_key -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    conversation_tags (conversation_id, tag_id) {
        workspace_id -> Guid,
        conversation_id -> BigInt,
        tag_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    bulk_jobs (id) {
        id -> Guid,
        workspace_id -> Guid,
        kind -> Text,
        cause -> Text,
        subject_id -> Nullable<Guid>,
        undoes -> Nullable<Guid>,
        filter -> Text,
        target -> Text,
        state -> Text,
        expected -> Nullable<BigInt>,
        total -> BigInt,
        done -> BigInt,
        skipped -> BigInt,
        started_by -> Nullable<Guid>,
        submission -> Text,
        created_at -> Instant,
        finished_at -> Nullable<Instant>,
        undo_until -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    bulk_items (job_id, position) {
        workspace_id -> Guid,
        job_id -> Guid,
        position -> BigInt,
        conversation_id -> BigInt,
        to_user_id -> Nullable<Guid>,
        to_team_id -> Nullable<Guid>,
        from_user_id -> Nullable<Guid>,
        from_team_id -> Nullable<Guid>,
        expected_version -> Nullable<BigInt>,
        outcome -> Text,
        version_after -> Nullable<BigInt>,
        kept_status -> Nullable<Text>,
        kept_snoozed_until -> Nullable<Instant>,
        kept_closed_at -> Nullable<Instant>,
        kept_priority -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    audit_events (id) {
        id -> BigInt,
        workspace_id -> Guid,
        at -> Instant,
        actor_kind -> Text,
        actor_id -> Nullable<Guid>,
        cause -> Nullable<Text>,
        job_id -> Nullable<Guid>,
        name -> Text,
        subject_kind -> Text,
        subject_id -> Nullable<Guid>,
        conversation_id -> Nullable<BigInt>,
        from_user_id -> Nullable<Guid>,
        to_user_id -> Nullable<Guid>,
        from_team_id -> Nullable<Guid>,
        to_team_id -> Nullable<Guid>,
        details -> Text,
        address -> Nullable<Text>,
        request_id -> Nullable<Text>,
        seq -> Nullable<BigInt>,
        hash -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Guid;

    /// Where each workspace's chain of audit events ends.
    audit_chains (workspace_id) {
        workspace_id -> Guid,
        sealed -> BigInt,
        hash -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    outbox (id) {
        id -> Guid,
        workspace_id -> Guid,
        kind -> Text,
        to_name -> Text,
        to_address -> Text,
        from_name -> Text,
        from_address -> Nullable<Text>,
        subject -> Text,
        text_body -> Text,
        html_body -> Text,
        email_message_id -> Text,
        in_reply_to -> Nullable<Text>,
        email_references -> Text,
        state -> Text,
        attempts -> Integer,
        problem -> Nullable<Text>,
        next_try_at -> Instant,
        locked_until -> Nullable<Instant>,
        created_at -> Instant,
        finished_at -> Nullable<Instant>,
        erased_at -> Nullable<Instant>,
        to_user_id -> Nullable<Guid>,
        channel_id -> Nullable<Guid>,
        reply_to -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    channel_mail (channel_id) {
        channel_id -> Guid,
        workspace_id -> Guid,
        reply_secret -> Text,
        reply_by_address -> Bool,
        from_name -> Text,
        from_address -> Nullable<Text>,
        signature -> Text,
        smtp_host -> Nullable<Text>,
        smtp_port -> Nullable<Integer>,
        smtp_security -> Nullable<Text>,
        smtp_user -> Nullable<Text>,
        smtp_password -> Nullable<Text>,
        imap_host -> Nullable<Text>,
        imap_port -> Nullable<Integer>,
        imap_security -> Nullable<Text>,
        imap_user -> Nullable<Text>,
        imap_password -> Nullable<Text>,
        imap_folder -> Text,
        imap_validity -> Nullable<BigInt>,
        imap_seen -> BigInt,
        imap_next_at -> Nullable<Instant>,
        imap_locked_until -> Nullable<Instant>,
        imap_failures -> Integer,
        imap_problem -> Nullable<Text>,
        imap_checked_at -> Nullable<Instant>,
        version -> BigInt,
        imap_claim -> BigInt,
        imap_since -> Nullable<Instant>,
        imap_older_below -> BigInt,
        imap_stuck -> Nullable<BigInt>,
        imap_stuck_tries -> Integer,
        quotes -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Guid;

    live_changes (id) {
        id -> BigInt,
        workspace_id -> Guid,
        signal -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    tasks (id) {
        id -> Guid,
        workspace_id -> Guid,
        kind -> Text,
        subject_id -> Guid,
        run_at -> Instant,
        locked_until -> Nullable<Instant>,
        attempts -> Integer,
        problem -> Nullable<Text>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    conversation_counts (workspace_id, status, assignee_id, team_id, channel_id) {
        workspace_id -> Guid,
        status -> Text,
        assignee_id -> Guid,
        team_id -> Guid,
        channel_id -> Guid,
        conversations -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Guid, Instant};

    sealed_identities (user_id) {
        user_id -> Guid,
        workspace_id -> Guid,
        email -> Text,
        email_key -> Text,
        full_name -> Text,
        display_name -> Text,
        beta_access -> Bool,
        time_zone -> Nullable<Text>,
        roles -> Text,
        teams -> Text,
        channels -> Text,
        sealed_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Guid;

    former_names (user_id, email, full_name, display_name) {
        workspace_id -> Guid,
        user_id -> Guid,
        email -> Text,
        full_name -> Text,
        display_name -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    former_names,
    installation,
    setup_links,
    workspaces,
    rosters,
    users,
    roles,
    role_permissions,
    user_roles,
    teams,
    team_members,
    channels,
    channel_members,
    invites,
    invite_links,
    password_links,
    sessions,
    login_attempts,
    knocks,
    contacts,
    contact_addresses,
    contact_merges,
    contact_merge_addresses,
    contact_merge_conversations,
    conversations,
    messages,
    attachments,
    received_mails,
    channel_mail,
    conversation_reads,
    drafts,
    tags,
    conversation_tags,
    bulk_jobs,
    bulk_items,
    audit_events,
    audit_chains,
    outbox,
    tasks,
    conversation_counts,
    sealed_identities,
);

diesel::allow_columns_to_appear_in_same_group_by_clause!(user_roles::role_id, users::status);
