//! Who asks where no user does.

use std::collections::HashSet;
use std::sync::Arc;

use pith_db::access::{Access, Roles};
use pith_db::user::User;
use pith_model::{Timestamp, UserId};

use crate::auth::Identity;

/// The host itself, which may see all; what it looks at is chosen where it asks.
pub(super) fn host() -> Arc<Identity> {
    identity(Access::Everything)
}

/// Somebody without roles, who sees what is for everybody.
pub(super) fn nobody() -> Arc<Identity> {
    identity(Access::Roles(Roles {
        // No row has this number.
        user: UserId(0),
        permissions: HashSet::new(),
    }))
}

fn identity(access: Access) -> Arc<Identity> {
    Arc::new(Identity {
        user: User {
            id: UserId(0),
            username: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            password_hash: None,
            is_staff: false,
            is_superuser: access.is_everything(),
            is_active: true,
            credential_version: 0,
            date_joined: Timestamp::now(),
        },
        access,
        session: None,
    })
}
