//! Says what an artefact is made of: `sbom PACKAGE ARTEFACT TARGET [FEATURE...]` prints a bill of materials (CycloneDX 1.6, JSON) of
//! a module or binary that was built of this package of the workspace for this target with these features. It lists the crates that are
//! in it, and none that only build or test it: what `cargo tree` resolves, by the checksums of `Cargo.lock`. It holds no time,
//! no chance and no path, so that the same source gives the same bill.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let printed = match arguments.as_slice() {
        [package, artefact, target, features @ ..] => {
            bill(package, Path::new(artefact), target, features).and_then(|bill| print(&bill))
        }
        _ => Err("usage: sbom PACKAGE ARTEFACT TARGET [FEATURE...]".into()),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to say if standard error cannot be written to.
            let _ = writeln!(io::stderr(), "sbom: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A crate, as `cargo tree` prints it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    license: String,
    features: String,
}

impl Crate {
    /// Its package URL, by which everything in the bill refers to it.
    fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

fn bill(package: &str, artefact: &Path, target: &str, features: &[String]) -> Outcome<Value> {
    let mut dependencies = BTreeMap::<Crate, BTreeSet<Crate>>::new();
    let root = read_tree(&tree(package, target, features)?, &mut dependencies)?;
    let checksums = checksums(&fs::read_to_string("Cargo.lock")?);
    let (std_purl, std) = standard_library()?;
    let components = dependencies.keys().filter(|each| **each != root).map(|each| component(each, &checksums));
    let components: Vec<Value> = components.chain([std]).collect();
    let dependencies = dependencies.iter().map(|(each, on)| {
        let on = on.iter().map(|other| json!(other.purl())).chain([json!(std_purl)]);
        json!({"ref": each.purl(), "dependsOn": on.collect::<Vec<_>>()})
    });
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application",
                "bom-ref": root.purl(),
                "name": artefact.file_name().ok_or("an artefact is a file")?.to_string_lossy(),
                "version": root.version,
                "licenses": [{"expression": root.license}],
                "hashes": [{"alg": "SHA-256", "content": HEXLOWER.encode(&Sha256::digest(fs::read(artefact)?))}],
                "properties": [
                    {"name": "cargo:target", "value": target},
                    {"name": "cargo:features", "value": root.features},
                ],
            },
        },
        "components": components,
        "dependencies": dependencies.chain([json!({"ref": std_purl})]).collect::<Vec<_>>(),
    }))
}

/// What is linked into an artefact for this target, a crate a line behind its depth.
fn tree(package: &str, target: &str, features: &[String]) -> Outcome<String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["tree", "--locked", "--no-dedupe", "--edges", "normal,no-proc-macro", "--prefix", "depth"]);
    cargo.args([
        "--format",
        "|{p}|{l}|{f}",
        "--package",
        package,
        "--target",
        target,
        "--features",
        &features.join(","),
    ]);
    said(&mut cargo)
}

/// Enters each crate of the tree with those that it depends on; the crate at the root.
fn read_tree(tree: &str, dependencies: &mut BTreeMap<Crate, BTreeSet<Crate>>) -> Outcome<Crate> {
    // The crates on the way from the root to the line.
    let mut way: Vec<Crate> = Vec::new();
    for line in tree.lines() {
        let [depth, package, license, features] = line.split('|').collect::<Vec<_>>()[..] else {
            return Err(format!("`cargo tree` printed {line:?}").into());
        };
        // Name, version, and for this package itself the folder.
        let mut package = package.split(' ');
        let found = Crate {
            name: package.next().unwrap_or_default().to_owned(),
            version: package.next().unwrap_or_default().trim_start_matches('v').to_owned(),
            // As it was written before there were expressions.
            license: license.replace('/', " OR "),
            features: features.to_owned(),
        };
        way.truncate(depth.parse()?);
        if let Some(parent) = way.last() {
            dependencies.entry(parent.clone()).or_default().insert(found.clone());
        }
        dependencies.entry(found.clone()).or_default();
        way.push(found);
    }
    way.into_iter().next().ok_or_else(|| "`cargo tree` printed nothing".into())
}

fn component(each: &Crate, checksums: &BTreeMap<(String, String), String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": each.purl(),
        "name": each.name,
        "version": each.version,
        "scope": "required",
        "purl": each.purl(),
        "licenses": [{"expression": each.license}],
        "properties": [{"name": "cargo:features", "value": each.features}],
    });
    // The checksum of the crate as it was downloaded.
    if let (Some(checksum), Some(object)) =
        (checksums.get(&(each.name.clone(), each.version.clone())), component.as_object_mut())
    {
        object.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": checksum}]));
    }
    component
}

/// The checksums in `Cargo.lock`, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let of_package = |package: &str| {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""))?;
            Some(line.trim_end_matches('"').to_owned())
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    };
    lock.split("[[package]]").filter_map(of_package).collect()
}

/// The standard library, of which a part is in every artefact, and its package URL.
fn standard_library() -> Outcome<(String, Value)> {
    let version = said(Command::new("rustc").arg("--version").arg("--verbose"))?;
    let value = |key: &str| version.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
    let (release, commit) = (value("release: "), value("commit-hash: "));
    let purl = format!("pkg:generic/rust-std@{release}");
    let component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": "rust-std",
        "version": release,
        "scope": "required",
        "purl": purl,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "properties": [{"name": "rustc:commit", "value": commit}],
    });
    Ok((purl, component))
}

/// What a command prints.
fn said(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn print(bill: &Value) -> Outcome<()> {
    writeln!(io::stdout(), "{bill:#}")?;
    Ok(())
}
