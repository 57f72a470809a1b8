//! Temporary measurements.
use std::time::{Duration, Instant};
use pith_plugin::*;
use crate::house::{House, components};
fn rss() -> String {
    let s = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    s.lines().filter(|l| l.starts_with("Rss") || l.starts_with("Pss:")).map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measure"]
async fn measure() {
    components();
    println!("before {}", rss());
    let t = Instant::now();
    let engine = if std::env::var("ONDEMAND").is_ok() { Engine::on_demand().unwrap() } else { Engine::start().unwrap() };
    println!("engine {:?} in {:?} {}", engine.allocation(), t.elapsed(), rss());
    let dir = std::env::var("CODE").unwrap_or("/tmp/pith-code-measure".into());
    let t = Instant::now();
    let cache = Cache::open(&dir, &engine).unwrap();
    let loader = Loader::new(engine.clone(), cache).unwrap();
    println!("loader in {:?} {}", t.elapsed(), rss());
    for p in std::env::var("LOAD").unwrap_or("file".into()).split(',') {
        let p = if p.contains('/') { p.into() } else { components().join(format!("{p}.wasm")) };
        for _ in 0..3 {
            let t = Instant::now();
            match loader.load_file(&p, Limits::default()).await { Ok(g) => println!("load {g:?} in {:?} {}", t.elapsed(), rss()), Err(e) => println!("{e} in {:?}", t.elapsed()) }
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("idle {}", rss());
    drop(loader);
    let house = House::start().await;
    let h = house.plugin("hostile").await;
    for n in [100u32, 2000] {
        let t = Instant::now();
        for _ in 0..n { house.bare(&h).await; }
        println!("{n} bare calls: {:?} each", t.elapsed() / n);
    }
    for b in ["loop","memory"] {
        let limits = Limits { cpu: Duration::from_secs(1), ..Limits::default() };
        let h = house.plugin_with("hostile", limits).await;
        let t = Instant::now();
        let r = house.misbehave(&h, b).await;
        println!("{b} {:?} {:#?} {}", t.elapsed(), r.map(|s| s.added), rss());
    }
    let h = std::sync::Arc::new(house);
    let mut js = vec![];
    for _ in 0..6 { let (h, p) = (h.clone(), h.plugin_with("hostile", Limits { cpu: Duration::from_secs(1), ..Limits::default() }).await); js.push(tokio::spawn(async move { let t = Instant::now(); h.misbehave(&p, "loop").await.unwrap_err(); t.elapsed() })); }
    let mut worst = Duration::ZERO;
    for _ in 0..100 { let t = Instant::now(); tokio::time::sleep(Duration::from_millis(10)).await; worst = worst.max(t.elapsed()); }
    for j in js { println!("loop took {:?}", j.await.unwrap()); }
    println!("worst 10 ms timer beside 6 loops {worst:?}");
    println!("end {}", rss());
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measure"]
async fn python() {
    let house = House::start().await;
    println!("start {}", rss());
    for name in ["/tmp/cpy-plugin/wasi"] {
        for _ in 0..2 {
            let t = Instant::now();
            match house.loader.load_file(std::path::Path::new(&format!("{name}.wasm")), Limits::default()).await {
                Ok(_) => println!("{name} {:?} {}", t.elapsed(), rss()), Err(e) => { println!("{e} {:?}", t.elapsed()); }
            }
        }
    }
    let p = house.plugin("/tmp/cpy-plugin/wasi").await;
    for b in ["ok", "ok", "raise", "exit"] {
        let t = Instant::now();
        let cancel = tokio_util::sync::CancellationToken::new();
        if b == "sleep" { let c = cancel.clone(); tokio::spawn(async move { tokio::time::sleep(Duration::from_millis(200)).await; c.cancel() }); }
        let r = house.sync_until(&p, "http://127.0.0.1:9/", serde_json::json!({"behaviour": b}), cancel).await;
        println!("{b} {:?} {:#?} {}", t.elapsed(), r.map(|s| s.added), rss());
    }
}
