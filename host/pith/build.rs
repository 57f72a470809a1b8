//! Takes the built plugins into the binary: every `*.wasm` in `plugins` below the target
//! folder, or in the folder that `PITH_EMBED_DIR` names.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=PITH_EMBED_DIR");
    let folder = env::var_os("PITH_EMBED_DIR").map_or_else(built_plugins, PathBuf::from);
    if !folder.is_dir() {
        println!(
            "cargo::warning=there are no plugins in {}: this binary brings none; run: make plugins",
            folder.display()
        );
        println!("cargo::rerun-if-changed={}", folder.display());
        write(&[]);
        return;
    }
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut plugins: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", folder.display()))
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .collect();
    plugins.sort();
    for plugin in &plugins {
        println!("cargo::rerun-if-changed={}", plugin.display());
    }
    write(&plugins);
}

/// Where `make plugins` puts them: beside the profiles in the target folder, which is four
/// folders above this script's own.
fn built_plugins() -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR for build scripts"));
    out.ancestors()
        .nth(4)
        .map_or_else(PathBuf::new, |target| target.join("plugins"))
}

fn write(plugins: &[PathBuf]) {
    let mut text = String::from("&[\n");
    for path in plugins {
        let name = path
            .file_stem()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "    ({name:?}, include_bytes!({:?})),",
            path.display().to_string()
        );
    }
    text.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&out).join("embedded.rs"), text).expect("OUT_DIR can be written");
}
