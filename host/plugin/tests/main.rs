//! Real components in the real engine: built from source, against a database and a store.

mod gates;
mod house;
mod life;
mod limits;
mod measure;
mod work;
