//! The repository as a whole: the finished module, the pages, the files of source.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod demo;
mod files;
mod module;
mod pages;
mod release;
