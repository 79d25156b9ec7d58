//! Finishes the module after the link: `finish LINKED FINISHED [bandwidth]`. The SDK exports every callback there is, and Envoy
//! calls each one that exists; so the callbacks that certgate does not implement go, and with them all that only they
//! use. Names and producers go too. No linker flag does it.

use certgate_finish::{BODIES, EXPORTS};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};
use walrus::{Module, ModuleConfig};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let (linked, finished, bodies): (_, _, &[&str]) = match arguments.as_slice() {
        [linked, finished] => (linked, finished, &[]),
        [linked, finished, bandwidth] if bandwidth == "bandwidth" => (linked, finished, &BODIES),
        _ => return fail("usage: finish LINKED FINISHED [bandwidth]"),
    };
    let exports = [&EXPORTS[..], bodies].concat();
    match finish(Path::new(linked), Path::new(finished), &exports) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn finish(linked: &Path, finished: &Path, exports: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut config = ModuleConfig::new();
    config.generate_producers_section(false).generate_name_section(false);
    let mut module = config.parse(&fs::read(linked)?)?;
    for name in exports {
        let exported = module.exports.iter().any(|export| export.name == *name);
        if !exported {
            return Err(format!("{}: expected an export `{name}`, found none", linked.display()).into());
        }
    }
    remove_other_exports(&mut module, exports);
    walrus::passes::gc::run(&mut module);
    let bytes = module.emit_wasm();
    // Beside and renamed, so that an Envoy that reads it never finds half a module.
    let beside = finished.with_extension("wasm.new");
    fs::write(&beside, &bytes)?;
    fs::rename(&beside, finished)?;
    report(finished, bytes.len())?;
    Ok(())
}

fn remove_other_exports(module: &mut Module, exports: &[&str]) {
    let others = module.exports.iter().filter(|export| !exports.contains(&export.name.as_str()));
    let others: Vec<_> = others.map(walrus::Export::id).collect();
    others.into_iter().for_each(|id| module.exports.delete(id));
}

fn report(finished: &Path, size: usize) -> io::Result<()> {
    use io::Write;
    writeln!(io::stdout(), "{}: {size} bytes", finished.display())
}

fn fail(message: &str) -> ExitCode {
    use io::Write;
    // Nothing is left to say if standard error cannot be written to.
    let _ = writeln!(io::stderr(), "finish: {message}");
    ExitCode::FAILURE
}
