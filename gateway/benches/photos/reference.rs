//! What the gateway is held against: the same HTTP server with a handler that gets bytes from Redis and sends them.
//!
//! It runs in a process of its own, as the gateway does. Like the gateway it has one connection to Redis, on which the
//! commands of all requests travel together.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use actix_web::error::ErrorServiceUnavailable;
use actix_web::{App, Error, HttpResponse, HttpServer, web};
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{self, AsyncCommands as _};

use crate::processes::Running;
use crate::replica::{read_addr, until};

/// What this program is told when it is to be the reference.
#[derive(Debug, clap::Args)]
pub(crate) struct Task {
    /// Redis to read from.
    #[arg(long, hide = true, requires = "addr_file")]
    serve_from: Option<String>,
    /// Where to write the address.
    #[arg(long, hide = true)]
    addr_file: Option<PathBuf>,
}

/// The reference, running.
pub(crate) struct Reference {
    running: Running,
    pub(crate) addr: std::net::SocketAddr,
}

/// Where the reference finds a product's bytes.
pub(crate) fn key(product: &str) -> String {
    format!("reference:{product}")
}

impl Reference {
    /// Starts this program once more, to be the reference.
    pub(crate) fn start(servers: &stack::Private, workers: usize) -> anyhow::Result<Self> {
        let addr_file = servers.folder().join("reference.addr");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--bench", "--workers", &workers.to_string(), "--serve-from", &servers.redis_url()]);
        command.arg("--addr-file").arg(&addr_file).stdin(Stdio::null());
        stack::child::tie_to_us(&mut command);
        let running = Running::start(command)?;
        let addr = until("the reference serves", || read_addr(&addr_file))?;
        Ok(Self { running, addr })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }
}

impl Task {
    /// Is the reference until the process is killed, if it is meant to; returns whether it was.
    pub(crate) fn serve(&self, workers: usize) -> anyhow::Result<bool> {
        let (Some(redis_url), Some(addr_file)) = (&self.serve_from, &self.addr_file) else {
            return Ok(false);
        };
        actix_web::rt::System::new().block_on(serve(redis_url, addr_file, workers))?;
        Ok(true)
    }
}

async fn serve(redis_url: &str, addr_file: &Path, workers: usize) -> anyhow::Result<()> {
    let connection = redis::Client::open(redis_url)?.get_multiplexed_async_connection().await?;
    let connection = web::Data::new(connection);
    let server = HttpServer::new(move || {
        App::new().app_data(connection.clone()).route("/products/{id}/photo", web::get().to(photo))
    });
    let server = server.workers(workers).bind(("127.0.0.1", 0))?;
    let addr = server.addrs().first().map(ToString::to_string).unwrap_or_default();
    // whole at once: its parent may read it at any moment
    let half = addr_file.with_extension("part");
    std::fs::write(&half, addr)?;
    std::fs::rename(&half, addr_file)?;
    Ok(server.run().await?)
}

async fn photo(
    id: web::Path<String>,
    redis: web::Data<MultiplexedConnection>,
) -> Result<HttpResponse, Error> {
    let mut redis = MultiplexedConnection::clone(&redis);
    let bytes: Vec<u8> = redis.get(key(&id)).await.map_err(ErrorServiceUnavailable)?;
    Ok(HttpResponse::Ok().content_type("image/png").body(bytes))
}
