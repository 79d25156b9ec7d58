//! `certgate schema`: the JSON Schema of registries, for editors and other tools.

use crate::{Outcome, Output};
use certgate_manage::schema;
use std::io;

/// Prints the schema.
pub(crate) fn run(output: &mut Output<'_>) -> io::Result<Outcome> {
    writeln!(output.out, "{:#}", schema::json_schema())?;
    Ok(Outcome::Good)
}
