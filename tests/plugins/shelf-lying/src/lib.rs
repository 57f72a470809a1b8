//! A build of `shelf` that lists a task it has no export for.

use shelf::Build;

shelf::build!(
    Lying,
    Build {
        version: "4.0.0",
        fields: &["note"],
        natural_key: &["title"],
        lies: true,
    }
);
