//! The first build of `shelf`.

use shelf::Build;

shelf::build!(
    One,
    Build {
        version: "1.0.0",
        fields: &[],
        natural_key: &["title"],
        lies: false,
    }
);
