//! What `up` ends with: only addresses that have answered, one line of purpose each, then what to try.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::bail;
use stack::layout::Layout;
use stack::probe::{Probe, http_get};
use stack::settings::Settings;

use super::say;
use super::status;

/// The load balancer sees a ready replica within its check's second.
const BALANCED: Duration = Duration::from_secs(15);
/// The generator reads the topic to its end before it begins, about 1 s; without one it is left out of the examples.
const FIRST_PRODUCT: Duration = Duration::from_secs(8);

pub(crate) fn print(layout: &Layout, settings: &Settings) -> anyhow::Result<()> {
    let deadline = Instant::now() + BALANCED;
    while !answers(settings.port, "/readyz") {
        if Instant::now() > deadline {
            bail!("the load balancer finds no replica:\n{}", layout.log_tail("haproxy", 8));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let product = some_product(settings).unwrap_or_else(|| "<product id>".to_owned());
    say(&format!("\n{}{}", where_is_what(settings), what_to_try(settings, &product).trim_end()));
    Ok(())
}

/// A product to name in an example; a new stack has one when the generator's first change has come through.
fn some_product(settings: &Settings) -> Option<String> {
    let deadline = Instant::now() + FIRST_PRODUCT;
    loop {
        let product = status::any_product(settings);
        if product.is_some() || Instant::now() > deadline {
            return product;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn answers(port: u16, path: &str) -> bool {
    http_get(port, path, Duration::from_secs(2)).is_ok_and(|answer| answer.status == 200)
}

fn where_is_what(settings: &Settings) -> String {
    let mut text = format!(
        "Shelfwire is up: {} replicas, {} products, rate {}\n\n",
        settings.replicas, settings.products, settings.rate
    );
    let mut line = |answered: bool, address: &str, purpose: &str| {
        if answered {
            let _infallible = writeln!(text, "  {address:<48} {purpose}");
        }
    };
    let web = |port| format!("http://localhost:{port}");
    line(true, &web(settings.port), "the dashboard; also API, /ws and /sse, by the load balancer");
    for n in 1..=settings.replicas {
        let port = settings.gateway_port(n);
        line(answers(port, "/readyz"), &web(port), &format!("replica gw{n} alone"));
    }
    line(answers(settings.stats_port, "/"), &web(settings.stats_port), "the load balancer's own page");
    for (port, _) in settings.cluster().nodes {
        line(Probe::Kafka.passes(port), &format!("127.0.0.1:{port}"), "Kafka (make topic)");
    }
    line(Probe::Postgres.passes(settings.pg_port), &settings.database_url(), "PostgreSQL (make psql)");
    line(Probe::Redis.passes(settings.redis_port), &settings.redis_url(), "Redis (make redis)");
    text
}

fn what_to_try(settings: &Settings, product: &str) -> String {
    let url =
        if settings.port == 8080 { String::new() } else { format!(" http://localhost:{}", settings.port) };
    let echo = format!("node web-clients/echo.js{url}");
    let change = format!("make change ID={product} PRICE=499 STOCK=3");
    let lines = [
        (echo.as_str(), "every change, as it comes"),
        (change.as_str(), ""),
        ("make kill-replica N=2", "SIGKILL one replica: no screen misses a change"),
        ("make status", "which replica holds which partitions"),
        ("make scale REPLICAS=3", ""),
        ("make down", "stop; the data is kept"),
    ];
    lines.iter().fold("\nTry:\n".to_owned(), |text, (command, purpose)| {
        text + format!("  {command:<48} {purpose}").trim_end() + "\n"
    })
}
