//! The upstream that comes with the project: mirrored as the README does it.

use std::path::PathBuf;

use anyhow::Result;
use pith_tests::upstream::{Manifest, ManifestLine, Upstream};
use pith_tests::{Test, on_both_databases};

on_both_databases!(the_sample_is_mirrored_and_served);

async fn the_sample_is_mirrored_and_served(test: Test) -> Result<()> {
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/sample");
    let manifest = std::fs::read_to_string(sample.join("PULP_MANIFEST"))?;
    let manifest = Manifest::parse(&manifest)?.sorted();
    let server = test.start().await?;
    let upstream = Upstream::start_with_directory(sample).await?;
    server
        .api()
        .mirrored("sample", &upstream.url("/PULP_MANIFEST"), "immediate")
        .await?;
    assert!(manifest.0.len() >= 5);
    for line in &manifest.0 {
        let bytes = server.fetch_bytes(&format!("sample/{}", line.path)).await?;
        assert_eq!(ManifestLine::of(line.path.clone(), &bytes), *line);
    }
    Ok(())
}
