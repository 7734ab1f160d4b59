//! The program of drills: `drill --minutes 3 --seed 7`; exit code 1 when an invariant was violated, 2 when it
//! could not be played.

use std::process::ExitCode;

use clap::Parser as _;
use drills::drill::{Args, run};

// the thread that starts children must outlive them: this one does
#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
