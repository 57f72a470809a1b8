//! A build of `shelf` that tells its books apart in another way.

use shelf::Build;

shelf::build!(
    Rekeyed,
    Build {
        version: "3.0.0",
        fields: &["note"],
        natural_key: &["title", "note"],
        lies: false,
    }
);
