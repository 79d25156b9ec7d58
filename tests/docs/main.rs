//! The pages of `docs/`, run as they are written.
//!
//! A page consists of fenced blocks. Comments in front of a block, which readers do not see, say what to do with it:
//!
//! | comment | the block below it |
//! |---|---|
//! | none | `sh`: the commands are run in the page's terminal and must succeed |
//! | `<!-- exit: 1 -->` | the commands end with this exit code |
//! | `<!-- again -->` | the commands are run until exit code and output are as the page shows them, for at most a minute |
//! | `<!-- keep running: NAME -->` | the commands go on in a terminal of this name |
//! | `<!-- not run: REASON -->` | the commands are not run |
//! | none | `text` behind commands: what they print |
//! | `<!-- output of: NAME -->` | `text`: what the terminal of this name prints from here on |
//! | `<!-- file: PATH -->` | the whole content of this file |
//! | `<!-- add to: PATH under KEY -->` | `yaml`: becomes the first entries under this key of the file |
//! | `<!-- edit: PATH -->` | `diff`: lines of the file that change |
//!
//! In `text`, a line `...` stands for any lines, and `...` within a line for any characters. In an edit,
//! `<fingerprint of FILE>` stands for the fingerprint of this certificate, as `certgate fingerprint` prints it.
//!
//! Two comments stand alone: `<!-- Ctrl-C: NAME -->` ends what runs in that terminal, and `<!-- begins with: PAGE -->` says
//! that the blocks of another page come first. `<!-- at the top of the repository -->` says that the page is not run in an
//! empty folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod edit;
mod every_page;
mod example;
mod newcomer;
mod page;
mod reader;
mod shown;
mod terminal;
