//! What a component asks for, read before anything of it is compiled.

use wasmparser::{ComponentTypeRef, Encoding, Parser, Payload};

use crate::gate::{Gate, Refused};

/// The version of the contract in `wit/`.
pub const CONTRACT: &str = "0.1.0";

/// What a component's imports ask of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Nothing but the contract.
    Contract,
    /// An empty WASI beside it.
    Wasi,
}

/// What a component imports, allowed as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Imports {
    pub(crate) wants: Wants,
    /// The interfaces, by name.
    pub(crate) names: Vec<String>,
}

/// Passes the gates `component` and `imports`.
pub(crate) fn check(bytes: &[u8]) -> Result<Imports, Refused> {
    let mut wants = Wants::Contract;
    let mut names = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| Gate::Component.refuses(not_wasm(bytes, &error)))?;
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => {
                return Err(Gate::Component.refuses(
                    "it is a core module and not a component; link it with `wasm-component-ld`, \
                     or make a component of it with `wasm-tools component new`",
                ));
            }
            // Modules and components inside get their imports from the component itself.
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import =
                        import.map_err(|error| Gate::Component.refuses(not_wasm(bytes, &error)))?;
                    if check_import(import.name.name, import.ty)? == Wants::Wasi {
                        wants = Wants::Wasi;
                    }
                    if matches!(import.ty, ComponentTypeRef::Instance(_)) {
                        names.push(import.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Imports { wants, names })
}

fn not_wasm(bytes: &[u8], error: &wasmparser::BinaryReaderError) -> String {
    if bytes.starts_with(b"\0asm") {
        format!("it is not a whole WebAssembly component: {error}")
    } else {
        "it is not WebAssembly: it does not begin with the bytes 00 61 73 6d".into()
    }
}

fn check_import(name: &str, kind: ComponentTypeRef) -> Result<Wants, Refused> {
    match kind {
        ComponentTypeRef::Instance(_) => {}
        // A name for a type of its own or of an instance; it gives nothing.
        ComponentTypeRef::Type(_) => return Ok(Wants::Contract),
        _ => return Err(foreign(name)),
    }
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let Some((package, _)) = interface.split_once('/') else {
        return Err(foreign(name));
    };
    match package {
        "pith:plugin" if is_ours(version) => Ok(Wants::Contract),
        "pith:plugin" => Err(Gate::Imports.refuses(format!(
            "it imports `{name}`, but this server speaks version {CONTRACT} of the contract; \
             build the plugin with the SDK of that version"
        ))),
        "wasi:http" => Err(Gate::Imports.refuses(format!(
            "it imports `{name}`; a plugin has no network of its own and opens URLs through its remote"
        ))),
        _ if package.starts_with("wasi:") && version.starts_with("0.2.") => Ok(Wants::Wasi),
        _ => Err(foreign(name)),
    }
}

/// The same line of versions: the first number, or the first two while the first is 0.
fn is_ours(version: &str) -> bool {
    fn line(version: &str) -> Option<&str> {
        let first = version.find('.')?;
        if &version[..first] != "0" {
            return Some(&version[..first]);
        }
        let second = first + 1 + version[first + 1..].find('.')?;
        Some(&version[..second])
    }
    line(version).is_some() && line(version) == line(CONTRACT)
}

fn foreign(name: &str) -> Refused {
    Gate::Imports.refuses(format!(
        "it imports `{name}`, which no plugin is given; it may import `pith:plugin` {CONTRACT} and, \
         if it must, WASI 0.2"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    /// A component that has an empty type of instance and imports one of it.
    fn importing(name: &str) -> Vec<u8> {
        let mut bytes = COMPONENT.to_vec();
        // Section 7, types: one, an instance type (42) of no declarations.
        bytes.extend([7, 3, 1, 0x42, 0]);
        // Section 10, imports: one, by plain name (00), an instance (05) of type 0.
        let length = u8::try_from(name.len()).expect("a short name");
        bytes.extend([10, length + 5, 1, 0, length]);
        bytes.extend(name.as_bytes());
        bytes.extend([5, 0]);
        bytes
    }

    fn wants(bytes: &[u8]) -> Result<Wants, Refused> {
        check(bytes).map(|imports| imports.wants)
    }

    fn refusal(bytes: &[u8]) -> (Gate, String) {
        let refused = check(bytes).expect_err("refused");
        (refused.gate, refused.reason)
    }

    #[test]
    fn only_components_pass() {
        assert_eq!(wants(COMPONENT), Ok(Wants::Contract));
        let (gate, reason) = refusal(b"\0asm\x01\0\0\0");
        assert_eq!(gate, Gate::Component);
        assert!(reason.contains("core module"), "{reason}");
        let (gate, reason) = refusal(b"\x7fELF, perhaps");
        assert_eq!(gate, Gate::Component);
        assert!(reason.contains("not WebAssembly"), "{reason}");
        assert_eq!(refusal(b"").0, Gate::Component);
        assert_eq!(refusal(&importing("a:b/c@1.0.0")[..20]).0, Gate::Component);
    }

    #[test]
    fn only_the_contract_and_wasi_may_be_imported() {
        for good in ["pith:plugin/log@0.1.0", "pith:plugin/host@0.1.7"] {
            assert_eq!(wants(&importing(good)), Ok(Wants::Contract), "{good}");
        }
        assert_eq!(wants(&importing("wasi:io/poll@0.2.3")), Ok(Wants::Wasi));
        let imports = check(&importing("wasi:io/poll@0.2.3")).expect("allowed");
        assert_eq!(imports.names, ["wasi:io/poll@0.2.3"]);
        for bad in [
            "pith:plugin/log@0.2.0",
            "pith:plugin/log@1.0.0",
            "pith:plugin/log",
            "wasi:http/types@0.2.3",
            "wasi:io/poll@0.3.0",
            "demo:own/thing@0.1.0",
            "thing",
        ] {
            let (gate, reason) = refusal(&importing(bad));
            assert_eq!(gate, Gate::Imports, "{bad}");
            assert!(reason.contains(bad), "{reason}");
        }
    }
}
