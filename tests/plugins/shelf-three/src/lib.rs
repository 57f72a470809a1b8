//! A build of `shelf` that differs from the second in its version alone.

use shelf::Build;

shelf::build!(
    Three,
    Build {
        version: "2.1.0",
        fields: &["note"],
        natural_key: &["title"],
        lies: false,
    }
);
