//! `kill -9` between and within chunks: the sender goes on from the offset that it is told.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pith_tests::upstream::sha256_hex;
use pith_tests::{Sending, Test, TestServer, on_both_databases, verify_stored_artifacts};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tokio::time::sleep;

on_both_databases!(a_killed_server_knows_what_it_answered);

const SIZE: usize = 3_000_000;

/// How many kills: few each time, two hundred on each database in `make test-all`.
fn rounds() -> u64 {
    let given = std::env::var("PITH_TEST_KILLS");
    given
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .map_or(6, |rounds: u64| rounds * 2)
}

async fn a_killed_server_knows_what_it_answered(test: Test) -> Result<()> {
    let given = std::env::var("PITH_TEST_SEED");
    let seed: u64 = given
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    println!("to repeat these moments: PITH_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = test.start().await?;
    for round in 0..rounds() {
        let mut bytes = vec![0; SIZE];
        random.fill(&mut bytes[..]);
        let first = random.random_range(0..200_000);
        let mut sending = server.api().begin_upload(&bytes[..first]).await?;
        let killed_at = random.random_range(0..8);
        for chunk in 0.. {
            let from = usize::try_from(sending.offset)?;
            if from == SIZE {
                break;
            }
            let to = (from + random.random_range(1..700_000)).min(SIZE);
            if chunk == killed_at {
                let moment = Duration::from_micros(random.random_range(0..6000));
                sending = killed(&mut server, &sending, &bytes[from..to], moment)
                    .await
                    .with_context(|| format!("round {round}, killed after {moment:?}"))?;
            } else {
                sending = server.api().send_next(&sending, &bytes[from..to]).await?;
            }
        }
        let key = json!({
            "relative_path": format!("{round}.bin"), "sha256": sha256_hex(&bytes),
        });
        let task = server.api().import(&sending.id, key).await?;
        task.completed().with_context(|| format!("round {round}"))?;
    }
    let stored = verify_stored_artifacts(server.data_directory())?;
    assert_eq!(stored as u64, rounds());
    Ok(())
}

/// Kills the server while it receives a chunk, and asks where to go on.
async fn killed(
    server: &mut TestServer,
    sending: &Sending,
    chunk: &[u8],
    moment: Duration,
) -> Result<Sending> {
    let (api, id, offset) = (server.api().clone(), sending.id.clone(), sending.offset);
    let bytes = chunk.to_vec();
    let sender = tokio::spawn(async move { api.send_chunk(&id, offset, &bytes).await });
    sleep(moment).await;
    server.kill_hard().await?;
    let answered = sender.await?.is_ok_and(|reply| reply.status() == 200);
    server.restart().await?;
    let told = server.api().ask_offset(&sending.id).await?;
    let end = offset + chunk.len() as u64;
    ensure!(
        told.offset == end || (told.offset == offset && !answered),
        "{told:?} was told after {offset}..{end} (answered: {answered})"
    );
    Ok(told)
}
