//! Our own two programs: the gateway's replicas `gw1` … and the generator, told by environment variables where all is.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::Signal;

use crate::layout::{Layout, stamp};
use crate::probe::Probe;
use crate::service::{Restart, Service, Tier};
use crate::settings::Settings;

/// Places that the load balancer has.
pub const MOST_REPLICAS: u16 = 6;

/// A replica drains within 10 s; two more before it is killed.
const GRACE: Duration = Duration::from_secs(12);

/// The replicas and the generator.
pub fn services(layout: &Layout, settings: &Settings) -> anyhow::Result<Vec<Service>> {
    let mut all =
        (1..=settings.replicas).map(|n| gateway(layout, settings, n)).collect::<Result<Vec<_>, _>>()?;
    all.push(generator(layout, settings)?);
    Ok(all)
}

fn gateway(layout: &Layout, settings: &Settings, n: u16) -> anyhow::Result<Service> {
    let name = format!("gw{n}");
    let port = settings.gateway_port(n);
    let env = [
        ("SHELFWIRE_REPLICA", name.clone().into()),
        ("SHELFWIRE_LISTEN", format!("127.0.0.1:{port}").into()),
        ("SHELFWIRE_KAFKA", settings.kafka().into()),
        ("SHELFWIRE_DATABASE_URL", settings.database_url().into()),
        ("SHELFWIRE_REDIS_URL", settings.redis_url().into()),
        ("SHELFWIRE_ADMIN_TOKEN_FILE", token_file(layout).into()),
    ];
    let port = Some((port, "GATEWAY_PORT".to_owned()));
    // A drained replica ends with 0 and stays away until somebody wants it back.
    app(layout, settings, "gateway", name, &env, port, Probe::Http("/readyz"), Restart::OnFailure)
}

fn generator(layout: &Layout, settings: &Settings) -> anyhow::Result<Service> {
    let env = [
        ("SHELFWIRE_KAFKA", settings.kafka().into()),
        ("SHELFWIRE_RATE", settings.rate.clone().into()),
        ("SHELFWIRE_PRODUCTS", settings.products.to_string().into()),
        ("SHELFWIRE_PHOTOS", "true".into()),
        ("SHELFWIRE_GATEWAY", format!("http://127.0.0.1:{}", settings.port).into()),
        ("SHELFWIRE_ADMIN_TOKEN_FILE", token_file(layout).into()),
        // as in a real shop few products change often: whoever looks at these sees prices move at once
        ("SHELFWIRE_ZIPF", "1".into()),
    ];
    app(layout, settings, "generator", "generator".to_owned(), &env, None, Probe::Alive, Restart::Always)
}

#[expect(clippy::too_many_arguments, reason = "a private helper that only keeps two literals from repeating")]
fn app(
    layout: &Layout,
    settings: &Settings,
    program: &str,
    name: String,
    env: &[(&str, OsString)],
    port: Option<(u16, String)>,
    probe: Probe,
    restart: Restart,
) -> anyhow::Result<Service> {
    let program = settings.binary(program);
    let built = stamp(&program).with_context(|| format!("{} is not built", program.display()))?;
    Ok(Service {
        program,
        args: Vec::new(),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        dir: layout.proc_dir(&name)?,
        user: None,
        port,
        probe,
        stop: Signal::SIGTERM,
        grace: GRACE,
        tier: Tier::App,
        restart,
        made_of: Some(built),
        name,
    })
}

/// The file that holds the admin token.
pub fn token_file(layout: &Layout) -> PathBuf {
    layout.path("admin-token")
}

/// Makes the admin token once; only its owner can read it.
pub fn prepare(layout: &Layout) -> anyhow::Result<()> {
    use std::io::{Read, Write};
    use std::os::unix::fs::OpenOptionsExt;
    let file = token_file(layout);
    if file.exists() {
        return Ok(());
    }
    let mut random = [0_u8; 24];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let token = random.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let mut fresh = fs::File::options().create_new(true).write(true).mode(0o600).open(&file)?;
    writeln!(fresh, "{token}").with_context(|| format!("writing {}", file.display()))
}
