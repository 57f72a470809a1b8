//! Fetches one file by its address into the store.

use pith_db::remote::Settings;
use pith_storage::{Expected, Incoming};

use crate::Services;
use crate::error::{Code, Result};
use crate::fetch::{Client, Request, parse_url};
use crate::staging::store_body;

/// The largest file that is fetched when its size was not announced: 1 TiB.
pub const LARGEST: u64 = 1 << 40;

/// Fetches the file at the settings' own `url`, which may not be larger; tries again when a body breaks off.
pub async fn fetch_file(
    services: &Services,
    settings: &Settings,
    expected: &Expected,
    largest: u64,
) -> Result<Incoming> {
    let client = Client::with_settings(services, settings)?;
    let url = parse_url(&settings.url)?;
    let mut attempt = 0;
    loop {
        let mut request = Request::get(url.clone(), expected.size.unwrap_or(largest));
        request.size = expected.size;
        let result = async {
            let body = client.open(request).await?;
            store_body(services, expected, body, &url).await
        }
        .await;
        match result {
            Err(error) if error.code == Code::Unavailable && attempt < client.retries() => {
                client.pause(attempt, None).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}
