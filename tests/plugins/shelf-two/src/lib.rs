//! A build of `shelf` whose books have one more field.

use shelf::Build;

shelf::build!(
    Two,
    Build {
        version: "2.0.0",
        fields: &["note"],
        natural_key: &["title"],
        lies: false,
    }
);
