//! Collections as `ansible-galaxy` builds them, and how they go wrong.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// A collection in the making; each step can be spoilt.
struct Made {
    manifest: Value,
    files: Vec<(String, Vec<u8>)>,
    /// Listed in `FILES.json` beside the files that are there.
    listed: Vec<Value>,
    /// There without being listed.
    beyond: Vec<(String, Vec<u8>)>,
    order: [&'static str; 2],
}

fn made() -> Made {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    Made {
        manifest: json!({"collection_info": {
            "namespace": "zoo", "name": "birds", "version": "1.2.0-rc.1",
            "authors": ["Ada <ada@example.org>"], "readme": "README.md", "tags": ["zoo"],
            "description": "All birds", "license": ["MIT"], "license_file": null,
            "dependencies": {"zoo.base": ">=1.0.0"}, "repository": "https://example.org/src",
            "documentation": null, "homepage": null, "issues": "https://example.org/issues",
        }, "format": 1}),
        files: vec![
            file("README.md", "# Birds\n"),
            file("meta/runtime.yml", "---\nrequires_ansible: '>=2.15.0'\n"),
            file(
                "plugins/modules/owl.py",
                "DOCUMENTATION = '''\nshort_description: Hoots\n'''\n",
            ),
            file("roles/nest/tasks/main.yml", "[]\n"),
            file("roles/nest/README.md", "Builds *nests*\n"),
            file("docs/guide.md", "Guide\n"),
            file("docs/image.png", "\u{0}"),
        ],
        listed: Vec::new(),
        beyond: Vec::new(),
        order: [MANIFEST, FILES],
    }
}

impl Made {
    fn pack(mut self) -> Vec<u8> {
        let mut listed = vec![json!({"name": ".", "ftype": "dir", "chksum_type": null,
            "chksum_sha256": null, "format": 1})];
        for (path, bytes) in &self.files {
            let digest = hex::encode(Sha256::digest(bytes));
            listed.push(
                json!({"name": path, "ftype": "file", "chksum_type": "sha256",
                "chksum_sha256": digest, "format": 1}),
            );
        }
        listed.append(&mut self.listed);
        let files = json!({"files": listed, "format": 1}).to_string();
        if self.manifest["file_manifest_file"].is_null() {
            self.manifest["file_manifest_file"] = json!({"name": FILES, "ftype": "file",
                "chksum_type": "sha256", "format": 1,
                "chksum_sha256": hex::encode(Sha256::digest(files.as_bytes()))});
        }
        let manifest = serde_json::to_string_pretty(&self.manifest).expect("JSON");
        let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut put = |path: &str, bytes: &[u8]| {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::Regular);
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, bytes).expect("memory");
        };
        for name in self.order {
            match name {
                MANIFEST => put(MANIFEST, manifest.as_bytes()),
                FILES => put(FILES, files.as_bytes()),
                _ => {}
            }
        }
        for (path, bytes) in self.files.iter().chain(&self.beyond) {
            put(path, bytes);
        }
        let gzip = tar.into_inner().expect("memory");
        gzip.finish().expect("memory")
    }

    fn read(self) -> Result<Value> {
        let bytes = self.pack();
        let found = read(bytes.as_slice(), bytes.len() as u64, "00".into(), |_| {})?;
        Ok(serde_json::to_value(&found).expect("JSON"))
    }

    fn refusal(self) -> String {
        self.read().expect_err("refused").to_string()
    }
}

#[test]
fn a_collection_says_what_it_is() {
    let found = made().read().expect("sound");
    for (field, expected) in [
        ("namespace", json!("zoo")),
        ("name", json!("birds")),
        ("version", json!("1.2.0-rc.1")),
        ("version_order", json!("0011.0012.0010.-1rc!00011!")),
        ("precedence", json!("00011.0012.0010.-1rc!00011!")),
        ("sha256", json!("00")),
        ("authors", json!(["Ada <ada@example.org>"])),
        ("dependencies", json!({"zoo.base": ">=1.0.0"})),
        ("description", json!("All birds")),
        ("documentation", json!("")),
        ("homepage", json!("")),
        ("issues", json!("https://example.org/issues")),
        ("license", json!(["MIT"])),
        ("origin_repository", json!("https://example.org/src")),
        ("tags", json!([{"name": "zoo"}])),
        ("requires_ansible", json!(">=2.15.0")),
        (
            "contents",
            json!([
                {"name": "owl", "content_type": "module", "description": "Hoots"},
                {"name": "nest", "content_type": "role", "description": null},
            ]),
        ),
    ] {
        assert_eq!(found[field], expected, "{field}");
    }
    assert_eq!(found["manifest"]["collection_info"]["name"], "birds");
    assert_eq!(found["files"]["files"][0]["name"], ".");
    let docs = &found["docs_blob"];
    assert_eq!(docs["collection_readme"]["html"], "<h1>Birds</h1>\n");
    assert_eq!(
        docs["documentation_files"],
        json!([{"name": "guide.md", "html": "<p>Guide</p>\n"}])
    );
    assert_eq!(
        docs["contents"][1]["readme_html"],
        "<p>Builds <em>nests</em></p>\n"
    );
}

#[test]
fn the_fields_are_those_of_the_content_type() {
    let found = made().read().expect("sound");
    let kinds = crate::content_types::all();
    let schema: Value = serde_json::from_str(&kinds[0].fields).expect("JSON");
    let declared = schema["properties"].as_object().expect("an object").keys();
    let given = found.as_object().expect("an object").keys();
    assert!(declared.eq(given), "{found}");
}

#[test]
fn the_order_of_the_members_is_free() {
    let mut late = made();
    late.order = [FILES, MANIFEST];
    assert!(late.read().is_ok());
}

#[test]
fn without_its_lists_it_is_no_collection() {
    for (order, missing) in [([FILES, ""], MANIFEST), ([MANIFEST, ""], FILES)] {
        let mut collection = made();
        collection.order = order;
        let error = collection.refusal();
        assert_eq!(error, format!("the archive has no file {missing}"));
    }
}

#[test]
fn what_differs_from_its_list_is_named() {
    let mut other = made();
    other.listed.push(
        json!({"name": "extra.py", "ftype": "file", "chksum_type": "sha256",
        "chksum_sha256": "00".repeat(32)}),
    );
    other.beyond.push(("extra.py".into(), b"x".to_vec()));
    let error = other.refusal();
    assert!(
        error.contains("\"extra.py\"") && error.contains("SHA-256"),
        "{error}"
    );

    let mut missing = made();
    missing
        .listed
        .push(json!({"name": "gone.py", "ftype": "file"}));
    let error = missing.refusal();
    assert!(
        error.contains("\"gone.py\", which the archive does not have"),
        "{error}"
    );

    let mut beyond = made();
    beyond.beyond.push(("beyond.py".into(), b"x".to_vec()));
    let error = beyond.refusal();
    assert!(
        error.contains("\"beyond.py\" of the archive is not listed"),
        "{error}"
    );

    let mut lying = made();
    lying.manifest["file_manifest_file"] = json!({"name": FILES, "chksum_type": "sha256",
        "chksum_sha256": "11".repeat(32)});
    let error = lying.refusal();
    assert!(
        error.contains("\"FILES.json\" of the archive has the SHA-256"),
        "{error}"
    );
}

#[test]
fn lists_have_bounds() {
    let mut long = made();
    long.manifest["x"] = "x".repeat(1 << 20).into();
    let error = long.refusal();
    assert!(
        error.starts_with("MANIFEST.json in the archive has 10"),
        "{error}"
    );
    assert!(error.ends_with("at most 1048576 are taken"), "{error}");
}

#[test]
fn long_documents_are_left_out() {
    let mut long = made();
    long.files[0].1 = vec![b'x'; (1 << 20) + 1];
    let found = long.read().expect("sound");
    assert_eq!(found["docs_blob"]["collection_readme"]["html"], "");
    assert_eq!(found["description"], "All birds");
}
