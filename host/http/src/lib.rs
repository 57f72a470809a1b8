//! The HTTP face: REST from descriptors, serving, authentication.
